// SPDX-License-Identifier: MIT
#include "dll/fuse/file_system.h"

#include <algorithm>
#include <cstdlib>
#include <type_traits>

#include "dll/fuse/system.h"
#include "nt/text.h"

static_assert(std::is_trivially_copyable_v<fuse>);

namespace fsp::winfuse {

const WCHAR* reason_of(NTSTATUS status)
{
    switch (status) {
    case STATUS_ACCESS_DENIED:
        return FSP_L("access denied");
    case STATUS_NO_SUCH_DEVICE:
        return FSP_L("the file system driver is not installed");
    case STATUS_OBJECT_NAME_INVALID:
        return FSP_L("the mount point cannot exist");
    case STATUS_OBJECT_NAME_COLLISION:
        return FSP_L("the mount point is in use");
    default:
        return FSP_L("the driver refuses");
    }
}

namespace {

constexpr unsigned default_file_info_timeout = 1000; // ms

bool open_log(const Options& options)
{
    if (options.debug == 0 || options.debug_log == nullptr)
        return true;
    const HANDLE log = system::open_log(options.debug_log);
    if (log == INVALID_HANDLE_VALUE) {
        say(EVENTLOG_ERROR_TYPE, FSP_L("fuse: the file of DebugLog= cannot be opened."));
        return false;
    }
    FspDebugLogSetHandle(log);
    return true;
}

bool preflight(const fuse& f)
{
    const bool automatic = f.mount_point[0] == '*' && f.mount_point[1] == 0;
    const NTSTATUS status = FspFileSystemPreflight(const_cast<PWSTR>(device_of(f)),
                                                   automatic ? nullptr : const_cast<PWSTR>(f.mount_point));
    if (NT_SUCCESS(status))
        return true;
    say(EVENTLOG_ERROR_TYPE, FSP_L("fuse: cannot mount at \"%s\": %s (Status=%lx, Win32 error %ld)."),
        f.mount_point, reason_of(status), status, FspWin32FromNtStatus(status));
    return false;
}

bool is_letter(WCHAR c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

/// A path for the mount manager.
bool is_manager_path(const WCHAR* text)
{
    return text[0] == '\\' && text[1] == '\\' && (text[2] == '?' || text[2] == '.') && text[3] == '\\' &&
           is_letter(text[4]) && text[5] == ':';
}

} // namespace

const WCHAR* device_of(const fuse& f)
{
    return f.options.volume_prefix[0] != 0 ? FSP_L("" FSP_FSCTL_NET_DEVICE_NAME)
                                           : FSP_L("" FSP_FSCTL_DISK_DEVICE_NAME);
}

void fill_params(const fuse& f, FSP_FSCTL_VOLUME_PARAMS* out)
{
    const Options& options = f.options;
    std::memset(out, 0, sizeof *out);
    out->Version = sizeof *out;
    out->SectorSize = options.sector_size;
    out->SectorsPerAllocationUnit =
        options.sectors_per_allocation_unit != 0 ? options.sectors_per_allocation_unit : 1;
    out->MaxComponentLength = options.max_component_length;
    out->VolumeCreationTime = static_cast<UINT64>(options.volume_creation_time);
    out->VolumeSerialNumber = static_cast<UINT32>(options.volume_serial_number);
    out->FileInfoTimeout = options.set_file_info_timeout ? static_cast<UINT32>(options.file_info_timeout)
                           : options.set_attr_timeout    ? static_cast<UINT32>(options.attr_timeout) * 1000
                                                         : default_file_info_timeout;
    out->DirInfoTimeoutValid = options.set_dir_info_timeout != 0;
    out->DirInfoTimeout = static_cast<UINT32>(options.dir_info_timeout);
    out->EaTimeoutValid = options.set_ea_timeout != 0;
    out->EaTimeout = static_cast<UINT32>(options.ea_timeout);
    out->VolumeInfoTimeoutValid = options.set_volume_info_timeout != 0;
    out->VolumeInfoTimeout = static_cast<UINT32>(options.volume_info_timeout);
    out->CaseSensitiveSearch = 1;
    out->CasePreservedNames = 1;
    out->PersistentAcls = 1;
    out->ReparsePoints = 1;
    out->PostCleanupWhenModifiedOnly = options.flush_on_cleanup == 0;
    out->PassQueryDirectoryFileName = 1;
    out->FlushAndPurgeOnCleanup = options.keep_file_cache == 0;
    out->DeviceControl = 1;
    out->UmFileContextIsUserContext2 = 1;
    out->UmNoReparsePointsDirCheck = 1;
    out->RejectIrpPriorToTransact0 = 1;
    out->SupportsPosixUnlinkRename = options.legacy_unlink_rename == 0;
    out->PostDispositionWhenNecessaryOnly = 1;
    std::memcpy(out->Prefix, options.volume_prefix, sizeof out->Prefix);
    if (options.file_system_name[0] != 0)
        std::memcpy(out->FileSystemName, options.file_system_name, sizeof out->FileSystemName);
    else
        std::memcpy(out->FileSystemName, FSP_L("FUSE"), 5 * sizeof(WCHAR));
}

bool parse_mount_point(const Env& env, const char* text, WCHAR (&out)[mount_point_capacity])
{
    if (text == nullptr || *text == 0 || std::strcmp(text, "*") == 0) {
        out[0] = '*';
        out[1] = 0;
        return true;
    }
    WCHAR wide[mount_point_capacity * 4];
    const auto convert = [&](const char* utf8) {
        const nt::TextResult result = nt::to_utf16(utf8, wide, std::size(wide) - 1, nt::TextMode::replace);
        wide[result.written] = 0;
        return result.fits;
    };
    if (!convert(text))
        return false;
    if (is_manager_path(wide)) {
        if (wide[6] == 0) {
            std::memcpy(out, wide, 7 * sizeof(WCHAR));
            return true;
        }
        std::memcpy(out, wide, 4 * sizeof(WCHAR));
        return system::full_path(wide + 4, out + 4, mount_point_capacity - 4);
    }
    if (is_letter(wide[0]) && wide[1] == ':' && wide[2] == 0) {
        std::memcpy(out, wide, 3 * sizeof(WCHAR));
        return true;
    }
    if (env.conv_to_win_path != nullptr) {
        char* const windows = env.conv_to_win_path(text);
        const bool converted = windows != nullptr && convert(windows);
        env.memfree(windows);
        if (!converted)
            return false;
    }
    return system::full_path(wide, out, mount_point_capacity);
}

fuse* make(Env* env, const WCHAR* mount_point, fuse_args* args, const fuse_operations* on, size_t size,
           void* data, void* handle)
{
    auto* f = static_cast<fuse*>(allocate(*env, sizeof(fuse)));
    if (f == nullptr)
        return nullptr;
    if (!take_options(env, args, &f->options)) {
        env->memfree(f);
        return nullptr;
    }
    f->env = *env;
    f->options.env = &f->env;
    std::memcpy(&f->on, on, std::min(size, sizeof f->on));
    f->private_data = data;
    f->handle = handle != nullptr ? handle : f;
    std::memcpy(f->mount_point, mount_point, sizeof f->mount_point);

    if (f->options.help != 0)
        print_core_help();
    if (f->options.version != 0)
        print_version();
    if (f->options.help == 0 && f->options.version == 0 && open_log(f->options) &&
        resolve_identities(&f->options) && preflight(*f))
        return f;
    destroy(f);
    return nullptr;
}

void destroy(fuse* f)
{
    release_options(&f->options);
    f->env.memfree(f);
}

} // namespace fsp::winfuse

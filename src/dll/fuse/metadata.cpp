// SPDX-License-Identifier: MIT
//
// What is known of volume and files, and changes of it.
#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"
#include "dll/fuse/security.h"
#include "nt/text.h"

namespace fsp::winfuse {
namespace {

/// utimens, or utime with whole seconds.
NTSTATUS set_times(const fuse& f, const char* path, const fuse_timespec (&times)[2])
{
    if (f.on.utimens != nullptr)
        return status_of(f.env, f.on.utimens(path, times));
    fuse_utimbuf seconds = {times[0].tv_sec, times[1].tv_sec};
    return status_of(f.env, f.on.utime(path, &seconds));
}

/// By letter case of ASCII alone, as FUSE programs compare.
bool differ_by_case_only(const char* a, const char* b)
{
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    for (; lower(*a) == lower(*b); ++a, ++b)
        if (*a == 0)
            return true;
    return false;
}

} // namespace

namespace native {

NTSTATUS get_volume_info(FSP_FILE_SYSTEM* fs, FSP_FSCTL_VOLUME_INFO* out)
{
    fuse& f = of(fs);
    fuse_statvfs info = {};
    if (f.on.statfs != nullptr)
        if (const int result = f.on.statfs("/", &info))
            return status_of(f.env, result);
    out->TotalSize = UINT64{info.f_blocks} * info.f_frsize;
    out->FreeSize = UINT64{info.f_bfree} * info.f_frsize;
    const size_t size = nt::length(f.options.volume_label) * sizeof(WCHAR);
    out->VolumeLabelLength = static_cast<UINT16>(size);
    std::memcpy(out->VolumeLabel, f.options.volume_label, size);
    return STATUS_SUCCESS;
}

NTSTATUS set_volume_label(FSP_FILE_SYSTEM*, PWSTR, FSP_FSCTL_VOLUME_INFO*)
{
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS get_file_info(FSP_FILE_SYSTEM* fs, PVOID context, FSP_FSCTL_FILE_INFO* out)
{
    return winfuse::get_file_info(of(fs), *static_cast<Handle*>(context), out);
}

NTSTATUS set_basic_info(FSP_FILE_SYSTEM* fs, PVOID context, UINT32 attributes, UINT64 created,
                        UINT64 accessed, UINT64 written, UINT64 changed, FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    const char* const path = handle.path();
    if (attributes != INVALID_FILE_ATTRIBUTES && f.wants(FSP_FUSE_CAP_STAT_EX) && f.on.chflags != nullptr)
        if (const int result = f.on.chflags(path, to_flags(attributes)))
            return status_of(f.env, result);

    if ((accessed != 0 || written != 0) && (f.on.utimens != nullptr || f.on.utime != nullptr)) {
        if (accessed == 0 || written == 0) {
            FSP_FSCTL_FILE_INFO now;
            const NTSTATUS status = winfuse::get_file_info(f, handle, &now);
            if (status != STATUS_SUCCESS)
                return status;
            accessed = accessed != 0 ? accessed : now.LastAccessTime;
            written = written != 0 ? written : now.LastWriteTime;
        }
        const NTSTATUS status = set_times(f, path, {to_unix_time(accessed), to_unix_time(written)});
        if (!NT_SUCCESS(status))
            return status;
    }
    const struct
    {
        UINT64 time;
        int (*set)(const char*, const fuse_timespec*);
    } others[] = {{created, f.on.setcrtime}, {changed, f.on.setchgtime}};
    for (const auto& other : others) {
        if (other.time == 0 || other.set == nullptr)
            continue;
        const fuse_timespec time = to_unix_time(other.time);
        if (const int result = other.set(path, &time))
            return status_of(f.env, result);
    }
    return winfuse::get_file_info(f, handle, out);
}

NTSTATUS rename(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PWSTR new_name, BOOLEAN replace)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (f.on.rename == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    OwnPath to;
    NTSTATUS status = to.from_windows(new_name);
    if (!NT_SUCCESS(status))
        return status;
    const char* const from = handle.path();
    Information target;
    status = get_information(f, to.get(), nullptr, &target);
    if (status == STATUS_SUCCESS) {
        const bool same = f.wants(FUSE_CAP_CASE_INSENSITIVE) && differ_by_case_only(from, to.get());
        if (!same && !replace)
            return STATUS_OBJECT_NAME_COLLISION;
        if (!same && (target.file.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
            return STATUS_ACCESS_DENIED;
    } else if (status != STATUS_OBJECT_NAME_NOT_FOUND && status != STATUS_OBJECT_PATH_NOT_FOUND)
        return status;
    if (const int result = f.on.rename(from, to.get()))
        return status_of(f.env, result);
    handle.set_path(to.get());
    return STATUS_SUCCESS;
}

NTSTATUS get_security(FSP_FILE_SYSTEM* fs, PVOID context, PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    fuse& f = of(fs);
    Information information;
    const NTSTATUS status = get_information(f, *static_cast<Handle*>(context), &information);
    return status == STATUS_SUCCESS ? get_descriptor(f, information, descriptor, size) : status;
}

NTSTATUS set_security(FSP_FILE_SYSTEM* fs, PVOID context, SECURITY_INFORMATION what,
                      PSECURITY_DESCRIPTOR change)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (f.on.chmod == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    Information before;
    NTSTATUS status = get_information(f, handle, &before);
    if (status != STATUS_SUCCESS)
        return status;
    Permissions after;
    status = apply_change(f, before, what, change, &after);
    if (!NT_SUCCESS(status))
        return status;
    if (after.mode != before.mode)
        if (const int result = f.on.chmod(handle.path(), after.mode))
            return status_of(f.env, result);
    if ((after.uid != before.uid || after.gid != before.gid) && f.on.chown != nullptr)
        if (const int result = f.on.chown(handle.path(), after.uid, after.gid))
            return status_of(f.env, result);
    return STATUS_SUCCESS;
}

} // namespace native
} // namespace fsp::winfuse

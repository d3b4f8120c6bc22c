// SPDX-License-Identifier: MIT
#include "dll/fuse/options.h"

#include <algorithm>
#include <cstdarg>
#include <cstdlib>
#include <string>

#if defined(_WIN32)
#include <sddl.h>
#endif

#include "dll/fuse/system.h"
#include "fuse/fuse_common.h"
#include "nt/text.h"

namespace fsp::winfuse {
namespace {

enum Key
{
    key_file_system_name = 1,
    key_exact_file_system_name,
    key_volume_label,
    key_volume_prefix,
    key_security,
    key_user_name,
    key_group_name,
    key_uid_map,
    key_debug_log,
};

#define STORE(templ, member, value) {templ, offsetof(Options, member), value}
/// "name=" tells that the option was given, and "name=%..." what.
#define STORE_BOTH(name, format, member) STORE(name "=", set_##member, 1), STORE(name "=" format, member, 0)
#define DISCARD(templ) FUSE_OPT_KEY(templ, FUSE_OPT_KEY_DISCARD)
/// The bare form is what everybody writes, the form with "=" what programs had to write once.
#define FLAG(name, member) STORE(name, member, 1), STORE(name "=", member, 1)

constexpr fuse_opt core_options[] = {
    STORE("-h", help, 1),
    FUSE_OPT_KEY("-h", FUSE_OPT_KEY_KEEP),
    STORE("--help", help, 1),
    FUSE_OPT_KEY("--help", FUSE_OPT_KEY_KEEP),
    STORE("-V", version, 1),
    FUSE_OPT_KEY("-V", FUSE_OPT_KEY_KEEP),
    STORE("--version", version, 1),
    FUSE_OPT_KEY("--version", FUSE_OPT_KEY_KEEP),
    STORE("-d", debug, 1),
    FUSE_OPT_KEY("-d", FUSE_OPT_KEY_KEEP),
    STORE("debug", debug, 1),
    FUSE_OPT_KEY("debug", FUSE_OPT_KEY_KEEP),
    FUSE_OPT_KEY("DebugLog=", key_debug_log),

    DISCARD("hard_remove"),
    DISCARD("use_ino"),
    DISCARD("readdir_ino"),
    DISCARD("direct_io"),
    DISCARD("kernel_cache"),
    DISCARD("auto_cache"),
    DISCARD("noauto_cache"),
    DISCARD("entry_timeout"),
    DISCARD("ac_attr_timeout"),
    DISCARD("negative_timeout"),
    DISCARD("noforget"),
    DISCARD("intr"),
    DISCARD("intr_signal="),
    DISCARD("modules="),

    STORE_BOTH("umask", "%o", umask),
    STORE_BOTH("create_umask", "%o", create_umask),
    STORE_BOTH("create_file_umask", "%o", create_file_umask),
    STORE_BOTH("create_dir_umask", "%o", create_dir_umask),
    STORE_BOTH("uid", "%d", uid),
    STORE_BOTH("gid", "%d", gid),
    STORE_BOTH("attr_timeout", "%d", attr_timeout),
    STORE("rellinks", rellinks, 1),
    STORE("norellinks", rellinks, 0),
    STORE("dothidden", dothidden, 1),
    STORE("nodothidden", dothidden, 0),

    FUSE_OPT_KEY("fstypename=", key_file_system_name),
    FUSE_OPT_KEY("FileSystemName=", key_file_system_name),
    FUSE_OPT_KEY("--FileSystemName=", key_file_system_name),
    FUSE_OPT_KEY("ExactFileSystemName=", key_exact_file_system_name),
    FUSE_OPT_KEY("--ExactFileSystemName=", key_exact_file_system_name),
    FUSE_OPT_KEY("volname=", key_volume_label),
    FUSE_OPT_KEY("uidmap=", key_uid_map),

    STORE("SectorSize=%hu", sector_size, 0),
    STORE("SectorsPerAllocationUnit=%hu", sectors_per_allocation_unit, 0),
    STORE("MaxComponentLength=%hu", max_component_length, 0),
    STORE("VolumeCreationTime=%lli", volume_creation_time, 0),
    STORE("VolumeSerialNumber=%lx", volume_serial_number, 0),
    STORE_BOTH("FileInfoTimeout", "%d", file_info_timeout),
    STORE_BOTH("DirInfoTimeout", "%d", dir_info_timeout),
    STORE_BOTH("EaTimeout", "%d", ea_timeout),
    STORE_BOTH("VolumeInfoTimeout", "%d", volume_info_timeout),
    FLAG("KeepFileCache", keep_file_cache),
    FLAG("FlushOnCleanup", flush_on_cleanup),
    FLAG("LegacyUnlinkRename", legacy_unlink_rename),
    STORE("ThreadCount=%u", thread_count, 0),
    FUSE_OPT_KEY("UNC=", key_volume_prefix),
    FUSE_OPT_KEY("--UNC=", key_volume_prefix),
    FUSE_OPT_KEY("VolumePrefix=", key_volume_prefix),
    FUSE_OPT_KEY("--VolumePrefix=", key_volume_prefix),
    FUSE_OPT_KEY("FileSecurity=", key_security),
    FUSE_OPT_KEY("--FileSecurity=", key_security),
    FUSE_OPT_KEY("UserName=", key_user_name),
    FUSE_OPT_KEY("--UserName=", key_user_name),
    FUSE_OPT_KEY("GroupName=", key_group_name),
    FUSE_OPT_KEY("--GroupName=", key_group_name),
    STORE("AddWriteEaAccess", add_write_ea_access, 1),
    FUSE_OPT_END,
};

/// UTF-8 text, cut to `capacity` units and terminated. @return its length
size_t put_text(std::string_view text, WCHAR* out, size_t capacity)
{
    const size_t length = nt::to_utf16(text, out, capacity, nt::TextMode::replace).written;
    out[length] = 0;
    return length;
}

bool fail(const WCHAR* what)
{
    say(EVENTLOG_ERROR_TYPE, FSP_L("fuse: %s."), what);
    return false;
}

void put_file_system_name(Options& options, std::string_view name, bool exact)
{
    WCHAR* const out = options.file_system_name;
    constexpr size_t capacity = std::size(Options{}.file_system_name) - 1, prefix_length = 5, rest_max = 10;
    static_assert(prefix_length + rest_max == capacity);
    if (exact || name.empty()) {
        put_text(name, out, capacity);
        return;
    }
    std::memcpy(out, FSP_L("FUSE-"), prefix_length * sizeof(WCHAR));
    put_text(name, out + prefix_length, rest_max);
}

bool put_security(Options& options, const char* sddl)
{
    PSECURITY_DESCRIPTOR made = nullptr;
    ULONG size = 0;
    bool good = ConvertStringSecurityDescriptorToSecurityDescriptorW(system::from_ansi(sddl).c_str(),
                                                                     SDDL_REVISION_1, &made, &size);
    if (good && size <= sizeof options.security)
        std::memcpy(options.security, made, size);
    else
        good = false;
    LocalFree(made);
    options.has_security = good;
    return good || fail(FSP_L("invalid file security"));
}

/// "S-1-..." or the name of an account, with '+' for the backslash.
bool find_sid(std::string_view name, UCHAR (&sid)[system::sid_size_max])
{
    std::string text(name.substr(0, 255));
    if (text.starts_with("S-1-")) {
        PSID made = nullptr;
        const bool good = ConvertStringSidToSidW(system::from_ansi(text.c_str()).c_str(), &made);
        const size_t size = good ? 8 + 4 * size_t{static_cast<SID*>(made)->SubAuthorityCount} : 0;
        if (good)
            std::memcpy(sid, made, size); // 15 sub-authorities at most
        LocalFree(made);
        return good;
    }
    std::replace(text.begin(), text.end(), '+', '\\');
    return system::find_account(text.c_str(), sid);
}

bool put_account(std::string_view name, int* set, int* id)
{
    alignas(8) UCHAR sid[system::sid_size_max];
    UINT32 found;
    if (!find_sid(name, sid) || !NT_SUCCESS(FspPosixMapSidToUid(sid, &found)))
        return fail(FSP_L("invalid user or group name"));
    *set = 1;
    *id = static_cast<int>(found);
    return true;
}

/// UID:SID[;UID:SID...]; without a SID it is who mounts.
bool put_uid_map(std::string_view text)
{
    constexpr ULONG capacity = 8;
    constexpr size_t length_max = 1023;
    struct alignas(8) SidBuffer
    {
        UCHAR bytes[system::sid_size_max];
    };
    UINT32 ids[capacity];
    SidBuffer sids[capacity];
    PSID pointers[capacity];
    ULONG count = 0;
    bool good = text.size() <= length_max;
    while (good && !text.empty()) {
        const std::string entry(text.substr(0, text.find(';')));
        text.remove_prefix(std::min(entry.size() + 1, text.size()));
        const size_t colon = std::min(entry.find(':'), entry.size());
        UINT64 id = 0;
        bool digits = true;
        for (size_t i = 0; i != colon; ++i) {
            digits = digits && entry[i] >= '0' && entry[i] <= '9' && id <= 0xFFFFFFFF;
            id = id * 10 + static_cast<unsigned>(entry[i] - '0');
        }
        good = digits && id != 0 && id <= 0xFFFFFFFF && count != capacity;
        if (!good)
            break;
        const std::string_view account = std::string_view(entry).substr(std::min(colon + 1, entry.size()));
        if (account.empty()) {
            system::Identity own;
            good = NT_SUCCESS(system::own_identity(&own));
            std::memcpy(sids[count].bytes, own.user, sizeof own.user);
        } else
            good = find_sid(account, sids[count].bytes);
        ids[count] = static_cast<UINT32>(id);
        pointers[count] = sids[count].bytes;
        ++count;
    }
    good = good && NT_SUCCESS(FspPosixSetUidMap(ids, pointers, count));
    return good || fail(FSP_L("invalid uidmap"));
}

int take_key(void* data, const char* text, int key, fuse_args*)
{
    constexpr int keep = 1, drop = 0, error = -1;
    auto& options = *static_cast<Options*>(data);
    if (key < 0)
        return keep;
    const char* const value = std::strchr(text, '=') + 1;
    bool good = true;
    switch (key) {
    case key_file_system_name:
    case key_exact_file_system_name:
        put_file_system_name(options, value, key == key_exact_file_system_name);
        break;
    case key_volume_label:
        good = put_text(value, options.volume_label, std::size(options.volume_label) - 1) != 0 ||
               fail(FSP_L("volname= wants a name"));
        break;
    case key_volume_prefix: {
        const size_t length = put_text(value, options.volume_prefix, std::size(options.volume_prefix) - 1);
        std::replace(options.volume_prefix, options.volume_prefix + length, WCHAR{'/'}, WCHAR{'\\'});
        break;
    }
    case key_security:
        good = put_security(options, value);
        break;
    case key_user_name:
        good = put_account(value, &options.set_uid, &options.uid);
        break;
    case key_group_name:
        good = put_account(value, &options.set_gid, &options.gid);
        break;
    case key_uid_map:
        good = options.set_uid_map = put_uid_map(value);
        break;
    case key_debug_log:
        options.env->memfree(options.debug_log);
        options.debug_log = duplicate(*options.env, value);
        good = options.debug_log != nullptr;
        break;
    default:
        break;
    }
    return good ? drop : error;
}

/// Users of Azure AD have SIDs that no rule makes numbers of: S-1-12-1-...
bool is_azure_user(const UCHAR* bytes)
{
    const auto* sid = reinterpret_cast<const SID*>(bytes);
    return sid->IdentifierAuthority.Value[5] == 12 && sid->SubAuthorityCount != 0 &&
           sid->SubAuthority[0] == 1;
}

} // namespace

bool take_options(Env* env, fuse_args* args, Options* out)
{
    std::memset(out, 0, sizeof *out);
    out->env = env;
    if (fsp_fuse_opt_parse(env, args, out, core_options, take_key) == 0)
        return true;
    release_options(out);
    return false;
}

void release_options(Options* options)
{
    options->env->memfree(options->debug_log);
    options->debug_log = nullptr;
}

bool resolve_identities(Options* options)
{
    const bool want_uid = options->set_uid != 0 && options->uid == -1,
               want_gid = options->set_gid != 0 && options->gid == -1;
    if (!want_uid && !want_gid)
        return true;
    system::Identity own;
    UINT32 uid = 0xFFFFFFFF, gid = 0xFFFFFFFF;
    if (NT_SUCCESS(system::own_identity(&own))) {
        if (is_azure_user(own.user) && !options->set_uid_map) {
            UINT32 id = 4096;
            PSID sid = own.user;
            FspPosixSetUidMap(&id, &sid, 1);
        }
        (void)FspPosixMapSidToUid(own.user, &uid);
        (void)FspPosixMapSidToUid(own.group, &gid);
    }
    if (want_uid)
        options->uid = static_cast<int>(uid);
    if (want_gid)
        options->gid = static_cast<int>(gid);
    return ((!want_uid || options->uid != -1) && (!want_gid || options->gid != -1)) ||
           fail(FSP_L("unknown user or group"));
}

bool is_core_option(const char* option) { return matches(core_options, option); }

void say(ULONG type, const WCHAR* format, ...)
{
    va_list list;
    va_start(list, format);
    FspServiceLogV(type, const_cast<PWSTR>(format), list);
    va_end(list);
}

void print_usage(const char* program)
{
    std::string_view name = program != nullptr ? program : "";
    name.remove_prefix(name.find_last_of("/\\") + 1);
    say(EVENTLOG_INFORMATION_TYPE,
        FSP_L("usage: %S mountpoint [options]\n"
              "\n"
              "    -o opt,[opt...]        options, see below\n"
              "    -h   --help            print this\n"
              "    -V   --version         print the version\n"),
        std::string(name).c_str());
}

void print_fuse_help()
{
    say(EVENTLOG_INFORMATION_TYPE,
        FSP_L("FUSE options:\n"
              "    -d   -o debug          log every request (implies -f)\n"
              "    -f                     stay in the foreground\n"
              "    -s                     one call of the file system at a time\n"));
}

void print_version()
{
    say(EVENTLOG_INFORMATION_TYPE, FSP_L("" FSP_FSCTL_PRODUCT_NAME " FUSE layer, version %d.%d"),
        FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION);
}

// A message has room for 1024 characters.
void print_core_help()
{
    say(EVENTLOG_INFORMATION_TYPE,
        FSP_L("Options of the volume:\n"
              "    -o umask=M             permissions that no file has (octal)\n"
              "    -o create_umask=M      permissions that no new file gets (octal)\n"
              "    -o create_file_umask=M the same for files only\n"
              "    -o create_dir_umask=M  the same for directories only\n"
              "    -o uid=N               owner of all files (-1: you)\n"
              "    -o gid=N               group of all files (-1: yours)\n"
              "    -o FileSecurity=SDDL   security descriptor of all files\n"
              "    -o rellinks            absolute links begin at the root of the volume\n"
              "    -o dothidden           hide files whose name begins with a dot\n"
              "    -o volname=NAME        label\n"
              "    -o VolumePrefix=P      network share: /server/share\n"
              "    --VolumePrefix=P       the same with backslashes\n"
              "    -o FileSystemName=NAME name of the file system\n"
              "    -o DebugLog=FILE       where -d writes to\n"));
    say(EVENTLOG_INFORMATION_TYPE,
        FSP_L("Advanced options:\n"
              "    -o FileInfoTimeout=N   how long attributes are believed (ms; -1: for ever, data too)\n"
              "    -o DirInfoTimeout=N    how long directory listings are\n"
              "    -o EaTimeout=N         how long extended attributes are\n"
              "    -o VolumeInfoTimeout=N how long sizes of the volume are\n"
              "    -o KeepFileCache       keep data cached when a file is closed\n"
              "    -o LegacyUnlinkRename  files in use are neither removed nor replaced\n"
              "    -o ThreadCount=N       threads that serve requests\n"
              "    -o uidmap=UID:SID[;..] numbers of accounts\n"));
}

} // namespace fsp::winfuse

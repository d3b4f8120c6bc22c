// SPDX-License-Identifier: MIT
#include "dll/fuse/information.h"

#include <string>

#include "dll/fuse/reparse.h"
#include "dll/reparse_index.h"

namespace fsp::winfuse {
namespace {

constexpr INT64 unix_epoch = 116'444'736'000'000'000; // 100 ns since 1601
constexpr INT64 ticks_per_second = 10'000'000;

constexpr struct
{
    UINT32 flag, attribute;
} flag_rows[] = {
    {FSP_FUSE_UF_SYSTEM, FILE_ATTRIBUTE_SYSTEM},
    {FSP_FUSE_UF_ARCHIVE, FILE_ATTRIBUTE_ARCHIVE},
    {FSP_FUSE_UF_READONLY, FILE_ATTRIBUTE_READONLY},
    {FSP_FUSE_UF_HIDDEN, FILE_ATTRIBUTE_HIDDEN},
};

/// Asks the program, and applies umask=, uid= and gid=.
NTSTATUS get_stat(const fuse& f, const char* path, fuse_file_info* fi, fuse_stat_ex* out)
{
    *out = {};
    auto* const plain = reinterpret_cast<struct fuse_stat*>(out);
    int result;
    if (f.on.fgetattr != nullptr && fi != nullptr && fi->fh != no_file)
        result = f.on.fgetattr(path, plain, fi);
    else if (f.on.getattr != nullptr)
        result = f.on.getattr(path, plain);
    else
        return STATUS_INVALID_DEVICE_REQUEST;
    return status_of(f.env, result);
}

void apply_options(const Options& options, fuse_stat_ex* st)
{
    if (options.set_umask != 0)
        st->st_mode = (st->st_mode & type_mask) | (0777 & ~static_cast<UINT32>(options.umask));
    if (options.set_uid != 0)
        st->st_uid = static_cast<UINT32>(options.uid);
    if (options.set_gid != 0)
        st->st_gid = static_cast<UINT32>(options.gid);
}

/// Windows tells links to directories from links to files.
bool leads_to_directory(fuse& f, const char* path)
{
    fuse_stat_ex target;
    if (f.has_slash_dot)
        return NT_SUCCESS(get_stat(f, (std::string(path) + "/.").c_str(), nullptr, &target)) &&
               (target.st_mode & type_mask) == type_directory;

    OwnWidePath wide;
    if (f.native == nullptr || !NT_SUCCESS(wide.from_posix(path)))
        return false;
    alignas(REPARSE_DATA_BUFFER) UCHAR buffer[sizeof(REPARSE_DATA_BUFFER) + FSP_FSCTL_TRANSACT_PATH_SIZEMAX];
    auto& link = reinterpret_cast<REPARSE_DATA_BUFFER*>(buffer)->SymbolicLinkReparseBuffer;
    SIZE_T size = sizeof buffer - sizeof(WCHAR);
    IO_STATUS_BLOCK io = {};
    const NTSTATUS status =
        FspFileSystemResolveReparsePoints(f.native, reparse_data_by_name, const_cast<char*>(path), wide.get(),
                                          dll::last_component_index(wide.get()), TRUE, &io, buffer, &size);
    if (status != STATUS_REPARSE || io.Information != IO_REPARSE_TAG_SYMLINK)
        return false;
    auto* const name =
        reinterpret_cast<PWSTR>(reinterpret_cast<PUCHAR>(link.PathBuffer) + link.SubstituteNameOffset);
    name[link.SubstituteNameLength / sizeof(WCHAR)] = 0;
    OwnPath resolved;
    return NT_SUCCESS(resolved.from_windows(name)) &&
           NT_SUCCESS(get_stat(f, resolved.get(), nullptr, &target)) &&
           (target.st_mode & type_mask) == type_directory;
}

} // namespace

UINT64 to_file_time(const fuse_timespec& time)
{
    return static_cast<UINT64>(INT64{time.tv_sec} * ticks_per_second + INT64{time.tv_nsec} / 100 +
                               unix_epoch);
}

fuse_timespec to_unix_time(UINT64 time)
{
    const INT64 ticks = static_cast<INT64>(time) - unix_epoch;
    INT64 seconds = ticks / ticks_per_second, rest = ticks % ticks_per_second;
    if (rest < 0) {
        // Nanoseconds are never negative, also before 1970.
        --seconds;
        rest += ticks_per_second;
    }
    fuse_timespec out;
    out.tv_sec = static_cast<decltype(out.tv_sec)>(seconds);
    out.tv_nsec = static_cast<decltype(out.tv_nsec)>(rest * 100);
    return out;
}

UINT32 to_flags(UINT32 attributes)
{
    UINT32 flags = 0;
    for (const auto& row : flag_rows)
        if (attributes & row.attribute)
            flags |= row.flag;
    return flags;
}

UINT32 from_flags(UINT32 flags)
{
    UINT32 attributes = 0;
    for (const auto& row : flag_rows)
        if (flags & row.flag)
            attributes |= row.attribute;
    return attributes;
}

UINT64 round_to_allocation_unit(const fuse& f, UINT64 size)
{
    return (size + f.allocation_unit - 1) / f.allocation_unit * f.allocation_unit;
}

void to_information(const fuse& f, const char* path, const fuse_stat_ex& from, Information* out)
{
    fuse_stat_ex st = from;
    apply_options(f.options, &st);
    *out = {};
    out->uid = st.st_uid;
    out->gid = st.st_gid;
    out->mode = st.st_mode;
    out->device = st.st_rdev;
    FSP_FSCTL_FILE_INFO& file = out->file;
    switch (st.st_mode & type_mask) {
    case type_directory:
        file.FileAttributes = FILE_ATTRIBUTE_DIRECTORY;
        break;
    case type_fifo:
    case type_character:
    case type_block:
    case type_socket:
        file.FileAttributes = FILE_ATTRIBUTE_REPARSE_POINT;
        file.ReparseTag = IO_REPARSE_TAG_NFS;
        break;
    case type_link:
        if (f.has_links) {
            file.FileAttributes = FILE_ATTRIBUTE_REPARSE_POINT;
            file.ReparseTag = IO_REPARSE_TAG_SYMLINK;
        }
        break;
    default:
        break;
    }
    if (f.wants(FSP_FUSE_CAP_STAT_EX))
        file.FileAttributes |= from_flags(st.st_flags);
    if (f.options.dothidden != 0) {
        const char* const slash = std::strrchr(path, '/');
        if (slash != nullptr && slash[1] == '.')
            file.FileAttributes |= FILE_ATTRIBUTE_HIDDEN;
    }
    file.FileSize = static_cast<UINT64>(st.st_size);
    file.AllocationSize = round_to_allocation_unit(f, file.FileSize);
    file.CreationTime = to_file_time(st.st_birthtim);
    file.LastAccessTime = to_file_time(st.st_atim);
    file.LastWriteTime = to_file_time(st.st_mtim);
    file.ChangeTime = to_file_time(st.st_ctim);
    file.IndexNumber = st.st_ino;
}

NTSTATUS get_own_information(fuse& f, const char* path, fuse_file_info* fi, Information* out)
{
    fuse_stat_ex st;
    const NTSTATUS status = get_stat(f, path, fi, &st);
    if (status == STATUS_SUCCESS)
        to_information(f, path, st, out);
    return status;
}

NTSTATUS get_information(fuse& f, const char* path, fuse_file_info* fi, Information* out)
{
    const NTSTATUS status = get_own_information(f, path, fi, out);
    if (status != STATUS_SUCCESS)
        return status;
    if (out->file.ReparseTag == IO_REPARSE_TAG_SYMLINK && leads_to_directory(f, path))
        out->file.FileAttributes |= FILE_ATTRIBUTE_DIRECTORY;
    return STATUS_SUCCESS;
}

} // namespace fsp::winfuse

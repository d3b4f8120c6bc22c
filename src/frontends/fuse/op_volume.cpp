// SPDX-License-Identifier: MIT
//
// The volume as a whole: statfs.
#include <cerrno>

#include <sys/statvfs.h>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

void statfs(fuse_req_t handle, fuse_ino_t)
{
    Request request(handle);
    if (!request.session().ready())
        return void(request.fail(EIO));
    FILE_FS_FULL_SIZE_INFORMATION size;
    const NTSTATUS status =
        query_volume(request.session().root(), FileFsFullSizeInformation, &size, sizeof size);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    struct statvfs out{};
    out.f_bsize = out.f_frsize = uint64_t(size.SectorsPerAllocationUnit) * size.BytesPerSector;
    out.f_blocks = uint64_t(size.TotalAllocationUnits.QuadPart);
    out.f_bfree = uint64_t(size.ActualAvailableAllocationUnits.QuadPart);
    out.f_bavail = uint64_t(size.CallerAvailableAllocationUnits.QuadPart);
    out.f_namemax = request.session().traits().name_limit;
    if (request.session().traits().read_only)
        out.f_flag = ST_RDONLY;
    request.statfs(out);
}

void ioctl(fuse_req_t handle, fuse_ino_t, unsigned, void*, fuse_file_info*, unsigned, const void*, size_t,
           size_t)
{
    Request request(handle);
    request.fail(ENOTTY);
}

} // namespace

void add_volume_operations(fuse_lowlevel_ops& operations)
{
    operations.statfs = statfs;
    operations.ioctl = ioctl;
}

} // namespace fsp::fuse

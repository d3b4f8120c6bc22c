// SPDX-License-Identifier: MIT
//
// Closing and removing files.
#include "dll/fuse/directory.h"
#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"

namespace fsp::winfuse {
namespace {

void flush(const fuse& f, const Handle& handle)
{
    fuse_file_info info = handle.info();
    if (f.on.flush != nullptr)
        f.on.flush(handle.path(), &info);
}

} // namespace

void release(fuse& f, const Handle& handle)
{
    fuse_file_info info = handle.info();
    const auto releases = handle.directory ? f.on.releasedir : f.on.release;
    if (releases != nullptr)
        releases(handle.path(), &info);
}

namespace native {

VOID cleanup(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, ULONG flags)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    if (f.options.flush_on_cleanup != 0 && handle.is_file())
        winfuse::flush(f, handle);
    if ((flags & FspCleanupDelete) == 0)
        return;
    const auto removes = handle.directory && !handle.reparse ? f.on.rmdir : f.on.unlink;
    if (removes != nullptr)
        removes(handle.path());
}

VOID close(FSP_FILE_SYSTEM* fs, PVOID context)
{
    fuse& f = of(fs);
    auto* handle = static_cast<Handle*>(context);
    if (!handle->reparse) {
        if (!handle->directory && f.options.flush_on_cleanup == 0)
            winfuse::flush(f, *handle);
        release(f, *handle);
    }
    delete handle;
}

NTSTATUS can_delete(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    const NTSTATUS status = check_delete_access(f, handle.path());
    return NT_SUCCESS(status) && handle.directory && !handle.reparse ? check_empty(f, handle) : status;
}

} // namespace native
} // namespace fsp::winfuse

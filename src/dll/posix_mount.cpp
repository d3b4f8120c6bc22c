// SPDX-License-Identifier: MIT
#include "dll/posix_mount.h"

#include <cstdio>
#include <cstdlib>

#include "dll/inline_dispatch.h"
#include "dll/transport.h"
#include "nt/text.h"

NTSTATUS fsp_fuse_posix_mount(FSP_FILE_SYSTEM* fs, const char* mount_point,
                              const fsp::nt::PosixMount* options)
{
    if (fs->MountPoint != nullptr)
        return STATUS_INVALID_PARAMETER;
    const fsp::nt::WideString wide = fsp::nt::to_wide(mount_point);
    auto* copy = static_cast<PWSTR>(std::malloc((wide.size() + 1) * sizeof(WCHAR)));
    if (copy == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    std::memcpy(copy, wide.c_str(), (wide.size() + 1) * sizeof(WCHAR));

    const NTSTATUS status = fsp::transport::mount_posix(fs->VolumeHandle, fs->VolumeName, mount_point,
                                                        *options, &fs->MountHandle);
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "fuse: %s\n", fsp::transport::error_text());
        std::free(copy);
        return status;
    }
    fs->MountPoint = copy;
    return status;
}

NTSTATUS fsp_fuse_posix_check(const char* mount_point, const fsp::nt::PosixMount* options)
{
    const NTSTATUS status = fsp::transport::check_posix_mount(mount_point, *options);
    if (!NT_SUCCESS(status))
        std::fprintf(stderr, "fuse: %s\n", fsp::transport::error_text());
    return status;
}

void fsp_fuse_posix_inline(FSP_FILE_SYSTEM* fs)
{
    constexpr ULONG as_many_as_come = 0x7FFFFFFF;
    fsp::dll::start_inline_dispatch(fs, as_many_as_come);
}

fsp::nt::PosixCall* fsp_fuse_posix_call() { return fsp::nt::current_posix_call(); }

int fsp_fuse_posix_invalidate(FSP_FILE_SYSTEM* fs, const WCHAR* path)
{
    return fsp::transport::invalidate_posix(fs->MountHandle, path);
}

int fsp_fuse_posix_notify_poll(void* handle) { return fsp::transport::notify_poll(handle); }
void fsp_fuse_posix_destroy_poll(void* handle) { fsp::transport::destroy_poll(handle); }

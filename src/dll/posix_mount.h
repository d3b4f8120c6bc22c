// SPDX-License-Identifier: MIT
//
// What the libfuse libraries use of this one besides the native API; exported, but not API.
#pragma once

#include <winfsp/winfsp.h>

#include "nt/posix_call.h"

extern "C" {

/// Mounts a file system that keeps POSIX objects. FspFileSystemRemoveMountPoint unmounts.
FSP_API NTSTATUS fsp_fuse_posix_mount(FSP_FILE_SYSTEM* fs, const char* mount_point,
                                      const fsp::nt::PosixMount* options);
/// Whether it could; says why not on standard error.
FSP_API NTSTATUS fsp_fuse_posix_check(const char* mount_point, const fsp::nt::PosixMount* options);

/// All requests of the mount run on the thread that brings them: their records are at hand then. After
/// FspFileSystemStartDispatcher.
FSP_API void fsp_fuse_posix_inline(FSP_FILE_SYSTEM* fs);

FSP_API fsp::nt::PosixCall* fsp_fuse_posix_call(void);

/// Lets the kernel forget what it knows of a file. @return 0, ENOENT if it knows nothing
FSP_API int fsp_fuse_posix_invalidate(FSP_FILE_SYSTEM* fs, const WCHAR* path);

FSP_API int fsp_fuse_posix_notify_poll(void* handle);
FSP_API void fsp_fuse_posix_destroy_poll(void* handle);
}

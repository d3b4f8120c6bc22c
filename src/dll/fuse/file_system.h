// SPDX-License-Identifier: MIT
//
// A FUSE program as a file system of the native API.
#pragma once

#include <atomic>

#include "dll/fuse/options.h"
#include "fuse/fuse.h"

namespace fsp::winfuse {

constexpr size_t mount_point_capacity = 260; // MAX_PATH

} // namespace fsp::winfuse

/// From fuse_new to fuse_destroy. Trivial and in memory of the program: a Cygwin program forks in between.
struct fuse
{
    struct fsp_fuse_env env;
    fuse_operations on;
    void* private_data; ///< the program's; what init returns from then on
    void* handle;       ///< what the program calls this object: this, or its struct fuse3
    fsp::winfuse::Options options;
    WCHAR mount_point[fsp::winfuse::mount_point_capacity];
    UINT32 want; ///< capabilities, FUSE 2's numbers
    bool has_links, has_slash_dot, has_attributes;
    ULONG allocation_unit; ///< bytes

    FSP_FILE_SYSTEM* native; ///< while the loop runs
    SRWLOCK native_lock;     ///< held shared by notify
    UINT32 exited;           ///< 1 after fuse_exit; stays

    bool wants(UINT32 capability) const { return (want & capability) != 0; }
};

namespace fsp::winfuse {

extern const FSP_FILE_SYSTEM_INTERFACE operations;

inline fuse& of(FSP_FILE_SYSTEM* native) { return *static_cast<::fuse*>(native->UserContext); }

/// What a FUSE 2 table gives fuse_new. @param handle what the program will call the object; null: itself
fuse* make(Env* env, const WCHAR* mount_point, fuse_args* args, const fuse_operations* on, size_t size,
           void* data, void* handle);
void destroy(fuse* f);

/// Why something cannot be mounted, for a message.
const WCHAR* reason_of(NTSTATUS status);

/// The device that the volume is made on.
const WCHAR* device_of(const fuse& f);
/// What the options say of the volume; the program's part comes when the loop starts.
void fill_params(const fuse& f, FSP_FSCTL_VOLUME_PARAMS* out);

/// @return false after a message
bool run_loop(fuse* f, bool multi_threaded);
void exit_loop(fuse* f);

/// A mount point as the native API takes it. @return false if it is none
bool parse_mount_point(const Env& env, const char* text, WCHAR (&out)[mount_point_capacity]);

// The guard of operations: who asks, and who may run beside whom.
NTSTATUS enter(FSP_FILE_SYSTEM* native, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response);
NTSTATUS leave(FSP_FILE_SYSTEM* native, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response);

} // namespace fsp::winfuse

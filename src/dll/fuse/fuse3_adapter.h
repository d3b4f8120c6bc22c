// SPDX-License-Identifier: MIT
//
// A FUSE 3 table as one of FUSE 2.
//
// The headers of the two versions have the same include guards. Here both are seen, the second with its names
// beginning with fuse3.
#pragma once

#include "dll/fuse/fuse3_types.h"

/// From fuse_new to fuse_destroy; in memory of the program.
struct fuse3
{
    struct fsp_fuse_env env;
    fuse3_operations on;
    void* data;
    fuse_args args;
    struct fuse* mounted; ///< from fuse_mount to fuse_unmount
};

namespace fsp::winfuse {

/// Its functions find the table by the context of the thread. An operation is there if the program has what
/// it needs.
fuse_operations adapt(const fuse3_operations& on);

} // namespace fsp::winfuse

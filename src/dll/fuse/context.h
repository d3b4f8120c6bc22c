// SPDX-License-Identifier: MIT
//
// Whom a callback works for.
#pragma once

#include "dll/fuse/environment.h"
#include "fuse/fuse.h"

namespace fsp::winfuse {

/// Of the calling thread, made at first use with memory of the program and released when the thread ends.
/// Null without memory.
fuse_context* thread_context(const Env& env);

/// A call of nobody: the library's own, or about an open file.
inline void set_nobody(fuse_context* context, void* fuse, void* private_data)
{
    context->fuse = static_cast<struct fuse*>(fuse);
    context->private_data = private_data;
    context->uid = context->gid = static_cast<fuse_uid_t>(-1);
    context->pid = -1;
}

/// Sets who asks by a request and its token. @return why the token does not say it
NTSTATUS set_caller(const Env& env, fuse_context* context, UINT64 access_token, UINT32 process_id);

} // namespace fsp::winfuse

// SPDX-License-Identifier: MIT
//
// Whom a callback works for.
#pragma once

#include <cstdint>

#include <sys/types.h>

#include "nt/posix_call.h"

namespace fsp::libfuse {

/// struct fuse_context of both versions.
struct Context
{
    void* fuse;
    uid_t uid;
    gid_t gid;
    pid_t pid;
    void* private_data;
    mode_t umask;
};

/// Of the calling thread; between calls without a file system.
Context& context();

/// Sets the thread's context for the time of a request. Nests: a callback may use files of its own mount.
class ContextScope
{
  public:
    ContextScope(void* fuse, void* private_data, const nt::PosixCall* call);
    ContextScope(const ContextScope&) = delete;
    ~ContextScope() { context() = outer_; }

  private:
    const Context outer_;
};

} // namespace fsp::libfuse

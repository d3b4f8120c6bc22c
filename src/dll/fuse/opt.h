// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "dll/fuse/environment.h"
#include "fuse/fuse_opt.h"

namespace fsp::winfuse {

/// Whether an option matches an entry of the table; null is an empty table.
bool matches(const fuse_opt* table, const char* option);

/// A command line of the library's own, released at the end.
class Args
{
  public:
    explicit Args(Env* env) : env_(env) {}
    Args(const Args&) = delete;
    ~Args() { fsp_fuse_opt_free_args(env_, &args_); }

    fuse_args* get() { return &args_; }
    bool append(const char* argument) { return fsp_fuse_opt_add_arg(env_, &args_, argument) == 0; }
    bool append_all(const fuse_args& other)
    {
        for (int i = 0; i < other.argc; ++i)
            if (!append(other.argv[i]))
                return false;
        return true;
    }
    fuse_args release() { return std::exchange(args_, fuse_args{}); }

  private:
    Env* const env_;
    fuse_args args_{};
};

} // namespace fsp::winfuse

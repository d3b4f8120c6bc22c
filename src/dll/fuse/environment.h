// SPDX-License-Identifier: MIT
//
// The C run-time library of a FUSE program: its memory, its error numbers and its open flags.
//
// What outlives a call is allocated here and never on the DLL's heap: in a Cygwin program it must survive
// fork, which copies Cygwin's heap alone.
#pragma once

#include <string_view>

#include "dll/dll.h"
#include "fuse/winfsp_fuse.h"

namespace fsp::winfuse {

/// There is also a function of that name.
using Env = struct fsp_fuse_env;

// Error numbers that all run-time libraries share.
constexpr int error_no_entry = 2, error_no_memory = 12, error_invalid = 22;

inline bool is_cygwin(const Env& env) { return env.environment == 'C'; }

/// ENOSYS: the program does not have the operation, or does not want it.
inline int not_supported(const Env& env) { return is_cygwin(env) ? 88 : 40; }

/// Flags of an open file: access modes are the same everywhere.
constexpr int read_only = 0, write_only = 1, read_write = 2;
/// O_CREAT | O_EXCL | O_RDWR.
inline int create_flags(const Env& env) { return is_cygwin(env) ? 0x0A02 : 0x0502; }

/// Zeroed memory of the program; null if there is none.
void* allocate(const Env& env, size_t size);
/// A terminated copy in memory of the program; null if there is none.
char* duplicate(const Env& env, std::string_view text);

/// The status for an operation's result: an error number, of whatever sign.
NTSTATUS status_of(const Env& env, int result);

} // namespace fsp::winfuse

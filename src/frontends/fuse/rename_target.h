// SPDX-License-Identifier: MIT
//
// Whether a lookup is for the target of a rename.
#pragma once

#include <string_view>

#include <sys/types.h>

namespace fsp::fuse {

/**
 * True if the thread is in rename(2) and the name is the last component of its new path and not of its old
 * one.
 *
 * The kernel looks both names of a rename up, and does nothing if they are the same file. On a volume that
 * ignores case that would make it impossible to change a name in case only; so the target, spelled in another
 * way than the file, must not be found. The kernel does not say what a lookup is for.
 *
 * False, too, if the thread cannot be looked at.
 */
bool is_rename_target(pid_t thread, std::string_view name);

} // namespace fsp::fuse

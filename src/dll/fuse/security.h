// SPDX-License-Identifier: MIT
//
// Owner, group and mode as a security descriptor.
#pragma once

#include "dll/fuse/information.h"

namespace fsp::winfuse {

/// The security descriptor of a file. @param out may be null  @param size in: capacity, out: size
/// @return STATUS_BUFFER_OVERFLOW if it does not fit
NTSTATUS get_descriptor(const fuse& f, const Information& information, PSECURITY_DESCRIPTOR out,
                        SIZE_T* size);

/// What a file is to have after a change of its descriptor.
struct Permissions
{
    UINT32 uid, gid, mode;
};
NTSTATUS apply_change(const fuse& f, const Information& information, SECURITY_INFORMATION what,
                      PSECURITY_DESCRIPTOR change, Permissions* out);

} // namespace fsp::winfuse

// SPDX-License-Identifier: MIT
//
// POSIX error numbers <-> NTSTATUS, for the edges of the system: the Linux mount, file systems on top of
// POSIX.
#pragma once

#include <winfsp/nt.h>

namespace fsp::nt {

/// What a file system call that met `error` (positive) answers; STATUS_UNSUCCESSFUL for one unheard of.
NTSTATUS status_of_errno(int error);

/// The positive error number for a failed status, EIO for one without a better match; 0 for success.
int errno_of_status(NTSTATUS status);

} // namespace fsp::nt

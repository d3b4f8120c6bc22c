// SPDX-License-Identifier: MIT
//
// Win32 error codes <-> NTSTATUS.
#pragma once

#include <winfsp/nt.h>

namespace fsp::nt {

/// 0x80070000 | error for an error without a status, STATUS_ACCESS_DENIED if it is above 0xFFFF.
NTSTATUS status_of_win32(UINT32 error);

/// ERROR_MR_MID_NOT_FOUND (317) for a status without an error.
UINT32 win32_of_status(NTSTATUS status);

} // namespace fsp::nt

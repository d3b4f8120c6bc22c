// SPDX-License-Identifier: MIT
#include "dll/dll.h"
#include "nt/win32_status.h"

NTSTATUS FspNtStatusFromWin32(DWORD Error) { return fsp::nt::status_of_win32(Error); }

DWORD FspWin32FromNtStatus(NTSTATUS Status)
{
#if defined(_WIN32)
    return RtlNtStatusToDosError(Status); // knows more of them
#else
    return fsp::nt::win32_of_status(Status);
#endif
}

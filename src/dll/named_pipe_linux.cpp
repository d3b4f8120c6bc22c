// SPDX-License-Identifier: MIT
//
// Named pipes are how Windows file systems talk to the launcher; there are none here.
#include "dll/dll.h"

NTSTATUS FspCallNamedPipeSecurely(PWSTR PipeName, PVOID InBuffer, ULONG InBufferSize, PVOID OutBuffer,
                                  ULONG OutBufferSize, PULONG PBytesTransferred, ULONG Timeout, PSID Sid)
{
    return FspCallNamedPipeSecurelyEx(PipeName, InBuffer, InBufferSize, OutBuffer, OutBufferSize,
                                      PBytesTransferred, Timeout, FALSE, Sid);
}

NTSTATUS FspCallNamedPipeSecurelyEx(PWSTR, PVOID, ULONG, PVOID, ULONG, PULONG PBytesTransferred, ULONG,
                                    BOOLEAN, PSID)
{
    if (PBytesTransferred != nullptr)
        *PBytesTransferred = 0;
    return STATUS_NOT_SUPPORTED;
}

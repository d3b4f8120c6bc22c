// SPDX-License-Identifier: MIT
//
// Calls to a server behind a named pipe whose identity matters.
#include <aclapi.h>

#include "dll/dll.h"

namespace fsp::dll {
namespace {

constexpr ULONG_PTR well_known_limit = 1024;

/// Does the pipe belong to whom the caller expects? Anybody can make a pipe of any name.
NTSTATUS check_owner(HANDLE pipe, PSID expected)
{
    alignas(8) UCHAR well_known[SECURITY_MAX_SID_SIZE];
    if (reinterpret_cast<ULONG_PTR>(expected) < well_known_limit) {
        DWORD size = sizeof well_known;
        if (!CreateWellKnownSid(static_cast<WELL_KNOWN_SID_TYPE>(reinterpret_cast<ULONG_PTR>(expected)),
                                nullptr, well_known, &size))
            return FspNtStatusFromWin32(GetLastError());
        expected = well_known;
    }
    PSID owner = nullptr;
    PSECURITY_DESCRIPTOR descriptor = nullptr;
    const DWORD error = GetSecurityInfo(pipe, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION, &owner, nullptr,
                                        nullptr, nullptr, &descriptor);
    if (error != ERROR_SUCCESS)
        return FspNtStatusFromWin32(error);
    const NTSTATUS status =
        owner != nullptr && EqualSid(owner, expected) ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    LocalFree(descriptor);
    return status;
}

HANDLE open_pipe(PWSTR name, BOOLEAN impersonation)
{
    return CreateFileW(
        name, GENERIC_READ | FILE_WRITE_DATA | FILE_WRITE_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE,
        nullptr, OPEN_EXISTING,
        SECURITY_SQOS_PRESENT | (impersonation ? SECURITY_IMPERSONATION : SECURITY_IDENTIFICATION), nullptr);
}

} // namespace
} // namespace fsp::dll

NTSTATUS FspCallNamedPipeSecurely(PWSTR PipeName, PVOID InBuffer, ULONG InBufferSize, PVOID OutBuffer,
                                  ULONG OutBufferSize, PULONG PBytesTransferred, ULONG Timeout, PSID Sid)
{
    return FspCallNamedPipeSecurelyEx(PipeName, InBuffer, InBufferSize, OutBuffer, OutBufferSize,
                                      PBytesTransferred, Timeout, FALSE, Sid);
}

NTSTATUS FspCallNamedPipeSecurelyEx(PWSTR PipeName, PVOID InBuffer, ULONG InBufferSize, PVOID OutBuffer,
                                    ULONG OutBufferSize, PULONG PBytesTransferred, ULONG Timeout,
                                    BOOLEAN AllowImpersonation, PSID Sid)
{
    using namespace fsp::dll;
    DWORD transferred = 0;
    if (PBytesTransferred != nullptr)
        *PBytesTransferred = 0;
    HANDLE pipe = open_pipe(PipeName, AllowImpersonation);
    if (pipe == INVALID_HANDLE_VALUE && GetLastError() == ERROR_PIPE_BUSY &&
        WaitNamedPipeW(PipeName, Timeout))
        pipe = open_pipe(PipeName, AllowImpersonation);
    if (pipe == INVALID_HANDLE_VALUE)
        return FspNtStatusFromWin32(GetLastError());

    NTSTATUS status = Sid != nullptr ? check_owner(pipe, Sid) : STATUS_SUCCESS;
    if (NT_SUCCESS(status)) {
        DWORD mode = PIPE_READMODE_MESSAGE | PIPE_WAIT;
        if (!SetNamedPipeHandleState(pipe, &mode, nullptr, nullptr) ||
            !TransactNamedPipe(pipe, InBuffer, InBufferSize, OutBuffer, OutBufferSize, &transferred, nullptr))
            status = FspNtStatusFromWin32(GetLastError());
    }
    CloseHandle(pipe);
    if (PBytesTransferred != nullptr)
        *PBytesTransferred = transferred;
    return status;
}

// SPDX-License-Identifier: MIT
#include "dll/fuse/system.h"

extern "C" BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG size); // RtlGenRandom

namespace fsp::winfuse::system {
namespace {

NTSTATUS token_sid(HANDLE token, TOKEN_INFORMATION_CLASS what, UCHAR (&out)[sid_size_max])
{
    // Both structures begin with a pointer to the SID, which lies behind them.
    alignas(8) UCHAR buffer[sizeof(TOKEN_USER) + sid_size_max];
    DWORD size = 0;
    if (!GetTokenInformation(token, what, buffer, sizeof buffer, &size) ||
        !CopySid(sizeof out, out, *reinterpret_cast<PSID*>(buffer)))
        return FspNtStatusFromWin32(GetLastError());
    return STATUS_SUCCESS;
}

void (*release_pointer)(PVOID) = nullptr;

void NTAPI on_thread_end(PVOID pointer)
{
    if (pointer != nullptr && release_pointer != nullptr)
        release_pointer(pointer);
}

/// Fiber-local storage tells when a thread ends, without a call of DllMain for each thread of the process.
const DWORD slot = FlsAlloc(on_thread_end);

} // namespace

NTSTATUS identity_of(HANDLE token, Identity* out)
{
    const NTSTATUS status = token_sid(token, TokenUser, out->user);
    return NT_SUCCESS(status) ? token_sid(token, TokenPrimaryGroup, out->group) : status;
}

NTSTATUS own_identity(Identity* out)
{
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return FspNtStatusFromWin32(GetLastError());
    const NTSTATUS status = identity_of(token, out);
    CloseHandle(token);
    return status;
}

bool find_account(const char* name, UCHAR (&sid)[sid_size_max])
{
    DWORD size = sizeof sid, domain_size = 256;
    char domain[256];
    SID_NAME_USE use;
    return LookupAccountNameA(nullptr, name, sid, &size, domain, &domain_size, &use);
}

std::basic_string<WCHAR> from_ansi(const char* text)
{
    const int size = MultiByteToWideChar(CP_ACP, 0, text, -1, nullptr, 0);
    std::basic_string<WCHAR> wide(size > 0 ? static_cast<size_t>(size) : 1, 0);
    MultiByteToWideChar(CP_ACP, 0, text, -1, wide.data(), size);
    wide.pop_back();
    return wide;
}

HANDLE open_log(const char* path)
{
    return CreateFileW(from_ansi(path).c_str(), FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                       OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
}

bool full_path(const WCHAR* path, WCHAR* out, ULONG capacity)
{
    const DWORD length = GetFullPathNameW(path, capacity, out, nullptr);
    return length != 0 && length < capacity;
}

UINT64 random_number()
{
    UINT64 number = 0;
    SystemFunction036(&number, sizeof number);
    return number;
}

PVOID thread_pointer() { return slot != FLS_OUT_OF_INDEXES ? FlsGetValue(slot) : nullptr; }

bool set_thread_pointer(PVOID pointer, void (*release)(PVOID))
{
    release_pointer = release;
    return slot != FLS_OUT_OF_INDEXES && FlsSetValue(slot, pointer);
}

} // namespace fsp::winfuse::system

// SPDX-License-Identifier: MIT
//
// Win32 functions for file systems where there is no Windows (winfsp/winapi.h).
#include "dll/dll.h"
#include "nt/rtl.h"
#include "nt/sddl.h"
#include "nt/sid.h"
#include "nt/upcase.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <string_view>

namespace {

using View = std::basic_string_view<WCHAR>;

thread_local DWORD last_error;

/// FALSE with the last error of a failure, else TRUE.
BOOL result(NTSTATUS status)
{
    if (NT_SUCCESS(status))
        return TRUE;
    last_error = FspWin32FromNtStatus(status);
    return FALSE;
}

BOOL fail(DWORD error)
{
    last_error = error;
    return FALSE;
}

/// A terminated copy on the C heap; null without memory.
PWSTR copy_text(const WCHAR* text, std::size_t length)
{
    auto* copy = static_cast<PWSTR>(std::malloc((length + 1) * sizeof(WCHAR)));
    if (copy != nullptr) {
        std::memcpy(copy, text, length * sizeof(WCHAR));
        copy[length] = 0;
    }
    return copy;
}

} // namespace

DWORD GetLastError(void) { return last_error; }

VOID SetLastError(DWORD error) { last_error = error; }

BOOL ConvertStringSecurityDescriptorToSecurityDescriptorW(const WCHAR* text, DWORD revision,
                                                          PSECURITY_DESCRIPTOR* security, PULONG size)
{
    if (text == nullptr || security == nullptr || revision != SDDL_REVISION_1)
        return fail(ERROR_INVALID_PARAMETER);
    return result(fsp::nt::parse_sddl(fsp::nt::WideView(text), security, size));
}

BOOL ConvertSecurityDescriptorToStringSecurityDescriptorW(PSECURITY_DESCRIPTOR security, DWORD revision,
                                                          SECURITY_INFORMATION what, PWSTR* text,
                                                          PULONG length)
{
    if (security == nullptr || text == nullptr || revision != SDDL_REVISION_1)
        return fail(ERROR_INVALID_PARAMETER);
    fsp::nt::WideString formatted;
    const NTSTATUS status = fsp::nt::format_sddl(security, what, &formatted);
    if (!NT_SUCCESS(status))
        return result(status);
    *text = copy_text(formatted.data(), formatted.size());
    if (length != nullptr)
        *length = static_cast<ULONG>(formatted.size() + 1);
    return *text != nullptr ? TRUE : fail(ERROR_NOT_ENOUGH_MEMORY);
}

BOOL ConvertStringSidToSidW(const WCHAR* text, PSID* sid)
{
    fsp::nt::SidBuffer buffer;
    const View view = text != nullptr ? View(text) : View();
    std::size_t used = 0;
    if (sid == nullptr || !fsp::nt::parse_sid(fsp::nt::WideView(view.data(), view.size()), &buffer, &used) ||
        used != view.size())
        return fail(ERROR_INVALID_SID);
    *sid = std::malloc(buffer.size());
    if (*sid == nullptr)
        return fail(ERROR_NOT_ENOUGH_MEMORY);
    std::memcpy(*sid, buffer.get(), buffer.size());
    return TRUE;
}

BOOL ConvertSidToStringSidW(PSID sid, PWSTR* text)
{
    if (sid == nullptr || text == nullptr || !RtlValidSid(sid))
        return fail(ERROR_INVALID_SID);
    WCHAR buffer[256];
    const std::size_t length = fsp::nt::format_sid(static_cast<const SID*>(sid), buffer);
    *text = copy_text(buffer, length);
    return *text != nullptr ? TRUE : fail(ERROR_NOT_ENOUGH_MEMORY);
}

HANDLE LocalFree(HANDLE memory)
{
    std::free(memory);
    return nullptr;
}

BOOL IsValidSecurityDescriptor(PSECURITY_DESCRIPTOR security) { return RtlValidSecurityDescriptor(security); }

DWORD GetSecurityDescriptorLength(PSECURITY_DESCRIPTOR security)
{
    return RtlLengthSecurityDescriptor(security);
}

VOID GetSystemTimeAsFileTime(FILETIME* time)
{
    constexpr UINT64 unix_epoch = 116'444'736'000'000'000;
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const UINT64 value =
        unix_epoch + static_cast<UINT64>(now.tv_sec) * 10'000'000 + static_cast<UINT64>(now.tv_nsec) / 100;
    time->dwLowDateTime = static_cast<DWORD>(value);
    time->dwHighDateTime = static_cast<DWORD>(value >> 32);
}

int CompareStringOrdinal(const WCHAR* string1, int length1, const WCHAR* string2, int length2,
                         BOOL ignore_case)
{
    const auto view = [](const WCHAR* text, int length) {
        return length < 0 ? View(text) : View(text, static_cast<std::size_t>(length));
    };
    const View a = view(string1, length1), b = view(string2, length2);
    for (std::size_t i = 0; i != std::min(a.size(), b.size()); ++i) {
        const WCHAR x = ignore_case ? fsp::nt::upcase(a[i]) : a[i],
                    y = ignore_case ? fsp::nt::upcase(b[i]) : b[i];
        if (x != y)
            return x < y ? CSTR_LESS_THAN : CSTR_GREATER_THAN;
    }
    return a.size() == b.size() ? CSTR_EQUAL : a.size() < b.size() ? CSTR_LESS_THAN : CSTR_GREATER_THAN;
}

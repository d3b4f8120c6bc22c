// SPDX-License-Identifier: MIT
//
// RtlUnicodeToUTF8N, RtlUTF8ToUnicodeN.
#include "nt/rtl.h"
#include "nt/text.h"

namespace {

NTSTATUS outcome(const fsp::nt::TextResult& result, bool measuring, ULONG unit, PULONG actual)
{
    const size_t bytes = (measuring ? result.length : result.written) * unit;
    if (bytes > MAXULONG)
        return STATUS_INVALID_PARAMETER;
    if (actual)
        *actual = static_cast<ULONG>(bytes);
    if (!measuring && !result.fits)
        return STATUS_BUFFER_TOO_SMALL;
    return result.replaced ? STATUS_SOME_NOT_MAPPED : STATUS_SUCCESS;
}

} // namespace

NTSTATUS NTAPI RtlUnicodeToUTF8N(PCHAR UTF8StringDestination, ULONG UTF8StringMaxByteCount,
                                 PULONG UTF8StringActualByteCount, PCWCH UnicodeStringSource,
                                 ULONG UnicodeStringByteCount)
{
    if (!UnicodeStringSource || (!UTF8StringDestination && !UTF8StringActualByteCount))
        return STATUS_INVALID_PARAMETER;
    if (UnicodeStringByteCount % sizeof(WCHAR))
        return STATUS_INVALID_PARAMETER_5;
    const auto result =
        fsp::nt::to_utf8({UnicodeStringSource, UnicodeStringByteCount / sizeof(WCHAR)}, UTF8StringDestination,
                         UTF8StringMaxByteCount, fsp::nt::TextMode::replace);
    return outcome(result, !UTF8StringDestination, 1, UTF8StringActualByteCount);
}

NTSTATUS NTAPI RtlUTF8ToUnicodeN(PWSTR UnicodeStringDestination, ULONG UnicodeStringMaxByteCount,
                                 PULONG UnicodeStringActualByteCount, PCCH UTF8StringSource,
                                 ULONG UTF8StringByteCount)
{
    if (!UTF8StringSource || (!UnicodeStringDestination && !UnicodeStringActualByteCount))
        return STATUS_INVALID_PARAMETER;
    const auto result =
        fsp::nt::to_utf16({UTF8StringSource, UTF8StringByteCount}, UnicodeStringDestination,
                          UnicodeStringMaxByteCount / sizeof(WCHAR), fsp::nt::TextMode::replace);
    return outcome(result, !UnicodeStringDestination, sizeof(WCHAR), UnicodeStringActualByteCount);
}

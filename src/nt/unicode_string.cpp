// SPDX-License-Identifier: MIT
//
// RtlXxxUnicodeString: counted UTF-16 strings.
#include <cstdlib>
#include <cstring>

#include "nt/rtl.h"
#include "nt/text.h"
#include "nt/upcase.h"

namespace {

using fsp::nt::view;

constexpr ULONG max_string_bytes = UNICODE_STRING_MAX_BYTES;

/// The destination of a mapping that keeps the length: the caller's buffer or a new one.
NTSTATUS prepare_destination(PUNICODE_STRING destination, ULONG bytes, BOOLEAN allocate)
{
    if (allocate) {
        destination->Buffer = static_cast<PWSTR>(std::malloc(bytes ? bytes : sizeof(WCHAR)));
        if (!destination->Buffer)
            return STATUS_NO_MEMORY;
        destination->MaximumLength = static_cast<USHORT>(bytes);
    } else if (bytes > destination->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    destination->Length = static_cast<USHORT>(bytes);
    return STATUS_SUCCESS;
}

template<class Map>
NTSTATUS map_string(PUNICODE_STRING destination, PCUNICODE_STRING source, BOOLEAN allocate, Map map)
{
    const ULONG bytes = source->Length & ~1u;
    const WCHAR* const from = source->Buffer; // may be the destination's
    const NTSTATUS status = prepare_destination(destination, bytes, allocate);
    if (!NT_SUCCESS(status))
        return status;
    for (ULONG i = 0; i < bytes / sizeof(WCHAR); ++i)
        destination->Buffer[i] = map(from[i]);
    return STATUS_SUCCESS;
}

NTSTATUS append(PUNICODE_STRING destination, fsp::nt::WideView text)
{
    const size_t bytes = text.size() * sizeof(WCHAR);
    if (bytes > max_string_bytes || destination->Length + bytes > destination->MaximumLength)
        return STATUS_BUFFER_TOO_SMALL;
    WCHAR* const end = destination->Buffer + destination->Length / sizeof(WCHAR);
    if (bytes)
        std::memmove(end, text.data(), bytes);
    destination->Length = static_cast<USHORT>(destination->Length + bytes);
    if (destination->Length + sizeof(WCHAR) <= destination->MaximumLength)
        end[text.size()] = 0;
    return STATUS_SUCCESS;
}

} // namespace

VOID NTAPI RtlInitUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    size_t bytes = SourceString ? fsp::nt::length(SourceString) * sizeof(WCHAR) : 0;
    if (bytes > max_string_bytes - sizeof(WCHAR))
        bytes = max_string_bytes - sizeof(WCHAR);
    DestinationString->Buffer = const_cast<PWSTR>(SourceString);
    DestinationString->Length = static_cast<USHORT>(bytes);
    DestinationString->MaximumLength = SourceString ? static_cast<USHORT>(bytes + sizeof(WCHAR)) : 0;
}

NTSTATUS NTAPI RtlInitUnicodeStringEx(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    if (SourceString && fsp::nt::length(SourceString) * sizeof(WCHAR) > max_string_bytes - sizeof(WCHAR))
        return STATUS_NAME_TOO_LONG;
    RtlInitUnicodeString(DestinationString, SourceString);
    return STATUS_SUCCESS;
}

VOID NTAPI RtlCopyUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString)
{
    if (!SourceString) {
        DestinationString->Length = 0;
        return;
    }
    const USHORT bytes = SourceString->Length < DestinationString->MaximumLength
                             ? SourceString->Length
                             : DestinationString->MaximumLength;
    if (bytes)
        std::memmove(DestinationString->Buffer, SourceString->Buffer, bytes);
    DestinationString->Length = bytes;
    if (bytes + sizeof(WCHAR) <= DestinationString->MaximumLength)
        DestinationString->Buffer[bytes / sizeof(WCHAR)] = 0;
}

NTSTATUS NTAPI RtlAppendUnicodeStringToString(PUNICODE_STRING Destination, PCUNICODE_STRING Source)
{
    return append(Destination, view(*Source));
}

NTSTATUS NTAPI RtlAppendUnicodeToString(PUNICODE_STRING Destination, PCWSTR Source)
{
    return Source ? append(Destination, {Source, fsp::nt::length(Source)}) : STATUS_SUCCESS;
}

LONG NTAPI RtlCompareUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                   BOOLEAN CaseInSensitive)
{
    return fsp::nt::compare(view(*String1), view(*String2), CaseInSensitive);
}

BOOLEAN NTAPI RtlEqualUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                    BOOLEAN CaseInSensitive)
{
    return fsp::nt::equal(view(*String1), view(*String2), CaseInSensitive);
}

BOOLEAN NTAPI RtlPrefixUnicodeString(PCUNICODE_STRING String1, PCUNICODE_STRING String2,
                                     BOOLEAN CaseInSensitive)
{
    return fsp::nt::starts_with(view(*String2), view(*String1), CaseInSensitive);
}

NTSTATUS NTAPI RtlUpcaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                      BOOLEAN AllocateDestinationString)
{
    return map_string(DestinationString, SourceString, AllocateDestinationString, fsp::nt::upcase);
}

NTSTATUS NTAPI RtlDowncaseUnicodeString(PUNICODE_STRING DestinationString, PCUNICODE_STRING SourceString,
                                        BOOLEAN AllocateDestinationString)
{
    return map_string(DestinationString, SourceString, AllocateDestinationString, fsp::nt::downcase);
}

WCHAR NTAPI RtlUpcaseUnicodeChar(WCHAR SourceCharacter) { return fsp::nt::upcase(SourceCharacter); }

WCHAR NTAPI RtlDowncaseUnicodeChar(WCHAR SourceCharacter) { return fsp::nt::downcase(SourceCharacter); }

NTSTATUS NTAPI RtlHashUnicodeString(PCUNICODE_STRING String, BOOLEAN CaseInSensitive, ULONG HashAlgorithm,
                                    PULONG HashValue)
{
    if (!String || !HashValue)
        return STATUS_INVALID_PARAMETER;
    if (HashAlgorithm != HASH_STRING_ALGORITHM_DEFAULT && HashAlgorithm != HASH_STRING_ALGORITHM_X65599)
        return STATUS_INVALID_PARAMETER;
    ULONG hash = 0;
    for (const WCHAR c : view(*String))
        hash = hash * 65599 + static_cast<UINT16>(CaseInSensitive ? fsp::nt::upcase(c) : c);
    *HashValue = hash;
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI RtlCreateUnicodeString(PUNICODE_STRING DestinationString, PCWSTR SourceString)
{
    UNICODE_STRING source;
    if (!NT_SUCCESS(RtlInitUnicodeStringEx(&source, SourceString)))
        return FALSE;
    const ULONG bytes = source.Length + ULONG{sizeof(WCHAR)};
    auto* buffer = static_cast<PWSTR>(std::malloc(bytes));
    if (!buffer)
        return FALSE;
    if (source.Length)
        std::memcpy(buffer, source.Buffer, source.Length);
    buffer[source.Length / sizeof(WCHAR)] = 0;
    *DestinationString = {source.Length, static_cast<USHORT>(bytes), buffer};
    return TRUE;
}

VOID NTAPI RtlFreeUnicodeString(PUNICODE_STRING UnicodeString)
{
    std::free(UnicodeString->Buffer);
    *UnicodeString = {};
}

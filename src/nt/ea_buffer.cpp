// SPDX-License-Identifier: MIT
//
// IoCheckEaBufferValidity: lists of extended attributes from outside.
#include <cstddef>

#include "nt/rtl.h"

NTSTATUS NTAPI IoCheckEaBufferValidity(PFILE_FULL_EA_INFORMATION EaBuffer, ULONG EaLength, PULONG ErrorOffset)
{
    constexpr ULONG header = offsetof(FILE_FULL_EA_INFORMATION, EaName);
    const auto* const bytes = reinterpret_cast<const UCHAR*>(EaBuffer);

    const auto bad = [ErrorOffset](ULONG at) {
        if (ErrorOffset)
            *ErrorOffset = at;
        return STATUS_EA_LIST_INCONSISTENT;
    };

    for (ULONG at = 0;;) {
        const ULONG left = EaLength - at;
        if (left < header)
            return bad(at);
        // The buffer may be shared with its writer: each field is read once.
        const auto* const entry = reinterpret_cast<const volatile FILE_FULL_EA_INFORMATION*>(bytes + at);
        const ULONG name_length = entry->EaNameLength;
        const ULONG value_length = entry->EaValueLength;
        const ULONG next = entry->NextEntryOffset;

        const ULONG size = header + name_length + 1 + value_length; // below 2^17
        if (size > left || bytes[at + header + name_length] != 0)
            return bad(at);
        if (next == 0) {
            if (ErrorOffset)
                *ErrorOffset = 0;
            return STATUS_SUCCESS;
        }
        if (next % 4 || next != ((size + 3) & ~3u) || next >= left)
            return bad(at);
        at += next;
    }
}

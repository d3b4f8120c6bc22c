// SPDX-License-Identifier: MIT
//
// GUIDs to and from "{xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx}".
#include <cstdlib>
#include <cstring>

#include "nt/rtl.h"

namespace {

constexpr ULONG guid_characters = 38;

/// The bytes in the order in which the text shows them.
constexpr UCHAR text_order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

bool dash_before(ULONG byte) { return byte == 4 || byte == 6 || byte == 8 || byte == 10; }

int hex_value(WCHAR c)
{
    if (c >= u'0' && c <= u'9')
        return c - u'0';
    const WCHAR lower = static_cast<WCHAR>(c | 0x20);
    return lower >= u'a' && lower <= u'f' ? lower - u'a' + 10 : -1;
}

} // namespace

NTSTATUS NTAPI RtlStringFromGUID(REFGUID Guid, PUNICODE_STRING GuidString)
{
    UCHAR bytes[16];
    std::memcpy(bytes, &Guid, sizeof bytes);

    auto* const text = static_cast<PWSTR>(std::malloc((guid_characters + 1) * sizeof(WCHAR)));
    if (!text)
        return STATUS_NO_MEMORY;
    WCHAR* p = text;
    *p++ = u'{';
    for (ULONG i = 0; i < 16; ++i) {
        if (dash_before(i))
            *p++ = u'-';
        *p++ = FSP_L("0123456789ABCDEF")[bytes[text_order[i]] >> 4];
        *p++ = FSP_L("0123456789ABCDEF")[bytes[text_order[i]] & 15];
    }
    *p++ = u'}';
    *p = 0;
    *GuidString = {guid_characters * sizeof(WCHAR), (guid_characters + 1) * sizeof(WCHAR), text};
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlGUIDFromString(PCUNICODE_STRING GuidString, GUID* Guid)
{
    const WCHAR* p = GuidString->Buffer;
    if (GuidString->Length != guid_characters * sizeof(WCHAR) || p[0] != u'{' ||
        p[guid_characters - 1] != u'}')
        return STATUS_INVALID_PARAMETER;
    ++p;

    UCHAR bytes[16];
    for (ULONG i = 0; i < 16; ++i) {
        if (dash_before(i) && *p++ != u'-')
            return STATUS_INVALID_PARAMETER;
        const int high = hex_value(p[0]), low = hex_value(p[1]);
        if (high < 0 || low < 0)
            return STATUS_INVALID_PARAMETER;
        bytes[text_order[i]] = static_cast<UCHAR>(high << 4 | low);
        p += 2;
    }
    std::memcpy(Guid, bytes, sizeof bytes);
    return STATUS_SUCCESS;
}

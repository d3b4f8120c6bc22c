// SPDX-License-Identifier: MIT
//
// Numbers to and from UTF-16 text.
#include <cstring>

#include "nt/rtl.h"

namespace {

bool valid_base(ULONG base) { return base == 2 || base == 8 || base == 10 || base == 16; }

ULONG digit_value(WCHAR c)
{
    if (c >= u'0' && c <= u'9')
        return c - u'0';
    if (c >= u'a' && c <= u'f')
        return c - u'a' + 10;
    if (c >= u'A' && c <= u'F')
        return c - u'A' + 10;
    return MAXULONG;
}

} // namespace

NTSTATUS NTAPI RtlInt64ToUnicodeString(ULONGLONG Value, ULONG Base, PUNICODE_STRING String)
{
    if (Base == 0)
        Base = 10;
    if (!valid_base(Base))
        return STATUS_INVALID_PARAMETER;

    WCHAR digits[64];
    ULONG first = 64;
    do {
        digits[--first] = FSP_L("0123456789ABCDEF")[Value % Base];
        Value /= Base;
    } while (Value);

    const ULONG bytes = (64 - first) * sizeof(WCHAR);
    if (bytes > String->MaximumLength)
        return STATUS_BUFFER_OVERFLOW;
    std::memcpy(String->Buffer, digits + first, bytes);
    String->Length = static_cast<USHORT>(bytes);
    if (bytes + sizeof(WCHAR) <= String->MaximumLength)
        String->Buffer[bytes / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlIntegerToUnicodeString(ULONG Value, ULONG Base, PUNICODE_STRING String)
{
    return RtlInt64ToUnicodeString(Value, Base, String);
}

NTSTATUS NTAPI RtlUnicodeStringToInteger(PCUNICODE_STRING String, ULONG Base, PULONG Value)
{
    const WCHAR* p = String->Buffer;
    const WCHAR* const end = p + String->Length / sizeof(WCHAR);
    while (p < end && *p <= u' ')
        ++p;

    bool negative = false;
    if (p < end && (*p == u'-' || *p == u'+'))
        negative = *p++ == u'-';

    if (Base == 0) {
        Base = 10;
        if (end - p >= 2 && p[0] == u'0') {
            Base = p[1] == u'x' ? 16 : p[1] == u'o' ? 8 : p[1] == u'b' ? 2 : 10;
            if (Base != 10)
                p += 2;
        }
    } else if (!valid_base(Base)) {
        return STATUS_INVALID_PARAMETER;
    }

    ULONG value = 0;
    for (; p < end; ++p) {
        const ULONG digit = digit_value(*p);
        if (digit >= Base)
            break;
        value = value * Base + digit;
    }
    *Value = negative ? 0 - value : value;
    return STATUS_SUCCESS;
}

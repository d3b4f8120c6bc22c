// SPDX-License-Identifier: MIT
#include "nt/sid.h"

#include <cstdlib>

#include "nt/rtl.h"

namespace fsp::nt {

namespace {

int digit_of(WCHAR c, unsigned base)
{
    int value = -1;
    if (c >= u'0' && c <= u'9')
        value = c - u'0';
    else if ((c | 0x20) >= u'a' && (c | 0x20) <= u'f')
        value = (c | 0x20) - u'a' + 10;
    return value < static_cast<int>(base) ? value : -1;
}

/// A decimal or 0x number not above `limit`; advances `at`.
bool parse_number(WideView text, size_t* at, UINT64 limit, UINT64* out)
{
    unsigned base = 10;
    if (text.size() - *at > 2 && text[*at] == u'0' && (text[*at + 1] | 0x20) == u'x') {
        base = 16;
        *at += 2;
    }
    UINT64 value = 0;
    const size_t start = *at;
    for (; *at < text.size(); ++*at) {
        const int digit = digit_of(text[*at], base);
        if (digit < 0)
            break;
        value = value * base + static_cast<unsigned>(digit);
        if (value > limit)
            return false;
    }
    *out = value;
    return *at > start;
}

size_t put_decimal(WCHAR* out, UINT64 value)
{
    WCHAR digits[20];
    size_t n = 0;
    do {
        digits[n++] = static_cast<WCHAR>(u'0' + value % 10);
        value /= 10;
    } while (value);
    for (size_t i = 0; i < n; ++i)
        out[i] = digits[n - 1 - i];
    return n;
}

} // namespace

size_t format_sid(const SID* sid, WCHAR* out)
{
    WCHAR* p = out;
    *p++ = u'S';
    *p++ = u'-';
    p += put_decimal(p, sid->Revision);
    *p++ = u'-';
    const UINT64 authority = sid_authority(sid);
    if (authority <= MAXULONG) {
        p += put_decimal(p, authority);
    } else {
        *p++ = u'0';
        *p++ = u'x';
        for (int shift = 44; shift >= 0; shift -= 4)
            *p++ = FSP_L("0123456789ABCDEF")[authority >> shift & 15];
    }
    for (ULONG i = 0; i < sid->SubAuthorityCount; ++i) {
        *p++ = u'-';
        p += put_decimal(p, sid->SubAuthority[i]);
    }
    *p = 0;
    return static_cast<size_t>(p - out);
}

bool parse_sid(WideView text, SidBuffer* sid, size_t* used)
{
    if (text.size() < 5 || (text[0] | 0x20) != u's' || text[1] != u'-' || text[2] != u'1' || text[3] != u'-')
        return false;
    size_t at = 4;
    UINT64 number;
    if (!parse_number(text, &at, 0xFFFF'FFFF'FFFF, &number))
        return false;
    SidBuffer result{number, {}};
    while (at + 1 < text.size() && text[at] == u'-' && digit_of(text[at + 1], 10) >= 0) {
        ++at;
        if (result.sub_authority_count == SID_MAX_SUB_AUTHORITIES ||
            !parse_number(text, &at, MAXULONG, &number))
            return false;
        result.sub_authority[result.sub_authority_count++] = static_cast<ULONG>(number);
    }
    // A SID names somebody: at least one sub-authority.
    if (result.sub_authority_count == 0 || (!used && at != text.size()))
        return false;
    if (used)
        *used = at;
    *sid = result;
    return true;
}

} // namespace fsp::nt

using fsp::nt::sid_length;

BOOLEAN NTAPI RtlValidSid(PSID Sid)
{
    return Sid && fsp::nt::valid_sid_size(Sid, SECURITY_MAX_SID_SIZE) != 0;
}

BOOLEAN NTAPI RtlEqualSid(PSID Sid1, PSID Sid2)
{
    return fsp::nt::equal_sid(static_cast<SID*>(Sid1), static_cast<SID*>(Sid2));
}

BOOLEAN NTAPI RtlEqualPrefixSid(PSID Sid1, PSID Sid2)
{
    const auto* a = static_cast<const SID*>(Sid1);
    const auto* b = static_cast<const SID*>(Sid2);
    if (a->SubAuthorityCount != b->SubAuthorityCount)
        return FALSE;
    const ULONG compared = a->SubAuthorityCount ? sid_length(a) - 4 : sid_length(a);
    return std::memcmp(a, b, compared) == 0;
}

ULONG NTAPI RtlLengthRequiredSid(ULONG SubAuthorityCount) { return fsp::nt::sid_size(SubAuthorityCount); }

ULONG NTAPI RtlLengthSid(PSID Sid) { return sid_length(static_cast<SID*>(Sid)); }

NTSTATUS NTAPI RtlInitializeSid(PSID Sid, PSID_IDENTIFIER_AUTHORITY IdentifierAuthority,
                                UCHAR SubAuthorityCount)
{
    if (SubAuthorityCount > SID_MAX_SUB_AUTHORITIES)
        return STATUS_INVALID_PARAMETER;
    auto* sid = static_cast<SID*>(Sid);
    sid->Revision = SID_REVISION;
    sid->SubAuthorityCount = SubAuthorityCount;
    sid->IdentifierAuthority = *IdentifierAuthority;
    return STATUS_SUCCESS;
}

PULONG NTAPI RtlSubAuthoritySid(PSID Sid, ULONG SubAuthority)
{
    return static_cast<SID*>(Sid)->SubAuthority + SubAuthority;
}

PUCHAR NTAPI RtlSubAuthorityCountSid(PSID Sid) { return &static_cast<SID*>(Sid)->SubAuthorityCount; }

PSID_IDENTIFIER_AUTHORITY NTAPI RtlIdentifierAuthoritySid(PSID Sid)
{
    return &static_cast<SID*>(Sid)->IdentifierAuthority;
}

NTSTATUS NTAPI RtlCopySid(ULONG DestinationSidLength, PSID DestinationSid, PSID SourceSid)
{
    const ULONG size = sid_length(static_cast<SID*>(SourceSid));
    if (size > DestinationSidLength)
        return STATUS_BUFFER_TOO_SMALL;
    std::memmove(DestinationSid, SourceSid, size);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI RtlConvertSidToUnicodeString(PUNICODE_STRING UnicodeString, PSID Sid,
                                            BOOLEAN AllocateDestinationString)
{
    if (!RtlValidSid(Sid))
        return STATUS_INVALID_SID;
    WCHAR text[fsp::nt::max_sid_text];
    const size_t bytes = fsp::nt::format_sid(static_cast<SID*>(Sid), text) * sizeof(WCHAR);

    if (AllocateDestinationString) {
        UnicodeString->Buffer = static_cast<PWSTR>(std::malloc(bytes + sizeof(WCHAR)));
        if (!UnicodeString->Buffer)
            return STATUS_NO_MEMORY;
        UnicodeString->MaximumLength = static_cast<USHORT>(bytes + sizeof(WCHAR));
    } else if (bytes > UnicodeString->MaximumLength) {
        return STATUS_BUFFER_OVERFLOW;
    }
    std::memcpy(UnicodeString->Buffer, text, bytes);
    UnicodeString->Length = static_cast<USHORT>(bytes);
    if (bytes + sizeof(WCHAR) <= UnicodeString->MaximumLength)
        UnicodeString->Buffer[bytes / sizeof(WCHAR)] = 0;
    return STATUS_SUCCESS;
}

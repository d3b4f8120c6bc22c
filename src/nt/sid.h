// SPDX-License-Identifier: MIT
//
// Security identifiers: constants, bounded checks, text form.
#pragma once

#include <cstddef>
#include <cstring>
#include <initializer_list>

#include <winfsp/nt.h>

#include "nt/text.h"

namespace fsp::nt {

constexpr ULONG sid_header_size = 8;

constexpr ULONG sid_size(ULONG sub_authorities) { return sid_header_size + 4 * sub_authorities; }

/// A SID with its storage.
struct SidBuffer
{
    UCHAR revision = SID_REVISION;
    UCHAR sub_authority_count = 0;
    UCHAR authority[6] = {};
    ULONG sub_authority[SID_MAX_SUB_AUTHORITIES] = {};

    constexpr SidBuffer() = default;
    constexpr SidBuffer(UINT64 identifier_authority, std::initializer_list<ULONG> sub_authorities)
    {
        for (int i = 0; i < 6; ++i)
            authority[i] = static_cast<UCHAR>(identifier_authority >> (40 - 8 * i));
        for (const ULONG sub : sub_authorities)
            sub_authority[sub_authority_count++] = sub;
    }

    constexpr ULONG size() const { return sid_size(sub_authority_count); }
    const SID* get() const { return reinterpret_cast<const SID*>(this); }
    /// For the C interfaces, which do not know const.
    PSID psid() const { return const_cast<SidBuffer*>(this); }
};
static_assert(sizeof(SidBuffer) == SECURITY_MAX_SID_SIZE);

namespace sids {
inline constexpr SidBuffer everyone{1, {0}};
inline constexpr SidBuffer creator_owner{3, {0}};
inline constexpr SidBuffer creator_group{3, {1}};
inline constexpr SidBuffer owner_rights{3, {4}};
inline constexpr SidBuffer authenticated_users{5, {11}};
inline constexpr SidBuffer local_system{5, {18}};
inline constexpr SidBuffer administrators{5, {32, 544}};
inline constexpr SidBuffer users{5, {32, 545}};
inline constexpr SidBuffer medium_integrity{16, {0x2000}};
/// POSIX identities without a counterpart.
inline constexpr SidBuffer unmapped{0, {65534}};
} // namespace sids

inline ULONG sid_length(const SID* sid) { return sid_size(sid->SubAuthorityCount); }

/// The size of the SID at `data`, or 0 if it is not valid or does not lie within `available` bytes.
inline ULONG valid_sid_size(const void* data, size_t available)
{
    const auto* sid = static_cast<const SID*>(data);
    if (available < sid_header_size || sid->Revision != SID_REVISION ||
        sid->SubAuthorityCount > SID_MAX_SUB_AUTHORITIES || available < sid_length(sid))
        return 0;
    return sid_length(sid);
}

/// Both must be valid.
inline bool equal_sid(const SID* a, const SID* b)
{
    return a == b || (a->SubAuthorityCount == b->SubAuthorityCount && std::memcmp(a, b, sid_length(a)) == 0);
}
inline bool equal_sid(const SID* a, const SidBuffer& b) { return equal_sid(a, b.get()); }

inline UINT64 sid_authority(const SID* sid)
{
    UINT64 value = 0;
    for (const UCHAR byte : sid->IdentifierAuthority.Value)
        value = value << 8 | byte;
    return value;
}

inline SidBuffer copy_sid(const SID* sid)
{
    SidBuffer copy;
    std::memcpy(static_cast<void*>(&copy), sid, sid_length(sid));
    return copy;
}

/// "S-1-" with the longest possible rest, and the terminator.
constexpr size_t max_sid_text = 4 + 14 + SID_MAX_SUB_AUTHORITIES * 11 + 1;

/// Writes the terminated text form; returns its length without the terminator. `out` has max_sid_text units.
size_t format_sid(const SID* sid, WCHAR* out);

/// Parses "S-1-..." at the start of `text`; `used` (may be null, then all must be used) receives the units
/// read.
bool parse_sid(WideView text, SidBuffer* sid, size_t* used = nullptr);

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
#include "nt/access_check.h"

#include "nt/security_descriptor.h"

namespace fsp::nt {

namespace {

/// Whom an ACE's SID is compared with.
enum class Match
{
    allow, ///< enabled SIDs
    deny,  ///< those that are for denial only as well
};

const SID* sid_of(const SID_AND_ATTRIBUTES& entry) { return static_cast<const SID*>(entry.Sid); }

bool counts(ULONG attributes, Match match)
{
    if (attributes & SE_GROUP_USE_FOR_DENY_ONLY)
        return match == Match::deny;
    return attributes & SE_GROUP_ENABLED;
}

bool in_groups(const TokenView& token, const SID* sid, Match match)
{
    for (ULONG i = 0; i < token.group_count; ++i) {
        if (equal_sid(sid_of(token.groups[i]), sid) && counts(token.groups[i].Attributes, match))
            return true;
    }
    return false;
}

bool in_token(const TokenView& token, const SID* sid, Match match)
{
    if (equal_sid(sid_of(token.user), sid))
        return match == Match::deny || !(token.user.Attributes & SE_GROUP_USE_FOR_DENY_ONLY);
    return in_groups(token, sid, match);
}

bool in_restricted(const TokenView& token, const SID* sid)
{
    for (ULONG i = 0; i < token.restricted_count; ++i) {
        if (equal_sid(sid_of(token.restricted[i]), sid))
            return true;
    }
    return false;
}

enum class AceEffect
{
    none,
    allow,
    deny,
};

/// Without a list of object types an ACE for one property allows nothing, and denies the whole object. A
/// condition is not evaluated: what it might not allow is not allowed, what it might deny is denied.
AceEffect effect_of(const ACE_HEADER* ace)
{
    if (ace->AceFlags & INHERIT_ONLY_ACE)
        return AceEffect::none;
    switch (ace->AceType) {
    case ACCESS_ALLOWED_ACE_TYPE:
        return AceEffect::allow;
    case ACCESS_ALLOWED_OBJECT_ACE_TYPE:
        return ace->AceSize >= 12 && !(reinterpret_cast<const ACCESS_ALLOWED_OBJECT_ACE*>(ace)->Flags &
                                       ACE_OBJECT_TYPE_PRESENT)
                   ? AceEffect::allow
                   : AceEffect::none;
    case ACCESS_DENIED_ACE_TYPE:
    case ACCESS_DENIED_OBJECT_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_ACE_TYPE:
    case ACCESS_DENIED_CALLBACK_OBJECT_ACE_TYPE:
        return AceEffect::deny;
    default:
        return AceEffect::none;
    }
}

/// The rights that one side of a token (its own SIDs or its restricting ones) gets out of a descriptor.
class DaclWalk
{
  public:
    DaclWalk(const TokenView& token, const SecurityView& descriptor, const GENERIC_MAPPING& mapping,
             bool restricted)
        : token_(token), descriptor_(descriptor), mapping_(mapping), restricted_(restricted)
    {
        is_owner_ = descriptor.owner && matches_directly(descriptor.owner, Match::allow);
    }

    /// All rights that are granted; stops as soon as the answer for `wanted` is certain. wanted = 0: all.
    ACCESS_MASK granted(ACCESS_MASK wanted)
    {
        ACCESS_MASK allowed = is_owner_ && !names_owner_rights() ? READ_CONTROL | WRITE_DAC : 0;
        ACCESS_MASK denied = 0;
        for (const ACE_HEADER* ace : Aces(descriptor_.dacl)) {
            if (wanted && (wanted & ~allowed) == 0)
                break;
            const AceEffect effect = effect_of(ace);
            if (effect == AceEffect::none)
                continue;
            const SID* const sid = ace_sid(ace);
            if (!sid || !matches(sid, effect == AceEffect::deny ? Match::deny : Match::allow))
                continue;
            const ACCESS_MASK mask = map_generic(ace_mask(ace), mapping_);
            if (effect == AceEffect::allow)
                allowed |= mask & ~denied;
            else
                denied |= mask & ~allowed;
            if (denied & wanted)
                break;
        }
        return allowed;
    }

  private:
    bool matches_directly(const SID* sid, Match match) const
    {
        return restricted_ ? in_restricted(token_, sid) : in_token(token_, sid, match);
    }

    bool matches(const SID* sid, Match match) const
    {
        return matches_directly(sid, match) || (is_owner_ && equal_sid(sid, sids::owner_rights));
    }

    /// An ACE for OWNER RIGHTS replaces what an owner has by itself.
    bool names_owner_rights() const
    {
        for (const ACE_HEADER* ace : Aces(descriptor_.dacl)) {
            const SID* const sid = ace_sid(ace);
            if (effect_of(ace) != AceEffect::none && sid && equal_sid(sid, sids::owner_rights))
                return true;
        }
        return false;
    }

    const TokenView& token_;
    const SecurityView& descriptor_;
    const GENERIC_MAPPING& mapping_;
    const bool restricted_;
    bool is_owner_;
};

/// The rights that the object's mandatory label leaves to the token's integrity level.
ACCESS_MASK label_permits(const TokenView& token, const SecurityView& descriptor,
                          const GENERIC_MAPPING& mapping)
{
    ULONG level = SECURITY_MANDATORY_MEDIUM_RID;
    ACCESS_MASK policy = SYSTEM_MANDATORY_LABEL_NO_WRITE_UP;
    for (const ACE_HEADER* ace : Aces(descriptor.sacl)) {
        if (ace->AceType != SYSTEM_MANDATORY_LABEL_ACE_TYPE || ace->AceFlags & INHERIT_ONLY_ACE)
            continue;
        if (const SID* const sid = ace_sid(ace); sid && sid->SubAuthorityCount) {
            level = sid->SubAuthority[sid->SubAuthorityCount - 1];
            policy = ace_mask(ace);
        }
        break;
    }
    if (token.integrity >= level)
        return ~ACCESS_MASK{0};

    ACCESS_MASK permitted = 0;
    if (!(policy & SYSTEM_MANDATORY_LABEL_NO_READ_UP))
        permitted |= mapping.GenericRead;
    if (!(policy & SYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP))
        permitted |= mapping.GenericExecute;
    if (!(policy & SYSTEM_MANDATORY_LABEL_NO_WRITE_UP))
        permitted |= mapping.GenericWrite | mapping.GenericAll;
    // A right that reading also stands for must not come in through another door.
    if (policy & SYSTEM_MANDATORY_LABEL_NO_READ_UP)
        permitted &= ~(mapping.GenericRead & ~(mapping.GenericWrite | mapping.GenericExecute));
    return permitted;
}

} // namespace

bool TokenView::holds(const SID* sid) const { return in_token(*this, sid, Match::allow); }

NTSTATUS access_check(const TokenView& token, const void* descriptor, ACCESS_MASK desired,
                      ACCESS_MASK previous, const GENERIC_MAPPING& mapping, ACCESS_MASK* granted,
                      UINT64* used)
{
    *granted = 0;
    UINT64 privileges = 0;
    if (used)
        *used = 0;
    if (!descriptor)
        return STATUS_ACCESS_DENIED;
    const SecurityView view = SecurityView::of(descriptor);
    desired = map_generic(desired, mapping);
    if (desired == 0) {
        *granted = previous;
        return previous ? STATUS_SUCCESS : STATUS_ACCESS_DENIED;
    }

    const bool maximum = desired & MAXIMUM_ALLOWED;
    ACCESS_MASK remaining = desired & ~MAXIMUM_ALLOWED & ~previous;

    // Reading the SACL is a matter of privilege alone.
    if (remaining & ACCESS_SYSTEM_SECURITY) {
        if (!token.has(SE_SECURITY_PRIVILEGE))
            return STATUS_PRIVILEGE_NOT_HELD;
        privileges |= privilege_bit(SE_SECURITY_PRIVILEGE);
        previous |= ACCESS_SYSTEM_SECURITY;
        remaining &= ~ACCESS_SYSTEM_SECURITY;
    }

    const ACCESS_MASK permitted = label_permits(token, view, mapping);
    if (remaining & ~permitted)
        return STATUS_ACCESS_DENIED;

    if (remaining & WRITE_OWNER && token.has(SE_TAKE_OWNERSHIP_PRIVILEGE)) {
        privileges |= privilege_bit(SE_TAKE_OWNERSHIP_PRIVILEGE);
        previous |= WRITE_OWNER;
        remaining &= ~WRITE_OWNER;
    }

    ACCESS_MASK result = previous | remaining;
    if (!view.dacl) {
        if (maximum)
            result |= mapping.GenericAll & permitted;
    } else if (remaining || maximum) {
        const ACCESS_MASK wanted = maximum ? 0 : remaining;
        ACCESS_MASK allowed = DaclWalk(token, view, mapping, false).granted(wanted);
        if (token.restricted_count)
            allowed &= DaclWalk(token, view, mapping, true).granted(wanted);
        allowed &= permitted;
        if (remaining & ~allowed)
            return STATUS_ACCESS_DENIED;
        if (maximum)
            result |= allowed & ~(ACCESS_SYSTEM_SECURITY | MAXIMUM_ALLOWED);
        if (result == 0)
            return STATUS_ACCESS_DENIED; // MAXIMUM_ALLOWED came to nothing
    }

    *granted = result;
    if (used)
        *used = privileges;
    return STATUS_SUCCESS;
}

bool has_owner_and_group(const void* descriptor)
{
    const SecurityView view = SecurityView::of(descriptor);
    return view.owner && view.group;
}

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
//
// uid or gid <-> SID.
#include <atomic>

#include "nt/posix_map.h"

namespace fsp::nt::posix {

namespace {

constexpr UINT64 unix_authority = 22;

struct Override
{
    UINT32 id;
    SidBuffer sid;
};

/// Readers do not lock. The table is set up before file systems run; a reader beside a writer may see either.
class OverridesLock
{
  public:
    OverridesLock()
    {
        while (taken.test_and_set(std::memory_order_acquire))
            ;
    }
    OverridesLock(const OverridesLock&) = delete;
    ~OverridesLock() { taken.clear(std::memory_order_release); }

  private:
    static inline std::atomic_flag taken;
};
std::atomic<UINT32> override_count;
Override overrides[max_overrides];

SidBuffer unix_sid(UINT32 id) { return {unix_authority, {1, id}}; }

#if defined(_WIN32)
/// The account with this RID; unmapped where there is no such domain.
SidBuffer account_sid(const SID* domain, UINT32 rid)
{
    constexpr ULONG parts = 4; // S-1-5-21-X-Y-Z
    if (domain == nullptr || domain->SubAuthorityCount != parts)
        return sids::unmapped;
    const ULONG* part = domain->SubAuthority;
    return {5, {part[0], part[1], part[2], part[3], rid}};
}
#endif

/// Authenticated Users, S-1-1-* (Everyone), S-1-3-* (replaced during inheritance): a user with this number
/// must not own what everybody then owns.
bool stands_for_everybody(UINT32 id)
{
    return id == 11 || (id & ~0xFFu) == 0x10100 || (id & ~0xFFu) == 0x10300;
}

SidBuffer rule_sid(UINT32 id)
{
    if (id == unmapped_id || id == invalid_id)
        return sids::unmapped;
    if (stands_for_everybody(id))
        return unix_sid(id);
    if (id < 0x200 || id == 1000)
        return {5, {id}};
    if (id < 1000)
        return {5, {32, id}};
    if (id < 0x1000)
        return unix_sid(id);
    if (id >= 0x60000 && id <= 0x6FFFF)
        return {16, {id - 0x60000}};
    if (id >= 0x10000 && id <= 0x10FFF) {
        const UINT32 authority = id >> 8 & 0xFF;
        return authority == 5 ? unix_sid(id) : SidBuffer{authority, {id & 0xFF}};
    }
#if defined(_WIN32)
    if (id >= 0x30000 && id <= 0x3FFFF)
        return account_sid(account_domain(), id - 0x30000);
    if (id >= 0x100000)
        return id < 0xFF000000 ? account_sid(primary_domain(), id - 0x100000) : sids::unmapped;
#endif
    // No account domains here.
    if (id >= 0x100000 || (id >= 0x30000 && id <= 0x3FFFF))
        return unix_sid(id);
    // S-1-5-X-RID, unless that X means something else on the way back.
    const UINT32 x = id >> 12;
    if (x == SECURITY_LOGON_IDS_RID || x == SECURITY_BUILTIN_DOMAIN_RID)
        return unix_sid(id);
    return {5, {x, id & 0xFFF}};
}

#if defined(_WIN32)
/// RID of an account of the domain; false if it is another's.
bool account_of(const SID* domain, const SID* sid, UINT32* rid)
{
    if (domain == nullptr || sid->SubAuthorityCount != domain->SubAuthorityCount + 1)
        return false;
    for (ULONG i = 0; i < domain->SubAuthorityCount; ++i)
        if (sid->SubAuthority[i] != domain->SubAuthority[i])
            return false;
    *rid = sid->SubAuthority[domain->SubAuthorityCount];
    return true;
}
#endif

UINT32 known(UINT32 id) { return id == invalid_id ? unmapped_id : id; }

UINT32 nt_authority_id(const SID* sid)
{
    const ULONG count = sid->SubAuthorityCount;
    const ULONG first = sid->SubAuthority[0];
    const ULONG rid = sid->SubAuthority[count - 1];
    if (count == 1)
        return known(rid);
#if defined(_WIN32)
    UINT32 account;
    if (account_of(primary_domain(), sid, &account))
        return known(0x100000 + account);
    if (account_of(account_domain(), sid, &account))
        return known(0x30000 + account);
#endif
    // Of more sub-authorities are the accounts of domains, and no other domain is known.
    if (count != 2 || first == SECURITY_LOGON_IDS_RID)
        return unmapped_id;
    if (first == SECURITY_BUILTIN_DOMAIN_RID)
        return rid;
    return known(0x1000 * first + rid);
}

} // namespace

void set_id_overrides(const UINT32* ids, const PSID* sids, ULONG count)
{
    const OverridesLock lock;
    // Nobody reads entries beyond the count, so those in use are only replaced while it is 0.
    override_count.store(0, std::memory_order_release);
    ULONG kept = 0;
    for (ULONG i = 0; i < count && kept < max_overrides; ++i) {
        if (!sids[i] || !valid_sid_size(sids[i], SECURITY_MAX_SID_SIZE))
            continue;
        overrides[kept++] = {ids[i], copy_sid(static_cast<const SID*>(sids[i]))};
    }
    override_count.store(kept, std::memory_order_release);
}

SidBuffer sid_of_id(UINT32 id)
{
    const ULONG count = override_count.load(std::memory_order_acquire);
    for (ULONG i = 0; i < count; ++i) {
        if (overrides[i].id == id)
            return overrides[i].sid;
    }
    return rule_sid(id);
}

SidBuffer public_sid_of_id(UINT32 id)
{
    const SidBuffer sid = sid_of_id(id);
    if (!stands_for_everybody(id) || !equal_sid(sid.get(), unix_sid(id)))
        return sid;
    return id == 11 ? sids::authenticated_users : SidBuffer{id >> 8 & 0xFF, {id & 0xFF}};
}

UINT32 id_of_sid(const SID* sid)
{
    const ULONG overridden = override_count.load(std::memory_order_acquire);
    for (ULONG i = 0; i < overridden; ++i) {
        if (equal_sid(sid, overrides[i].sid))
            return overrides[i].id;
    }

    const ULONG count = sid->SubAuthorityCount;
    if (count == 0 || equal_sid(sid, sids::unmapped))
        return unmapped_id;
    const UINT64 authority = sid_authority(sid);
    const ULONG rid = sid->SubAuthority[count - 1];
    if (authority == unix_authority && count == 2 && (sid->SubAuthority[0] == 1 || sid->SubAuthority[0] == 2))
        return known(rid);
    if (authority == 5)
        return nt_authority_id(sid);
    if (authority == 16)
        return known(0x60000 + rid);
    return known(0x10000 + 0x100 * static_cast<UINT32>(authority & 0xFF) + rid);
}

} // namespace fsp::nt::posix

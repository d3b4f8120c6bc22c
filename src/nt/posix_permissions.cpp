// SPDX-License-Identifier: MIT
//
// Mode bits <-> security descriptor.
#include <atomic>
#include <cstdlib>

#include "nt/access_check.h"
#include "nt/acl.h"
#include "nt/posix_map.h"
#include "nt/security_descriptor.h"

namespace fsp::nt::posix {

namespace {

constexpr UINT32 mode_directory = 0040000;
constexpr UINT32 mode_type = 0170000;
constexpr UINT32 mode_sticky = 01000;

constexpr ACCESS_MASK base_rights = SYNCHRONIZE | READ_CONTROL | FILE_READ_ATTRIBUTES | FILE_READ_EA;
constexpr ACCESS_MASK owner_rights =
    base_rights | DELETE | WRITE_DAC | WRITE_OWNER | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA;

std::atomic<bool> distinct_same_owner_group = true;

/// The rights of one class of rwx bits.
ACCESS_MASK rights_of(UINT32 bits, bool delete_child)
{
    ACCESS_MASK rights = 0;
    if (bits & 4)
        rights |= FILE_READ_DATA;
    if (bits & 2)
        rights |= FILE_WRITE_ATTRIBUTES | FILE_WRITE_DATA | FILE_APPEND_DATA |
                  (delete_child ? FILE_DELETE_CHILD : 0u);
    if (bits & 1)
        rights |= FILE_EXECUTE;
    return rights;
}

void put_dacl(AclWriter& writer, const SID* owner, const SID* group, UINT32 mode)
{
    UINT32 owner_bits = mode >> 6 & 7, group_bits = mode >> 3 & 7;
    if (!distinct_same_owner_group.load(std::memory_order_relaxed) && equal_sid(owner, group))
        owner_bits = group_bits = owner_bits & group_bits;
    const bool directory = (mode & mode_type) == mode_directory;
    const bool sticky = mode & mode_sticky;

    // The owner of a sticky directory may remove whatever is in it.
    const auto owner_mask = [&](UINT32 bits) { return rights_of(bits, directory); };
    const auto other_mask = [&](UINT32 bits) { return rights_of(bits, directory && !sticky); };
    const UINT32 other_bits = mode & 7;

    writer.add(ACCESS_ALLOWED_ACE_TYPE, 0, owner_rights | owner_mask(owner_bits), owner);
    if (const UINT32 denied = (group_bits | other_bits) & ~owner_bits)
        writer.add(ACCESS_DENIED_ACE_TYPE, 0, owner_mask(denied) & ~ACCESS_MASK{FILE_WRITE_ATTRIBUTES},
                   owner);
    writer.add(ACCESS_ALLOWED_ACE_TYPE, 0, base_rights | other_mask(group_bits), group);
    if (const UINT32 denied = other_bits & ~group_bits)
        writer.add(ACCESS_DENIED_ACE_TYPE, 0, other_mask(denied), group);
    writer.add(ACCESS_ALLOWED_ACE_TYPE, 0, base_rights | other_mask(other_bits), sids::everyone.get());
}

/// The first word that an ACL has on each right.
struct Verdict
{
    ACCESS_MASK allowed = 0;
    ACCESS_MASK denied = 0;

    void hear(UCHAR type, ACCESS_MASK mask)
    {
        if (type == ACCESS_ALLOWED_ACE_TYPE)
            allowed |= mask & ~denied;
        else
            denied |= mask & ~allowed;
    }
    UINT32 bits() const
    {
        constexpr ACCESS_MASK write = FILE_WRITE_DATA | FILE_APPEND_DATA;
        return (allowed & FILE_READ_DATA ? 4u : 0u) | ((allowed & write) == write ? 2u : 0u) |
               (allowed & FILE_EXECUTE ? 1u : 0u);
    }
    bool writes_but_keeps_children() const { return bits() & 2 && !(allowed & FILE_DELETE_CHILD); }
};

/// Whether a SID is the owner or group; `id` stands for one that the descriptor lacks.
bool is_principal(const SID* sid, const SID* principal, const UINT32* id)
{
    return principal ? equal_sid(sid, principal) : id && id_of_sid(sid) == *id;
}

UINT32 mode_of_dacl(const SecurityView& view, const UINT32* uid, const UINT32* gid)
{
    Verdict owner, group, other;
    for (const ACE_HEADER* ace : Aces(view.dacl)) {
        if (ace->AceFlags & INHERIT_ONLY_ACE ||
            (ace->AceType != ACCESS_ALLOWED_ACE_TYPE && ace->AceType != ACCESS_DENIED_ACE_TYPE))
            continue;
        const SID* const sid = ace_sid(ace);
        if (!sid)
            continue;
        const ACCESS_MASK mask = map_generic(ace_mask(ace), file_generic_mapping);
        const bool everybody = equal_sid(sid, sids::everyone) || equal_sid(sid, sids::authenticated_users);
        if (everybody || is_principal(sid, view.owner, uid))
            owner.hear(ace->AceType, mask);
        if (everybody || is_principal(sid, view.group, gid))
            group.hear(ace->AceType, mask);
        if (everybody)
            other.hear(ace->AceType, mask);
    }
    UINT32 mode = owner.bits() << 6 | group.bits() << 3 | other.bits();
    if (owner.allowed & FILE_DELETE_CHILD &&
        (group.writes_but_keeps_children() || other.writes_but_keeps_children()))
        mode |= mode_sticky;
    return mode;
}

} // namespace

void set_distinct_same_owner_group(bool distinct)
{
    distinct_same_owner_group.store(distinct, std::memory_order_relaxed);
}

ULONG permissions_to_descriptor(UINT32 uid, UINT32 gid, UINT32 mode, void* out)
{
    return permissions_to_descriptor(sid_of_id(uid), sid_of_id(gid), mode, out);
}

ULONG permissions_to_descriptor(const SidBuffer& owner, const SidBuffer& group, UINT32 mode, void* out)
{
    alignas(4) UCHAR dacl[sizeof(ACL) + 5 * (ace_sid_offset + SECURITY_MAX_SID_SIZE)];
    AclWriter writer(dacl, sizeof dacl);
    put_dacl(writer, owner.get(), group.get(), mode);
    writer.finish();

    SecurityView view;
    view.control = SE_DACL_PRESENT | SE_DACL_PROTECTED;
    view.owner = owner.get();
    view.group = group.get();
    view.dacl = reinterpret_cast<const ACL*>(dacl);
    view.write(out);
    return view.relative_size();
}

void* merge_permissions(UINT32 uid, UINT32 gid, UINT32 mode, const void* existing)
{
    if (!existing) {
        alignas(4) UCHAR buffer[max_descriptor_size];
        const ULONG size = permissions_to_descriptor(uid, gid, mode, buffer);
        void* const out = std::malloc(size);
        if (out)
            std::memcpy(out, buffer, size);
        return out;
    }

    SecurityView view = SecurityView::of(existing);
    SidBuffer owner, group;
    view.sacl = nullptr;
    view.control = view.dacl ? SE_DACL_PRESENT | SE_DACL_PROTECTED : 0;
    if (!view.owner) {
        owner = sid_of_id(uid);
        view.owner = owner.get();
    }
    if (!view.group) {
        group = sid_of_id(gid);
        view.group = group.get();
    }
    return make_relative(view);
}

Permissions descriptor_to_permissions(const void* descriptor, const UINT32* uid, const UINT32* gid)
{
    const SecurityView view = SecurityView::of(descriptor);
    Permissions result;
    if (view.owner) {
        result.has_owner = true;
        result.uid = id_of_sid(view.owner);
    }
    if (view.group) {
        result.has_group = true;
        result.gid = id_of_sid(view.group);
    }
    result.mode = view.dacl ? mode_of_dacl(view, uid, gid) : 0777;
    return result;
}

} // namespace fsp::nt::posix

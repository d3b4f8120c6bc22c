// SPDX-License-Identifier: MIT
#include "nt/object_security.h"

#include <cstdlib>

#include "nt/rtl.h"
#include "nt/security_descriptor.h"

namespace fsp::nt {

namespace {

/// Which of the two ACLs of a descriptor is meant, and the control bits that belong to it.
struct AclKind
{
    SECURITY_DESCRIPTOR_CONTROL present, defaulted, auto_inherit_req, auto_inherited, is_protected;
    ULONG auto_inherit_flag;
    const ACL* SecurityView::* acl;

    SECURITY_DESCRIPTOR_CONTROL all_bits() const
    {
        return static_cast<SECURITY_DESCRIPTOR_CONTROL>(present | defaulted | auto_inherit_req |
                                                        auto_inherited | is_protected);
    }
};

constexpr AclKind dacl_kind{SE_DACL_PRESENT,        SE_DACL_DEFAULTED, SE_DACL_AUTO_INHERIT_REQ,
                            SE_DACL_AUTO_INHERITED, SE_DACL_PROTECTED, SEF_DACL_AUTO_INHERIT,
                            &SecurityView::dacl};
constexpr AclKind sacl_kind{SE_SACL_PRESENT,        SE_SACL_DEFAULTED, SE_SACL_AUTO_INHERIT_REQ,
                            SE_SACL_AUTO_INHERITED, SE_SACL_PROTECTED, SEF_SACL_AUTO_INHERIT,
                            &SecurityView::sacl};

/// An ACL on the C heap.
class OwnedAcl
{
  public:
    OwnedAcl() = default;
    OwnedAcl(const OwnedAcl&) = delete;
    OwnedAcl& operator=(const OwnedAcl&) = delete;
    ~OwnedAcl() { std::free(acl_); }

    const ACL* get() const { return static_cast<const ACL*>(acl_); }
    ULONG count() const { return count_; }

    /// Runs `fill(AclWriter&)` twice: to measure, then to write.
    template<class Fill> NTSTATUS build(NTSTATUS too_large, Fill fill)
    {
        AclWriter measure;
        fill(measure);
        const ULONG size = measure.size();
        if (!size)
            return too_large;
        std::free(acl_);
        acl_ = std::malloc(size);
        if (!acl_)
            return STATUS_NO_MEMORY;
        AclWriter writer(acl_, size);
        fill(writer);
        count_ = writer.count();
        return writer.finish() ? STATUS_SUCCESS : too_large;
    }

  private:
    void* acl_ = nullptr;
    ULONG count_ = 0;
};

/// The identities that CREATOR OWNER and CREATOR GROUP turn into.
struct Principals
{
    const SID* owner;
    const SID* group;
};

const SID* substitute(const SID* sid, const Principals& who)
{
    if (sid && equal_sid(sid, sids::creator_owner))
        return who.owner;
    if (sid && equal_sid(sid, sids::creator_group))
        return who.group;
    return sid;
}

/// The rights of an ACE after generic mapping; those of a mandatory label are a policy and stay.
ACCESS_MASK effective_mask(const ACE_HEADER* ace, const GENERIC_MAPPING& mapping)
{
    return ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE ? ace_mask(ace)
                                                           : map_generic(ace_mask(ace), mapping);
}

constexpr UCHAR inherit_flags = OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE;
constexpr UCHAR audit_flags = SUCCESSFUL_ACCESS_ACE_FLAG | FAILED_ACCESS_ACE_FLAG;

/**
 * Writes an ACE that is effective on the object and perhaps inheritable. If making it effective changes its
 * rights or SID, what is to be inherited must keep the original: then there are two ACEs.
 */
void put_effective(AclWriter& writer, const ACE_HEADER* ace, UCHAR propagate, UCHAR other_flags,
                   const Principals& who, const GENERIC_MAPPING& mapping)
{
    const SID* const sid = ace_sid(ace);
    const SID* const new_sid = substitute(sid, who);
    const ACCESS_MASK mask = effective_mask(ace, mapping);
    const bool changed = new_sid != sid || mask != ace_mask(ace);
    if (!propagate || !changed) {
        writer.add_copy(ace, propagate | other_flags, mask, new_sid);
        return;
    }
    writer.add_copy(ace, other_flags, mask, new_sid);
    writer.add_copy(ace, propagate | other_flags | INHERIT_ONLY_ACE, ace_mask(ace), sid);
}

/// The ACEs that somebody asked for explicitly.
void put_explicit(AclWriter& writer, const ACL* acl, bool drop_inherited, const Principals& who,
                  const GENERIC_MAPPING& mapping)
{
    for (const ACE_HEADER* ace : Aces(acl)) {
        if (drop_inherited && ace->AceFlags & INHERITED_ACE)
            continue;
        if (ace->AceFlags & INHERIT_ONLY_ACE) {
            writer.add_copy(ace, ace->AceFlags, ace_mask(ace), nullptr);
            continue;
        }
        const UCHAR propagate = ace->AceFlags & inherit_flags;
        const UCHAR extra = propagate ? ace->AceFlags & NO_PROPAGATE_INHERIT_ACE : 0;
        const UCHAR kept = ace->AceFlags & (audit_flags | INHERITED_ACE);
        put_effective(writer, ace, propagate | extra, kept, who, mapping);
    }
}

/// The ACEs that a new child gets from its parent's ACL.
void put_inherited(AclWriter& writer, const ACL* parent, bool container, bool mark, const Principals& who,
                   const GENERIC_MAPPING& mapping)
{
    for (const ACE_HEADER* ace : Aces(parent)) {
        const UCHAR flags = ace->AceFlags;
        const UCHAR other = (flags & audit_flags) | (mark ? INHERITED_ACE : 0);
        if (!container) {
            if (flags & OBJECT_INHERIT_ACE)
                put_effective(writer, ace, 0, other, who, mapping);
            continue;
        }
        const UCHAR propagate = flags & NO_PROPAGATE_INHERIT_ACE ? 0 : flags & inherit_flags;
        if (flags & CONTAINER_INHERIT_ACE)
            put_effective(writer, ace, propagate, other, who, mapping);
        else if (propagate) // for files below only
            writer.add_copy(ace, propagate | other | INHERIT_ONLY_ACE, ace_mask(ace), nullptr);
    }
}

/// Whether the caller may make `owner` the owner of an object.
bool may_own(const TokenView& token, const SID* owner)
{
    if (equal_sid(static_cast<const SID*>(token.user.Sid), owner))
        return !(token.user.Attributes & SE_GROUP_USE_FOR_DENY_ONLY);
    for (ULONG i = 0; i < token.group_count; ++i) {
        const SID_AND_ATTRIBUTES& group = token.groups[i];
        if (equal_sid(static_cast<const SID*>(group.Sid), owner) &&
            (group.Attributes & (SE_GROUP_OWNER | SE_GROUP_USE_FOR_DENY_ONLY)) == SE_GROUP_OWNER)
            return true;
    }
    return token.has(SE_RESTORE_PRIVILEGE);
}

struct NewAcl
{
    OwnedAcl storage;
    const ACL* acl = nullptr; ///< the storage's or the token's
    unsigned control = 0;
};

struct NewObject
{
    bool container;
    ULONG flags;
    Principals who;
    const GENERIC_MAPPING& mapping;
};

/// One ACL of a new object.
NTSTATUS make_acl(const AclKind& kind, const SecurityView& parent, const SecurityView& creator,
                  const ACL* fallback, const NewObject& object, NewAcl* out)
{
    const bool asked = creator.control & kind.present;
    const bool only_default = creator.control & kind.defaulted;
    const bool is_protected = asked && creator.control & kind.is_protected;
    const bool auto_inherit =
        (object.flags & kind.auto_inherit_flag) || creator.control & kind.auto_inherit_req;
    const ACL* const wanted = creator.*kind.acl;
    const ACL* const parents = parent.*kind.acl;

    // The creator's own, with the parent's behind it if inheritance is on.
    if (asked && !only_default) {
        out->control = kind.present;
        if (is_protected)
            out->control |= kind.is_protected;
        if (auto_inherit)
            out->control |= kind.auto_inherited;
        if (!wanted)
            return STATUS_SUCCESS; // a NULL ACL is a wish too
        const bool add_parents = auto_inherit && !is_protected;
        const NTSTATUS status = out->storage.build(STATUS_BAD_INHERITANCE_ACL, [&](AclWriter& writer) {
            put_explicit(writer, wanted, add_parents, object.who, object.mapping);
            if (add_parents)
                put_inherited(writer, parents, object.container, true, object.who, object.mapping);
        });
        out->acl = out->storage.get();
        return status;
    }

    if (!is_protected) {
        const NTSTATUS status = out->storage.build(STATUS_BAD_INHERITANCE_ACL, [&](AclWriter& writer) {
            put_inherited(writer, parents, object.container, auto_inherit, object.who, object.mapping);
        });
        if (!NT_SUCCESS(status))
            return status;
        if (out->storage.count()) {
            out->acl = out->storage.get();
            out->control = kind.present | (auto_inherit ? kind.auto_inherited : 0u);
            return STATUS_SUCCESS;
        }
    }

    // Nothing to inherit: what the creator offered for this case, then the token's.
    const ACL* const last = asked ? wanted : fallback;
    if (!asked && !last)
        return STATUS_SUCCESS;
    out->control = kind.present | (asked ? kind.defaulted : 0u) | (is_protected ? kind.is_protected : 0u) |
                   (auto_inherit ? kind.auto_inherited : 0u);
    if (!last)
        return STATUS_SUCCESS;
    const NTSTATUS status = out->storage.build(STATUS_BAD_INHERITANCE_ACL, [&](AclWriter& writer) {
        put_explicit(writer, last, false, object.who, object.mapping);
    });
    out->acl = out->storage.get();
    return status;
}

bool is_label(const ACE_HEADER* ace) { return ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE; }

/// The SACL after a change: labels and audit entries are replaced separately.
NTSTATUS merge_sacl(SECURITY_INFORMATION information, const SecurityView& change, const SecurityView& now,
                    const Principals& who, const GENERIC_MAPPING& mapping, NewAcl* out)
{
    const bool new_labels = information & LABEL_SECURITY_INFORMATION;
    const bool new_audits = information & SACL_SECURITY_INFORMATION;
    const NTSTATUS status = out->storage.build(STATUS_INVALID_ACL, [&](AclWriter& writer) {
        for (const bool labels : {false, true}) {
            const bool take_new = labels ? new_labels : new_audits;
            for (const ACE_HEADER* ace : Aces(take_new ? change.sacl : now.sacl)) {
                if (is_label(ace) != labels)
                    continue;
                const bool map = take_new && !(ace->AceFlags & INHERIT_ONLY_ACE);
                writer.add_copy(ace, ace->AceFlags, map ? effective_mask(ace, mapping) : ace_mask(ace),
                                map ? substitute(ace_sid(ace), who) : nullptr);
            }
        }
    });
    if (!NT_SUCCESS(status))
        return status;
    const SecurityView& source = new_audits ? change : now;
    out->control = source.control & sacl_kind.all_bits() & ~unsigned{SE_SACL_AUTO_INHERIT_REQ};
    if (out->storage.count() || source.sacl) {
        out->control |= SE_SACL_PRESENT;
        out->acl = out->storage.get();
    }
    return STATUS_SUCCESS;
}

/// The inheritance bits of an ACL that `change` replaces: AUTO_INHERITED is kept only if it was also
/// requested, which tells writers that know about inheritance from those that copy bits they do not
/// understand.
unsigned replaced_control(const AclKind& kind, SECURITY_INFORMATION protect, SECURITY_INFORMATION unprotect,
                          SECURITY_INFORMATION information, const SecurityView& change, ULONG flags)
{
    unsigned control = kind.present | (change.control & (kind.defaulted | kind.is_protected));
    const unsigned inherited = kind.auto_inherit_req | kind.auto_inherited;
    if ((change.control & inherited) == inherited || flags & kind.auto_inherit_flag)
        control |= kind.auto_inherited;
    if (information & protect)
        control |= kind.is_protected;
    else if (information & unprotect)
        control &= ~unsigned{kind.is_protected};
    return control;
}

} // namespace

NTSTATUS create_object_security(const void* parent, const void* creator, bool container, ULONG flags,
                                const TokenView& token, const GENERIC_MAPPING& mapping, void** out)
{
    *out = nullptr;
    const SecurityView above = parent ? SecurityView::of(parent) : SecurityView{};
    const SecurityView wish = creator ? SecurityView::of(creator) : SecurityView{};
    const auto* const user = static_cast<const SID*>(token.user.Sid);

    SecurityView result;
    if (wish.owner)
        result.owner = wish.owner;
    else if (flags & SEF_DEFAULT_OWNER_FROM_PARENT && above.owner)
        result.owner = above.owner;
    else
        result.owner = token.owner ? token.owner : user;
    const bool owner_checked = wish.owner && !(flags & SEF_AVOID_OWNER_CHECK);
    if (!result.owner || (owner_checked && !may_own(token, result.owner)))
        return STATUS_INVALID_OWNER;

    if (wish.group)
        result.group = wish.group;
    else if (flags & SEF_DEFAULT_GROUP_FROM_PARENT && above.group)
        result.group = above.group;
    else
        result.group = token.primary_group;
    if (!result.group)
        return STATUS_INVALID_PRIMARY_GROUP;

    // Audit entries are the business of those who hold the privilege; a label of one's own level is not.
    if (wish.sacl && !(flags & SEF_AVOID_PRIVILEGE_CHECK) && !token.has(SE_SECURITY_PRIVILEGE)) {
        for (const ACE_HEADER* ace : Aces(wish.sacl)) {
            if (!is_label(ace))
                return STATUS_PRIVILEGE_NOT_HELD;
        }
    }

    const NewObject object{container, flags, {result.owner, result.group}, mapping};
    NewAcl dacl, sacl;
    NTSTATUS status = make_acl(dacl_kind, above, wish, token.default_dacl, object, &dacl);
    if (NT_SUCCESS(status))
        status = make_acl(sacl_kind, above, wish, nullptr, object, &sacl);
    if (!NT_SUCCESS(status))
        return status;
    result.dacl = dacl.acl;
    result.sacl = sacl.acl;
    result.control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(dacl.control | sacl.control);
    *out = make_relative(result);
    return *out ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

NTSTATUS set_object_security(SECURITY_INFORMATION information, const void* modification, const void* current,
                             ULONG flags, const TokenView* token, const GENERIC_MAPPING& mapping, void** out)
{
    *out = nullptr;
    const SecurityView change = SecurityView::of(modification);
    SecurityView result = SecurityView::of(current);
    unsigned control = result.control & ~unsigned{SE_SELF_RELATIVE};

    if (information & OWNER_SECURITY_INFORMATION) {
        if (!change.owner || (token && !(flags & SEF_AVOID_OWNER_CHECK) && !may_own(*token, change.owner)))
            return STATUS_INVALID_OWNER;
        result.owner = change.owner;
        control &= ~unsigned{SE_OWNER_DEFAULTED};
    }
    if (information & GROUP_SECURITY_INFORMATION) {
        if (!change.group)
            return STATUS_INVALID_PRIMARY_GROUP;
        result.group = change.group;
        control &= ~unsigned{SE_GROUP_DEFAULTED};
    }
    if (!result.owner)
        return STATUS_INVALID_OWNER;
    const Principals who{result.owner, result.group ? result.group : result.owner};

    NewAcl dacl, sacl;
    if (information & DACL_SECURITY_INFORMATION) {
        control &= ~unsigned{dacl_kind.all_bits()};
        control |= replaced_control(dacl_kind, PROTECTED_DACL_SECURITY_INFORMATION,
                                    UNPROTECTED_DACL_SECURITY_INFORMATION, information, change, flags);
        result.dacl = nullptr;
        if (change.dacl) {
            const NTSTATUS status = dacl.storage.build(STATUS_INVALID_ACL, [&](AclWriter& writer) {
                put_explicit(writer, change.dacl, false, who, mapping);
            });
            if (!NT_SUCCESS(status))
                return status;
            result.dacl = dacl.storage.get();
        }
    }
    if (information & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) {
        const NTSTATUS status = merge_sacl(information, change, result, who, mapping, &sacl);
        if (!NT_SUCCESS(status))
            return status;
        control &= ~unsigned{sacl_kind.all_bits()};
        control |= sacl.control;
        if (information & SACL_SECURITY_INFORMATION)
            control = (control & ~unsigned{sacl_kind.all_bits()}) | (sacl.control & sacl_kind.present) |
                      (replaced_control(sacl_kind, PROTECTED_SACL_SECURITY_INFORMATION,
                                        UNPROTECTED_SACL_SECURITY_INFORMATION, information, change, flags) &
                       ~unsigned{sacl_kind.present});
        result.sacl = sacl.acl;
    }

    result.control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(control);
    *out = make_relative(result);
    return *out ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

void free_descriptor(void* descriptor) { std::free(descriptor); }

} // namespace fsp::nt

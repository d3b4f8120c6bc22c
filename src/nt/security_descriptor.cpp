// SPDX-License-Identifier: MIT
#include "nt/security_descriptor.h"

#include <cstdlib>
#include <cstring>

#include "nt/rtl.h"

namespace fsp::nt {

namespace {

constexpr ULONG align4(ULONG size) { return (size + 3) & ~3u; }

template<class Part> const Part* at_offset(const void* base, ULONG offset)
{
    return offset ? reinterpret_cast<const Part*>(static_cast<const UCHAR*>(base) + offset) : nullptr;
}

/// Whether a part of a relative descriptor starts inside and aligned. Offset 0 is an absent part.
bool valid_offset(ULONG offset, size_t available)
{
    return offset >= sizeof(SECURITY_DESCRIPTOR_RELATIVE) && offset % 4 == 0 && offset < available;
}

/// Extends `size` to cover a SID; false if it is not valid.
bool cover_sid(const void* base, ULONG offset, size_t available, ULONG* size)
{
    if (offset == 0)
        return true;
    if (!valid_offset(offset, available))
        return false;
    const ULONG length = valid_sid_size(static_cast<const UCHAR*>(base) + offset, available - offset);
    if (offset + length > *size)
        *size = offset + length;
    return length != 0;
}

bool cover_acl(const void* base, ULONG offset, size_t available, ULONG* size)
{
    if (offset == 0)
        return true;
    if (!valid_offset(offset, available))
        return false;
    const auto* acl = at_offset<ACL>(base, offset);
    if (!valid_acl(acl, available - offset))
        return false;
    if (offset + acl->AclSize > *size)
        *size = offset + acl->AclSize;
    return true;
}

} // namespace

SecurityView SecurityView::of(const void* descriptor)
{
    SecurityView view;
    const auto* relative = static_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(descriptor);
    view.control = relative->Control;
    if (view.control & SE_SELF_RELATIVE) {
        view.owner = at_offset<SID>(descriptor, relative->Owner);
        view.group = at_offset<SID>(descriptor, relative->Group);
        view.sacl = at_offset<ACL>(descriptor, relative->Sacl);
        view.dacl = at_offset<ACL>(descriptor, relative->Dacl);
    } else {
        const auto* absolute = static_cast<const SECURITY_DESCRIPTOR*>(descriptor);
        view.owner = static_cast<const SID*>(absolute->Owner);
        view.group = static_cast<const SID*>(absolute->Group);
        view.sacl = absolute->Sacl;
        view.dacl = absolute->Dacl;
    }
    if (!view.sacl_present())
        view.sacl = nullptr;
    if (!view.dacl_present())
        view.dacl = nullptr;
    return view;
}

ULONG SecurityView::relative_size() const
{
    ULONG size = sizeof(SECURITY_DESCRIPTOR_RELATIVE);
    size += owner ? sid_length(owner) : 0;
    size += group ? sid_length(group) : 0;
    size += sacl ? align4(sacl->AclSize) : 0;
    size += dacl ? align4(dacl->AclSize) : 0;
    return size;
}

void SecurityView::write(void* out) const
{
    auto* const bytes = static_cast<UCHAR*>(out);
    SECURITY_DESCRIPTOR_RELATIVE header{};
    header.Revision = SECURITY_DESCRIPTOR_REVISION;
    header.Control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(control | SE_SELF_RELATIVE);

    ULONG at = sizeof header;
    const auto put = [&](const void* part, ULONG size) -> ULONG {
        if (!part)
            return 0;
        const ULONG offset = at;
        std::memcpy(bytes + at, part, size);
        std::memset(bytes + at + size, 0, align4(size) - size);
        at += align4(size);
        return offset;
    };
    // Windows' own order of the parts.
    header.Sacl = put(sacl, sacl ? sacl->AclSize : 0);
    header.Dacl = put(dacl, dacl ? dacl->AclSize : 0);
    header.Owner = put(owner, owner ? sid_length(owner) : 0);
    header.Group = put(group, group ? sid_length(group) : 0);
    std::memcpy(bytes, &header, sizeof header);
}

void* make_relative(const SecurityView& view, ULONG* size)
{
    const ULONG needed = view.relative_size();
    void* const out = std::malloc(needed);
    if (out)
        view.write(out);
    if (size)
        *size = needed;
    return out;
}

ULONG valid_relative_size(const void* data, size_t available)
{
    if (!data || available < sizeof(SECURITY_DESCRIPTOR_RELATIVE))
        return 0;
    const auto& header = *static_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(data);
    if (header.Revision != SECURITY_DESCRIPTOR_REVISION || !(header.Control & SE_SELF_RELATIVE))
        return 0;
    ULONG size = sizeof header;
    if (!cover_sid(data, header.Owner, available, &size) || !cover_sid(data, header.Group, available, &size))
        return 0;
    if (header.Control & SE_DACL_PRESENT && !cover_acl(data, header.Dacl, available, &size))
        return 0;
    if (header.Control & SE_SACL_PRESENT && !cover_acl(data, header.Sacl, available, &size))
        return 0;
    return size;
}

NTSTATUS query_security(SECURITY_INFORMATION information, const void* descriptor, void* out, ULONG* size)
{
    constexpr SECURITY_INFORMATION any_sacl = SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION |
                                              ATTRIBUTE_SECURITY_INFORMATION | SCOPE_SECURITY_INFORMATION;
    constexpr SECURITY_DESCRIPTOR_CONTROL dacl_bits =
        SE_DACL_PRESENT | SE_DACL_DEFAULTED | SE_DACL_AUTO_INHERITED | SE_DACL_PROTECTED;
    constexpr SECURITY_DESCRIPTOR_CONTROL sacl_bits =
        SE_SACL_PRESENT | SE_SACL_DEFAULTED | SE_SACL_AUTO_INHERITED | SE_SACL_PROTECTED;

    SecurityView view = SecurityView::of(descriptor);
    SECURITY_DESCRIPTOR_CONTROL kept = 0;
    if (information & OWNER_SECURITY_INFORMATION)
        kept |= SE_OWNER_DEFAULTED;
    else
        view.owner = nullptr;
    if (information & GROUP_SECURITY_INFORMATION)
        kept |= SE_GROUP_DEFAULTED;
    else
        view.group = nullptr;
    if (information & DACL_SECURITY_INFORMATION)
        kept |= dacl_bits;
    else
        view.dacl = nullptr;
    if (information & any_sacl)
        kept |= sacl_bits;
    else
        view.sacl = nullptr;
    view.control &= kept;

    // The label alone must not reveal the audit entries.
    UCHAR* filtered = nullptr;
    if (view.sacl && !(information & SACL_SECURITY_INFORMATION)) {
        filtered = static_cast<UCHAR*>(std::malloc(view.sacl->AclSize));
        if (!filtered)
            return STATUS_INSUFFICIENT_RESOURCES;
        AclWriter writer(filtered, view.sacl->AclSize);
        for (const ACE_HEADER* ace : Aces(view.sacl)) {
            const bool wanted = (ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE &&
                                 information & LABEL_SECURITY_INFORMATION) ||
                                (ace->AceType == SYSTEM_RESOURCE_ATTRIBUTE_ACE_TYPE &&
                                 information & ATTRIBUTE_SECURITY_INFORMATION) ||
                                (ace->AceType == SYSTEM_SCOPED_POLICY_ID_ACE_TYPE &&
                                 information & SCOPE_SECURITY_INFORMATION);
            if (wanted)
                writer.add_copy(ace, ace->AceFlags, ace_mask(ace), nullptr);
        }
        writer.finish();
        view.sacl = reinterpret_cast<ACL*>(filtered);
        if (writer.count() == 0) {
            view.sacl = nullptr;
            view.control &= static_cast<SECURITY_DESCRIPTOR_CONTROL>(~sacl_bits);
        }
    }

    const ULONG needed = view.relative_size();
    const bool fits = needed <= *size;
    *size = needed;
    if (fits)
        view.write(out);
    std::free(filtered);
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_TOO_SMALL;
}

} // namespace fsp::nt

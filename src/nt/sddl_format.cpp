// SPDX-License-Identifier: MIT
#include <cstring>
#include <iterator>
#include <new>

#include "nt/acl.h"
#include "nt/sddl.h"
#include "nt/sddl_names.h"
#include "nt/security_descriptor.h"

namespace fsp::nt {

const WCHAR* alias_of_sid(const SID* sid)
{
    for (const sddl::SidName& name : sddl::sid_names) {
        if (equal_sid(sid, name.sid))
            return name.text;
    }
    return nullptr;
}

namespace {

void put_hex(WideString& out, ULONG value, unsigned least_digits = 1)
{
    unsigned digits = 8;
    while (digits > least_digits && !(value >> (4 * digits - 4)))
        --digits;
    while (digits--)
        out += FSP_L("0123456789abcdef")[value >> (4 * digits) & 15];
}

void put_sid(WideString& out, const SID* sid)
{
    if (const WCHAR* const alias = alias_of_sid(sid)) {
        out += alias;
        return;
    }
    WCHAR text[max_sid_text];
    out.append(text, format_sid(sid, text));
}

/// All bits as names, or false with nothing written.
template<size_t N> bool put_bits(WideString& out, const sddl::Name (&names)[N], ULONG value)
{
    const size_t start = out.size();
    for (const sddl::Name& name : names) {
        if (value & name.value)
            out += name.text;
        value &= ~name.value;
    }
    if (value)
        out.resize(start);
    return value == 0;
}

void put_rights(WideString& out, UCHAR type, ACCESS_MASK mask)
{
    for (const sddl::Name& whole : sddl::whole_rights) {
        if (mask == whole.value && type != SYSTEM_MANDATORY_LABEL_ACE_TYPE) {
            out += whole.text;
            return;
        }
    }
    if (type == SYSTEM_MANDATORY_LABEL_ACE_TYPE ? put_bits(out, sddl::label_rights, mask)
                                                : put_bits(out, sddl::bit_rights, mask))
        return;
    out += FSP_L("0x");
    put_hex(out, mask);
}

void put_guid(WideString& out, const UCHAR* bytes)
{
    GUID guid;
    std::memcpy(&guid, bytes, sizeof guid);
    put_hex(out, guid.Data1, 8);
    out += u'-';
    put_hex(out, guid.Data2, 4);
    out += u'-';
    put_hex(out, guid.Data3, 4);
    for (int i = 0; i < 8; ++i) {
        if (i == 0 || i == 2)
            out += u'-';
        put_hex(out, guid.Data4[i], 2);
    }
}

bool put_ace(WideString& out, const ACE_HEADER* ace)
{
    const WCHAR* type = nullptr;
    for (const sddl::Name& name : sddl::ace_types) {
        if (name.value == ace->AceType)
            type = name.text;
    }
    const SID* const sid = ace_sid(ace);
    if (!type || !sid)
        return false;

    out += u'(';
    out += type;
    out += u';';
    put_bits(out, sddl::ace_flags, ace->AceFlags & (VALID_INHERIT_FLAGS | 0xC0));
    out += u';';
    put_rights(out, ace->AceType, ace_mask(ace));
    out += u';';
    const UCHAR* guid = ace_bytes(ace) + 12;
    const ULONG present = ace_layout(ace->AceType) == AceLayout::object
                              ? reinterpret_cast<const ACCESS_ALLOWED_OBJECT_ACE*>(ace)->Flags
                              : 0;
    if (present & ACE_OBJECT_TYPE_PRESENT) {
        put_guid(out, guid);
        guid += sizeof(GUID);
    }
    out += u';';
    if (present & ACE_INHERITED_OBJECT_TYPE_PRESENT)
        put_guid(out, guid);
    out += u';';
    put_sid(out, sid);
    out += u')';
    return true;
}

enum class Which
{
    dacl,
    sacl,
};

bool put_acl(WideString& out, const SecurityView& view, Which which, SECURITY_INFORMATION information)
{
    const unsigned shift = which == Which::sacl ? 1 : 0;
    for (const sddl::Name& flag : sddl::acl_flags) {
        if (view.control & flag.value << shift)
            out += flag.text;
    }
    const ACL* const acl = which == Which::sacl ? view.sacl : view.dacl;
    if (!acl)
        out += FSP_L("NO_ACCESS_CONTROL");
    for (const ACE_HEADER* ace : Aces(acl)) {
        if (which == Which::sacl) {
            const bool label = ace->AceType == SYSTEM_MANDATORY_LABEL_ACE_TYPE;
            if (!(information & (label ? LABEL_SECURITY_INFORMATION : SACL_SECURITY_INFORMATION)))
                continue;
        }
        if (!put_ace(out, ace))
            return false;
    }
    return true;
}

} // namespace

NTSTATUS format_sddl(const void* descriptor, SECURITY_INFORMATION information, WideString* out)
try {
    const SecurityView view = SecurityView::of(descriptor);
    WideString text;
    if (information & OWNER_SECURITY_INFORMATION && view.owner) {
        text += FSP_L("O:");
        put_sid(text, view.owner);
    }
    if (information & GROUP_SECURITY_INFORMATION && view.group) {
        text += FSP_L("G:");
        put_sid(text, view.group);
    }
    if (information & DACL_SECURITY_INFORMATION && view.dacl_present()) {
        text += FSP_L("D:");
        if (!put_acl(text, view, Which::dacl, information))
            return STATUS_INVALID_ACL;
    }
    if (information & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION) && view.sacl_present()) {
        text += FSP_L("S:");
        if (!put_acl(text, view, Which::sacl, information))
            return STATUS_INVALID_ACL;
    }
    *out = std::move(text);
    return STATUS_SUCCESS;
} catch (const std::bad_alloc&) {
    return STATUS_NO_MEMORY;
}

} // namespace fsp::nt

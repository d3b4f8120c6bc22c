// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "nt/acl.h"
#include "nt/rtl.h"
#include "nt/sddl.h"
#include "nt/sddl_names.h"
#include "nt/security_descriptor.h"
#include "nt/upcase.h"

namespace fsp::nt {

const SidBuffer* sid_of_alias(WideView alias)
{
    for (const sddl::SidName& name : sddl::sid_names) {
        if (equal(alias, name.text, true))
            return &name.sid;
    }
    return nullptr;
}

namespace {

/// A cursor over the text. Every method that fails leaves the parse failed.
class Parser
{
  public:
    explicit Parser(WideView text) : rest_(text) {}

    NTSTATUS parse(void** out, ULONG* size);

  private:
    bool skip(WCHAR c)
    {
        skip_blanks();
        if (rest_.empty() || rest_[0] != c)
            return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_blanks()
    {
        while (!rest_.empty() &&
               (rest_[0] == u' ' || rest_[0] == u'\t' || rest_[0] == u'\n' || rest_[0] == u'\r'))
            rest_.remove_prefix(1);
    }
    bool take(WideView word)
    {
        if (!starts_with(rest_, word, true))
            return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    /// Everything up to `end`, which is skipped.
    bool field(WCHAR end, WideView* text)
    {
        const size_t at = rest_.find(end);
        if (at == WideView::npos)
            return false;
        *text = rest_.substr(0, at);
        rest_.remove_prefix(at + 1);
        while (!text->empty() && text->front() == u' ')
            text->remove_prefix(1);
        while (!text->empty() && text->back() == u' ')
            text->remove_suffix(1);
        return true;
    }

    bool sid(SidBuffer* out);
    bool acl(std::vector<ULONG>* storage, const ACL** out, unsigned shift);
    bool ace(std::vector<UCHAR>* aces);

    WideView rest_;
    unsigned control_ = 0;
};

bool Parser::sid(SidBuffer* out)
{
    skip_blanks();
    if (size_t used; parse_sid(rest_, out, &used)) {
        rest_.remove_prefix(used);
        return true;
    }
    const SidBuffer* const known = rest_.size() >= 2 ? sid_of_alias(rest_.substr(0, 2)) : nullptr;
    if (!known)
        return false;
    *out = *known;
    rest_.remove_prefix(2);
    return true;
}

template<size_t N> bool find_name(const sddl::Name (&names)[N], WideView text, ULONG* value)
{
    for (const sddl::Name& name : names) {
        if (equal(text, name.text, true)) {
            *value |= name.value;
            return true;
        }
    }
    return false;
}

bool parse_flags(WideView text, ULONG* flags)
{
    if (text.size() % 2)
        return false;
    for (; !text.empty(); text.remove_prefix(2)) {
        if (!find_name(sddl::ace_flags, text.substr(0, 2), flags))
            return false;
    }
    return true;
}

int digit_value(WCHAR c)
{
    if (c >= u'0' && c <= u'9')
        return c - u'0';
    const WCHAR lower = static_cast<WCHAR>(c | 0x20);
    return lower >= u'a' && lower <= u'f' ? lower - u'a' + 10 : 99;
}

bool parse_number(WideView text, ULONG* value)
{
    int base = 10;
    if (text.size() > 2 && text[0] == u'0' && (text[1] | 0x20) == u'x') {
        base = 16;
        text.remove_prefix(2);
    } else if (text.size() > 1 && text[0] == u'0') {
        base = 8;
    }
    UINT64 number = 0;
    for (const WCHAR c : text) {
        if (digit_value(c) >= base)
            return false;
        number = number * static_cast<unsigned>(base) + static_cast<unsigned>(digit_value(c));
        if (number > MAXULONG)
            return false;
    }
    *value = static_cast<ULONG>(number);
    return !text.empty();
}

bool parse_rights(WideView text, ACCESS_MASK* mask)
{
    if (text.empty())
        return true;
    if (text[0] >= u'0' && text[0] <= u'9')
        return parse_number(text, mask);
    if (text.size() % 2)
        return false;
    for (; !text.empty(); text.remove_prefix(2)) {
        const WideView word = text.substr(0, 2);
        if (!find_name(sddl::bit_rights, word, mask) && !find_name(sddl::whole_rights, word, mask) &&
            !find_name(sddl::key_rights, word, mask) && !find_name(sddl::label_rights, word, mask))
            return false;
    }
    return true;
}

bool parse_guid(WideView text, GUID* guid)
{
    if (text.size() != 36)
        return false;
    WCHAR braced[38];
    braced[0] = u'{';
    std::memcpy(braced + 1, text.data(), 36 * sizeof(WCHAR));
    braced[37] = u'}';
    const UNICODE_STRING string{sizeof braced, sizeof braced, braced};
    return NT_SUCCESS(RtlGUIDFromString(&string, guid));
}

void append(std::vector<UCHAR>* out, const void* data, size_t size)
{
    const auto* bytes = static_cast<const UCHAR*>(data);
    out->insert(out->end(), bytes, bytes + size);
}

/// type;flags;rights;object;inherited object;account) with the opening parenthesis already read.
bool Parser::ace(std::vector<UCHAR>* aces)
{
    WideView type_text, flags_text, rights_text, object_text, inherited_text;
    if (!field(u';', &type_text) || !field(u';', &flags_text) || !field(u';', &rights_text) ||
        !field(u';', &object_text) || !field(u';', &inherited_text))
        return false;

    ULONG type = 0, flags = 0;
    ACCESS_MASK mask = 0;
    SidBuffer account;
    if (!find_name(sddl::ace_types, type_text, &type) || !parse_flags(flags_text, &flags) ||
        !parse_rights(rights_text, &mask) || !sid(&account) || !skip(u')'))
        return false;

    std::vector<UCHAR> object;
    if (ace_layout(static_cast<UCHAR>(type)) == AceLayout::object) {
        GUID guid;
        ULONG present = 0;
        append(&object, &present, sizeof present);
        if (!object_text.empty()) {
            if (!parse_guid(object_text, &guid))
                return false;
            present |= ACE_OBJECT_TYPE_PRESENT;
            append(&object, &guid, sizeof guid);
        }
        if (!inherited_text.empty()) {
            if (!parse_guid(inherited_text, &guid))
                return false;
            present |= ACE_INHERITED_OBJECT_TYPE_PRESENT;
            append(&object, &guid, sizeof guid);
        }
        std::memcpy(object.data(), &present, sizeof present);
    } else if (!object_text.empty() || !inherited_text.empty()) {
        return false;
    }

    const ACE_HEADER header{static_cast<UCHAR>(type), static_cast<UCHAR>(flags),
                            static_cast<USHORT>(ace_sid_offset + object.size() + account.size())};
    append(aces, &header, sizeof header);
    append(aces, &mask, sizeof mask);
    append(aces, object.data(), object.size());
    append(aces, &account, account.size());
    return true;
}

/// Flags and ACEs; `shift` is 1 for a SACL, whose control bits are next to the DACL's.
bool Parser::acl(std::vector<ULONG>* storage, const ACL** out, unsigned shift)
{
    control_ |= unsigned{SE_DACL_PRESENT} << (2 * shift);
    static_assert(SE_SACL_PRESENT == SE_DACL_PRESENT << 2);

    skip_blanks();
    bool null_acl = false;
    for (bool more = true; more;) {
        more = false;
        if (take(FSP_L("NO_ACCESS_CONTROL"))) {
            null_acl = more = true;
            continue;
        }
        for (const sddl::Name& flag : sddl::acl_flags) {
            if (take(flag.text)) {
                control_ |= flag.value << shift;
                more = true;
                break;
            }
        }
    }

    std::vector<UCHAR> bytes(sizeof(ACL));
    ULONG count = 0;
    UCHAR revision = ACL_REVISION;
    while (skip(u'(')) {
        const size_t at = bytes.size();
        if (null_acl || !ace(&bytes) || bytes.size() > 0xFFFC)
            return false;
        if (ace_layout(bytes[at]) == AceLayout::object)
            revision = ACL_REVISION_DS;
        ++count;
    }
    if (null_acl)
        return true;
    const ACL header{revision, 0, static_cast<USHORT>(bytes.size()), static_cast<USHORT>(count), 0};
    std::memcpy(bytes.data(), &header, sizeof header);
    storage->resize(bytes.size() / sizeof(ULONG));
    std::memcpy(storage->data(), bytes.data(), bytes.size());
    *out = reinterpret_cast<const ACL*>(storage->data());
    return true;
}

NTSTATUS Parser::parse(void** out, ULONG* size)
{
    SidBuffer owner, group;
    std::vector<ULONG> dacl, sacl;
    SecurityView view;
    bool seen[4] = {};

    for (skip_blanks(); !rest_.empty(); skip_blanks()) {
        const WCHAR part = upcase(rest_[0]);
        rest_.remove_prefix(1);
        const size_t index = WideView(FSP_L("OGDS")).find(part);
        if (index == WideView::npos || seen[index] || !skip(u':'))
            return STATUS_INVALID_PARAMETER;
        seen[index] = true;

        bool good = false;
        if (part == u'O') {
            good = sid(&owner);
            view.owner = owner.get();
        } else if (part == u'G') {
            good = sid(&group);
            view.group = group.get();
        } else if (part == u'D') {
            good = acl(&dacl, &view.dacl, 0);
        } else {
            good = acl(&sacl, &view.sacl, 1);
        }
        if (!good)
            return STATUS_INVALID_PARAMETER;
    }

    view.control = static_cast<SECURITY_DESCRIPTOR_CONTROL>(control_);
    *out = make_relative(view, size);
    return *out ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

} // namespace

NTSTATUS parse_sddl(WideView text, void** out, ULONG* size)
try {
    *out = nullptr;
    return Parser(text).parse(out, size);
} catch (const std::bad_alloc&) {
    return STATUS_NO_MEMORY;
}

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
//
// Unicode prefix tables: the longest entry that is a component-wise prefix of a name.
//
// Entries live in the caller's memory and nothing can be allocated here, so the table is what the
// documented structures allow: a list of trees, one for each number of components, longest first;
// each tree a binary search tree over the case-insensitive prefix. Names that differ in case only
// form a ring through CaseMatch; its first member is the one that is in the tree.
#include <ntifs.h>

#include <algorithm>
#include <string_view>

namespace {

using Entry = UNICODE_PREFIX_TABLE_ENTRY;
using Name = std::u16string_view;

constexpr CSHORT node_table = 0x0800;
constexpr CSHORT node_root = 0x0801;
constexpr CSHORT node_tree = 0x0802;
constexpr CSHORT node_case_match = 0x0803;

Name text(const UNICODE_STRING* s)
{
    return {reinterpret_cast<const char16_t*>(s->Buffer), s->Length / sizeof(WCHAR)};
}

/// Number of components; "\" alone has one, so that the root entry is a prefix of everything below it.
CSHORT components(Name name)
{
    if (name.empty())
        return 0;
    CSHORT count = 1;
    for (size_t i = 1; i + 1 < name.size(); ++i)
        count = static_cast<CSHORT>(count + (name[i] == u'\\'));
    return count;
}

/// The first `count` components of a name.
Name leading(Name name, CSHORT count)
{
    if (count <= 0)
        return name.substr(0, 0);
    for (size_t i = 1; i < name.size(); ++i)
        if (name[i] == u'\\' && --count == 0)
            return name.substr(0, i);
    return name;
}

int compare(Name a, Name b)
{
    const size_t common = std::min(a.size(), b.size());
    for (size_t i = 0; i < common; ++i) {
        const WCHAR x = RtlUpcaseUnicodeChar(a[i]);
        const WCHAR y = RtlUpcaseUnicodeChar(b[i]);
        if (x != y)
            return x < y ? -1 : 1;
    }
    return a.size() == b.size() ? 0 : a.size() < b.size() ? -1 : 1;
}

Entry* entry_of(PRTL_SPLAY_LINKS links) { return links ? CONTAINING_RECORD(links, Entry, Links) : nullptr; }
bool is_root(Entry* e) { return e->Links.Parent == &e->Links; }

Entry* find_in_tree(Entry* root, Name name)
{
    while (root) {
        const int order = compare(name, text(root->Prefix));
        if (order == 0)
            return root;
        root = entry_of(order < 0 ? root->Links.LeftChild : root->Links.RightChild);
    }
    return nullptr;
}

/// Puts `with` (possibly null) where `old` is in the tree or list of trees.
void replace(PUNICODE_PREFIX_TABLE table, Entry* old, Entry* with)
{
    if (!is_root(old)) {
        PRTL_SPLAY_LINKS parent = old->Links.Parent;
        (parent->LeftChild == &old->Links ? parent->LeftChild : parent->RightChild) =
            with ? &with->Links : nullptr;
        if (with)
            with->Links.Parent = parent;
        return;
    }
    Entry** link = &table->NextPrefixTree;
    while (*link != old)
        link = &(*link)->NextPrefixTree;
    if (!with) {
        *link = old->NextPrefixTree;
        return;
    }
    with->NextPrefixTree = old->NextPrefixTree;
    with->NodeTypeCode = node_root;
    with->Links.Parent = &with->Links;
    *link = with;
}

void adopt_child(Entry* parent, PRTL_SPLAY_LINKS& slot, PRTL_SPLAY_LINKS child)
{
    slot = child;
    if (child)
        child->Parent = &parent->Links;
}

void remove_from_tree(PUNICODE_PREFIX_TABLE table, Entry* e)
{
    Entry* left = entry_of(e->Links.LeftChild);
    Entry* right = entry_of(e->Links.RightChild);
    if (!left || !right) {
        replace(table, e, left ? left : right);
        return;
    }
    Entry* next = right;
    while (next->Links.LeftChild)
        next = entry_of(next->Links.LeftChild);
    if (next != right) {
        replace(table, next, entry_of(next->Links.RightChild));
        adopt_child(next, next->Links.RightChild, e->Links.RightChild);
    }
    adopt_child(next, next->Links.LeftChild, e->Links.LeftChild);
    replace(table, e, next);
}

} // namespace

VOID NTAPI RtlInitializeUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable)
{
    PrefixTable->NodeTypeCode = node_table;
    PrefixTable->NameLength = 0;
    PrefixTable->NextPrefixTree = nullptr;
    PrefixTable->LastNextEntry = nullptr;
}

BOOLEAN NTAPI RtlInsertUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, PUNICODE_STRING Prefix,
                                     PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    const Name name = text(Prefix);
    Entry* e = PrefixTableEntry;
    *e = {};
    e->NameLength = components(name);
    e->Prefix = Prefix;
    e->CaseMatch = e;
    e->Links.Parent = &e->Links;

    Entry** link = &PrefixTable->NextPrefixTree;
    while (*link && (*link)->NameLength > e->NameLength)
        link = &(*link)->NextPrefixTree;
    if (!*link || (*link)->NameLength != e->NameLength) {
        e->NodeTypeCode = node_root;
        e->NextPrefixTree = *link;
        *link = e;
        return TRUE;
    }
    for (Entry* at = *link;;) {
        const int order = compare(name, text(at->Prefix));
        if (order == 0) {
            Entry* same = at;
            do {
                if (text(same->Prefix) == name)
                    return FALSE;
                same = same->CaseMatch;
            } while (same != at);
            e->NodeTypeCode = node_case_match;
            e->CaseMatch = at->CaseMatch;
            at->CaseMatch = e;
            return TRUE;
        }
        PRTL_SPLAY_LINKS& slot = order < 0 ? at->Links.LeftChild : at->Links.RightChild;
        if (!slot) {
            e->NodeTypeCode = node_tree;
            adopt_child(at, slot, &e->Links);
            return TRUE;
        }
        at = entry_of(slot);
    }
}

VOID NTAPI RtlRemoveUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                  PUNICODE_PREFIX_TABLE_ENTRY PrefixTableEntry)
{
    Entry* e = PrefixTableEntry;
    PrefixTable->LastNextEntry = nullptr;
    Entry* before = e;
    while (before->CaseMatch != e)
        before = before->CaseMatch;
    Entry* heir = e->CaseMatch;
    before->CaseMatch = heir;
    if (e->NodeTypeCode == node_case_match)
        return;
    if (heir == e) {
        remove_from_tree(PrefixTable, e);
        return;
    }
    // Another spelling takes the place in the tree.
    heir->NodeTypeCode = e->NodeTypeCode;
    adopt_child(heir, heir->Links.LeftChild, e->Links.LeftChild);
    adopt_child(heir, heir->Links.RightChild, e->Links.RightChild);
    replace(PrefixTable, e, heir);
}

PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlFindUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable,
                                                       PUNICODE_STRING FullName, ULONG CaseInsensitiveIndex)
{
    const Name full = text(FullName);
    // Characters up to CaseInsensitiveIndex are compared exactly, the rest without regard to case.
    const size_t exact = std::min<size_t>(CaseInsensitiveIndex, full.size());
    const CSHORT depth = components(full);
    for (Entry* tree = PrefixTable->NextPrefixTree; tree; tree = tree->NextPrefixTree) {
        if (tree->NameLength > depth)
            continue;
        Entry* found = find_in_tree(tree, leading(full, tree->NameLength));
        // "\" is the prefix of all names that begin with a backslash.
        if (!found && tree->NameLength == 1 && !full.empty() && full[0] == u'\\')
            found = find_in_tree(tree, full.substr(0, 1));
        if (!found)
            continue;
        Entry* e = found;
        do {
            const Name prefix = text(e->Prefix);
            const size_t n = std::min(prefix.size(), exact);
            if (prefix.substr(0, n) == full.substr(0, n))
                return e;
            e = e->CaseMatch;
        } while (e != found);
    }
    return nullptr;
}

PUNICODE_PREFIX_TABLE_ENTRY NTAPI RtlNextUnicodePrefix(PUNICODE_PREFIX_TABLE PrefixTable, BOOLEAN Restart)
{
    auto leftmost = [](Entry* e) {
        while (e && e->Links.LeftChild)
            e = entry_of(e->Links.LeftChild);
        return e;
    };
    auto successor = [&](Entry* e) -> Entry* {
        if (e->Links.RightChild)
            return leftmost(entry_of(e->Links.RightChild));
        while (!is_root(e) && e->Links.Parent->RightChild == &e->Links)
            e = entry_of(e->Links.Parent);
        if (!is_root(e))
            return entry_of(e->Links.Parent);
        return leftmost(e->NextPrefixTree);
    };

    Entry* last = PrefixTable->LastNextEntry;
    Entry* next;
    if (Restart || !last) {
        next = leftmost(PrefixTable->NextPrefixTree);
    } else if (last->CaseMatch->NodeTypeCode == node_case_match) {
        next = last->CaseMatch;
    } else {
        next = successor(last->CaseMatch); // once around the ring, back at the tree's member
    }
    PrefixTable->LastNextEntry = next;
    return next;
}

// SPDX-License-Identifier: MIT
#include "ntos/ob/namespace.h"

#include <cstdlib>
#include <mutex>
#include <shared_mutex>

namespace fsp::ntos::ob {

namespace {

// One lock for the shape of the namespace: it changes with volumes, not with files.
std::shared_mutex lock;
Directory* root;

/// A chain of links longer than this is taken for a loop.
constexpr int max_links = 32;

Header* child(Directory* d, std::u16string_view name)
{
    auto it = d->entries.find(name);
    return it == d->entries.end() ? nullptr : it->second;
}

NTSTATUS add(Directory* d, std::u16string_view name, void* body)
{
    Header* h = Header::of(body);
    auto [it, fresh] = d->entries.emplace(std::u16string(name), h);
    if (!fresh)
        return STATUS_OBJECT_NAME_COLLISION;
    h->references.fetch_add(1, std::memory_order_relaxed);
    h->name = new NameEntry{d, std::u16string(name)};
    return STATUS_SUCCESS;
}

/// Both parts of "\a\b\c": the directory of "\a\b" and "c". Follows links on the way. Lock held.
NTSTATUS parent_of(std::u16string_view path, Directory** parent, std::u16string_view* last)
{
    std::u16string replaced;
    std::u16string_view rest = path;
    Directory* d = root;
    int links = 0;
    const size_t cut = path.rfind(u'\\');
    if (path.empty() || path[0] != u'\\' || cut + 1 == path.size())
        return STATUS_OBJECT_NAME_INVALID;
    *last = path.substr(cut + 1);
    rest = path.substr(0, cut);
    while (!rest.empty()) {
        rest.remove_prefix(1);
        const size_t end = std::min(rest.find(u'\\'), rest.size());
        Header* h = child(d, rest.substr(0, end));
        if (h == nullptr)
            return STATUS_OBJECT_PATH_NOT_FOUND;
        rest.remove_prefix(end);
        if (h->type == &directory_type)
            d = static_cast<Directory*>(h->body());
        else if (h->type == &symbolic_link_type && ++links < max_links) {
            std::u16string next = static_cast<SymbolicLink*>(h->body())->target + std::u16string(rest);
            replaced.swap(next);
            rest = replaced;
            d = root;
        } else
            return STATUS_OBJECT_PATH_NOT_FOUND;
    }
    *parent = d;
    return STATUS_SUCCESS;
}

Directory* make_directory(Directory* parent, std::u16string_view name)
{
    auto* d = create<Directory>(&directory_type);
    if (d != nullptr && parent != nullptr) {
        add(parent, name, d);
        dereference(d);
    }
    return d;
}

} // namespace

NTSTATUS create_namespace()
{
    root = make_directory(nullptr, u"");
    if (root == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    for (auto name : {u"Device", u"FileSystem", u"Driver", u"BaseNamedObjects", u"GLOBAL??"})
        if (make_directory(root, name) == nullptr)
            return STATUS_INSUFFICIENT_RESOURCES;
    // One session: the local and the global DOS devices are the same.
    NTSTATUS status = create_symbolic_link(u"\\??", u"\\GLOBAL??");
    if (NT_SUCCESS(status))
        status = create_symbolic_link(u"\\DosDevices", u"\\GLOBAL??");
    if (NT_SUCCESS(status))
        status = create_symbolic_link(u"\\GLOBAL??\\GLOBALROOT", u"");
    if (NT_SUCCESS(status))
        status = create_symbolic_link(u"\\GLOBAL??\\Global", u"\\GLOBAL??");
    return status;
}

NTSTATUS insert_name(std::u16string_view path, void* body)
{
    std::unique_lock guard(lock);
    Directory* parent = nullptr;
    std::u16string_view last;
    const NTSTATUS status = parent_of(path, &parent, &last);
    return NT_SUCCESS(status) ? add(parent, last, body) : status;
}

void remove_name(void* body)
{
    Header* h = Header::of(body);
    {
        std::unique_lock guard(lock);
        if (h->name == nullptr)
            return;
        h->name->directory->entries.erase(h->name->name);
        delete h->name;
        h->name = nullptr;
    }
    dereference(body);
}

std::u16string name_of(void* body)
{
    std::shared_lock guard(lock);
    std::u16string full;
    for (Header* h = Header::of(body); h->name != nullptr; h = Header::of(h->name->directory))
        full.insert(0, h->name->name).insert(0, 1, u'\\');
    return full;
}

NTSTATUS create_symbolic_link(std::u16string_view path, std::u16string_view target)
{
    Ref<SymbolicLink> link(create<SymbolicLink>(&symbolic_link_type));
    if (!link)
        return STATUS_INSUFFICIENT_RESOURCES;
    link->target = target;
    return insert_name(path, link.get());
}

NTSTATUS delete_symbolic_link(std::u16string_view path)
{
    Found found;
    const NTSTATUS status = find(path, false, &found);
    if (!NT_SUCCESS(status))
        return status;
    if (!found.rest.empty() || Header::of(found.object.get())->type != &symbolic_link_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    remove_name(found.object.get());
    return STATUS_SUCCESS;
}

NTSTATUS find(std::u16string_view path, bool follow_last, Found* found)
{
    if (path.empty() || path[0] != u'\\')
        return STATUS_OBJECT_PATH_SYNTAX_BAD;

    std::shared_lock guard(lock);
    std::u16string_view rest = path;
    Header* at = Header::of(root);
    int links = 0;
    for (;;) {
        if (at->type == &symbolic_link_type && (follow_last || !rest.empty())) {
            if (++links > max_links)
                return STATUS_OBJECT_NAME_INVALID;
            std::u16string next = static_cast<SymbolicLink*>(at->body())->target + std::u16string(rest);
            found->replaced.swap(next);
            rest = found->replaced;
            at = Header::of(root);
            continue;
        }
        if (at->type != &directory_type)
            break;
        if (rest.empty() || rest == u"\\")
            break;
        if (rest[0] != u'\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        size_t end = 1;
        while (end != rest.size() && rest[end] != u'\\')
            ++end;
        const std::u16string_view name = rest.substr(1, end - 1);
        if (name.empty())
            return STATUS_OBJECT_NAME_INVALID;
        at = child(static_cast<Directory*>(at->body()), name);
        if (at == nullptr)
            return end == rest.size() ? STATUS_OBJECT_NAME_NOT_FOUND : STATUS_OBJECT_PATH_NOT_FOUND;
        rest.remove_prefix(end);
    }
    at->references.fetch_add(1, std::memory_order_relaxed);
    found->object = Ref<void>(at->body());
    found->rest = at->type == &directory_type ? std::u16string_view() : rest;
    if (!found->rest.empty() && at->type != &device_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    return STATUS_SUCCESS;
}

} // namespace fsp::ntos::ob

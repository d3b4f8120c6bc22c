// SPDX-License-Identifier: MIT
#include "frontends/fuse/inode.h"

#include <sys/stat.h>

#include "frontends/fuse/times.h"
#include "nt/text.h"
#include "nt/upcase.h"

namespace fsp::fuse {
namespace {

constexpr uint64_t root_number = 1;

constexpr size_t bucket_of_index(uint64_t index, size_t buckets)
{
    return size_t((index * 0x9E3779B97F4A7C15ull) >> 20) & (buckets - 1);
}

} // namespace

InodeTable::InodeTable(bool ignore_case) : ignore_case_(ignore_case), by_name_(1024), by_index_(1024)
{
    root_.references = 1;
    root_.directory = true;
    root_.number = root_number;
}

InodeTable::~InodeTable()
{
    // The kernel need not forget everything before it unmounts.
    for (Inode* chain : by_name_)
        while (chain)
            delete std::exchange(chain, chain->next_by_name);
}

Inode* InodeTable::from_number(uint64_t nodeid)
{
    return nodeid == root_number ? &root_ : reinterpret_cast<Inode*>(nodeid);
}

uint64_t InodeTable::to_number(const Inode& inode) const
{
    return &inode == &root_ ? root_number : reinterpret_cast<uint64_t>(&inode);
}

uint32_t InodeTable::hash(const Inode& parent, std::u16string_view name) const
{
    uint64_t h = reinterpret_cast<uint64_t>(&parent) * 0x9E3779B97F4A7C15ull;
    for (char16_t c : name)
        h = (h ^ (ignore_case_ ? nt::upcase(c) : c)) * 0x100000001B3ull;
    return uint32_t(h ^ h >> 32);
}

bool InodeTable::same(std::u16string_view a, std::u16string_view b) const
{
    return ignore_case_ ? nt::equal(a, b, true) : a == b;
}

Inode* InodeTable::find_locked(const Inode& parent, std::u16string_view name, uint32_t hash) const
{
    for (Inode* inode = by_name_[hash & (by_name_.size() - 1)]; inode; inode = inode->next_by_name)
        if (inode->name_hash == hash && inode->parent == &parent && same(inode->name, name))
            return inode;
    return nullptr;
}

void InodeTable::chain_locked(Inode& inode, uint32_t hash)
{
    inode.name_hash = hash;
    Inode*& bucket = by_name_[hash & (by_name_.size() - 1)];
    inode.next_by_name = bucket;
    bucket = &inode;
}

void InodeTable::unchain_locked(Inode& inode)
{
    Inode** link = &by_name_[inode.name_hash & (by_name_.size() - 1)];
    while (*link != &inode)
        link = &(*link)->next_by_name;
    *link = inode.next_by_name;
    inode.next_by_name = nullptr;
}

void InodeTable::insert_locked(Inode& inode, Inode& parent, std::u16string_view name, uint32_t hash)
{
    inode.parent = &parent;
    ++parent.references;
    inode.name = name;
    chain_locked(inode, hash);
}

void InodeTable::remove_name_locked(Inode& inode)
{
    unchain_locked(inode);
    release_locked(std::exchange(inode.parent, nullptr));
}

void InodeTable::index_locked(Inode& inode, uint64_t index)
{
    inode.index = index;
    if (index == 0)
        return;
    Inode*& bucket = by_index_[bucket_of_index(index, by_index_.size())];
    inode.next_by_index = bucket;
    bucket = &inode;
}

void InodeTable::remove_index_locked(Inode& inode)
{
    if (inode.index == 0)
        return;
    Inode** link = &by_index_[bucket_of_index(inode.index, by_index_.size())];
    while (*link && *link != &inode)
        link = &(*link)->next_by_index;
    if (*link)
        *link = inode.next_by_index;
    inode.next_by_index = nullptr;
    inode.index = 0;
}

void InodeTable::orphan_locked(Inode& inode)
{
    if (inode.orphan || !inode.parent)
        return;
    moves_.fetch_add(1, std::memory_order_release);
    // Numbers may be used again, so an orphan is not found by its number.
    remove_index_locked(inode);
    inode.orphan = true;
    if (inode.type != 0 && inode.type != S_IFREG)
        inode.written_at = nt_now(); // there may be nobody to ask any more
    ++inode.references;
    remove_name_locked(inode);
    chain_locked(inode, hash(inode, {})); // where no name finds it, but the destructor does
    release_locked(&inode);
}

void InodeTable::release_locked(Inode* inode)
{
    // Upwards in a loop: a deep tree that goes away must not recurse.
    while (inode && --inode->references == 0 && inode->lookups == 0 && inode != &root_) {
        Inode* const parent = inode->parent;
        remove_index_locked(*inode);
        if (parent) {
            ++parent->references; // taken over by the next round
            remove_name_locked(*inode);
        } else
            unchain_locked(*inode);
        delete inode;
        --count_;
        inode = parent;
    }
}

void InodeTable::grow_locked()
{
    if (count_ < by_name_.size() * 2)
        return;
    const size_t buckets = by_name_.size() * 4;
    std::vector<Inode*> names(buckets);
    std::vector<Inode*> indexes(buckets);
    for (Inode* chain : by_name_)
        while (chain) {
            Inode* const inode = std::exchange(chain, chain->next_by_name);
            Inode*& bucket = names[inode->name_hash & (buckets - 1)];
            inode->next_by_name = bucket;
            bucket = inode;
        }
    for (Inode* chain : by_index_)
        while (chain) {
            Inode* const inode = std::exchange(chain, chain->next_by_index);
            Inode*& bucket = indexes[bucket_of_index(inode->index, buckets)];
            inode->next_by_index = bucket;
            bucket = inode;
        }
    by_name_ = std::move(names);
    by_index_ = std::move(indexes);
}

Inode* InodeTable::found(Inode& parent, std::u16string_view name, uint64_t index)
{
    const uint32_t h = hash(parent, name);
    std::lock_guard guard(lock_);

    if (Inode* inode = find_locked(parent, name, h)) {
        if (inode->index == index) {
            ++inode->lookups;
            return inode;
        }
        // Another file has the name now.
        orphan_locked(*inode);
    }

    if (index != 0)
        for (Inode* inode = by_index_[bucket_of_index(index, by_index_.size())]; inode;
             inode = inode->next_by_index)
            if (inode->index == index && inode->parent) {
                bool below = false;
                for (const Inode* up = &parent; up; up = up->parent)
                    below |= up == inode;
                if (below)
                    break;
                moves_.fetch_add(1, std::memory_order_release);
                ++inode->lookups;
                ++inode->references;
                remove_name_locked(*inode);
                insert_locked(*inode, parent, name, h);
                --inode->references;
                return inode;
            }

    auto* inode = new Inode;
    inode->lookups = 1;
    inode->number = index != 0 ? index : reinterpret_cast<uint64_t>(inode);
    insert_locked(*inode, parent, name, h);
    index_locked(*inode, index);
    ++count_;
    grow_locked();
    return inode;
}

Inode* InodeTable::child(Inode& parent, std::u16string_view name)
{
    const uint32_t h = hash(parent, name);
    std::lock_guard guard(lock_);
    Inode* const inode = find_locked(parent, name, h);
    if (inode)
        ++inode->references;
    return inode;
}

void InodeTable::forget(Inode& inode, uint64_t lookups)
{
    std::lock_guard guard(lock_);
    if (&inode == &root_)
        return;
    inode.lookups -= lookups < inode.lookups ? lookups : inode.lookups;
    ++inode.references;
    release_locked(&inode);
}

bool InodeTable::is_forgotten(const Inode& inode)
{
    std::lock_guard guard(lock_);
    return inode.lookups == 0 && &inode != &root_;
}

void InodeTable::reference(Inode& inode)
{
    std::lock_guard guard(lock_);
    ++inode.references;
}

void InodeTable::release(Inode& inode)
{
    std::lock_guard guard(lock_);
    release_locked(&inode);
}

void InodeTable::orphan(Inode& parent, std::u16string_view name)
{
    const uint32_t h = hash(parent, name);
    std::lock_guard guard(lock_);
    moves_.fetch_add(1, std::memory_order_release);
    if (Inode* inode = find_locked(parent, name, h))
        orphan_locked(*inode);
}

void InodeTable::orphan(Inode& inode)
{
    std::lock_guard guard(lock_);
    orphan_locked(inode);
}

void InodeTable::rename(Inode& parent, std::u16string_view name, Inode& new_parent,
                        std::u16string_view new_name)
{
    const uint32_t from = hash(parent, name);
    const uint32_t to = hash(new_parent, new_name);
    std::lock_guard guard(lock_);
    moves_.fetch_add(1, std::memory_order_release);
    Inode* const source = find_locked(parent, name, from);
    Inode* const target = find_locked(new_parent, new_name, to);
    if (target && target != source)
        orphan_locked(*target);
    if (!source)
        return;
    ++source->references;
    remove_name_locked(*source);
    insert_locked(*source, new_parent, new_name, to);
    --source->references;
}

void InodeTable::exchange(Inode& parent, std::u16string_view name, Inode& other_parent,
                          std::u16string_view other)
{
    const uint32_t at = hash(parent, name);
    const uint32_t other_at = hash(other_parent, other);
    std::lock_guard guard(lock_);
    moves_.fetch_add(1, std::memory_order_release);
    Inode* const one = find_locked(parent, name, at);
    Inode* const two = find_locked(other_parent, other, other_at);
    for (Inode* inode : {one, two})
        if (inode) {
            ++inode->references;
            remove_name_locked(*inode);
        }
    if (one)
        insert_locked(*one, other_parent, other, other_at);
    if (two)
        insert_locked(*two, parent, name, at);
    for (Inode* inode : {one, two})
        if (inode)
            --inode->references;
}

bool InodeTable::path_locked(const Inode& inode, std::u16string* out) const
{
    size_t length = 0;
    for (const Inode* up = &inode; up != &root_; up = up->parent) {
        if (up->orphan || !up->parent)
            return false;
        length += 1 + up->name.size();
    }
    out->resize(length);
    for (const Inode* up = &inode; up != &root_; up = up->parent) {
        length -= up->name.size();
        up->name.copy(out->data() + length, up->name.size());
        (*out)[--length] = u'\\';
    }
    return true;
}

bool InodeTable::path(const Inode& inode, std::u16string* out)
{
    std::lock_guard guard(lock_);
    if (!path_locked(inode, out))
        return false;
    if (out->empty())
        out->push_back(u'\\');
    return true;
}

bool InodeTable::path(const Inode& parent, std::u16string_view name, std::u16string* out)
{
    std::lock_guard guard(lock_);
    if (!path_locked(parent, out))
        return false;
    out->push_back(u'\\');
    out->append(name);
    return true;
}

size_t InodeTable::size()
{
    std::lock_guard guard(lock_);
    return count_;
}

} // namespace fsp::fuse

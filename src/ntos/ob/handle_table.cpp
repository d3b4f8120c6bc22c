// SPDX-License-Identifier: MIT
#include "ntos/ob/handle_table.h"

#include <mutex>

namespace fsp::ntos::ob {

HandleTable::~HandleTable()
{
    for (auto& b : blocks_)
        delete b.load();
}

uint32_t HandleTable::insert(Header* object, ACCESS_MASK granted, ULONG attributes)
{
    std::unique_lock guard(free_lock_);
    uint32_t index = first_free_;
    Entry* entry = nullptr;
    if (index != 0) {
        entry = find(index);
        first_free_ = entry->next_free;
    } else {
        index = next_unused_;
        if (index >= block_size * block_count)
            return 0;
        auto& slot = blocks_[index / block_size];
        if (slot.load(std::memory_order_relaxed) == nullptr) {
            auto* block = new (std::nothrow) Block;
            if (block == nullptr)
                return 0;
            slot.store(block, std::memory_order_release);
        }
        ++next_unused_;
        entry = find(index);
    }
    guard.unlock();

    entry->granted = granted;
    entry->attributes = attributes;
    entry->object.store(reinterpret_cast<uintptr_t>(object), std::memory_order_release);
    in_use_.fetch_add(1, std::memory_order_relaxed);
    return index;
}

Header* HandleTable::remove(uint32_t index, ACCESS_MASK* granted)
{
    Entry* entry = find(index);
    if (entry == nullptr)
        return nullptr;
    const uintptr_t object = lock(*entry);
    if (object == 0)
        return nullptr;
    *granted = entry->granted;
    entry->object.store(0, std::memory_order_release);
    in_use_.fetch_sub(1, std::memory_order_relaxed);

    std::lock_guard guard(free_lock_);
    entry->next_free = first_free_;
    first_free_ = index;
    return reinterpret_cast<Header*>(object);
}

} // namespace fsp::ntos::ob

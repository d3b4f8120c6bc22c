// SPDX-License-Identifier: MIT
/// @file Handles of one process: an array of slots, each with its own lock bit, so that looking up a handle
/// never meets another handle's traffic.
#pragma once

#include "ntos/ob/object.h"
#include "ntos/ob/spin_lock.h"

#include <array>
#include <memory>

namespace fsp::ntos::ob {

class HandleTable
{
  public:
    struct Entry
    {
        /// The object's header; bit 0 is the lock.
        std::atomic<uintptr_t> object{0};
        ACCESS_MASK granted = 0;
        ULONG attributes = 0;
        uint32_t next_free = 0;
    };

    HandleTable() = default;
    HandleTable(const HandleTable&) = delete;
    ~HandleTable();

    /// Takes over the caller's reference and handle count. @return 0 if there is no room
    uint32_t insert(Header* object, ACCESS_MASK granted, ULONG attributes);

    /// @return the object with one more reference, or nullptr
    Header* reference(uint32_t index, ACCESS_MASK* granted, ULONG* attributes)
    {
        Entry* e = find(index);
        if (e == nullptr)
            return nullptr;
        const uintptr_t object = lock(*e);
        if (object == 0)
            return nullptr;
        auto* header = reinterpret_cast<Header*>(object);
        header->references.fetch_add(1, std::memory_order_relaxed);
        *granted = e->granted;
        *attributes = e->attributes;
        e->object.store(object, std::memory_order_release);
        return header;
    }

    /// Empties the slot; the caller inherits the reference and the handle count. @return nullptr if it was
    /// empty
    Header* remove(uint32_t index, ACCESS_MASK* granted);

    /// Calls f(index) for every slot in use at some moment of the walk.
    template<class F> void each(F&& f)
    {
        for (uint32_t b = 0; b < block_count; ++b)
            if (Block* block = blocks_[b].load(std::memory_order_acquire))
                for (uint32_t i = 0; i < block_size; ++i)
                    if ((*block)[i].object.load(std::memory_order_relaxed) != 0)
                        f(b * block_size + i);
    }

    uint32_t in_use() const { return in_use_.load(std::memory_order_relaxed); }

  private:
    static constexpr uint32_t block_size = 1024;
    static constexpr uint32_t block_count = 4096;
    using Block = std::array<Entry, block_size>;

    Entry* find(uint32_t index)
    {
        if (index >= block_size * block_count)
            return nullptr;
        Block* block = blocks_[index / block_size].load(std::memory_order_acquire);
        return block == nullptr ? nullptr : &(*block)[index % block_size];
    }

    /// @return the header with the lock held, or 0 without it
    static uintptr_t lock(Entry& e)
    {
        uintptr_t v = e.object.load(std::memory_order_relaxed);
        for (;;) {
            if (v == 0)
                return 0;
            if ((v & 1) != 0) {
                sched_yield();
                v = e.object.load(std::memory_order_relaxed);
            } else if (e.object.compare_exchange_weak(v, v | 1, std::memory_order_acquire,
                                                      std::memory_order_relaxed))
                return v;
        }
    }

    std::array<std::atomic<Block*>, block_count> blocks_{};
    SpinLock free_lock_;
    uint32_t first_free_ = 0;
    // Slot 0 stays unused: a handle is never NULL.
    uint32_t next_unused_ = 1;
    std::atomic<uint32_t> in_use_{0};
};

} // namespace fsp::ntos::ob

// SPDX-License-Identifier: MIT
/// @file Pool blocks that a thread keeps for its next allocations of their size.
#pragma once

#include "ntos/ob/block_cache.h"

#include "winfsp/nt.h"

#include <cstdint>

namespace fsp::ntos::verifier {
struct Allocation;
}

namespace fsp::ntos::ex {

/// In front of every pool block.
struct alignas(16) PoolHeader
{
    uint32_t magic;
    ULONG tag;
    size_t bytes;
    verifier::Allocation* allocation; ///< nullptr: made while the verifier was off
    PoolHeader* next;                 ///< in a PoolCache
};

static_assert(sizeof(PoolHeader) == 32);

/// One for each thread, used by it alone. Empty under sanitizers, as every BlockCache.
class PoolCache
{
  public:
    PoolCache() = default;
    PoolCache(const PoolCache&) = delete;
    ~PoolCache()
    {
        for (PoolHeader* block : first_)
            while (block != nullptr) {
                PoolHeader* const next = block->next;
                std::free(block);
                block = next;
            }
    }

    /// Bytes that a block of this size takes on the heap, header included, so that a cache can keep it.
    static size_t heap_size(size_t size)
    {
        return index_of(size) < classes ? (index_of(size) + 1) * unit : sizeof(PoolHeader) + size;
    }

    /// @return nullptr if there is none
    PoolHeader* take(size_t size)
    {
        const size_t index = index_of(size);
        if (index >= classes || first_[index] == nullptr)
            return nullptr;
        PoolHeader* const block = first_[index];
        first_[index] = block->next;
        --count_[index];
        return block;
    }

    /// @return false if it does not keep the block
    bool give(PoolHeader* block)
    {
        const size_t index = index_of(block->bytes);
        if (index >= classes || count_[index] >= depth)
            return false;
        block->next = first_[index];
        first_[index] = block;
        ++count_[index];
        return true;
    }

  private:
    static constexpr size_t unit = 64;
    static constexpr size_t classes = 32;
    static constexpr unsigned depth = cached_blocks / 2;

    static size_t index_of(size_t size) { return (sizeof(PoolHeader) + size - 1) / unit; }

    PoolHeader* first_[classes] = {};
    uint8_t count_[classes] = {};
};

} // namespace fsp::ntos::ex

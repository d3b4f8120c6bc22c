// SPDX-License-Identifier: MIT
#pragma once

/// Caches of variable-size metadata that the file system gave: security descriptors, directory listings,
/// stream lists and extended attributes. Implemented in metadata.cpp.

#include "memory.h"
#include "wdk.h"

namespace fsp::fsd {

/// An immutable cached item. Stays valid while a reference is held, even after it left the cache.
class MetadataItem : NonCopyable
{
  public:
    void reference() noexcept { InterlockedIncrement(&references_); }
    void dereference() noexcept;
    const Byte* data() const { return reinterpret_cast<const Byte*>(this + 1); }
    ULONG size() const { return size_; }

  private:
    friend class MetadataCache;
    LIST_ENTRY link_;  // by age
    LIST_ENTRY chain_; // bucket by key
    UINT64 key_;
    UINT64 expiration_; // interrupt time
    volatile LONG references_;
    ULONG size_;
};

class MetadataCache : NonCopyable
{
  public:
    /// timeout 0: nothing is ever stored; 0xffffffff: items never expire. `max_size` counts a 16-byte header.
    void initialize(ULONG capacity, ULONG max_size, ULONG timeout_ms) noexcept;
    /// Drops everything.
    void clear() noexcept;
    ~MetadataCache() { clear(); }

    /// Stores a copy; returns its key, or 0 if it is not cached. Evicts the oldest when full.
    UINT64 store(const void* data, ULONG size) noexcept;
    Ptr<MetadataItem> find(UINT64 key) noexcept;
    void remove(UINT64 key) noexcept;
    /// Drops items that are older than the timeout; called once a second.
    void expire(UINT64 interrupt_time) noexcept;

  private:
    static constexpr ULONG buckets = 64;
    KSPIN_LOCK lock_;
    LIST_ENTRY oldest_first_;
    LIST_ENTRY chains_[buckets];
    ULONG capacity_ = 0, max_size_ = 0, count_ = 0;
    UINT64 timeout_ = 0; // 100 ns; ~0 = never
    UINT64 last_key_ = 0;
};

/// A node's place in one of the caches. The change number moves with every invalidation, so that an answer
/// that was on its way meanwhile is not stored.
struct MetadataSlot
{
    volatile UINT64 key = 0;
    volatile LONG change_number = 0;

    Ptr<MetadataItem> find(MetadataCache& cache) noexcept
    {
        return key ? cache.find(key) : Ptr<MetadataItem>();
    }
    void invalidate(MetadataCache& cache) noexcept
    {
        InterlockedIncrement(&change_number);
        if (UINT64 old = InterlockedExchange64(reinterpret_cast<volatile LONGLONG*>(&key), 0))
            cache.remove(old);
    }
    /// Replaces the item unconditionally.
    void store(MetadataCache& cache, const void* data, ULONG size) noexcept
    {
        invalidate(cache);
        key = cache.store(data, size);
    }
    /// Stores unless the slot changed since `seen` (a change_number read before asking user mode).
    bool try_store(MetadataCache& cache, LONG seen, const void* data, ULONG size) noexcept
    {
        if (change_number != seen)
            return false;
        store(cache, data, size);
        return true;
    }
};

} // namespace fsp::fsd

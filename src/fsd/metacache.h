// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

namespace fsp::fsd {

class MetaCache;
struct MetaCacheItem;

/// A place in a file node that one metadata cache may fill. Lives as long as the node; touched under the
/// cache's lock.
struct MetaCacheSlot
{
    MetaCacheItem* item = nullptr;
    /// Moves with every invalidation. An answer that was asked for under an older number is not cached.
    ULONG change = 0;
};

/// A counted reference to cached bytes. They do not change while it exists, whatever happens to the cache.
class MetaCacheView
{
  public:
    MetaCacheView() = default;
    MetaCacheView(MetaCacheView&& other) noexcept : item_(other.item_) { other.item_ = nullptr; }
    MetaCacheView& operator=(MetaCacheView&& other) noexcept
    {
        MetaCacheItem* item = other.item_;
        other.item_ = nullptr;
        reset();
        item_ = item;
        return *this;
    }
    MetaCacheView(const MetaCacheView&) = delete;
    MetaCacheView& operator=(const MetaCacheView&) = delete;
    ~MetaCacheView() { reset(); }

    explicit operator bool() const { return item_ != nullptr; }
    const UCHAR* data() const;
    ULONG size() const;
    /// Identifies the cached answer: a position remembered in one answer is no use in the next. 0 if empty.
    UINT64 generation() const;
    void reset();

  private:
    friend class MetaCache;
    explicit MetaCacheView(MetaCacheItem* item) : item_(item) {}
    MetaCacheItem* item_ = nullptr;
};

/// One of a volume's bounded caches of what the file system said about its files: security descriptors,
/// directory contents, stream lists, extended attributes. The oldest item makes room for a new one.
class MetaCache
{
  public:
    /// @param timeout_ms how long an item is good for; 0 switches the cache off, 0xffffffff means for ever
    /// @param capacity   items
    /// @param item_limit bytes, including the item's header
    /// @param expires    false: items leave only by eviction and invalidation, whatever the timeout
    void init(ULONG timeout_ms, ULONG capacity, ULONG item_limit, bool expires);
    /// Every node is gone by now, and with it every item; what is left is freed.
    void fini();

    bool enabled() const { return timeout_ != 0; }

    MetaCacheView find(MetaCacheSlot& slot);
    ULONG change_number(MetaCacheSlot& slot);
    /// Caches a copy of `data` unless the slot was invalidated since `change` was read. Failure to cache is
    /// no error.
    void store(MetaCacheSlot& slot, ULONG change, const void* data, ULONG size);
    /// Caches a copy of `data` as the newest truth: whoever is asking at the moment keeps its older answer to
    /// itself.
    void replace(MetaCacheSlot& slot, const void* data, ULONG size);
    void invalidate(MetaCacheSlot& slot);
    /// The slot goes away, so that nobody asks on its behalf any more.
    void forget(MetaCacheSlot& slot);
    /// Drops what is older than the timeout. @param now KeQueryInterruptTime(), 100 ns. IRQL <=
    /// DISPATCH_LEVEL
    void expire(UINT64 now);
    ULONG count();

  private:
    void insert(MetaCacheSlot& slot, bool conditional, ULONG change, const void* data, ULONG size);
    MetaCacheItem* unlink(MetaCacheItem* item);

    KSPIN_LOCK lock_;
    LIST_ENTRY items_; // oldest first
    ULONG count_ = 0;
    ULONG capacity_ = 0;
    ULONG item_limit_ = 0;
    UINT64 timeout_ = 0; // 100 ns; ~0 = for ever
    UINT64 generation_ = 0;
    bool expires_ = true;
};

// What native-api 6 and fsd 32 fix for every volume.
inline constexpr ULONG metacache_capacity = 100;
inline constexpr ULONG security_item_limit = 4096;
inline constexpr ULONG directory_item_limit = 65536;
inline constexpr ULONG stream_item_limit = 16384;
inline constexpr ULONG ea_item_limit = 16384;

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "metacache.h"
#include "memory.h"
#include "resource.h"

namespace fsp::fsd {

namespace {
constexpr UINT64 for_ever = ~UINT64{0};
// The limits count a header of this size, so that a directory answer of 65520 bytes just fits into 65536.
constexpr ULONG protocol_header = 16;
} // namespace

struct MetaCacheItem
{
    LIST_ENTRY link;
    MetaCacheSlot* slot; // null once the item left the cache; only views keep it then
    UINT64 expires;
    UINT64 generation;
    LONG references;
    ULONG size;

    UCHAR* bytes() { return reinterpret_cast<UCHAR*>(this + 1); }
};

namespace {

void release(MetaCacheItem* item)
{
    if (item && InterlockedDecrement(&item->references) == 0)
        pool_free(item);
}

} // namespace

const UCHAR* MetaCacheView::data() const { return item_ ? item_->bytes() : nullptr; }
ULONG MetaCacheView::size() const { return item_ ? item_->size : 0; }
UINT64 MetaCacheView::generation() const { return item_ ? item_->generation : 0; }

void MetaCacheView::reset()
{
    release(item_);
    item_ = nullptr;
}

void MetaCache::init(ULONG timeout_ms, ULONG capacity, ULONG item_limit, bool expires)
{
    KeInitializeSpinLock(&lock_);
    InitializeListHead(&items_);
    capacity_ = capacity;
    item_limit_ = item_limit;
    expires_ = expires;
    timeout_ = timeout_ms == 0xffffffff ? for_ever : UINT64{timeout_ms} * 10000;
}

void MetaCache::fini()
{
    for (;;) {
        MetaCacheItem* item = nullptr;
        {
            SpinGuard guard(lock_);
            if (!IsListEmpty(&items_))
                item = unlink(CONTAINING_RECORD(items_.Flink, MetaCacheItem, link));
        }
        if (!item)
            return;
        release(item);
    }
}

MetaCacheItem* MetaCache::unlink(MetaCacheItem* item)
{
    RemoveEntryList(&item->link);
    __atomic_store_n(&item->slot->item, static_cast<MetaCacheItem*>(nullptr), __ATOMIC_RELEASE);
    item->slot = nullptr;
    --count_;
    return item;
}

MetaCacheView MetaCache::find(MetaCacheSlot& slot)
{
    // Racing with a store is harmless: an answer that is a moment late would have been asked for anyway.
    if (!__atomic_load_n(&slot.item, __ATOMIC_RELAXED))
        return {};

    MetaCacheItem* stale = nullptr;
    MetaCacheItem* found = nullptr;
    {
        SpinGuard guard(lock_);
        found = slot.item;
        if (found && expires_ && found->expires != for_ever && found->expires <= KeQueryInterruptTime()) {
            stale = unlink(found);
            found = nullptr;
        }
        if (found)
            InterlockedIncrement(&found->references);
    }
    release(stale);
    return MetaCacheView(found);
}

ULONG MetaCache::change_number(MetaCacheSlot& slot)
{
    SpinGuard guard(lock_);
    return slot.change;
}

void MetaCache::store(MetaCacheSlot& slot, ULONG change, const void* data, ULONG size)
{
    insert(slot, true, change, data, size);
}

void MetaCache::replace(MetaCacheSlot& slot, const void* data, ULONG size)
{
    insert(slot, false, 0, data, size);
}

void MetaCache::insert(MetaCacheSlot& slot, bool conditional, ULONG change, const void* data, ULONG size)
{
    MetaCacheItem* fresh = nullptr;
    if (enabled() && size <= item_limit_ - protocol_header)
        fresh = static_cast<MetaCacheItem*>(pool_allocate(sizeof(MetaCacheItem) + size));
    if (!fresh && conditional)
        return;
    if (fresh) {
        fresh->slot = &slot;
        fresh->expires = timeout_ == for_ever ? for_ever : KeQueryInterruptTime() + timeout_;
        fresh->references = 1;
        fresh->size = size;
        copy_bytes(fresh->bytes(), data, size);
    }

    MetaCacheItem* old = nullptr;
    MetaCacheItem* evicted = nullptr;
    {
        SpinGuard guard(lock_);
        if (conditional && slot.change != change) {
            old = fresh;
        } else {
            if (!conditional)
                ++slot.change;
            if (slot.item)
                old = unlink(slot.item);
            if (fresh) {
                if (count_ >= capacity_)
                    evicted = unlink(CONTAINING_RECORD(items_.Flink, MetaCacheItem, link));
                fresh->generation = ++generation_;
                __atomic_store_n(&slot.item, fresh, __ATOMIC_RELAXED);
                InsertTailList(&items_, &fresh->link);
                ++count_;
            }
        }
    }
    release(old);
    release(evicted);
}

void MetaCache::invalidate(MetaCacheSlot& slot)
{
    if (!enabled())
        return;
    MetaCacheItem* old = nullptr;
    {
        SpinGuard guard(lock_);
        ++slot.change;
        if (slot.item)
            old = unlink(slot.item);
    }
    release(old);
}

void MetaCache::forget(MetaCacheSlot& slot)
{
    // Who takes an item out leaves the slot alone as soon as it is empty.
    if (__atomic_load_n(&slot.item, __ATOMIC_ACQUIRE))
        invalidate(slot);
}

void MetaCache::expire(UINT64 now)
{
    if (!expires_ || !enabled() || timeout_ == for_ever)
        return;
    // Items are in the order of their insertion and all live equally long, so the stale ones are in front.
    for (;;) {
        MetaCacheItem* stale = nullptr;
        {
            SpinGuard guard(lock_);
            if (!IsListEmpty(&items_)) {
                MetaCacheItem* oldest = CONTAINING_RECORD(items_.Flink, MetaCacheItem, link);
                if (oldest->expires <= now)
                    stale = unlink(oldest);
            }
        }
        if (!stale)
            return;
        release(stale);
    }
}

ULONG MetaCache::count()
{
    SpinGuard guard(lock_);
    return count_;
}

} // namespace fsp::fsd

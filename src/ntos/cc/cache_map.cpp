// SPDX-License-Identifier: MIT
//
// The data of one cached file; see cache_map.h. Life time is in registry.cpp.
#include "ntos/cc/cache_map.h"

#include "ntos/cc/lazy_writer.h"
#include "ntos/cc/paging_io.h"
#include "ntos/faults.h"
#include "ntos/mm/guarded_copy.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace fsp::ntos::cc {
namespace {

/// Pages first..last of a view.
uint64_t mask(size_t first, size_t last)
{
    const size_t count = last - first + 1;
    return (count == 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1) << first;
}

/// The lowest run of ones.
struct Run
{
    explicit Run(uint64_t bits)
        : first(static_cast<size_t>(std::countr_zero(bits))),
          count(static_cast<size_t>(std::countr_one(bits >> first)))
    {}
    uint64_t pages() const { return mask(first, first + count - 1); }

    size_t first;
    size_t count;
};

uint64_t page_up(uint64_t size) { return (size + page_size - 1) & ~uint64_t{page_size - 1}; }

/// What is there now is not a user view's change.
void know(View* view, size_t offset, size_t length)
{
    if (view->known)
        std::memcpy(view->known.get() + offset, view->base + offset, length);
}

uint64_t end_of(uint64_t offset, uint64_t length)
{
    return length > ~uint64_t{0} - offset ? ~uint64_t{0} : offset + length;
}

/// The part of [offset, end) that is within a view.
Span clip(uint64_t index, uint64_t offset, uint64_t end)
{
    const uint64_t base = index * view_size;
    const uint64_t from = std::max(offset, base);
    const uint64_t to = std::min<uint64_t>(end, base + view_size);
    return {index, static_cast<size_t>(from - base), static_cast<size_t>(to - from)};
}

} // namespace

uint64_t Span::pages() const { return mask(first_page(), last_page()); }

uint64_t Span::whole_pages() const
{
    const size_t first = (offset + page_size - 1) / page_size;
    const size_t end = (offset + length) / page_size;
    return first < end ? mask(first, end - 1) : 0;
}

CacheMap::CacheMap(PFILE_OBJECT file, PSECTION_OBJECT_POINTERS pointers, const CC_FILE_SIZES& sizes)
    : file_(file), pointers_(pointers), sizes_(sizes)
{
    ObReferenceObject(file);
}

CacheMap::~CacheMap()
{
    for (auto& [index, view] : views_) {
        clear_dirty(view.get(), ~uint64_t{0});
        Arena::instance().free(view->slot);
    }
    // May be the last reference, and then the file system sees the close from here.
    ObDereferenceObject(file_);
}

View* CacheMap::view_at(uint64_t index, bool create)
{
    auto it = views_.find(index);
    if (it != views_.end())
        return it->second.get();
    if (!create)
        return nullptr;
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        return nullptr;
    auto view = std::make_unique<View>();
    view->map = this;
    view->index = index;
    view->slot = Arena::instance().allocate(view.get());
    if (view->slot < 0)
        return nullptr;
    view->base = Arena::instance().address(view->slot);
    return (views_[index] = std::move(view)).get();
}

CacheMap::Views::iterator CacheMap::erase_if_unused(Views::iterator it)
{
    View* view = it->second.get();
    if (view->valid || view->reading || view->writing || view->pins || view->mapped)
        return std::next(it);
    Arena::instance().free(view->slot);
    return views_.erase(it);
}

void CacheMap::set_dirty(View* view, uint64_t pages)
{
    const auto added = static_cast<uint64_t>(std::popcount(pages & ~view->dirty));
    view->dirty |= pages;
    if (added) {
        dirty_pages_.fetch_add(added, std::memory_order_relaxed);
        lazy_writer::note_dirtied(added);
    }
}

void CacheMap::clear_dirty(View* view, uint64_t pages)
{
    const auto removed = static_cast<uint64_t>(std::popcount(pages & view->dirty));
    view->dirty &= ~pages;
    if (removed)
        count_clean(removed);
}

void CacheMap::count_clean(uint64_t pages)
{
    dirty_pages_.fetch_sub(pages, std::memory_order_release);
    lazy_writer::note_cleaned(pages);
}

void CacheMap::drop_pages(View* view, uint64_t pages)
{
    view->valid &= ~pages;
    view->written_back &= ~pages;
    view->stale |= view->reading & pages;
    clear_dirty(view, pages);
}

void CacheMap::set_changed_dirty(View* view, uint64_t pages)
{
    uint64_t changed = 0;
    if (view->known)
        for (uint64_t left = pages & view->valid & ~view->dirty; left; left &= left - 1) {
            const size_t at = static_cast<size_t>(std::countr_zero(left)) * page_size;
            if (std::memcmp(view->base + at, view->known.get() + at, page_size) != 0)
                changed |= left & -left;
        }
    set_dirty(view, changed);
}

void CacheMap::zero_memory(View* view, size_t offset, size_t length)
{
    std::memset(view->base + offset, 0, length);
    know(view, offset, length);
}

NTSTATUS CacheMap::fill(View* view, size_t first, size_t count, uint64_t file_size)
{
    char* memory = view->base + first * page_size;
    const uint64_t offset = view->index * view_size + first * page_size;
    const uint64_t end = page_up(file_size);
    const size_t wanted = count * page_size;
    const size_t backed = offset >= end ? 0 : static_cast<size_t>(std::min<uint64_t>(wanted, end - offset));
    size_t got = 0;
    if (backed) {
        const NTSTATUS status = page_in(file_, offset, memory, backed, &got);
        if (!NT_SUCCESS(status))
            return status;
    }
    std::memset(memory + got, 0, wanted - got);
    return STATUS_SUCCESS;
}

NTSTATUS CacheMap::make_valid(Lock& lock, View* view, uint64_t pages, bool wait)
{
    for (;;) {
        const uint64_t missing = pages & ~view->valid;
        if (!missing)
            return STATUS_SUCCESS;
        if (!wait)
            return STATUS_CANT_WAIT;
        if (!(missing & ~view->reading)) {
            changed_.wait(lock);
            continue;
        }
        const Run run(missing & ~view->reading);
        const auto file_size = static_cast<uint64_t>(sizes_.FileSize.QuadPart);
        view->reading |= run.pages();
        lock.unlock();
        const NTSTATUS status = fill(view, run.first, run.count, file_size);
        lock.lock();
        view->reading &= ~run.pages();
        if (NT_SUCCESS(status)) {
            view->valid |= run.pages() & ~view->stale;
            know(view, run.first * page_size, run.count * page_size);
        }
        view->stale &= ~run.pages();
        changed_.notify_all();
        if (!NT_SUCCESS(status))
            return status;
    }
}

View* CacheMap::pin_locked(Lock& lock, const Span& span, bool wait, NTSTATUS* status)
{
    View* view = view_at(span.view, true);
    if (!view) {
        *status = STATUS_INSUFFICIENT_RESOURCES;
        return nullptr;
    }
    ++view->pins;
    *status = make_valid(lock, view, span.pages(), wait);
    if (NT_SUCCESS(*status))
        return view;
    --view->pins;
    erase_if_unused(views_.find(span.view));
    return nullptr;
}

void CacheMap::unpin_locked(View* view)
{
    --view->pins;
    erase_if_unused(views_.find(view->index));
}

View* CacheMap::pin(const Span& span, bool wait, NTSTATUS* status)
{
    Lock lock(mutex_);
    return pin_locked(lock, span, wait, status);
}

void CacheMap::unpin(View* view)
{
    std::lock_guard hold(mutex_);
    unpin_locked(view);
}

NTSTATUS CacheMap::read(uint64_t offset, void* buffer, size_t length, bool wait)
{
    auto* out = static_cast<char*>(buffer);
    NTSTATUS status = STATUS_SUCCESS;
    for_each_span(offset, length, [&](const Span& span) {
        Lock lock(mutex_);
        View* view = pin_locked(lock, span, wait, &status);
        if (!view)
            return false;
        if (!view->shared)
            lock.unlock();
        // The other side may be memory of the caller that is not there.
        if (!mm::try_copy(out, view->base + span.offset, span.length))
            status = STATUS_INVALID_USER_BUFFER;
        if (!lock)
            lock.lock();
        unpin_locked(view);
        out += span.length;
        return NT_SUCCESS(status);
    });
    return status;
}

NTSTATUS CacheMap::write_span(const Span& span, const char* data, bool wait)
{
    Lock lock(mutex_);
    View* view = view_at(span.view, true);
    if (!view)
        return STATUS_INSUFFICIENT_RESOURCES;
    ++view->pins;
    const uint64_t whole = span.whole_pages();
    const uint64_t edges = span.pages() & ~whole;
    uint64_t fresh;
    for (;;) {
        const NTSTATUS status = make_valid(lock, view, edges, wait);
        if (!NT_SUCCESS(status)) {
            --view->pins;
            erase_if_unused(views_.find(span.view));
            return status;
        }
        fresh = whole & ~view->valid;
        if (!(fresh & view->reading))
            break;
        changed_.wait(lock);
    }
    // Nobody may read these pages from the file over what is about to be written.
    view->reading |= fresh;
    if (!view->shared)
        lock.unlock();
    bool copied = true;
    if (data)
        copied = mm::try_copy(view->base + span.offset, data, span.length);
    else
        std::memset(view->base + span.offset, 0, span.length);
    if (!lock)
        lock.lock();
    view->reading &= ~fresh;
    view->stale &= ~fresh;
    // Of a copy that failed, pages which had no data have none now; the others may have changed in part.
    if (copied)
        view->valid |= fresh;
    set_dirty(view, span.pages() & view->valid);
    --view->pins;
    changed_.notify_all();
    if (!copied)
        erase_if_unused(views_.find(span.view));
    return copied ? STATUS_SUCCESS : STATUS_INVALID_USER_BUFFER;
}

NTSTATUS CacheMap::write(uint64_t offset, const void* buffer, size_t length, bool wait)
{
    const auto* data = static_cast<const char*>(buffer);
    NTSTATUS status = STATUS_SUCCESS;
    for_each_span(offset, length, [&](const Span& span) {
        status = write_span(span, data, wait);
        data += span.length;
        return NT_SUCCESS(status);
    });
    return status;
}

NTSTATUS CacheMap::zero(uint64_t offset, uint64_t length, bool wait)
{
    NTSTATUS status = STATUS_SUCCESS;
    for_each_span(offset, length, [&](const Span& span) {
        status = write_span(span, nullptr, wait);
        return NT_SUCCESS(status);
    });
    return status;
}

bool CacheMap::is_resident(uint64_t offset, uint64_t length)
{
    std::lock_guard hold(mutex_);
    return for_each_span(offset, length, [&](const Span& span) {
        View* view = view_at(span.view, false);
        return view && !(span.pages() & ~view->valid);
    });
}

void CacheMap::mark_dirty(uint64_t offset, uint64_t length)
{
    std::lock_guard hold(mutex_);
    for_each_span(offset, length, [&](const Span& span) {
        if (View* view = view_at(span.view, false))
            set_dirty(view, span.pages() & view->valid);
        return true;
    });
}

void CacheMap::mark_changed(uint64_t offset, uint64_t length)
{
    std::lock_guard hold(mutex_);
    for_each_span(offset, length, [&](const Span& span) {
        if (View* view = view_at(span.view, false))
            set_changed_dirty(view, span.pages());
        return true;
    });
}

void CacheMap::update(uint64_t offset, const void* data, size_t length)
{
    const auto* from = static_cast<const char*>(data);
    std::lock_guard hold(mutex_);
    // The file may have been truncated since.
    const auto file_size = static_cast<uint64_t>(sizes_.FileSize.QuadPart);
    length = offset < file_size ? std::min<uint64_t>(length, file_size - offset) : 0;
    for_each_span(offset, length, [&](const Span& span) {
        View* view = view_at(span.view, false);
        // Others could be purged, and what they have was read after the write.
        for (size_t at = span.offset; view && view->shared && at < span.offset + span.length;) {
            const size_t page = at / page_size;
            const size_t end = std::min((page + 1) * page_size, span.offset + span.length);
            // What is just being read may be of before or after the write.
            const uint64_t bit = uint64_t{1} << page;
            view->stale |= view->reading & bit;
            if (view->valid & bit) {
                (void)mm::try_copy(view->base + at, from + (at - span.offset), end - at);
                know(view, at, end - at);
                // The page may have been written back as it was before.
                set_dirty(view, bit & (view->writing | view->written_back));
            }
            at = end;
        }
        from += span.length;
        return true;
    });
}

NTSTATUS CacheMap::write_pages(Lock& lock, View* view, size_t first_page, size_t length)
{
    char* memory = view->base + first_page * page_size;
    std::unique_ptr<void, decltype(&std::free)> copy(nullptr, &std::free);
    if (view->shared) {
        copy.reset(faults::fails(faults::Kind::allocation) ? nullptr : std::aligned_alloc(page_size, length));
        if (!copy)
            return STATUS_INSUFFICIENT_RESOURCES;
        std::memcpy(copy.get(), memory, length);
        memory = static_cast<char*>(copy.get());
        if (view->known)
            std::memcpy(view->known.get() + first_page * page_size, memory, length);
    }
    lock.unlock();
    const NTSTATUS status = page_out(file_, view->index * view_size + first_page * page_size, memory, length);
    lock.lock();
    return status;
}

NTSTATUS CacheMap::flush_span(Lock& lock, View* view, uint64_t pages)
{
    for (;;) {
        const uint64_t todo = view->dirty & pages & ~view->writing;
        if (!todo) {
            if (!(view->writing & pages))
                return STATUS_SUCCESS;
            changed_.wait(lock);
            continue;
        }
        const Run run(todo);
        const uint64_t offset = view->index * view_size + run.first * page_size;
        const uint64_t end = page_up(static_cast<uint64_t>(sizes_.FileSize.QuadPart));
        if (offset >= end) {
            clear_dirty(view, run.pages());
            continue;
        }
        const size_t length = static_cast<size_t>(std::min<uint64_t>(run.count * page_size, end - offset));
        // Counted as dirty until the file system has it: who flushes or tears down meanwhile must wait.
        view->dirty &= ~run.pages();
        view->writing |= run.pages();
        const NTSTATUS status = write_pages(lock, view, run.first, length);
        view->writing &= ~run.pages();
        view->written_back |= run.pages();
        if (!NT_SUCCESS(status))
            set_dirty(view, run.pages() & view->valid);
        count_clean(run.count);
        changed_.notify_all();
        if (!NT_SUCCESS(status))
            return status;
    }
}

NTSTATUS CacheMap::flush(uint64_t offset, uint64_t length)
{
    if (length == 0)
        return STATUS_SUCCESS;
    const uint64_t end = end_of(offset, length);
    Lock lock(mutex_);
    for (auto it = views_.lower_bound(offset / view_size); it != views_.end();) {
        const uint64_t index = it->first;
        if (index > (end - 1) / view_size)
            break;
        View* view = it->second.get();
        const uint64_t pages = clip(index, offset, end).pages();
        set_changed_dirty(view, pages);
        if (!(view->dirty | view->writing)) {
            ++it;
            continue;
        }
        ++view->pins;
        const NTSTATUS status = flush_span(lock, view, pages);
        --view->pins;
        it = erase_if_unused(views_.find(index));
        if (!NT_SUCCESS(status))
            return status;
    }
    return STATUS_SUCCESS;
}

bool CacheMap::purge(uint64_t offset, uint64_t length)
{
    if (length == 0)
        return true;
    const uint64_t end = end_of(offset, length);
    bool all = true;
    std::lock_guard hold(mutex_);
    for (auto it = views_.lower_bound(offset / view_size); it != views_.end();) {
        if (it->first > (end - 1) / view_size)
            break;
        View* view = it->second.get();
        if (view->mapped) {
            all = false;
            ++it;
            continue;
        }
        const Span span = clip(it->first, offset, end);
        // A dirty page that is only partly in the range has data that nobody asked to lose.
        const uint64_t kept = span.pages() & ~span.whole_pages() & view->dirty;
        drop_pages(view, span.pages() & ~kept);
        it = erase_if_unused(it);
    }
    return all;
}

size_t CacheMap::trim()
{
    size_t dropped = 0;
    std::lock_guard hold(mutex_);
    for (auto it = views_.begin(); it != views_.end();) {
        View* view = it->second.get();
        if (view->dirty || view->pins || view->mapped || view->reading || view->writing) {
            ++it;
            continue;
        }
        view->valid = 0;
        it = erase_if_unused(it);
        ++dropped;
    }
    return dropped;
}

void CacheMap::truncate(uint64_t size)
{
    const size_t in_page = size % page_size;
    for (auto it = views_.lower_bound(size / view_size); it != views_.end();) {
        View* view = it->second.get();
        const uint64_t base = it->first * view_size;
        const uint64_t first = size > base ? (page_up(size) - base) / page_size : 0;
        const uint64_t gone = first < pages_per_view ? mask(first, pages_per_view - 1) : 0;
        if (view->mapped) {
            for (size_t page = first; page < pages_per_view; ++page)
                if (view->valid & (uint64_t{1} << page))
                    zero_memory(view, page * page_size, page_size);
            clear_dirty(view, gone);
        } else {
            drop_pages(view, gone);
        }
        if (in_page && size >= base && size < base + view_size) {
            const auto page = static_cast<size_t>((size - base) / page_size);
            const uint64_t bit = uint64_t{1} << page;
            if (view->valid & bit)
                zero_memory(view, page * page_size + in_page, page_size - in_page);
            view->stale |= view->reading & bit;
        }
        it = erase_if_unused(it);
    }
}

void CacheMap::set_sizes(const CC_FILE_SIZES& sizes)
{
    std::lock_guard hold(mutex_);
    const auto old_size = static_cast<uint64_t>(sizes_.FileSize.QuadPart);
    const auto new_size = static_cast<uint64_t>(sizes.FileSize.QuadPart);
    sizes_ = sizes;
    if (new_size < old_size) {
        truncate(new_size);
    } else if (new_size > old_size) {
        // What views have written behind the end does not become data with it.
        const size_t in_page = old_size % page_size;
        if (View* last = view_at(old_size / view_size, false); last && in_page) {
            const size_t at = old_size % view_size;
            const uint64_t page = uint64_t{1} << (at / page_size);
            if (!last->mapped && !(last->dirty & page))
                drop_pages(last, page);
            else if (last->valid & page)
                zero_memory(last, at, page_size - in_page);
        }
        // Pages that were beyond the end were taken to be zero without asking; now they may be data.
        const uint64_t from = page_up(old_size);
        for (auto it = views_.lower_bound(from / view_size); it != views_.end();) {
            View* view = it->second.get();
            if (!view->mapped) {
                const uint64_t base = it->first * view_size;
                const size_t first = from > base ? static_cast<size_t>((from - base) / page_size) : 0;
                if (first < pages_per_view)
                    drop_pages(view, mask(first, pages_per_view - 1) & ~view->dirty);
            }
            it = erase_if_unused(it);
        }
    }
}

CC_FILE_SIZES CacheMap::sizes()
{
    std::lock_guard hold(mutex_);
    return sizes_;
}

void CacheMap::discard_dirty()
{
    std::lock_guard hold(mutex_);
    for (auto it = views_.begin(); it != views_.end();) {
        View* view = it->second.get();
        if (view->mapped)
            clear_dirty(view, view->dirty);
        else
            drop_pages(view, view->dirty);
        it = erase_if_unused(it);
    }
}

void note_write_beside_cache(PIRP irp)
{
    PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
    if (!file || (__atomic_load_n(&file->PrivateCacheMap, __ATOMIC_ACQUIRE) && !(irp->Flags & IRP_NOCACHE)))
        return;
    const MapRef map(CacheMap::find(file->SectionObjectPointer));
    if (!map)
        return;
    const auto* stack = reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + irp->StackCount - 1;
    const LARGE_INTEGER& at = stack->Parameters.Write.ByteOffset;
    const auto written = static_cast<LONGLONG>(irp->IoStatus.Information);
    const bool append = at.HighPart == -1;
    // Where an append has been is known for synchronous handles only; others find the tail of a mapped page
    // there.
    if (append && !(file->Flags & FO_SYNCHRONOUS_IO))
        return;
    const LONGLONG offset = append ? file->CurrentByteOffset.QuadPart - written : at.QuadPart;
    map->update(static_cast<uint64_t>(offset), irp->UserBuffer, static_cast<size_t>(written));
}

bool CacheMap::view_mapped(View* view, bool writable)
{
    std::lock_guard hold(mutex_);
    if (writable && !view->known) {
        view->known.reset(faults::fails(faults::Kind::allocation) ? nullptr
                                                                  : new (std::nothrow) char[view_size]);
        if (!view->known)
            return false;
        for (uint64_t left = view->valid; left;) {
            const Run run(left);
            know(view, run.first * page_size, run.count * page_size);
            left &= ~run.pages();
        }
    }
    ++view->mapped;
    view->shared = true;
    view->mapped_writable += writable;
    ++user_views_;
    writable_user_views_ += writable;
    return true;
}

void CacheMap::view_unmapped(View* view, bool writable)
{
    std::lock_guard hold(mutex_);
    --view->mapped;
    view->mapped_writable -= writable;
    if (!view->mapped_writable)
        view->known.reset();
    --user_views_;
    writable_user_views_ -= writable;
    erase_if_unused(views_.find(view->index));
}

} // namespace fsp::ntos::cc

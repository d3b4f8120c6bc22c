// SPDX-License-Identifier: MIT
//
// The cache of one file.
//
// A CacheMap exists while somebody caches the file (CcInitializeCacheMap) or has a data section of it
// (NtCreateSection); SECTION_OBJECT_POINTERS::DataSectionObject points to it all that time, and
// SharedCacheMap while somebody caches. It holds a reference to the file object it does its paging I/O
// through, so the file system sees IRP_MJ_CLOSE only after the last dirty page was written.
//
// Data lives in views of 64 pages, each a slot of the arena. Per page: valid (holds the file's data),
// dirty (has to be written), reading (being filled; others wait) and writing (being written). Paging
// I/O runs without the lock; a page that is purged while it is being read is marked stale and read
// again. User views of sections map the same memory.
//
// What a user view changes is not seen as it happens: pages of writable views are compared with what they
// were (View::known) when the view is unmapped or flushed, and are dirty if they differ, as the processor's
// dirty bits would tell. All pages of a view are read when it is mapped (no faults later). Pages that are in
// a user view stay until it is unmapped; truncation zeroes them.
//
// A write that goes past the cache purges what is cached of its range, but cannot purge pages in user views.
// When it has succeeded, its data is copied into the pages that are still there (note_write_beside_cache), at
// a time when the file system has given up its locks. Views that have been mapped since their memory was
// allocated are therefore read and written with the map's lock held, and the file system is given a copy of
// their pages.
//
// Truncation: pages beyond the new end go, and the rest of the last page is zeroed, so growing a file
// again never shows old data. ValidDataLength is recorded but not maintained: file systems on this
// executive pass "infinite" and answer reads of what was never written with zeros.
#pragma once

#include "ntos/cc/arena.h"

#include <ntifs.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace fsp::ntos::cc {

class CacheMap;
struct Release;

/// Where a handle reads, to notice that it reads sequentially.
struct ReadAhead
{
    std::atomic<uint32_t> granularity{0x10000};
    std::atomic<bool> disabled{false};
    std::atomic<bool> running{false};
    std::atomic<uint64_t> last_end{0};  ///< where the previous read ended
    std::atomic<uint64_t> ahead_end{0}; ///< up to where was read ahead
};

/// What FILE_OBJECT::PrivateCacheMap points to: this handle caches.
struct PrivateMap
{
    CacheMap* map = nullptr;
    PFILE_OBJECT file = nullptr;
    std::shared_ptr<ReadAhead> read_ahead = std::make_shared<ReadAhead>();
};

struct View
{
    CacheMap* map = nullptr;
    uint64_t index = 0;
    int64_t slot = -1;
    char* base = nullptr;
    uint64_t valid = 0;
    uint64_t dirty = 0;
    uint64_t reading = 0;
    uint64_t writing = 0;
    uint64_t stale = 0;  ///< purged while being read
    uint32_t pins = 0;   ///< memory in use by a copy, an MDL or paging I/O
    uint32_t mapped = 0; ///< user views
    uint32_t mapped_writable = 0;
    bool shared = false; ///< has been in a user view: pages may change beside the file system's locks
    /// While mapped_writable: valid pages as the file system or a cached write made them.
    std::unique_ptr<char[]> known;
    uint64_t written_back = 0; ///< since they were read
};

/// A part of a file within one view.
struct Span
{
    uint64_t view;
    size_t offset;
    size_t length;

    size_t first_page() const { return offset / page_size; }
    size_t last_page() const { return (offset + length - 1) / page_size; }
    /// Mask of the pages that it touches.
    uint64_t pages() const;
    /// Mask of the pages that it covers entirely.
    uint64_t whole_pages() const;
};

/// Cuts [offset, offset + length) at view boundaries.
template<class Visit> bool for_each_span(uint64_t offset, uint64_t length, Visit visit)
{
    while (length) {
        const size_t in_view = offset % view_size;
        const size_t part = length < view_size - in_view ? length : view_size - in_view;
        if (!visit(Span{offset / view_size, in_view, part}))
            return false;
        offset += part;
        length -= part;
    }
    return true;
}

class CacheMap
{
  public:
    CacheMap(PFILE_OBJECT file, PSECTION_OBJECT_POINTERS pointers, const CC_FILE_SIZES& sizes);
    CacheMap(const CacheMap&) = delete;
    ~CacheMap();

    // ---- finding and ending; implemented in registry.cpp
    /// The file's map with a reference, or null.
    static CacheMap* find(PSECTION_OBJECT_POINTERS pointers);
    void reference() { references_.fetch_add(1, std::memory_order_relaxed); }
    void release();

    /// A reference of a section or a view, which keeps the map findable.
    void add_section();
    void remove_section();
    /// Finds or makes it with a section's reference: a map that nobody used any more, and whose data the lazy
    /// writer has just written, may end at any time before that. @return null without memory
    static CacheMap* acquire_for_section(PFILE_OBJECT file, const CC_FILE_SIZES& sizes);
    bool has_sections() const;
    bool is_cached() const;
    /// A handle starts or stops caching.
    static NTSTATUS start_caching(PFILE_OBJECT file, const CC_FILE_SIZES& sizes,
                                  PCACHE_MANAGER_CALLBACKS callbacks, PVOID context);
    /// @param truncate if this is the last handle, what is beyond is dropped unwritten
    /// @param event set when the file is not cached any more
    /// @return whether it is not cached any more
    static bool stop_caching(PFILE_OBJECT file, const LARGE_INTEGER* truncate, PKEVENT event);
    /// All handles stop caching.
    void stop_all_caching();
    /// Ends the map if nothing needs it any more.
    void try_tear_down();
    /// References to all maps.
    static std::vector<std::unique_ptr<CacheMap, Release>> all();

    // ---- data; these return the status of failed paging reads
    /// @param wait if false, STATUS_CANT_WAIT instead of reading
    NTSTATUS read(uint64_t offset, void* buffer, size_t length, bool wait);
    NTSTATUS write(uint64_t offset, const void* buffer, size_t length, bool wait);
    NTSTATUS zero(uint64_t offset, uint64_t length, bool wait);
    /// Makes the pages valid and pins the view. @return null with *status set, otherwise to be unpinned
    View* pin(const Span& span, bool wait, NTSTATUS* status);
    void unpin(View* view);
    bool is_resident(uint64_t offset, uint64_t length);
    void mark_dirty(uint64_t offset, uint64_t length);
    /// Marks what was changed through user views.
    void mark_changed(uint64_t offset, uint64_t length);

    /// The file has got this data by a way past the cache: pages that could not be purged follow.
    void update(uint64_t offset, const void* data, size_t length);

    NTSTATUS flush(uint64_t offset, uint64_t length);
    /// @return false if mapped pages were in the way
    bool purge(uint64_t offset, uint64_t length);
    /// Drops clean views that nobody uses. @return how many
    size_t trim();

    void set_sizes(const CC_FILE_SIZES& sizes);
    CC_FILE_SIZES sizes();
    /// Forgets data that could not be written.
    void discard_dirty();

    PFILE_OBJECT file() const { return file_; }
    PSECTION_OBJECT_POINTERS pointers() const { return pointers_; }
    /// Pages that the file system does not have yet: those that are being written count.
    uint64_t dirty_pages() const { return dirty_pages_.load(std::memory_order_acquire); }

    // ---- user views
    /// @return false without memory
    bool view_mapped(View* view, bool writable);
    void view_unmapped(View* view, bool writable);
    bool has_user_views() const { return user_views_ != 0; }
    bool has_writable_user_views() const { return writable_user_views_ != 0; }

    // ---- caching handles; guarded by the registry's lock
    std::set<PrivateMap*> caching;
    std::vector<PKEVENT> uninitialize_events;
    bool torn_down = false;
    /// Nobody caches any more, dirty data is still to be written. Changed with the registry locked; read as a
    /// hint without.
    std::atomic<bool> closing = false;
    uint32_t sections = 0;
    /// How the file system is asked before its file is read or written behind its back.
    struct Callbacks
    {
        CACHE_MANAGER_CALLBACKS routines{};
        PVOID context = nullptr;
    };
    /// Those given by the first handle that cached. Replaced when caching starts anew.
    Callbacks callbacks() const;
    Callbacks callbacks_; // under the registry's mutex
    std::atomic<bool> write_behind_disabled{false};

  private:
    using Lock = std::unique_lock<std::mutex>;

    View* view_at(uint64_t index, bool create);
    View* pin_locked(Lock& lock, const Span& span, bool wait, NTSTATUS* status);
    void unpin_locked(View* view);
    NTSTATUS make_valid(Lock& lock, View* view, uint64_t pages, bool wait);
    NTSTATUS fill(View* view, size_t first, size_t count, uint64_t file_size);
    NTSTATUS flush_span(Lock& lock, View* view, uint64_t pages);
    /// page_out, without the lock
    NTSTATUS write_pages(Lock& lock, View* view, size_t first_page, size_t length);
    /// @param data null: zeros
    NTSTATUS write_span(const Span& span, const char* data, bool wait);
    void drop_pages(View* view, uint64_t pages);
    /// Dirty are those of the pages that differ from what is known of them.
    void set_changed_dirty(View* view, uint64_t pages);
    void zero_memory(View* view, size_t offset, size_t length);
    void set_dirty(View* view, uint64_t pages);
    void clear_dirty(View* view, uint64_t pages);
    void count_clean(uint64_t pages);
    using Views = std::map<uint64_t, std::unique_ptr<View>>;
    /// @return the next view
    Views::iterator erase_if_unused(Views::iterator it);
    void truncate(uint64_t size);

    PFILE_OBJECT file_;
    PSECTION_OBJECT_POINTERS pointers_;
    std::atomic<uint32_t> references_{1};

    std::mutex mutex_;
    std::condition_variable changed_;
    Views views_;
    CC_FILE_SIZES sizes_;
    std::atomic<uint64_t> dirty_pages_{0};
    std::atomic<uint32_t> user_views_{0};
    std::atomic<uint32_t> writable_user_views_{0};
};

/// A client's write has succeeded. @param irp completed, but its caller does not know yet
void note_write_beside_cache(PIRP irp);

/// Owns one reference.
struct Release
{
    void operator()(CacheMap* map) const { map->release(); }
};
using MapRef = std::unique_ptr<CacheMap, Release>;

/// Owns a section's reference.
struct RemoveSection
{
    void operator()(CacheMap* map) const { map->remove_section(); }
};
using SectionRef = std::unique_ptr<CacheMap, RemoveSection>;

} // namespace fsp::ntos::cc

// SPDX-License-Identifier: MIT
#include "ntos/cc/lazy_writer.h"

#include "ntos/cc/cache_map.h"
#include "ntos/fsrtl/file_callbacks.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace fsp::ntos::cc {
namespace {

using namespace std::chrono_literals;

struct Deferred
{
    PCC_POST_DEFERRED_WRITE routine;
    PVOID context1;
    PVOID context2;
    uint64_t bytes;
};

struct Writer
{
    std::mutex mutex;
    std::condition_variable work;
    std::condition_variable passed;
    std::deque<Deferred> deferred;
    std::atomic<uint64_t> dirty{0};
    uint64_t limit; ///< dirty pages
    uint64_t view_limit;
    bool started = false;
    bool wanted = false;
    uint64_t passes_begun = 0;
    uint64_t passes_ended = 0;

    Writer()
    {
        const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
        limit = std::max<uint64_t>(pages / 8, 1024);
        view_limit = std::max<uint64_t>(pages / pages_per_view / 3, 1024);
    }

    void start_locked()
    {
        if (!started) {
            started = true;
            std::thread([this] { run(); }).detach();
        }
    }

    void run();
    void pass();
    void resume_deferred();
};

Writer& writer()
{
    static Writer* w = new Writer; // the thread may outlive main()
    return *w;
}

/// Sets the top-level IRP as Windows' lazy writer does, unless the file system's callback did.
class TopLevel
{
  public:
    TopLevel()
    {
        if (!IoGetTopLevelIrp())
            IoSetTopLevelIrp(reinterpret_cast<PIRP>(FSRTL_CACHE_TOP_LEVEL_IRP));
    }
    ~TopLevel() { IoSetTopLevelIrp(nullptr); }
};

bool is_worth_retrying(NTSTATUS status)
{
    return status == STATUS_INSUFFICIENT_RESOURCES || status == STATUS_FILE_LOCK_CONFLICT ||
           status == STATUS_VERIFY_REQUIRED;
}

/// Under the file system's locks: who waits for pages that are being written holds them, too.
NTSTATUS flush_locked(CacheMap& map)
{
    const CacheMap::Callbacks callbacks = map.callbacks();
    if (!callbacks.routines.AcquireForLazyWrite) {
        const fsrtl::ModWriteLock lock(map.file());
        const TopLevel top;
        return NT_SUCCESS(lock.status()) ? map.flush(0, ~uint64_t{0}) : lock.status();
    }
    if (!callbacks.routines.AcquireForLazyWrite(callbacks.context, TRUE))
        return STATUS_CANT_WAIT;
    NTSTATUS status;
    {
        const TopLevel top;
        status = map.flush(0, ~uint64_t{0});
    }
    callbacks.routines.ReleaseFromLazyWrite(callbacks.context);
    return status;
}

void write_behind(CacheMap& map)
{
    if (map.dirty_pages()) {
        const NTSTATUS status = flush_locked(map);
        if (status == STATUS_CANT_WAIT)
            return; // the next pass tries again
        // Windows loses such data too ("delayed write failed"); keeping it would keep the file open for ever.
        if (!NT_SUCCESS(status) && !is_worth_retrying(status))
            map.discard_dirty();
    }
    map.try_tear_down();
}

void Writer::pass()
{
    std::vector<MapRef> maps = CacheMap::all();
    for (const MapRef& map : maps)
        if ((map->dirty_pages() && !map->write_behind_disabled) || map->closing)
            write_behind(*map);
    for (size_t i = 0; i < maps.size() && Arena::instance().slots_in_use() > view_limit; ++i)
        maps[i]->trim();
}

void Writer::resume_deferred()
{
    for (;;) {
        Deferred next;
        {
            std::lock_guard hold(mutex);
            if (deferred.empty() || !lazy_writer::can_write(deferred.front().bytes))
                return;
            next = deferred.front();
            deferred.pop_front();
        }
        next.routine(next.context1, next.context2);
    }
}

void Writer::run()
{
    std::unique_lock lock(mutex);
    for (;;) {
        if (dirty.load() == 0 && deferred.empty())
            work.wait(lock, [&] { return wanted || dirty.load() != 0; });
        if (!wanted)
            work.wait_for(lock, 1s, [&] { return wanted; });
        wanted = false;
        ++passes_begun;
        lock.unlock();
        pass();
        resume_deferred();
        lock.lock();
        ++passes_ended;
        passed.notify_all();
    }
}

/// Runs read-ahead; separate from writing, for either may wait for a slow file system.
struct Reader
{
    std::mutex mutex;
    std::condition_variable work;
    std::deque<std::function<void()>> jobs;
    bool started = false;

    void post(std::function<void()> job)
    {
        std::lock_guard hold(mutex);
        jobs.push_back(std::move(job));
        work.notify_one();
        if (started)
            return;
        started = true;
        std::thread([this] { run(); }).detach();
    }

    void run()
    {
        for (;;) {
            std::function<void()> job;
            {
                std::unique_lock lock(mutex);
                work.wait(lock, [&] { return !jobs.empty(); });
                job = std::move(jobs.front());
                jobs.pop_front();
            }
            job();
        }
    }
};

Reader& reader()
{
    static Reader* r = new Reader;
    return *r;
}

void read_ahead(CacheMap& map, uint64_t offset, uint64_t length)
{
    const CacheMap::Callbacks callbacks = map.callbacks();
    const bool acquire = callbacks.routines.AcquireForReadAhead != nullptr;
    // Without waiting: a reader that is not there yet is no reason to stand in a writer's way.
    if (acquire && !callbacks.routines.AcquireForReadAhead(callbacks.context, FALSE))
        return;
    {
        TopLevel top;
        for_each_span(offset, length, [&](const Span& span) {
            NTSTATUS status;
            View* view = map.pin(span, true, &status);
            if (view)
                map.unpin(view);
            return view != nullptr; // an error is for the reader who really wants the data
        });
    }
    if (acquire)
        callbacks.routines.ReleaseFromReadAhead(callbacks.context);
}

} // namespace

namespace lazy_writer {

void note_dirtied(uint64_t pages)
{
    Writer& w = writer();
    if (w.dirty.fetch_add(pages) != 0)
        return;
    std::lock_guard hold(w.mutex);
    w.start_locked();
    w.work.notify_one();
}

void note_cleaned(uint64_t pages)
{
    Writer& w = writer();
    w.dirty.fetch_sub(pages);
}

void wake()
{
    Writer& w = writer();
    std::lock_guard hold(w.mutex);
    w.start_locked();
    w.wanted = true;
    w.work.notify_one();
}

void wait_for_pass()
{
    Writer& w = writer();
    std::unique_lock lock(w.mutex);
    w.start_locked();
    w.wanted = true;
    w.work.notify_one();
    const uint64_t target = w.passes_begun + 1;
    w.passed.wait(lock, [&] { return w.passes_ended >= target; });
}

bool can_write(uint64_t bytes)
{
    Writer& w = writer();
    const uint64_t dirty = w.dirty.load(std::memory_order_relaxed);
    // A single write larger than the limit must get through some time.
    return dirty == 0 || dirty + bytes / page_size < w.limit;
}

void wait_until_can_write(uint64_t bytes)
{
    while (!can_write(bytes))
        wait_for_pass();
}

void defer(PCC_POST_DEFERRED_WRITE routine, PVOID context1, PVOID context2, uint64_t bytes)
{
    Writer& w = writer();
    {
        std::lock_guard hold(w.mutex);
        if (!w.deferred.empty() || !can_write(bytes)) {
            w.deferred.push_back({routine, context1, context2, bytes});
            w.start_locked();
            w.wanted = true;
            w.work.notify_one();
            return;
        }
    }
    routine(context1, context2);
}

} // namespace lazy_writer

void note_read(PrivateMap* handle, uint64_t offset, uint64_t length)
{
    ReadAhead& state = *handle->read_ahead;
    const uint64_t end = offset + length;
    const bool sequential = offset != 0 && state.last_end.exchange(end) == offset;
    if (offset == 0)
        state.last_end = end;
    if (!sequential || state.disabled)
        return;
    const auto file_size = static_cast<uint64_t>(handle->map->sizes().FileSize.QuadPart);
    const uint64_t granularity = std::max<uint64_t>(state.granularity, length);
    const uint64_t from = std::max(end, state.ahead_end.load());
    // Stay between one and two steps ahead.
    if (from >= file_size || from > end + granularity || state.running.exchange(true))
        return;
    const uint64_t to = std::min(file_size, (end + 2 * granularity) & ~uint64_t{page_size - 1});
    if (to <= from || handle->map->is_resident(from, to - from)) {
        state.running = false;
        return;
    }
    state.ahead_end = to;
    handle->map->reference();
    reader().post(
        [map = std::shared_ptr<CacheMap>(handle->map, Release{}), keep = handle->read_ahead, from, to] {
            read_ahead(*map, from, to - from);
            keep->running = false;
        });
}

} // namespace fsp::ntos::cc

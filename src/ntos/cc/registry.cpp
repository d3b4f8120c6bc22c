// SPDX-License-Identifier: MIT
//
// Which files have a cache map, and when one ends.
#include "ntos/cc/cache_map.h"

#include "ntos/cc/lazy_writer.h"
#include "ntos/faults.h"

#include <new>

namespace fsp::ntos::cc {
namespace {

struct Registry
{
    std::mutex mutex;
    std::set<CacheMap*> maps;
};

Registry& registry()
{
    static Registry* r = new Registry; // lazy writes may outlive main()
    return *r;
}

// The words of file objects and section pointers, which the driver reads without the lock.
PVOID load(PVOID* where) { return __atomic_load_n(where, __ATOMIC_ACQUIRE); }

CacheMap* map_of(PSECTION_OBJECT_POINTERS pointers)
{
    return static_cast<CacheMap*>(load(&pointers->DataSectionObject));
}

void store(PVOID* where, PVOID what) { __atomic_store_n(where, what, __ATOMIC_RELEASE); }

/// What has to happen after the registry's lock is dropped.
struct Aftermath
{
    ~Aftermath()
    {
        for (PKEVENT event : events)
            KeSetEvent(event, IO_NO_INCREMENT, FALSE);
        if (ended)
            ended->release();
    }
    std::vector<PKEVENT> events;
    CacheMap* ended = nullptr;
};

/// Registry locked.
void tear_down_if_unused(CacheMap* map, Aftermath& after)
{
    if (map->torn_down || !map->caching.empty())
        return;
    if (map->dirty_pages() && !map->sections) {
        map->closing = true;
        lazy_writer::wake();
        return;
    }
    store(&map->pointers()->SharedCacheMap, nullptr);
    after.events.swap(map->uninitialize_events);
    if (map->sections)
        return;
    map->torn_down = true;
    store(&map->pointers()->DataSectionObject, nullptr);
    registry().maps.erase(map);
    after.ended = map;
}

/// Registry locked. @return without a reference for the caller; null without memory
CacheMap* find_or_make(PFILE_OBJECT file, const CC_FILE_SIZES& sizes)
{
    PSECTION_OBJECT_POINTERS pointers = file->SectionObjectPointer;
    CacheMap* map = map_of(pointers);
    if (!map) {
        map = new (std::nothrow) CacheMap(file, pointers, sizes);
        if (!map)
            return nullptr;
        registry().maps.insert(map);
        store(&pointers->DataSectionObject, map);
    }
    return map;
}

} // namespace

CacheMap* CacheMap::find(PSECTION_OBJECT_POINTERS pointers)
{
    if (!pointers || !map_of(pointers))
        return nullptr;
    std::lock_guard hold(registry().mutex);
    CacheMap* map = map_of(pointers);
    if (map)
        map->reference();
    return map;
}

CacheMap* CacheMap::acquire_for_section(PFILE_OBJECT file, const CC_FILE_SIZES& sizes)
{
    std::lock_guard hold(registry().mutex);
    CacheMap* map = find_or_make(file, sizes);
    if (!map)
        return nullptr;
    map->reference();
    ++map->sections;
    return map;
}

void CacheMap::release()
{
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
        delete this;
}

void CacheMap::add_section()
{
    reference();
    std::lock_guard hold(registry().mutex);
    ++sections;
}

void CacheMap::remove_section()
{
    const MapRef last(this);
    Aftermath after;
    std::lock_guard hold(registry().mutex);
    --sections;
    tear_down_if_unused(this, after);
}

bool CacheMap::has_sections() const
{
    std::lock_guard hold(registry().mutex);
    return sections != 0;
}

bool CacheMap::is_cached() const
{
    std::lock_guard hold(registry().mutex);
    return !caching.empty();
}

CacheMap::Callbacks CacheMap::callbacks() const
{
    std::lock_guard hold(registry().mutex);
    return callbacks_;
}

NTSTATUS CacheMap::start_caching(PFILE_OBJECT file, const CC_FILE_SIZES& sizes,
                                 PCACHE_MANAGER_CALLBACKS callbacks, PVOID context)
{
    if (load(&file->PrivateCacheMap))
        return STATUS_SUCCESS;
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        return STATUS_INSUFFICIENT_RESOURCES;
    auto fresh = std::unique_ptr<PrivateMap>(new (std::nothrow) PrivateMap);
    if (!fresh)
        return STATUS_INSUFFICIENT_RESOURCES;

    std::lock_guard hold(registry().mutex);
    if (file->PrivateCacheMap)
        return STATUS_SUCCESS;
    CacheMap* map = find_or_make(file, sizes);
    if (!map)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (map->caching.empty())
        map->callbacks_ = {*callbacks, context};
    map->closing = false;
    fresh->map = map;
    fresh->file = file;
    map->caching.insert(fresh.get());
    store(&map->pointers()->SharedCacheMap, map);
    store(&file->PrivateCacheMap, fresh.release());
    return STATUS_SUCCESS;
}

bool CacheMap::stop_caching(PFILE_OBJECT file, const LARGE_INTEGER* truncate, PKEVENT event)
{
    Aftermath after;
    std::unique_ptr<PrivateMap> gone;
    std::lock_guard hold(registry().mutex);
    CacheMap* map = map_of(file->SectionObjectPointer);
    if (!map || !load(&file->SectionObjectPointer->SharedCacheMap)) {
        if (event)
            after.events.push_back(event);
        return true;
    }
    if (event)
        map->uninitialize_events.push_back(event);
    if (auto* own = static_cast<PrivateMap*>(file->PrivateCacheMap)) {
        store(&file->PrivateCacheMap, nullptr);
        map->caching.erase(own);
        gone.reset(own);
    }
    if (truncate && map->caching.empty()) {
        CC_FILE_SIZES sizes = map->sizes();
        sizes.FileSize = *truncate;
        map->set_sizes(sizes);
    }
    tear_down_if_unused(map, after);
    return !map->pointers()->SharedCacheMap;
}

void CacheMap::stop_all_caching()
{
    Aftermath after;
    std::lock_guard hold(registry().mutex);
    for (PrivateMap* own : caching) {
        store(&own->file->PrivateCacheMap, nullptr);
        delete own;
    }
    caching.clear();
    tear_down_if_unused(this, after);
}

void CacheMap::try_tear_down()
{
    Aftermath after;
    std::lock_guard hold(registry().mutex);
    if (closing)
        tear_down_if_unused(this, after);
}

std::vector<MapRef> CacheMap::all()
{
    std::vector<MapRef> maps;
    std::lock_guard hold(registry().mutex);
    for (CacheMap* map : registry().maps) {
        map->reference();
        maps.emplace_back(map);
    }
    return maps;
}

} // namespace fsp::ntos::cc

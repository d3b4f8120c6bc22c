// SPDX-License-Identifier: MIT
//
// Data sections of files and their views.
//
// A section keeps the file's cache map; a view maps the cache's own memory a second time (cc/arena.h),
// so mapped and cached access see the same bytes at once. All pages of a view are read when it is
// mapped. What a writable view changed is written when the view is unmapped or flushed, and whenever
// the file is flushed. Image sections and sections without a file are not supported.
#pragma once

#include "ntos/cc/cache_map.h"

namespace fsp::ntos::mm {

/// The body of a section object.
struct Section
{
    explicit Section(cc::MapRef file_map, uint64_t bytes, ULONG page_protection)
        : map(std::move(file_map)), size(bytes), protection(page_protection)
    {
        map->add_section();
    }
    ~Section() { map->remove_section(); }

    cc::MapRef map;
    std::atomic<uint64_t> size;
    ULONG protection;
};

/// Where and how to map.
struct ViewRequest
{
    uint64_t offset; ///< multiple of 64 KiB
    size_t size;
    ULONG protection;
};

NTSTATUS map_view(Section& section, const ViewRequest& request, void** base);
NTSTATUS unmap_view(void* address);
/// Writes what a view changed. @param[in,out] base,size a part of one view; size 0: to its end
NTSTATUS flush_view(void** base, size_t* size);
/// @return false if the address is in no view
bool mark_view_dirty(void* address, size_t size);

} // namespace fsp::ntos::mm

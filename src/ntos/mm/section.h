// SPDX-License-Identifier: MIT
//
// Sections of files and their views.
//
// A data section keeps the file's cache map; a view maps the cache's own memory a second time (cc/arena.h),
// so mapped and cached access see the same bytes at once. All pages of a view are read when it is
// mapped. What a writable view changed is written when the view is unmapped or flushed, and whenever
// the file is flushed. An image section keeps an Image instead. Sections without a file are not supported.
#pragma once

#include "ntos/cc/cache_map.h"
#include "ntos/mm/image.h"

namespace fsp::ntos::mm {

/// The body of a section object.
struct Section
{
    explicit Section(cc::SectionRef file_map, uint64_t bytes, ULONG page_protection)
        : map(std::move(file_map)), size(bytes), protection(page_protection)
    {}
    Section(std::shared_ptr<Image> file_image, ULONG page_protection)
        : image(std::move(file_image)), size(image->size()), protection(page_protection)
    {}

    cc::SectionRef map;           ///< of a data section, else null
    std::shared_ptr<Image> image; ///< of an image section, else null
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

/// @return STATUS_IMAGE_NOT_AT_BASE for an image that is not where it was linked to be
NTSTATUS map_view(Section& section, const ViewRequest& request, void** base);
NTSTATUS unmap_view(void* address);
/// Writes what a view of data changed. @param[in,out] base,size a part of one view; size 0: to its end
NTSTATUS flush_view(void** base, size_t* size);
/// @return false if the address is in no view
bool mark_view_dirty(void* address, size_t size);

} // namespace fsp::ntos::mm

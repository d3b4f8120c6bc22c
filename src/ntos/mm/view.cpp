// SPDX-License-Identifier: MIT
#include "ntos/fsrtl/file_callbacks.h"
#include "ntos/mm/section.h"

#include <map>
#include <mutex>
#include <vector>

#include <sys/mman.h>

namespace fsp::ntos::mm {
namespace {

using cc::Span;
using cc::View;

uint64_t page_up(uint64_t size) { return (size + cc::page_size - 1) & ~uint64_t{cc::page_size - 1}; }

int host_protection(ULONG protection)
{
    switch (protection & 0xFF) {
    case PAGE_READONLY:
    case PAGE_EXECUTE:
    case PAGE_EXECUTE_READ:
        return PROT_READ;
    case PAGE_READWRITE:
    case PAGE_WRITECOPY:
    case PAGE_EXECUTE_READWRITE:
    case PAGE_EXECUTE_WRITECOPY:
        return PROT_READ | PROT_WRITE;
    default:
        return PROT_NONE;
    }
}

bool is_copy_on_write(ULONG protection)
{
    return (protection & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY)) != 0;
}

bool is_writable(ULONG protection) { return (protection & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)) != 0; }

/// A mapped view; undoes itself as far as it got.
class Mapping
{
  public:
    explicit Mapping(const ViewRequest& request) : request_(request) {}
    Mapping(const Mapping&) = delete;
    virtual ~Mapping() = default;

    /// @return STATUS_IMAGE_NOT_AT_BASE or STATUS_SUCCESS once the view is there
    virtual NTSTATUS establish() = 0;
    /// Notes that [from, from + length) of the view has been written to.
    virtual void mark_dirty(uint64_t from, uint64_t length) = 0;
    virtual NTSTATUS flush(uint64_t from, uint64_t length) = 0;

    char* base() const { return base_; }
    size_t size() const { return request_.size; }

  protected:
    void unmap()
    {
        if (base_)
            munmap(base_, request_.size);
    }

    const ViewRequest request_;
    char* base_ = nullptr;
};

/// A view of a data section: the cache's memory, a second time.
class DataMapping final : public Mapping
{
  public:
    DataMapping(cc::SectionRef map, const ViewRequest& request) : Mapping(request), map_(std::move(map)) {}

    ~DataMapping() override
    {
        unmap();
        if (base_ && writable())
            map_->mark_changed(request_.offset, request_.size);
        for (View* view : views_)
            map_->view_unmapped(view, writable());
    }

    NTSTATUS establish() override
    {
        void* reserved =
            mmap(nullptr, request_.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (reserved == MAP_FAILED)
            return STATUS_NO_MEMORY;
        base_ = static_cast<char*>(reserved);
        // Whoever has the file system's locks may wait for a page that is being read, never the other way
        // round.
        fsrtl::SectionLock lock(map_->file(), request_.protection);
        NTSTATUS status = lock.status();
        if (!NT_SUCCESS(status))
            return status;
        char* at = base_;
        cc::for_each_span(request_.offset, request_.size, [&](const Span& span) {
            status = map_span(span, at);
            at += span.length;
            return NT_SUCCESS(status);
        });
        return status;
    }

    void mark_dirty(uint64_t from, uint64_t length) override
    {
        map_->mark_dirty(request_.offset + from, length);
    }

    NTSTATUS flush(uint64_t from, uint64_t length) override
    {
        if (writable())
            map_->mark_changed(request_.offset + from, length);
        fsrtl::FlushLock lock(map_->file());
        return NT_SUCCESS(lock.status()) ? map_->flush(request_.offset + from, length) : lock.status();
    }

  private:
    bool writable() const { return is_writable(request_.protection); }

    NTSTATUS map_span(const Span& span, char* at)
    {
        NTSTATUS status;
        View* view = map_->pin(span, true, &status);
        if (!view)
            return status;
        const bool counted = map_->view_mapped(view, writable());
        map_->unpin(view);
        if (!counted)
            return STATUS_INSUFFICIENT_RESOURCES;
        views_.push_back(view);
        const bool mapped = cc::Arena::instance().map_at(at, view->slot, span.offset, span.length,
                                                         host_protection(request_.protection),
                                                         is_copy_on_write(request_.protection));
        return mapped ? STATUS_SUCCESS : STATUS_NO_MEMORY;
    }

    cc::SectionRef map_;
    std::vector<View*> views_;
};

/// A view of an image: what is written stays in the view.
class ImageMapping final : public Mapping
{
  public:
    ImageMapping(std::shared_ptr<Image> image, const ViewRequest& request)
        : Mapping(request), image_(std::move(image))
    {}
    ~ImageMapping() override { unmap(); }

    NTSTATUS establish() override
    {
        base_ = image_->map(request_.offset, request_.size);
        if (!base_)
            return STATUS_NO_MEMORY;
        const bool at_base = reinterpret_cast<uint64_t>(base_) == image_->preferred_base() + request_.offset;
        return at_base ? STATUS_SUCCESS : STATUS_IMAGE_NOT_AT_BASE;
    }
    void mark_dirty(uint64_t, uint64_t) override {}
    NTSTATUS flush(uint64_t, uint64_t) override { return STATUS_SUCCESS; }

  private:
    std::shared_ptr<Image> image_;
};

struct Mappings
{
    std::mutex mutex;
    std::map<char*, std::shared_ptr<Mapping>> by_base;

    /// Locked.
    auto find(void* address)
    {
        auto it = by_base.upper_bound(static_cast<char*>(address));
        if (it == by_base.begin())
            return by_base.end();
        --it;
        return static_cast<char*>(address) < it->first + it->second->size() ? it : by_base.end();
    }

    std::shared_ptr<Mapping> lookup(void* address)
    {
        std::lock_guard hold(mutex);
        auto it = find(address);
        return it == by_base.end() ? nullptr : it->second;
    }
};

Mappings& mappings()
{
    static Mappings* m = new Mappings; // views may outlive main()
    return *m;
}

} // namespace

NTSTATUS map_view(Section& section, const ViewRequest& request, void** base)
{
    ViewRequest rounded = request;
    rounded.size = page_up(request.size);
    std::shared_ptr<Mapping> mapping;
    if (section.image) {
        mapping = std::make_shared<ImageMapping>(section.image, rounded);
    } else {
        section.map->add_section();
        mapping = std::make_shared<DataMapping>(cc::SectionRef(section.map.get()), rounded);
    }
    const NTSTATUS status = mapping->establish();
    if (!NT_SUCCESS(status))
        return status;
    std::lock_guard hold(mappings().mutex);
    *base = mapping->base();
    mappings().by_base.emplace(mapping->base(), std::move(mapping));
    return status;
}

NTSTATUS unmap_view(void* address)
{
    std::shared_ptr<Mapping> gone; // ends after the lock: it may close the file
    std::lock_guard hold(mappings().mutex);
    auto it = mappings().find(address);
    if (it == mappings().by_base.end())
        return STATUS_NOT_MAPPED_VIEW;
    gone = std::move(it->second);
    mappings().by_base.erase(it);
    return STATUS_SUCCESS;
}

NTSTATUS flush_view(void** base, size_t* size)
{
    const std::shared_ptr<Mapping> mapping = mappings().lookup(*base);
    if (!mapping)
        return STATUS_NOT_MAPPED_VIEW;
    const auto from =
        static_cast<uint64_t>(static_cast<char*>(*base) - mapping->base()) & ~uint64_t{cc::page_size - 1};
    const uint64_t left = mapping->size() - from;
    const uint64_t length = *size == 0 ? left : std::min(left, page_up(*size));
    *base = mapping->base() + from;
    *size = length;

    return mapping->flush(from, length);
}

bool mark_view_dirty(void* address, size_t size)
{
    const std::shared_ptr<Mapping> mapping = mappings().lookup(address);
    if (!mapping)
        return false;
    const auto from = static_cast<uint64_t>(static_cast<char*>(address) - mapping->base());
    mapping->mark_dirty(from, std::min<uint64_t>(size, mapping->size() - from));
    return true;
}

} // namespace fsp::ntos::mm

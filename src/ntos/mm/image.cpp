// SPDX-License-Identifier: MIT
#include "ntos/mm/image.h"

#include "ntos/cc/arena.h"
#include "ntos/cc/paging_io.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include <sys/mman.h>
#include <unistd.h>

namespace fsp::ntos::mm {
namespace {

using cc::page_size;

constexpr uint64_t page_up(uint64_t size) { return (size + page_size - 1) & ~uint64_t{page_size - 1}; }

// Of the PE format.
constexpr uint16_t mz_magic = 0x5A4D;
constexpr uint32_t pe_magic = 0x00004550;
constexpr uint16_t optional_32 = 0x10B;
constexpr uint16_t optional_64 = 0x20B;
constexpr uint16_t executable_image = 0x0002;
constexpr uint32_t section_is_writable = 0x80000000;
constexpr size_t header_limit = 4096; ///< as far as the headers of a sound image reach
constexpr size_t lfanew_at = 0x3C;
constexpr size_t coff_size = 20;
constexpr size_t section_header_size = 40;
constexpr unsigned section_limit = 96;

constexpr uint64_t load_step = uint64_t{64} * page_size;

/// The first page of the file; reads are checked.
class Headers
{
  public:
    Headers(const char* data, size_t size) : data_(data), size_(size) {}
    /// 0 beyond the end, which no valid header is
    template<class T> T at(size_t offset) const
    {
        T value{};
        if (offset <= size_ && sizeof value <= size_ - offset)
            std::memcpy(&value, data_ + offset, sizeof value);
        return value;
    }
    bool has(size_t offset, size_t length) const { return offset <= size_ && length <= size_ - offset; }

  private:
    const char* data_;
    size_t size_;
};

struct Images
{
    std::mutex mutex;
    std::map<PSECTION_OBJECT_POINTERS, std::weak_ptr<Image>> by_file;
};

Images& images()
{
    static Images* i = new Images; // views may outlive main()
    return *i;
}

} // namespace

Image::Image(PFILE_OBJECT file, int memory)
    : file_(file), pointers_(file->SectionObjectPointer), memory_(memory)
{
    ObReferenceObject(file);
}

Image::~Image()
{
    {
        std::lock_guard hold(images().mutex);
        auto it = images().by_file.find(pointers_);
        // A successor may be there already.
        if (it != images().by_file.end() && it->second.expired()) {
            images().by_file.erase(it);
            __atomic_store_n(&pointers_->ImageSectionObject, nullptr, __ATOMIC_RELEASE);
        }
    }
    if (memory_ >= 0)
        close(memory_);
}

NTSTATUS Image::acquire(PFILE_OBJECT file, std::shared_ptr<Image>* image)
{
    {
        std::lock_guard hold(images().mutex);
        auto it = images().by_file.find(file->SectionObjectPointer);
        if (it != images().by_file.end() && (*image = it->second.lock()))
            return STATUS_SUCCESS;
    }
    auto fresh = std::make_shared<Image>(file, memfd_create("openfsp-image", MFD_CLOEXEC));
    if (fresh->memory_ < 0)
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status = fresh->load();
    if (!NT_SUCCESS(status))
        return status;

    std::lock_guard hold(images().mutex);
    std::weak_ptr<Image>& entry = images().by_file[file->SectionObjectPointer];
    if (!(*image = entry.lock())) {
        entry = *image = fresh;
        __atomic_store_n(&file->SectionObjectPointer->ImageSectionObject, static_cast<PVOID>(fresh.get()),
                         __ATOMIC_RELEASE);
    }
    return STATUS_SUCCESS;
}

bool Image::exists(PSECTION_OBJECT_POINTERS pointers)
{
    return pointers && __atomic_load_n(&pointers->ImageSectionObject, __ATOMIC_ACQUIRE) != nullptr;
}

NTSTATUS Image::load()
{
    alignas(16) char page[header_limit];
    size_t got = 0;
    NTSTATUS status = cc::page_in(file_.get(), 0, page, sizeof page, &got);
    if (!NT_SUCCESS(status))
        return status;
    const Headers h(page, got);
    if (h.at<uint16_t>(0) != mz_magic)
        return STATUS_INVALID_IMAGE_NOT_MZ;
    const size_t pe = h.at<uint32_t>(lfanew_at);
    if (h.at<uint32_t>(pe) != pe_magic)
        return STATUS_INVALID_IMAGE_FORMAT;
    const size_t coff = pe + sizeof pe_magic, optional = coff + coff_size;
    const unsigned sections = h.at<uint16_t>(coff + 2);
    const uint16_t magic = h.at<uint16_t>(optional);
    const size_t table = optional + h.at<uint16_t>(coff + 16);
    const uint64_t headers_size = h.at<uint32_t>(optional + 60);
    size_ = page_up(h.at<uint32_t>(optional + 56));
    if (!(h.at<uint16_t>(coff + 18) & executable_image) || (magic != optional_32 && magic != optional_64) ||
        sections > section_limit || !h.has(table, sections * section_header_size) || size_ == 0 ||
        headers_size > size_)
        return STATUS_INVALID_IMAGE_FORMAT;
    preferred_base_ = magic == optional_64 ? h.at<uint64_t>(optional + 24) : h.at<uint32_t>(optional + 28);
    if (ftruncate(memory_, static_cast<off_t>(size_)) != 0)
        return STATUS_INSUFFICIENT_RESOURCES;

    status = load_part(0, headers_size, 0);
    uint64_t end = page_up(headers_size);
    for (unsigned i = 0; NT_SUCCESS(status) && i < sections; ++i) {
        const size_t header = table + i * section_header_size;
        const uint64_t virtual_size = h.at<uint32_t>(header + 8), at = h.at<uint32_t>(header + 12);
        const uint64_t raw_size = h.at<uint32_t>(header + 16), raw_at = h.at<uint32_t>(header + 20);
        const uint64_t length = page_up(virtual_size ? virtual_size : raw_size);
        // Sections are in the order of their addresses and do not overlap.
        if (at % page_size != 0 || at < end || length > size_ - std::min<uint64_t>(at, size_))
            return STATUS_INVALID_IMAGE_FORMAT;
        end = at + length;
        const bool writable = h.at<uint32_t>(header + 36) & section_is_writable;
        parts_.push_back({at, static_cast<size_t>(length), writable});
        status = load_part(raw_at, raw_at ? std::min(raw_size, length) : 0, at);
    }
    return status;
}

NTSTATUS Image::load_part(uint64_t file_offset, uint64_t length, uint64_t at)
{
    // Paging I/O is in whole pages; parts begin at any sector.
    std::vector<char> buffer(static_cast<size_t>(std::min(page_up(length + page_size), load_step)));
    for (uint64_t done = 0; done < length;) {
        const uint64_t page_from = (file_offset + done) & ~uint64_t{page_size - 1};
        const uint64_t inside = file_offset + done - page_from;
        const auto wanted =
            static_cast<size_t>(std::min<uint64_t>(page_up(inside + length - done), buffer.size()));
        size_t got = 0;
        const NTSTATUS status = cc::page_in(file_.get(), page_from, buffer.data(), wanted, &got);
        if (!NT_SUCCESS(status))
            return status;
        if (got <= inside)
            return STATUS_INVALID_IMAGE_FORMAT; // the file is shorter than its headers say
        const auto part = static_cast<size_t>(std::min<uint64_t>(got - inside, length - done));
        if (pwrite(memory_, buffer.data() + inside, part, static_cast<off_t>(at + done)) !=
            static_cast<ssize_t>(part))
            return STATUS_INSUFFICIENT_RESOURCES;
        done += part;
        if (got < wanted && done < length)
            return STATUS_INVALID_IMAGE_FORMAT;
    }
    return STATUS_SUCCESS;
}

char* Image::map(uint64_t offset, size_t length) const
{
    void* base = mmap(nullptr, length, PROT_READ, MAP_PRIVATE, memory_, static_cast<off_t>(offset));
    if (base == MAP_FAILED)
        return nullptr;
    for (const Part& part : parts_) {
        const uint64_t from = std::max(part.offset, offset);
        const uint64_t to = std::min<uint64_t>(part.offset + part.length, offset + length);
        if (part.writable && from < to)
            mprotect(static_cast<char*>(base) + (from - offset), static_cast<size_t>(to - from),
                     PROT_READ | PROT_WRITE);
    }
    return static_cast<char*>(base);
}

} // namespace fsp::ntos::mm

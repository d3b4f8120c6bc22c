// SPDX-License-Identifier: MIT
#include "ntos/image.h"

#include "ldr/context.h"
#include "ldr/pe.h"
#include "ntos/exports.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

#include <sys/mman.h>

namespace fsp::ntos {

#if defined(__x86_64__)

namespace ldr {

namespace {

struct Loaded
{
    std::atomic<const uint8_t*> base;
    std::atomic<size_t> size;
};
Loaded loaded[8];

PVOID NTAPI find_for_image(PUNICODE_STRING name)
{
    PVOID found = MmGetSystemRoutineAddress(name);
    return found ? boundary_of(found) : nullptr;
}

/// The image in memory, and the checks that its file needs.
class MappedImage : public Image
{
  public:
    ~MappedImage() override
    {
        for (Loaded& entry : loaded)
            if (base_ && entry.base == base_)
                entry.base = nullptr;
        if (base_)
            munmap(base_, size_);
    }

    PDRIVER_INITIALIZE entry() const override
    {
        return reinterpret_cast<PDRIVER_INITIALIZE>(base_ + header_.entry_point);
    }

    void* find_export(const char* name) const override
    {
        const Directory& exported = header_.directories[export_directory];
        const auto* exports = exported.size != 0 ? at<ExportDirectory>(exported.rva) : nullptr;
        if (!exports)
            return nullptr;
        const auto* names = at<uint32_t>(exports->names_rva, exports->name_count);
        const auto* ordinals = at<uint16_t>(exports->ordinals_rva, exports->name_count);
        const auto* addresses = at<uint32_t>(exports->addresses_rva, exports->address_count);
        if (!names || !ordinals || !addresses)
            return nullptr;
        for (uint32_t i = 0; i < exports->name_count; i++) {
            const auto* found = at<const char>(names[i]);
            if (!found || std::strncmp(found, name, size_ - names[i]) != 0)
                continue;
            return ordinals[i] < exports->address_count ? at<char>(addresses[ordinals[i]]) : nullptr;
        }
        return nullptr;
    }

    /// An error in one sentence, or nothing.
    std::string load(const std::vector<char>& file)
    {
        std::string error = map(file);
        if (error.empty())
            error = relocate();
        if (error.empty())
            error = bind();
        if (error.empty() && !publish())
            error = "too many driver images are loaded";
        return error;
    }

  private:
    static constexpr const char* damaged = "the driver image is damaged";

    bool inside(uint64_t rva, uint64_t size) const { return rva <= size_ && size <= size_ - rva; }

    template<class T> T* at(uint64_t rva, uint64_t count = 1) const
    {
        return inside(rva, count * sizeof(T)) ? reinterpret_cast<T*>(base_ + rva) : nullptr;
    }

    std::string map(const std::vector<char>& file)
    {
        DosHeader dos;
        if (file.size() < sizeof dos)
            return "the file is not a driver image";
        std::memcpy(&dos, file.data(), sizeof dos);
        if (dos.magic != dos_magic || dos.pe_offset > file.size() ||
            file.size() - dos.pe_offset < sizeof header_)
            return "the file is not a driver image";
        std::memcpy(&header_, file.data() + dos.pe_offset, sizeof header_);
        if (header_.signature != pe_signature || header_.machine != machine_amd64 ||
            header_.magic != optional_magic_64 || header_.subsystem != subsystem_native)
            return "the file is not a driver for 64-bit x86";
        const uint64_t sections = uint64_t{dos.pe_offset} + 24 + header_.optional_size;
        if (header_.headers_size > file.size() || header_.headers_size > header_.image_size ||
            sections + header_.section_count * sizeof(Section) > header_.headers_size ||
            header_.image_size > 64 * 1024 * 1024 || header_.entry_point >= header_.image_size)
            return damaged;

        void* memory = mmap(nullptr, header_.image_size, PROT_READ | PROT_WRITE | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            return "there is not enough memory for the driver image";
        base_ = static_cast<uint8_t*>(memory);
        size_ = header_.image_size;
        std::memcpy(base_, file.data(), header_.headers_size);
        for (unsigned i = 0; i < header_.section_count; i++) {
            Section section;
            std::memcpy(&section, file.data() + sections + i * sizeof section, sizeof section);
            const uint32_t size = std::min(section.raw_size, section.virtual_size);
            if (!inside(section.rva, section.virtual_size) || section.raw_offset > file.size() ||
                size > file.size() - section.raw_offset)
                return damaged;
            std::memcpy(base_ + section.rva, file.data() + section.raw_offset, size);
        }
        const Directory& functions = header_.directories[exception_directory];
        return inside(functions.rva, functions.size) ? "" : damaged;
    }

    std::string relocate()
    {
        const Directory& all = header_.directories[relocation_directory];
        const uint64_t delta = reinterpret_cast<uint64_t>(base_) - header_.image_base;
        for (uint32_t offset = 0; offset < all.size;) {
            const auto* block = at<RelocationBlock>(uint64_t{all.rva} + offset);
            if (!block || block->size < sizeof *block || block->size > all.size - offset ||
                !inside(uint64_t{all.rva} + offset, block->size))
                return damaged;
            const auto* entries = reinterpret_cast<const uint16_t*>(block + 1);
            for (size_t i = 0; i < (block->size - sizeof *block) / sizeof *entries; i++) {
                if (entries[i] >> 12 == relocation_none)
                    continue;
                const uint64_t rva = uint64_t{block->page_rva} + (entries[i] & 0xfff);
                if (entries[i] >> 12 != relocation_64 || !inside(rva, sizeof delta))
                    return damaged;
                uint64_t value;
                std::memcpy(&value, base_ + rva, sizeof value);
                value += delta;
                std::memcpy(base_ + rva, &value, sizeof value);
            }
            offset += block->size;
        }
        return "";
    }

    static void* find(const char* name)
    {
        if (std::strcmp(name, "MmGetSystemRoutineAddress") == 0)
            return boundary_of(reinterpret_cast<void*>(find_for_image));
        if (void* known = find_runtime(name))
            return known;
        void* routine = find_routine(name);
        return routine ? boundary_of(routine) : nullptr;
    }

    std::string bind()
    {
        std::string missing;
        for (uint64_t rva = header_.directories[import_directory].rva;; rva += sizeof(ImportDescriptor)) {
            const auto* module = at<ImportDescriptor>(rva);
            if (!module)
                return damaged;
            if (module->names_rva == 0)
                break;
            for (uint64_t i = 0;; i++) {
                const auto* name_rva = at<uint64_t>(module->names_rva + i * 8);
                auto* slot = at<void*>(module->addresses_rva + i * 8);
                if (!name_rva || !slot)
                    return damaged;
                if (*name_rva == 0)
                    break;
                const auto* name = at<const char>(*name_rva + 2);
                if (!name ||
                    !std::memchr(name, 0,
                                 static_cast<size_t>(base_ + size_ - reinterpret_cast<const uint8_t*>(name))))
                    return damaged;
                *slot = find(name);
                if (!*slot)
                    missing += std::string(" ") + name;
            }
        }
        return missing.empty() ? "" : "the executive does not export" + missing;
    }

    bool publish()
    {
        for (Loaded& entry : loaded) {
            const uint8_t* none = nullptr;
            if (entry.base.compare_exchange_strong(none, base_)) {
                entry.size = size_;
                return true;
            }
        }
        return false;
    }

    PeHeader header_{};
    uint8_t* base_ = nullptr;
    size_t size_ = 0;
};

} // namespace

const uint8_t* image_of(uint64_t address, size_t* size)
{
    for (const Loaded& entry : loaded) {
        const uint8_t* base = entry.base;
        if (base != nullptr && address - reinterpret_cast<uint64_t>(base) < entry.size) {
            *size = entry.size;
            return base;
        }
    }
    return nullptr;
}

} // namespace ldr

std::unique_ptr<Image> load_image(const char* path, std::string* error)
{
    std::ifstream stream(path, std::ios::binary);
    if (!stream) {
        *error = std::string("cannot read ") + path;
        return nullptr;
    }
    const std::vector<char> file{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    ldr::catch_faults();
    auto image = std::make_unique<ldr::MappedImage>();
    *error = image->load(file);
    if (!error->empty()) {
        error->insert(0, std::string(path) + ": ");
        return nullptr;
    }
    return image;
}

#else

std::unique_ptr<Image> load_image(const char* path, std::string* error)
{
    *error = std::string(path) + ": driver images run on 64-bit x86 only";
    return nullptr;
}

#endif

} // namespace fsp::ntos

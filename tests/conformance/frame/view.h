// SPDX-License-Identifier: MIT
/// @file A section of a file and a view of it.
#pragma once

#include "nt_file.h"
#include "test.h"

#include <string_view>
#include <utility>

namespace conformance {

/// A section of a file and one view of it; each outlives the file's handles.
class View
{
  public:
    View(const File& file, ULONG protection, SIZE_T size = 0, INT64 offset = 0, INT64 maximum = 0,
         ULONG attributes = SEC_COMMIT)
    {
        LARGE_INTEGER limit{}, at{};
        limit.QuadPart = maximum;
        at.QuadPart = offset;
        created = NtCreateSection(&section, SECTION_ALL_ACCESS, nullptr, maximum ? &limit : nullptr,
                                  protection, attributes, file.handle());
        if (!NT_SUCCESS(created))
            return;
        size_ = size;
        mapped = NtMapViewOfSection(section, NtCurrentProcess(), &base_, 0, 0, &at, &size_, ViewUnmap, 0,
                                    protection);
    }
    View(View&& other) noexcept
        : created(other.created), mapped(other.mapped), section(std::exchange(other.section, nullptr)),
          base_(std::exchange(other.base_, nullptr)), size_(other.size_)
    {}
    ~View()
    {
        unmap();
        close_section();
    }
    void unmap()
    {
        if (base_ != nullptr)
            NtUnmapViewOfSection(NtCurrentProcess(), std::exchange(base_, nullptr));
    }
    void close_section()
    {
        if (section != nullptr)
            NtClose(std::exchange(section, nullptr));
    }
    NTSTATUS flush()
    {
        PVOID from = base_;
        SIZE_T length = 0;
        IO_STATUS_BLOCK block{};
        return NtFlushVirtualMemory(NtCurrentProcess(), &from, &length, &block);
    }
    char* data() const
    {
        REQUIRE(NT_SUCCESS(mapped));
        return static_cast<char*>(base_);
    }
    std::string_view text(std::size_t at, std::size_t length) const { return {data() + at, length}; }
    SIZE_T size() const { return size_; }

    NTSTATUS created = STATUS_UNSUCCESSFUL;
    NTSTATUS mapped = STATUS_UNSUCCESSFUL;
    HANDLE section = nullptr;

  private:
    PVOID base_ = nullptr;
    SIZE_T size_ = 0;
};

} // namespace conformance

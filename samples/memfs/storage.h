// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace memfs {

/// The bytes of one file, kept in chunks below a radix tree. Appending never copies what is
/// already there, shrinking gives memory back, and a region that was never written costs nothing
/// and reads as zeros.
///
/// Not synchronised: the driver never lets a change run beside another access to the same file.
class Storage
{
  public:
    static constexpr std::size_t chunk_size = 64 * 1024;

    Storage() = default;
    ~Storage() { truncate(0); }
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;

    /// Copies [offset, offset + length) to `to`; holes read as zeros. No notion of a file size.
    void read(std::uint64_t offset, void* to, std::size_t length) const;

    /// Stores bytes; false if memory ran out, with a prefix of the bytes possibly stored.
    [[nodiscard]] bool write(std::uint64_t offset, const void* from, std::size_t length);

    /// Forgets everything from `size` on; it reads as zeros afterwards.
    void truncate(std::uint64_t size);

    /// Makes [from, to) read as zeros and forgets the chunks that lie in it.
    void clear(std::uint64_t from, std::uint64_t to);

    /// The first range of bytes at or behind `from` that are held, in whole chunks; the rest are holes.
    /// @return false if there is none
    [[nodiscard]] bool next_held(std::uint64_t from, std::uint64_t* start, std::uint64_t* end) const;

    /// Bytes of memory held.
    [[nodiscard]] std::uint64_t resident() const { return resident_; }

  private:
    static constexpr unsigned fanout_bits = 7;
    static constexpr std::size_t fanout = std::size_t{1} << fanout_bits;
    struct Branch
    {
        void* child[fanout];
    };

    [[nodiscard]] const std::byte* find(std::uint64_t index) const;
    std::byte* make(std::uint64_t index, bool zeroed);
    [[nodiscard]] bool reserve_small(std::size_t end);
    [[nodiscard]] bool leave_small();
    void prune(void*& slot, unsigned height, std::uint64_t first, std::uint64_t from, std::uint64_t to);
    void zero(std::uint64_t from, std::uint64_t to);
    static std::uint64_t first_chunk(const void* slot, unsigned height, std::uint64_t first,
                                     std::uint64_t from);
    [[nodiscard]] std::uint64_t reach() const;

    void* root_ = nullptr;     // a chunk if height_ is 0, else a Branch
    std::uint32_t small_ = 0;  // capacity of root_ while it is smaller than a chunk
    std::uint32_t height_ = 0; // branches between root_ and a chunk
    std::uint64_t resident_ = 0;
};

} // namespace memfs

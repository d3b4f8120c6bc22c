// SPDX-License-Identifier: MIT
//
// The memory of the file cache: one memfd, mapped once, handed out in slots of one view (256 KiB).
// User views of a section map the same slots a second time, which is what makes them coherent with
// cached reads and writes without any copying. Memory is committed page by page as it is touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace fsp::ntos::cc {

constexpr size_t page_size = 4096;
constexpr size_t pages_per_view = 64;
constexpr size_t view_size = page_size * pages_per_view;

struct View;

class Arena
{
  public:
    /// One per process; never destroyed, for lazy writes may outlive main().
    static Arena& instance();

    /// @return the slot, or -1 if the reserve is exhausted. Contents are arbitrary.
    int64_t allocate(View* owner);
    void free(int64_t slot);

    char* address(int64_t slot) const { return base_ + static_cast<size_t>(slot) * view_size; }
    /// The view that an address within the cache belongs to.
    View* owner_of(const void* address) const;
    /// Maps part of a slot a second time at a fixed address. @return false if the system refuses
    /// @param copy_on_write what is written there stays there
    bool map_at(void* where, int64_t slot, size_t offset, size_t length, int protection,
                bool copy_on_write) const;

    uint64_t slots_in_use() const;

  private:
    Arena();

    mutable std::mutex mutex_;
    int fd_ = -1;
    char* base_ = nullptr;
    uint64_t slots_ = 0;
    uint64_t next_ = 0;
    uint64_t in_use_ = 0;
    std::vector<int64_t> warm_; ///< freed, memory kept
    std::vector<int64_t> cold_; ///< freed, memory given back
    std::vector<View*> owners_;
};

} // namespace fsp::ntos::cc

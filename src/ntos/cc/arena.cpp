// SPDX-License-Identifier: MIT
#include "ntos/cc/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace fsp::ntos::cc {

namespace {
constexpr uint64_t reserve = uint64_t{64} << 30;
// Freed slots whose memory is kept for the next file; a system call per small file would cost more.
constexpr size_t warm_limit = 256;
} // namespace

Arena& Arena::instance()
{
    static Arena* arena = new Arena;
    return *arena;
}

Arena::Arena()
{
    fd_ = memfd_create("openfsp-cache", MFD_CLOEXEC);
    if (fd_ < 0 || ftruncate(fd_, static_cast<off_t>(reserve)) != 0)
        return;
    void* base = mmap(nullptr, reserve, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd_, 0);
    if (base == MAP_FAILED)
        return;
    madvise(base, reserve, MADV_DONTDUMP);
    base_ = static_cast<char*>(base);
    slots_ = reserve / view_size;
}

int64_t Arena::allocate(View* owner)
{
    std::lock_guard hold(mutex_);
    int64_t slot;
    if (!warm_.empty()) {
        slot = warm_.back();
        warm_.pop_back();
    } else if (!cold_.empty()) {
        slot = cold_.back();
        cold_.pop_back();
    } else if (next_ < slots_) {
        slot = static_cast<int64_t>(next_++);
        owners_.push_back(nullptr);
    } else {
        return -1;
    }
    owners_[static_cast<size_t>(slot)] = owner;
    ++in_use_;
    return slot;
}

void Arena::free(int64_t slot)
{
    std::lock_guard hold(mutex_);
    owners_[static_cast<size_t>(slot)] = nullptr;
    --in_use_;
    if (warm_.size() < warm_limit) {
        warm_.push_back(slot);
        return;
    }
    fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, slot * static_cast<off_t>(view_size),
              view_size);
    cold_.push_back(slot);
}

View* Arena::owner_of(const void* address) const
{
    const auto offset = static_cast<size_t>(static_cast<const char*>(address) - base_);
    std::lock_guard hold(mutex_);
    return offset / view_size < owners_.size() ? owners_[offset / view_size] : nullptr;
}

bool Arena::map_at(void* where, int64_t slot, size_t offset, size_t length, int protection,
                   bool copy_on_write) const
{
    return mmap(where, length, protection, (copy_on_write ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, fd_,
                slot * static_cast<off_t>(view_size) + static_cast<off_t>(offset)) != MAP_FAILED;
}

uint64_t Arena::slots_in_use() const
{
    std::lock_guard hold(mutex_);
    return in_use_;
}

} // namespace fsp::ntos::cc

// SPDX-License-Identifier: MIT
#include "storage.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>

namespace memfs {

namespace {
constexpr std::size_t smallest = 64;
}

/// Number of chunks that the tree's height can address.
std::uint64_t Storage::reach() const { return std::uint64_t{1} << (fanout_bits * height_); }

const std::byte* Storage::find(std::uint64_t index) const
{
    if (index >= reach())
        return nullptr;
    const void* at = root_;
    for (unsigned level = height_; at != nullptr && level != 0; --level)
        at = static_cast<const Branch*>(at)->child[(index >> (fanout_bits * (level - 1))) & (fanout - 1)];
    return static_cast<const std::byte*>(at);
}

void Storage::read(std::uint64_t offset, void* to, std::size_t length) const
{
    auto* out = static_cast<std::byte*>(to);
    while (length != 0) {
        const std::size_t within = offset % chunk_size;
        const std::size_t part = std::min(length, chunk_size - within);
        const std::byte* chunk = find(offset / chunk_size);
        const std::size_t held = small_ != 0 ? small_ : chunk_size;
        const std::size_t stored = chunk == nullptr || within >= held ? 0 : std::min(part, held - within);
        if (stored != 0)
            std::memcpy(out, chunk + within, stored);
        std::memset(out + stored, 0, part - stored);
        out += part;
        offset += part;
        length -= part;
    }
}

/// Grows the single partial chunk of a small file, doubling, so that a byte-wise append is linear.
bool Storage::reserve_small(std::size_t end)
{
    if (root_ != nullptr && end <= small_)
        return true;
    const std::size_t capacity = std::bit_ceil(std::max(end, smallest));
    auto* grown = static_cast<std::byte*>(std::realloc(root_, capacity));
    if (grown == nullptr)
        return false;
    std::memset(grown + small_, 0, capacity - small_);
    resident_ += capacity - small_;
    root_ = grown;
    small_ = static_cast<std::uint32_t>(capacity == chunk_size ? 0 : capacity);
    return true;
}

/// Makes the small first chunk a whole one.
bool Storage::leave_small() { return small_ == 0 || reserve_small(chunk_size); }

std::byte* Storage::make(std::uint64_t index, bool zeroed)
{
    while (index >= reach()) {
        if (root_ != nullptr) {
            auto* above = static_cast<Branch*>(std::calloc(1, sizeof(Branch)));
            if (above == nullptr)
                return nullptr;
            above->child[0] = root_;
            root_ = above;
        }
        ++height_;
    }
    void** slot = &root_;
    for (unsigned level = height_; level != 0; --level) {
        if (*slot == nullptr && (*slot = std::calloc(1, sizeof(Branch))) == nullptr)
            return nullptr;
        slot = &static_cast<Branch*>(*slot)->child[(index >> (fanout_bits * (level - 1))) & (fanout - 1)];
    }
    if (*slot == nullptr) {
        *slot = zeroed ? std::calloc(1, chunk_size) : std::malloc(chunk_size);
        if (*slot == nullptr)
            return nullptr;
        resident_ += chunk_size;
    }
    return static_cast<std::byte*>(*slot);
}

bool Storage::write(std::uint64_t offset, const void* from, std::size_t length)
{
    const auto* in = static_cast<const std::byte*>(from);
    const bool small = height_ == 0 && (root_ == nullptr || small_ != 0);
    if (small && offset + length <= chunk_size / 2) {
        if (!reserve_small(offset + length))
            return false;
        std::memcpy(static_cast<std::byte*>(root_) + offset, in, length);
        return true;
    }
    if (!leave_small())
        return false;
    while (length != 0) {
        const std::size_t within = offset % chunk_size;
        const std::size_t part = std::min(length, chunk_size - within);
        // A chunk that is written whole need not be cleared first.
        std::byte* chunk = make(offset / chunk_size, part != chunk_size);
        if (chunk == nullptr)
            return false;
        std::memcpy(chunk + within, in, part);
        in += part;
        offset += part;
        length -= part;
    }
    return true;
}

/// Frees the chunks with numbers in [from, to) below a slot whose first chunk is number `first`.
void Storage::prune(void*& slot, unsigned height, std::uint64_t first, std::uint64_t from, std::uint64_t to)
{
    const std::uint64_t last = first + (std::uint64_t{1} << (fanout_bits * height)) - 1;
    if (slot == nullptr || last < from || first >= to)
        return;
    if (height != 0) {
        auto* branch = static_cast<Branch*>(slot);
        const std::uint64_t span = std::uint64_t{1} << (fanout_bits * (height - 1));
        for (std::size_t i = 0; i != fanout; ++i)
            prune(branch->child[i], height - 1, first + i * span, from, to);
    } else {
        resident_ -= small_ != 0 ? small_ : chunk_size;
        small_ = 0;
    }
    if (first >= from && last < to) {
        std::free(slot);
        slot = nullptr;
    }
}

/// Zeros what is held of a range that lies in one chunk.
void Storage::zero(std::uint64_t from, std::uint64_t to)
{
    auto* chunk = const_cast<std::byte*>(find(from / chunk_size));
    const std::size_t held = small_ != 0 ? small_ : chunk_size;
    const std::size_t start = from % chunk_size, end = std::min<std::size_t>(held, start + (to - from));
    if (chunk != nullptr && start < end)
        std::memset(chunk + start, 0, end - start);
}

void Storage::clear(std::uint64_t from, std::uint64_t to)
{
    const std::uint64_t first = (from + chunk_size - 1) / chunk_size, last = to / chunk_size;
    if (first > last) // within a chunk
        return zero(from, to);
    zero(from, first * chunk_size);
    zero(last * chunk_size, to);
    prune(root_, height_, 0, first, last);
}

void Storage::truncate(std::uint64_t size)
{
    // What lies behind the new end must read as zeros when the file grows again.
    const std::uint64_t keep = (size + chunk_size - 1) / chunk_size;
    zero(size, keep * chunk_size);
    prune(root_, height_, 0, keep, ~std::uint64_t{0});
    if (root_ == nullptr)
        height_ = 0;
}

/// Number of the first chunk from number `from` on below a slot; the greatest number there is if there is
/// none.
std::uint64_t Storage::first_chunk(const void* slot, unsigned height, std::uint64_t first, std::uint64_t from)
{
    constexpr auto none = ~std::uint64_t{0};
    const std::uint64_t last = first + (std::uint64_t{1} << (fanout_bits * height)) - 1;
    if (slot == nullptr || last < from)
        return none;
    if (height == 0)
        return first;
    const std::uint64_t span = std::uint64_t{1} << (fanout_bits * (height - 1));
    for (std::size_t i = 0; i != fanout; ++i) {
        const void* child = static_cast<const Branch*>(slot)->child[i];
        if (const std::uint64_t found = first_chunk(child, height - 1, first + i * span, from); found != none)
            return found;
    }
    return none;
}

bool Storage::next_held(std::uint64_t from, std::uint64_t* start, std::uint64_t* end) const
{
    const std::uint64_t chunk = first_chunk(root_, height_, 0, from / chunk_size);
    if (chunk == ~std::uint64_t{0})
        return false;
    std::uint64_t behind = chunk + 1;
    while (find(behind) != nullptr)
        ++behind;
    *start = std::max(from, chunk * chunk_size);
    *end = behind * chunk_size;
    return true;
}

} // namespace memfs

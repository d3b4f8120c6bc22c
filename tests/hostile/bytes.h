// SPDX-License-Identifier: MIT
#pragma once

#include <ntifs.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

namespace hostile {

/// Repeatable chance: from a seed, or from bytes that a fuzzer has chosen.
class Chance
{
  public:
    explicit Chance(uint64_t seed) : engine_(seed) {}
    /// After the last byte everything is 0. The bytes must stay.
    Chance(const uint8_t* data, size_t size) : from_bytes_(true), data_(data), left_(size) {}

    uint64_t bits() { return from_bytes_ ? take(8) : engine_(); }
    /// 0 ... n-1
    uint32_t below(uint32_t n)
    {
        return static_cast<uint32_t>((from_bytes_ ? take(n <= 256 ? 1 : 4) : engine_()) % n);
    }
    /// No bytes are left.
    bool spent() const { return from_bytes_ && left_ == 0; }
    /// True once in `n` times.
    bool one_in(uint32_t n) { return below(n) == 0; }
    template<class T, size_t n> T any(const T (&values)[n]) { return values[below(n)]; }
    /// A length or offset that breaks sums: near 0, near a limit, near 2^16 and 2^32, or anything.
    uint64_t awkward(uint64_t limit)
    {
        const uint64_t edges[] = {0,          1,          7,          limit - 1,        limit,
                                  limit + 1,  0xfffe,     0xffff,     0x7fffffff,       0x80000000,
                                  0xfffffff0, 0xffffffff, 1ull << 63, (1ull << 63) - 1, ~0ull};
        return one_in(3) ? bits() : any(edges);
    }

  private:
    uint64_t take(size_t size)
    {
        uint64_t value = 0;
        for (size_t i = 0; i < size && left_ > 0; i++, left_--)
            value |= uint64_t{*data_++} << 8 * i;
        return value;
    }

    std::mt19937_64 engine_;
    bool from_bytes_ = false;
    const uint8_t* data_ = nullptr;
    size_t left_ = 0;
};

/// What the verifier fills fresh and freed pool with. Nobody here sends these bytes on purpose, so a run of
/// them is old memory on its way to somebody who must not see it.
constexpr unsigned char fresh_poison = 0xC5, freed_poison = 0xDD;

/// The offset of four poisoned bytes in a row, or -1.
inline long find_poison(const void* data, size_t size)
{
    const auto* bytes = static_cast<const unsigned char*>(data);
    size_t run = 0;
    for (size_t i = 0; i < size; i++) {
        const bool poison = bytes[i] == fresh_poison || bytes[i] == freed_poison;
        run = !poison ? 0 : run && bytes[i] == bytes[i - 1] ? run + 1 : 1;
        if (run == 4)
            return static_cast<long>(i - 3);
    }
    return -1;
}

} // namespace hostile

// SPDX-License-Identifier: MIT
#if defined(__i386__)
#include "fixups.h"

// 64-bit division, which the compiler leaves to a run-time library on 32-bit processors.
namespace {

struct Division
{
    UINT64 quotient;
    UINT64 remainder;
};

/// Divides high:low by `divisor`, which must be greater than `high`.
inline void divide_words(ULONG high, ULONG low, ULONG divisor, ULONG* quotient, ULONG* remainder)
{
    __asm__("divl %4" : "=a"(*quotient), "=d"(*remainder) : "a"(low), "d"(high), "r"(divisor) : "cc");
}

Division divide(UINT64 dividend, UINT64 divisor)
{
    const auto high = static_cast<ULONG>(dividend >> 32);
    if (divisor <= 0xffffffff) {
        ULONG upper, lower, remainder;
        divide_words(0, high, static_cast<ULONG>(divisor), &upper, &remainder);
        divide_words(remainder, static_cast<ULONG>(dividend), static_cast<ULONG>(divisor), &lower,
                     &remainder);
        return {static_cast<UINT64>(upper) << 32 | lower, remainder};
    }
    // The quotient has less than 32 bits.
    Division result{0, high};
    for (int bit = 31; bit >= 0; bit--) {
        result.remainder = result.remainder << 1 | (dividend >> bit & 1);
        if (result.remainder >= divisor) {
            result.remainder -= divisor;
            result.quotient |= UINT64{1} << bit;
        }
    }
    return result;
}

} // namespace

extern "C" {
UINT64 __udivdi3(UINT64 dividend, UINT64 divisor) { return divide(dividend, divisor).quotient; }
UINT64 __umoddi3(UINT64 dividend, UINT64 divisor) { return divide(dividend, divisor).remainder; }
}
#endif

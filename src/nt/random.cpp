// SPDX-License-Identifier: MIT
#include "nt/rtl.h"

namespace {

/// The multiplicative generator of Park and Miller, modulo 2^31 - 1.
ULONG next(PULONG seed)
{
    constexpr ULONGLONG modulus = 0x7FFFFFFF;
    ULONGLONG value = *seed % modulus;
    if (value == 0)
        value = 1; // the generator would stay there
    value = value * 48271 % modulus;
    *seed = static_cast<ULONG>(value);
    return static_cast<ULONG>(value);
}

} // namespace

ULONG NTAPI RtlRandom(PULONG Seed) { return next(Seed); }

ULONG NTAPI RtlRandomEx(PULONG Seed) { return next(Seed); }

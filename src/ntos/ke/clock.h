// SPDX-License-Identifier: MIT
/// @file NT time from the clocks of the host.
#pragma once

#include <cstdint>
#include <ctime>

namespace fsp::ntos::ke {

/// 1970-01-01 in 100 ns since 1601-01-01.
constexpr int64_t unix_epoch = 116444736000000000;

inline int64_t system_time()
{
    timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return unix_epoch + t.tv_sec * int64_t(10'000'000) + t.tv_nsec / 100;
}

/// 100 ns since some start.
inline int64_t interrupt_time()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * int64_t(10'000'000) + t.tv_nsec / 100;
}

} // namespace fsp::ntos::ke

// SPDX-License-Identifier: MIT
//
// NT time counts 100 ns since 1601, Linux seconds and nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <ctime>

namespace fsp::fuse {

constexpr int64_t nt_epoch = 116444736000000000; // 1970 in NT time

/// In FILE_BASIC_INFORMATION: the time stays, also when the handle closes.
constexpr int64_t keep_time = -1;

constexpr timespec to_timespec(int64_t nt_time)
{
    const int64_t since = nt_time - nt_epoch;
    int64_t seconds = since / 10000000;
    int64_t rest = since % 10000000;
    if (rest < 0) {
        --seconds;
        rest += 10000000;
    }
    return {time_t(seconds), long(rest * 100)};
}

/// Rounds down to 100 ns. Times that NT cannot hold, or in which 0 and -1 mean something else, become the
/// nearest that it can.
constexpr int64_t to_nt_time(const timespec& time)
{
    constexpr int64_t last_second = (INT64_MAX - nt_epoch) / 10000000 - 1;
    constexpr int64_t first_second = -(nt_epoch / 10000000);
    if (time.tv_sec > last_second)
        return INT64_MAX - 1;
    if (time.tv_sec < first_second)
        return 1;
    const int64_t nt = int64_t(time.tv_sec) * 10000000 + time.tv_nsec / 100 + nt_epoch;
    return nt < 1 ? 1 : nt;
}

inline int64_t nt_now()
{
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return to_nt_time(now);
}

} // namespace fsp::fuse

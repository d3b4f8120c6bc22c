// SPDX-License-Identifier: MIT
#include "ke/clock.h"

#include <ntifs.h>

using namespace fsp::ntos;

namespace {

/// Ticks of a 64 Hz clock, as Windows has them.
constexpr ULONG time_increment = 156250;

} // namespace

extern "C" {

VOID NTAPI KeQuerySystemTime(PLARGE_INTEGER CurrentTime) { CurrentTime->QuadPart = ke::system_time(); }
VOID NTAPI KeQuerySystemTimePrecise(PLARGE_INTEGER CurrentTime) { CurrentTime->QuadPart = ke::system_time(); }
ULONGLONG NTAPI KeQueryInterruptTime() { return ULONGLONG(ke::interrupt_time()); }
ULONG NTAPI KeQueryTimeIncrement() { return time_increment; }
VOID NTAPI KeQueryTickCount(PLARGE_INTEGER TickCount)
{
    TickCount->QuadPart = ke::interrupt_time() / time_increment;
}

LARGE_INTEGER NTAPI KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
    if (PerformanceFrequency != nullptr)
        PerformanceFrequency->QuadPart = 10'000'000;
    LARGE_INTEGER counter;
    counter.QuadPart = ke::interrupt_time();
    return counter;
}

VOID NTAPI KeStallExecutionProcessor(ULONG MicroSeconds)
{
    const int64_t end = ke::interrupt_time() + int64_t(MicroSeconds) * 10;
    while (ke::interrupt_time() < end)
        YieldProcessor();
}

VOID NTAPI ExSystemTimeToLocalTime(PLARGE_INTEGER SystemTime, PLARGE_INTEGER LocalTime)
{
    const time_t since_1970 = time_t((SystemTime->QuadPart - ke::unix_epoch) / 10'000'000);
    tm local{};
    localtime_r(&since_1970, &local);
    LocalTime->QuadPart = SystemTime->QuadPart + local.tm_gmtoff * int64_t(10'000'000);
}

VOID NTAPI ExLocalTimeToSystemTime(PLARGE_INTEGER LocalTime, PLARGE_INTEGER SystemTime)
{
    const time_t since_1970 = time_t((LocalTime->QuadPart - ke::unix_epoch) / 10'000'000);
    tm local{};
    localtime_r(&since_1970, &local);
    SystemTime->QuadPart = LocalTime->QuadPart - local.tm_gmtoff * int64_t(10'000'000);
}

ULONG NTAPI ExSetTimerResolution(ULONG, BOOLEAN) { return time_increment; }

} // extern "C"

// SPDX-License-Identifier: MIT
#if defined(_WIN32)
#include "fixups.h"

namespace {

// KUSER_SHARED_DATA as the kernel sees it; 64-bit kernels of old export no function that reads it.
#if defined(_WIN64) || defined(__x86_64__) || defined(__aarch64__)
constexpr ULONG_PTR shared_page = 0xFFFFF78000000000;
#else
constexpr ULONG_PTR shared_page = 0xFFDF0000;
#endif
constexpr ULONG_PTR interrupt_time_offset = 0x08;
constexpr ULONG_PTR system_time_offset = 0x14;

ULONGLONG read_shared_time(ULONG_PTR offset)
{
    // Low, high, high again: the kernel updates them in the opposite order.
    const auto* part = reinterpret_cast<volatile LONG*>(shared_page + offset);
    for (;;) {
        const LONG high = part[1];
        const ULONG low = static_cast<ULONG>(part[0]);
        if (high == part[2])
            return static_cast<ULONGLONG>(static_cast<ULONG>(high)) << 32 | low;
    }
}

ULONGLONG NTAPI shared_interrupt_time(VOID) { return read_shared_time(interrupt_time_offset); }

VOID NTAPI shared_system_time(PLARGE_INTEGER time)
{
    time->QuadPart = static_cast<LONGLONG>(read_shared_time(system_time_offset));
}

template<class Function, size_t n> void find(Function& function, const WCHAR (&name)[n])
{
    UNICODE_STRING text;
    RtlInitUnicodeString(&text, name);
    if (PVOID found = MmGetSystemRoutineAddress(&text))
        function = reinterpret_cast<Function>(found);
}

} // namespace

extern "C" {
ULONGLONG(NTAPI* fsp_query_interrupt_time)(VOID) = shared_interrupt_time;
VOID(NTAPI* fsp_query_system_time)(PLARGE_INTEGER time) = shared_system_time;

VOID fsp_find_clock(VOID)
{
    find(fsp_query_interrupt_time, L"KeQueryInterruptTime");
    find(fsp_query_system_time, L"KeQuerySystemTime");
}
}
#endif

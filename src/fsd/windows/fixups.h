// SPDX-License-Identifier: MIT
#pragma once

/// mingw-w64's DDK headers, with what they lack or get wrong for this driver.

// Deprecated, says clang; intrin.h includes it all the same.
#define _MM3DNOW_H_INCLUDED
#include <intrin.h>

// wdm.h defines these again as C++ functions, and intrin.h has them already.
#define InterlockedBitTestAndSet FspUnusedInterlockedBitTestAndSet
#define InterlockedBitTestAndReset FspUnusedInterlockedBitTestAndReset
#if defined(__aarch64__)
// wdm.h knows no ARM64: the layouts it is to use are those of the other 64-bit architecture.
#define _AMD64_ 1
#define _M_ARM 1
#endif
#include <ntifs.h>
#undef InterlockedBitTestAndSet
#undef InterlockedBitTestAndReset

#undef min
#undef max

// The inline versions read a page at a fixed kernel address, which exists only below a Windows kernel.
#undef KeQueryInterruptTime
#undef KeQuerySystemTime
#undef KeQueryTickCount
extern "C" {
extern ULONGLONG(NTAPI* fsp_query_interrupt_time)(VOID);
extern VOID(NTAPI* fsp_query_system_time)(PLARGE_INTEGER time);
/// Prefers the kernel's functions for the time of day over that page. Called first thing by DriverEntry.
VOID fsp_find_clock(VOID);
}
#define KeQueryInterruptTime() fsp_query_interrupt_time()
#define KeQuerySystemTime(time) fsp_query_system_time(time)

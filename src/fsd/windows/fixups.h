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

#include <devioctl.h>
// An int in mingw-w64, negative for device types of vendors.
#undef CTL_CODE
#define CTL_CODE(type, function, method, access)                                                             \
    ((ULONG)(((ULONG)(type) << 16) | ((ULONG)(access) << 14) | ((ULONG)(function) << 2) | (ULONG)(method)))

// Newer than mingw-w64's headers.
#if !defined(OPLOCK_FLAG_COMPLETE_IF_OPLOCKED)
#define OPLOCK_FLAG_COMPLETE_IF_OPLOCKED 0x00000001
#endif
#if !defined(OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY)
#define OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY 0x00000002
#endif
#if !defined(OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK)
#define OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK 0x00000004
#endif
#if !defined(OPLOCK_FLAG_IGNORE_OPLOCK_KEYS)
#define OPLOCK_FLAG_IGNORE_OPLOCK_KEYS 0x00000008
#endif
#if !defined(OPLOCK_FLAG_PARENT_OBJECT)
#define OPLOCK_FLAG_PARENT_OBJECT 0x00000010
#endif
#if !defined(OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE)
#define OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE 0x00000020
#endif
#if !defined(OPLOCK_FLAG_REMOVING_FILE_OR_LINK)
#define OPLOCK_FLAG_REMOVING_FILE_OR_LINK 0x00000040
#endif
#if !defined(OPLOCK_FLAG_BREAKING_FOR_SHARING_VIOLATION)
#define OPLOCK_FLAG_BREAKING_FOR_SHARING_VIOLATION 0x00000080
#endif
#if !defined(KeMemoryBarrier)
#define KeMemoryBarrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

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

extern "C" NTKERNELAPI NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode);

// Not exported by every kernel, and no more than this.
static inline NTSTATUS RtlGetControlSecurityDescriptor(PSECURITY_DESCRIPTOR descriptor,
                                                       PSECURITY_DESCRIPTOR_CONTROL control, PULONG revision)
{
    const auto* head = static_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(descriptor);
    *revision = head->Revision;
    *control = head->Control;
    return head->Revision == SECURITY_DESCRIPTOR_REVISION ? STATUS_SUCCESS : STATUS_UNKNOWN_REVISION;
}

// SPDX-License-Identifier: MIT
#pragma once
// What wdm.h includes for a 64-bit ARM processor and mingw-w64 does not have.

extern "C" {
NTKERNELAPI KIRQL NTAPI KeGetCurrentIrql(VOID);
NTKERNELAPI struct _KTHREAD* NTAPI KeGetCurrentThread(VOID);
NTKERNELAPI VOID NTAPI KeLowerIrql(KIRQL NewIrql);
NTKERNELAPI KIRQL NTAPI KeRaiseIrqlToDpcLevel(VOID);
NTKERNELAPI KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock);
NTKERNELAPI VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);
NTKERNELAPI VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
NTKERNELAPI VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock);
}
#define KeAcquireSpinLock(lock, irql) (*(irql) = KeAcquireSpinLockRaiseToDpc(lock))
#define YieldProcessor() __asm__ __volatile__("yield")

// The processor number lives in the PCR, behind register x18.
static inline ULONG KeGetCurrentProcessorNumber(VOID)
{
    UCHAR* pcr;
    __asm__("mov %0, x18" : "=r"(pcr));
    return *reinterpret_cast<ULONG*>(pcr + 0x24);
}

// SPDX-License-Identifier: MIT
// IRQL and spin locks. IRQL belongs to the thread; nothing is masked, the verifier sees to the rules. A spin
// lock that is held sleeps after a short while, because its holder may have lost its processor.
#include "ke/futex.h"
#include "ke/thread.h"
#include "ntos/faults.h"
#include "verifier/checks.h"

using namespace fsp::ntos;
using namespace fsp::ntos::ke;

namespace {

inline volatile uint32_t* word_of(PKSPIN_LOCK lock) { return reinterpret_cast<volatile uint32_t*>(lock); }

inline void acquire(PKSPIN_LOCK lock, PKTHREAD thread)
{
    if (verifier::enabled) [[unlikely]]
        verifier::acquiring(thread, lock, verifier::LockKind::Spin);
    word_lock(word_of(lock));
}

inline void release(PKSPIN_LOCK lock, PKTHREAD thread)
{
    if (verifier::enabled) [[unlikely]]
        verifier::released(thread, lock, verifier::LockKind::Spin);
    word_unlock(word_of(lock));
}

inline KIRQL raise(PKTHREAD thread, KIRQL irql)
{
    const KIRQL before = thread->irql;
    thread->irql = irql;
    return before;
}

} // namespace

extern "C" {

KIRQL NTAPI KeGetCurrentIrql() { return current_thread()->irql; }

KIRQL NTAPI KfRaiseIrql(KIRQL NewIrql)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled && NewIrql < thread->irql) [[unlikely]]
        verifier::report("IRQL raised from %d to %d", thread->irql, NewIrql);
    return raise(thread, NewIrql);
}

KIRQL NTAPI KeRaiseIrqlToDpcLevel() { return raise(current_thread(), DISPATCH_LEVEL); }

VOID NTAPI KeLowerIrql(KIRQL NewIrql)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_lower_irql(thread, NewIrql);
    thread->irql = NewIrql;
}

VOID NTAPI KePagedCode()
{
    if (verifier::enabled && current_thread()->irql > APC_LEVEL) [[unlikely]]
        verifier::report_irql("pageable code called at IRQL %d", current_thread()->irql);
}

VOID NTAPI KeInitializeSpinLock(PKSPIN_LOCK SpinLock)
{
    *SpinLock = 0;
    if (verifier::enabled) [[unlikely]]
        verifier::forget_lock(SpinLock);
}

KIRQL NTAPI KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock)
{
    PKTHREAD thread = current_thread();
    const KIRQL before = raise(thread, DISPATCH_LEVEL);
    if (verifier::enabled && before > DISPATCH_LEVEL) [[unlikely]]
        verifier::report_irql("spin lock acquired at IRQL %d", before);
    acquire(SpinLock, thread);
    return before;
}

VOID NTAPI KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
{
    PKTHREAD thread = current_thread();
    release(SpinLock, thread);
    if (verifier::enabled) [[unlikely]]
        verifier::check_lower_irql(thread, NewIrql);
    thread->irql = NewIrql;
}

VOID NTAPI KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled && thread->irql < DISPATCH_LEVEL) [[unlikely]]
        verifier::report_irql("KeAcquireSpinLockAtDpcLevel at IRQL %d", thread->irql);
    acquire(SpinLock, thread);
}

VOID NTAPI KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock) { release(SpinLock, current_thread()); }

BOOLEAN NTAPI KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
{
    if (faults::fails(faults::Kind::lock_try) || !word_try_lock(word_of(SpinLock)))
        return FALSE;
    if (verifier::enabled) [[unlikely]]
        verifier::acquired_by_trying(current_thread(), SpinLock, verifier::LockKind::Spin);
    return TRUE;
}

VOID NTAPI KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->LockQueue.Lock = SpinLock;
    LockHandle->OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

VOID NTAPI KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeReleaseSpinLock(LockHandle->LockQueue.Lock, LockHandle->OldIrql);
}

VOID NTAPI KeAcquireInStackQueuedSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle)
{
    LockHandle->LockQueue.Lock = SpinLock;
    KeAcquireSpinLockAtDpcLevel(SpinLock);
}

VOID NTAPI KeReleaseInStackQueuedSpinLockFromDpcLevel(PKLOCK_QUEUE_HANDLE LockHandle)
{
    KeReleaseSpinLockFromDpcLevel(LockHandle->LockQueue.Lock);
}

} // extern "C"

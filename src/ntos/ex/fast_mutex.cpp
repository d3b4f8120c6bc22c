// SPDX-License-Identifier: MIT
// Fast mutexes, guarded mutexes, push locks, rundown protection: each a word to sleep on.
#include "ke/futex.h"
#include "ke/thread.h"
#include "ke/wait.h"
#include "ntos/faults.h"
#include "verifier/checks.h"

using namespace fsp::ntos;
using namespace fsp::ntos::ke;

namespace {

// FAST_MUTEX.Count: 1 free, 0 held, -1 held and wanted.

inline bool try_acquire(PFAST_MUTEX mutex)
{
    LONG free = 1;
    return __atomic_compare_exchange_n(&mutex->Count, &free, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

[[gnu::noinline]] void NTAPI acquire_slow(PFAST_MUTEX mutex, PKTHREAD thread)
{
    leave_queue_for_sleep(thread);
    while (__atomic_exchange_n(&mutex->Count, -1, __ATOMIC_ACQUIRE) != 1)
        futex_wait(const_cast<LONG*>(&mutex->Count), uint32_t(-1));
    reenter_queue_after_sleep(thread);
    mutex->Contention++;
}

[[gnu::always_inline]] inline void acquire(PFAST_MUTEX mutex, PKTHREAD thread)
{
    if (verifier::enabled) [[unlikely]] {
        if (thread->irql > APC_LEVEL)
            verifier::report_lock("fast mutex %p acquired at IRQL %zu", mutex, thread->irql);
        verifier::acquiring(thread, mutex, verifier::LockKind::FastMutex);
    }
    if (!try_acquire(mutex)) [[unlikely]]
        acquire_slow(mutex, thread);
    mutex->Owner = thread;
}

[[gnu::always_inline]] inline void release(PFAST_MUTEX mutex, PKTHREAD thread)
{
    if (verifier::enabled) [[unlikely]] {
        if (mutex->Owner != thread)
            verifier::report_lock("fast mutex %p released by a thread that does not own it", mutex, 0);
        verifier::released(thread, mutex, verifier::LockKind::FastMutex);
    }
    mutex->Owner = nullptr;
    LONG* word = const_cast<LONG*>(&mutex->Count);
    if (__atomic_exchange_n(word, 1, __ATOMIC_RELEASE) == -1) [[unlikely]]
        word_wake(reinterpret_cast<uint32_t*>(word));
}

// EX_PUSH_LOCK, low 32 bits: the number of readers, or writer; wanted when somebody sleeps.

constexpr uint32_t writer = 0x80000000, wanted = 0x40000000;

uint32_t* word_of(PEX_PUSH_LOCK lock) { return reinterpret_cast<uint32_t*>(lock); }

template<class Next> void push_lock_acquire(PEX_PUSH_LOCK lock, Next next)
{
    uint32_t* word = word_of(lock);
    uint32_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
    for (;;) {
        uint32_t desired;
        if (next(value, &desired)) {
            if (__atomic_compare_exchange_n(word, &value, desired, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
                return;
            continue;
        }
        if (!(value & wanted) && !__atomic_compare_exchange_n(word, &value, value | wanted, false,
                                                              __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            continue;
        futex_wait(word, value | wanted);
        value = __atomic_load_n(word, __ATOMIC_RELAXED);
    }
}

void push_lock_release(PEX_PUSH_LOCK lock, uint32_t mine)
{
    uint32_t* word = word_of(lock);
    uint32_t value = __atomic_load_n(word, __ATOMIC_RELAXED);
    uint32_t desired;
    do {
        desired = value - mine;
        if (desired == wanted)
            desired = 0;
    } while (!__atomic_compare_exchange_n(word, &value, desired, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (desired == 0 && (value & wanted))
        futex_wake(word, INT_MAX);
}

constexpr ULONG_PTR rundown_active = 1, rundown_reference = 2;

uint32_t* wait_word(PEX_RUNDOWN_REF ref)
{
    return reinterpret_cast<uint32_t*>(const_cast<ULONG_PTR*>(&ref->Count));
}

} // namespace

extern "C" {

VOID NTAPI ExInitializeFastMutex(PFAST_MUTEX FastMutex)
{
    FastMutex->Count = 1;
    FastMutex->Owner = nullptr;
    FastMutex->Contention = 0;
    KeInitializeEvent(&FastMutex->Event, SynchronizationEvent, FALSE);
    if (verifier::enabled) [[unlikely]]
        verifier::forget_lock(FastMutex);
}

VOID NTAPI ExAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    PKTHREAD thread = current_thread();
    const KIRQL before = thread->irql;
    acquire(FastMutex, thread);
    if (before < APC_LEVEL)
        thread->irql = APC_LEVEL;
    FastMutex->OldIrql = before;
}

BOOLEAN NTAPI ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex)
{
    if (faults::fails(faults::Kind::lock_try) || !try_acquire(FastMutex))
        return FALSE;
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::acquired_by_trying(thread, FastMutex, verifier::LockKind::FastMutex);
    FastMutex->Owner = thread;
    FastMutex->OldIrql = thread->irql;
    if (thread->irql < APC_LEVEL)
        thread->irql = APC_LEVEL;
    return TRUE;
}

VOID NTAPI ExReleaseFastMutex(PFAST_MUTEX FastMutex)
{
    PKTHREAD thread = current_thread();
    const KIRQL before = KIRQL(FastMutex->OldIrql);
    release(FastMutex, thread);
    thread->irql = before;
}

VOID NTAPI ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled && !KeAreApcsDisabled() && thread->irql < APC_LEVEL) [[unlikely]]
        verifier::report_lock("fast mutex %p acquired unsafely with APCs enabled", FastMutex, 0);
    acquire(FastMutex, thread);
}

VOID NTAPI ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex) { release(FastMutex, current_thread()); }

VOID NTAPI KeInitializeGuardedMutex(PKGUARDED_MUTEX Mutex) { ExInitializeFastMutex(Mutex); }

VOID NTAPI KeAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    acquire(Mutex, current_thread());
}

VOID NTAPI KeReleaseGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    release(Mutex, current_thread());
    KeLeaveGuardedRegion();
}

BOOLEAN NTAPI KeTryToAcquireGuardedMutex(PKGUARDED_MUTEX Mutex)
{
    KeEnterGuardedRegion();
    if (!faults::fails(faults::Kind::lock_try) && try_acquire(Mutex)) {
        PKTHREAD thread = current_thread();
        if (verifier::enabled) [[unlikely]]
            verifier::acquired_by_trying(thread, Mutex, verifier::LockKind::FastMutex);
        Mutex->Owner = thread;
        return TRUE;
    }
    KeLeaveGuardedRegion();
    return FALSE;
}

VOID NTAPI KeAcquireGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) { acquire(Mutex, current_thread()); }
VOID NTAPI KeReleaseGuardedMutexUnsafe(PKGUARDED_MUTEX Mutex) { release(Mutex, current_thread()); }

VOID NTAPI ExInitializePushLock(PEX_PUSH_LOCK PushLock)
{
    *PushLock = 0;
    if (verifier::enabled) [[unlikely]]
        verifier::forget_lock(PushLock);
}

VOID NTAPI ExAcquirePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG)
{
    if (verifier::enabled) [[unlikely]]
        verifier::acquiring(current_thread(), PushLock, verifier::LockKind::PushLock);
    push_lock_acquire(PushLock, [](uint32_t value, uint32_t* desired) {
        *desired = value | writer;
        return (value & ~wanted) == 0;
    });
}

VOID NTAPI ExAcquirePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG)
{
    if (verifier::enabled) [[unlikely]]
        verifier::acquiring(current_thread(), PushLock, verifier::LockKind::PushLock);
    push_lock_acquire(PushLock, [](uint32_t value, uint32_t* desired) {
        *desired = value + 1;
        return (value & writer) == 0;
    });
}

VOID NTAPI ExReleasePushLockExclusiveEx(PEX_PUSH_LOCK PushLock, ULONG)
{
    if (verifier::enabled) [[unlikely]]
        verifier::released(current_thread(), PushLock, verifier::LockKind::PushLock);
    push_lock_release(PushLock, writer);
}

VOID NTAPI ExReleasePushLockSharedEx(PEX_PUSH_LOCK PushLock, ULONG)
{
    if (verifier::enabled) [[unlikely]]
        verifier::released(current_thread(), PushLock, verifier::LockKind::PushLock);
    push_lock_release(PushLock, 1);
}

VOID NTAPI ExInitializeRundownProtection(PEX_RUNDOWN_REF RunRef) { RunRef->Count = 0; }

VOID NTAPI ExReInitializeRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, 0, __ATOMIC_RELEASE);
}

BOOLEAN NTAPI ExAcquireRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    ULONG_PTR value = __atomic_load_n(&RunRef->Count, __ATOMIC_RELAXED);
    do {
        if (value & rundown_active)
            return FALSE;
    } while (!__atomic_compare_exchange_n(&RunRef->Count, &value, value + Count * rundown_reference, true,
                                          __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
    return TRUE;
}

BOOLEAN NTAPI ExAcquireRundownProtection(PEX_RUNDOWN_REF RunRef)
{
    return ExAcquireRundownProtectionEx(RunRef, 1);
}

VOID NTAPI ExReleaseRundownProtectionEx(PEX_RUNDOWN_REF RunRef, ULONG Count)
{
    uint32_t* word = wait_word(RunRef);
    if (__atomic_sub_fetch(&RunRef->Count, Count * rundown_reference, __ATOMIC_RELEASE) == rundown_active)
        futex_wake(word, INT_MAX);
}

VOID NTAPI ExReleaseRundownProtection(PEX_RUNDOWN_REF RunRef) { ExReleaseRundownProtectionEx(RunRef, 1); }

VOID NTAPI ExWaitForRundownProtectionRelease(PEX_RUNDOWN_REF RunRef)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_wait(nullptr);
    ULONG_PTR value = __atomic_or_fetch(&RunRef->Count, rundown_active, __ATOMIC_ACQUIRE);
    leave_queue_for_sleep(thread);
    while (value != rundown_active) {
        futex_wait(wait_word(RunRef), uint32_t(value));
        value = __atomic_load_n(&RunRef->Count, __ATOMIC_ACQUIRE);
    }
    reenter_queue_after_sleep(thread);
}

VOID NTAPI ExRundownCompleted(PEX_RUNDOWN_REF RunRef)
{
    __atomic_store_n(&RunRef->Count, rundown_active, __ATOMIC_RELEASE);
}

} // extern "C"

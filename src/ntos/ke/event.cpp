// SPDX-License-Identifier: MIT
// Events, semaphores and mutexes.
#include "ke/wait.h"
#include "ntos/raise.h"
#include "ntos/verifier.h"

using namespace fsp::ntos;
using namespace fsp::ntos::ke;

extern "C" {

VOID NTAPI KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State)
{
    initialize_header(&Event->Header,
                      Type == NotificationEvent ? EventNotificationObject : EventSynchronizationObject,
                      sizeof(KEVENT), State != FALSE);
}

LONG NTAPI KeSetEvent(PKEVENT Event, KPRIORITY, BOOLEAN)
{
    WakeList wake;
    lock_object(&Event->Header);
    const LONG before = Event->Header.SignalState;
    set_state(&Event->Header, 1);
    if (before == 0 && !IsListEmpty(&Event->Header.WaitListHead)) [[unlikely]]
        satisfy_waiters(&Event->Header, wake);
    unlock_object(&Event->Header);
    return before;
}

LONG NTAPI KeResetEvent(PKEVENT Event)
{
    lock_object(&Event->Header);
    const LONG before = Event->Header.SignalState;
    set_state(&Event->Header, 0);
    unlock_object(&Event->Header);
    return before;
}

VOID NTAPI KeClearEvent(PKEVENT Event) { KeResetEvent(Event); }
LONG NTAPI KeReadStateEvent(PKEVENT Event)
{
    return __atomic_load_n(&Event->Header.SignalState, __ATOMIC_ACQUIRE);
}

LONG NTAPI KePulseEvent(PKEVENT Event, KPRIORITY, BOOLEAN)
{
    WakeList wake;
    lock_object(&Event->Header);
    const LONG before = Event->Header.SignalState;
    set_state(&Event->Header, 1);
    satisfy_waiters(&Event->Header, wake);
    set_state(&Event->Header, 0);
    unlock_object(&Event->Header);
    return before;
}

VOID NTAPI KeInitializeSemaphore(PKSEMAPHORE Semaphore, LONG Count, LONG Limit)
{
    initialize_header(&Semaphore->Header, SemaphoreObject, sizeof(KSEMAPHORE), Count);
    Semaphore->Limit = Limit;
}

LONG NTAPI KeReleaseSemaphore(PKSEMAPHORE Semaphore, KPRIORITY, LONG Adjustment, BOOLEAN)
{
    WakeList wake;
    lock_object(&Semaphore->Header);
    const LONG before = Semaphore->Header.SignalState;
    if (Adjustment <= 0 || Adjustment > Semaphore->Limit - before) {
        unlock_object(&Semaphore->Header);
        ExRaiseStatus(STATUS_SEMAPHORE_LIMIT_EXCEEDED);
    }
    set_state(&Semaphore->Header, before + Adjustment);
    satisfy_waiters(&Semaphore->Header, wake);
    unlock_object(&Semaphore->Header);
    return before;
}

LONG NTAPI KeReadStateSemaphore(PKSEMAPHORE Semaphore)
{
    return __atomic_load_n(&Semaphore->Header.SignalState, __ATOMIC_ACQUIRE);
}

VOID NTAPI KeInitializeMutex(PKMUTEX Mutex, ULONG)
{
    KeInitializeMutant(Mutex, FALSE);
    Mutex->ApcDisable = 1;
}

VOID NTAPI KeInitializeMutant(PKMUTANT Mutant, BOOLEAN InitialOwner)
{
    initialize_header(&Mutant->Header, MutantObject, sizeof(KMUTANT), InitialOwner ? 0 : 1);
    InitializeListHead(&Mutant->MutantListEntry);
    Mutant->OwnerThread = InitialOwner ? current_thread() : nullptr;
    Mutant->Abandoned = FALSE;
    Mutant->ApcDisable = 0;
}

LONG NTAPI KeReleaseMutex(PKMUTEX Mutex, BOOLEAN)
{
    PKTHREAD thread = current_thread();
    WakeList wake;
    lock_object(&Mutex->Header);
    const LONG before = Mutex->Header.SignalState;
    if (Mutex->OwnerThread != thread) {
        unlock_object(&Mutex->Header);
        ExRaiseStatus(STATUS_MUTANT_NOT_OWNED);
    }
    // Each acquisition of a kernel mutex entered a critical region.
    thread->critical_regions -= Mutex->ApcDisable;
    set_state(&Mutex->Header, before + 1);
    if (before + 1 > 0) {
        Mutex->OwnerThread = nullptr;
        satisfy_waiters(&Mutex->Header, wake);
    }
    unlock_object(&Mutex->Header);
    return before;
}

LONG NTAPI KeReadStateMutex(PKMUTEX Mutex)
{
    return __atomic_load_n(&Mutex->Header.SignalState, __ATOMIC_ACQUIRE);
}

} // extern "C"

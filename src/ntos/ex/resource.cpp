// SPDX-License-Identifier: MIT
// Resources: reader/writer locks with recursion, known owners and owner pointers.
//
// Everything is guarded by the resource's own lock word. Who releases hands ownership to those who wait: an
// exclusive owner to all shared waiters (so that readers get their turn), the last shared owner to the first
// exclusive waiter.
#include "ke/futex.h"
#include "ke/thread.h"
#include "ke/wait.h"
#include "ntos/faults.h"
#include "verifier/checks.h"

#include <cstdlib>
#include <optional>

namespace fsp::ntos::ex {

namespace {

/// On the stack of a thread that waits.
struct Waiter
{
    Waiter* next;
    ERESOURCE_THREAD owner;
    uint32_t granted;
};

/// First in, first out; lives in a pointer of the resource that NT uses for the waiters' event or semaphore.
Waiter* waiters(void* volatile* head) { return static_cast<Waiter*>(*head); }
void* volatile* exclusive_waiters(PERESOURCE r)
{
    return reinterpret_cast<void* volatile*>(&r->ExclusiveWaiters);
}
void* volatile* shared_waiters(PERESOURCE r) { return reinterpret_cast<void* volatile*>(&r->SharedWaiters); }

void append(void* volatile* head, Waiter* waiter)
{
    waiter->next = nullptr;
    if (waiters(head) == nullptr) {
        *head = waiter;
        return;
    }
    Waiter* w = waiters(head);
    while (w->next != nullptr)
        w = w->next;
    w->next = waiter;
}

ERESOURCE_THREAD self() { return reinterpret_cast<ERESOURCE_THREAD>(ke::current_thread()); }
bool is_exclusive(PERESOURCE r) { return r->Flag & ResourceOwnedExclusive; }

// ---- Owners: OwnerEntry, then a table whose first entry holds its size
// ---------------------------------------------

OWNER_ENTRY* NTAPI find_in_table(PERESOURCE r, ERESOURCE_THREAD owner) noexcept
{
    if (r->OwnerTable != nullptr)
        for (ULONG i = 1; i < r->OwnerTable->TableSize; i++)
            if (r->OwnerTable[i].OwnerThread == owner && r->OwnerTable[i].OwnerCount != 0)
                return &r->OwnerTable[i];
    return nullptr;
}

inline OWNER_ENTRY* find_owner(PERESOURCE r, ERESOURCE_THREAD owner)
{
    if (r->OwnerEntry.OwnerThread == owner && r->OwnerEntry.OwnerCount != 0)
        return &r->OwnerEntry;
    return r->OwnerTable != nullptr ? find_in_table(r, owner) : nullptr;
}

[[gnu::noinline]] OWNER_ENTRY* NTAPI free_entry(PERESOURCE r) noexcept
{
    if (r->OwnerEntry.OwnerCount == 0)
        return &r->OwnerEntry;
    const ULONG size = r->OwnerTable != nullptr ? r->OwnerTable->TableSize : 0;
    for (ULONG i = 1; i < size; i++)
        if (r->OwnerTable[i].OwnerCount == 0)
            return &r->OwnerTable[i];
    const ULONG grown = size != 0 ? size * 2 : 4;
    auto table = static_cast<OWNER_ENTRY*>(std::realloc(r->OwnerTable, grown * sizeof(OWNER_ENTRY)));
    if (table == nullptr)
        KeBugCheck(0xE2);
    const ULONG first = size != 0 ? size : 1;
    memset(table + size, 0, (grown - size) * sizeof(OWNER_ENTRY));
    table->TableSize = grown;
    r->OwnerTable = table;
    return &table[first];
}

[[gnu::noinline]] void NTAPI free_table(PERESOURCE r) noexcept
{
    std::free(r->OwnerTable);
    r->OwnerTable = nullptr;
}

void NTAPI add_shared_owner(PERESOURCE r, ERESOURCE_THREAD owner) noexcept
{
    OWNER_ENTRY* entry = find_owner(r, owner);
    if (entry != nullptr) {
        entry->OwnerCount++;
        return;
    }
    entry = free_entry(r);
    entry->OwnerThread = owner;
    entry->OwnerCount = 1;
    r->ActiveEntries++;
}

void own_exclusive(PERESOURCE r, ERESOURCE_THREAD owner)
{
    r->Flag |= ResourceOwnedExclusive;
    r->OwnerEntry.OwnerThread = owner;
    r->OwnerEntry.OwnerCount = 1;
    r->ActiveEntries = 1;
}

// ---- Waiting and handing over
// ----------------------------------------------------------------------------------------

void grant(Waiter* waiter)
{
    uint32_t* word = &waiter->granted;
    if (__atomic_exchange_n(word, 1, __ATOMIC_RELEASE) == 2)
        ke::futex_wake(word, 1);
}

/// Under the lock: makes the shared waiters owners. @return them, to be granted after the lock is released
[[gnu::noinline]] Waiter* NTAPI share_with_waiters(PERESOURCE r) noexcept
{
    Waiter* first = waiters(shared_waiters(r));
    for (Waiter* w = first; w != nullptr; w = w->next)
        add_shared_owner(r, w->owner);
    *shared_waiters(r) = nullptr;
    r->NumberOfSharedWaiters = 0;
    return first;
}

inline Waiter* take_shared_waiters(PERESOURCE r)
{
    return waiters(shared_waiters(r)) != nullptr ? share_with_waiters(r) : nullptr;
}

Waiter* take_exclusive_waiter(PERESOURCE r)
{
    Waiter* first = waiters(exclusive_waiters(r));
    if (first == nullptr)
        return nullptr;
    *exclusive_waiters(r) = first->next;
    first->next = nullptr;
    r->NumberOfExclusiveWaiters--;
    own_exclusive(r, first->owner);
    return first;
}

[[gnu::noinline]] void NTAPI grant_all(Waiter* first) noexcept
{
    while (first != nullptr) {
        // The waiter's stack frame goes away as soon as it is granted.
        Waiter* next = first->next;
        grant(first);
        first = next;
    }
}

/// Called with the lock held, which it releases.
[[gnu::noinline]] void NTAPI sleep(PERESOURCE r, volatile uint32_t* lock, bool exclusive) noexcept
{
    PKTHREAD thread = ke::current_thread();
    Waiter waiter{nullptr, self(), 0};
    append(exclusive ? exclusive_waiters(r) : shared_waiters(r), &waiter);
    (exclusive ? r->NumberOfExclusiveWaiters : r->NumberOfSharedWaiters)++;
    r->ContentionCount++;
    ke::word_unlock(lock);
    std::optional<verifier::ResourceWait> wait;
    if (verifier::enabled) [[unlikely]]
        wait.emplace(r, thread, exclusive);
    ke::leave_queue_for_sleep(thread);
    for (;;) {
        uint32_t word = 0;
        if (!__atomic_compare_exchange_n(&waiter.granted, &word, 2, false, __ATOMIC_ACQUIRE,
                                         __ATOMIC_ACQUIRE) &&
            word == 1)
            break;
        ke::futex_wait(&waiter.granted, 2);
    }
    ke::reenter_queue_after_sleep(thread);
}

volatile uint32_t* lock_of(PERESOURCE r) { return reinterpret_cast<volatile uint32_t*>(&r->SpinLock); }

enum class Sharing
{
    Fair,
    StarveExclusive,
    WaitForExclusive
};

BOOLEAN NTAPI acquire_shared(PERESOURCE r, BOOLEAN wait, Sharing sharing)
{
    PKTHREAD thread = ke::current_thread();
    if (verifier::enabled) [[unlikely]] {
        verifier::check_resource_rules(thread, r);
        if (wait)
            verifier::acquiring(thread, r, verifier::LockKind::Resource);
    }
    if (!wait && faults::fails(faults::Kind::lock_try)) [[unlikely]]
        return FALSE;
    const auto owner = reinterpret_cast<ERESOURCE_THREAD>(thread);
    volatile uint32_t* lock = lock_of(r);
    ke::word_lock(lock);
    bool acquired;
    if (r->ActiveEntries == 0) {
        // Exclusive waiters exist only while there are owners.
        r->OwnerEntry.OwnerThread = owner;
        r->OwnerEntry.OwnerCount = 1;
        r->ActiveEntries = 1;
        acquired = true;
    } else if (is_exclusive(r)) {
        acquired = r->OwnerEntry.OwnerThread == owner;
        if (acquired)
            r->OwnerEntry.OwnerCount++;
    } else {
        const bool wanted = r->NumberOfExclusiveWaiters != 0;
        acquired = !wanted || sharing == Sharing::StarveExclusive ||
                   (sharing == Sharing::Fair && find_owner(r, owner) != nullptr);
        if (acquired)
            add_shared_owner(r, owner);
    }
    if (!acquired && wait) {
        sleep(r, lock, false);
        return TRUE;
    }
    ke::word_unlock(lock);
    if (acquired && !wait && verifier::enabled) [[unlikely]]
        verifier::acquired_by_trying(thread, r, verifier::LockKind::Resource);
    return acquired;
}

BOOLEAN NTAPI acquire_exclusive(PERESOURCE r, BOOLEAN wait)
{
    PKTHREAD thread = ke::current_thread();
    if (verifier::enabled) [[unlikely]] {
        verifier::check_resource_rules(thread, r);
        if (wait)
            verifier::acquiring(thread, r, verifier::LockKind::Resource);
    }
    if (!wait && faults::fails(faults::Kind::lock_try)) [[unlikely]]
        return FALSE;
    const auto owner = reinterpret_cast<ERESOURCE_THREAD>(thread);
    volatile uint32_t* lock = lock_of(r);
    ke::word_lock(lock);
    bool acquired = true;
    if (r->ActiveEntries == 0)
        own_exclusive(r, owner);
    else if (is_exclusive(r) && r->OwnerEntry.OwnerThread == owner)
        r->OwnerEntry.OwnerCount++;
    else if (wait) {
        if (verifier::enabled && find_owner(r, owner) != nullptr) [[unlikely]]
            verifier::report_lock("resource %p: the thread owns it shared and waits for it exclusive", r, 0);
        sleep(r, lock, true);
        return TRUE;
    } else
        acquired = false;
    ke::word_unlock(lock);
    if (acquired && !wait && verifier::enabled) [[unlikely]]
        verifier::acquired_by_trying(thread, r, verifier::LockKind::Resource);
    return acquired;
}

void NTAPI release(PERESOURCE r, ERESOURCE_THREAD owner)
{
    volatile uint32_t* lock = lock_of(r);
    Waiter* granted = nullptr;
    ke::word_lock(lock);
    OWNER_ENTRY* entry = is_exclusive(r) ? &r->OwnerEntry : find_owner(r, owner);
    if (entry == nullptr || entry->OwnerThread != owner || entry->OwnerCount == 0) [[unlikely]] {
        ke::word_unlock(lock);
        verifier::report_lock("resource %p released by %zx, which does not own it", r, owner);
        return;
    }
    if (--entry->OwnerCount == 0) {
        entry->OwnerThread = 0;
        r->ActiveEntries--;
        if (is_exclusive(r)) {
            r->Flag &= USHORT(~ResourceOwnedExclusive);
            granted = take_shared_waiters(r);
            if (granted == nullptr)
                granted = take_exclusive_waiter(r);
        } else if (r->ActiveEntries == 0) {
            granted = take_exclusive_waiter(r);
            if (granted == nullptr)
                granted = take_shared_waiters(r);
        }
    }
    ke::word_unlock(lock);
    if (granted != nullptr) [[unlikely]]
        grant_all(granted);
}

} // namespace

} // namespace fsp::ntos::ex

using namespace fsp::ntos;
using namespace fsp::ntos::ex;

extern "C" {

NTSTATUS NTAPI ExInitializeResourceLite(PERESOURCE Resource)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    memset(Resource, 0, sizeof *Resource);
    InitializeListHead(&Resource->SystemResourcesList);
    if (verifier::enabled) [[unlikely]]
        verifier::forget_lock(Resource);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ExReinitializeResourceLite(PERESOURCE Resource)
{
    std::free(Resource->OwnerTable);
    return ExInitializeResourceLite(Resource);
}

NTSTATUS NTAPI ExDeleteResourceLite(PERESOURCE Resource)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    if (verifier::enabled) [[unlikely]] {
        if (Resource->ActiveEntries != 0)
            verifier::report("resource %p deleted while owned", static_cast<void*>(Resource));
        verifier::forget_lock(Resource);
    }
    if (Resource->OwnerTable != nullptr) [[unlikely]]
        free_table(Resource);
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI ExAcquireResourceSharedLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, Sharing::Fair);
}

BOOLEAN NTAPI ExAcquireSharedStarveExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, Sharing::StarveExclusive);
}

BOOLEAN NTAPI ExAcquireSharedWaitForExclusive(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_shared(Resource, Wait, Sharing::WaitForExclusive);
}

BOOLEAN NTAPI ExAcquireResourceExclusiveLite(PERESOURCE Resource, BOOLEAN Wait)
{
    return acquire_exclusive(Resource, Wait);
}

BOOLEAN NTAPI ExTryToAcquireResourceExclusiveLite(PERESOURCE Resource)
{
    return acquire_exclusive(Resource, FALSE);
}

VOID NTAPI ExReleaseResourceLite(PERESOURCE Resource)
{
    PKTHREAD thread = ke::current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::released(thread, Resource, verifier::LockKind::Resource);
    release(Resource, reinterpret_cast<ERESOURCE_THREAD>(thread));
}

VOID NTAPI ExReleaseResourceForThreadLite(PERESOURCE Resource, ERESOURCE_THREAD ResourceThreadId)
{
    if (verifier::enabled) [[unlikely]] {
        if (ResourceThreadId == self())
            verifier::released(ke::current_thread(), Resource, verifier::LockKind::Resource);
        else
            verifier::owner_released(Resource, ResourceThreadId);
    }
    release(Resource, ResourceThreadId);
}

VOID NTAPI ExSetResourceOwnerPointer(PERESOURCE Resource, PVOID OwnerPointer)
{
    const auto owner = reinterpret_cast<ERESOURCE_THREAD>(OwnerPointer);
    if (verifier::enabled) [[unlikely]] {
        if ((owner & 3) != 3)
            verifier::report_lock("resource %p: the low two bits of owner pointer %zx are not set", Resource,
                                  owner);
        verifier::released(ke::current_thread(), Resource, verifier::LockKind::Resource);
        verifier::owner_set(Resource, owner);
    }
    const ERESOURCE_THREAD thread = self();
    ke::WordGuard guard(lock_of(Resource));
    OWNER_ENTRY* entry = find_owner(Resource, thread);
    if (entry == nullptr) {
        verifier::report_lock("resource %p: owner pointer set by a thread that does not own it", Resource, 0);
        return;
    }
    OWNER_ENTRY* other = is_exclusive(Resource) ? nullptr : find_owner(Resource, owner);
    if (other == nullptr || other == entry) {
        entry->OwnerThread = owner;
        return;
    }
    other->OwnerCount += entry->OwnerCount;
    entry->OwnerThread = 0;
    entry->OwnerCount = 0;
    Resource->ActiveEntries--;
}

VOID NTAPI ExSetResourceOwnerPointerEx(PERESOURCE Resource, PVOID OwnerPointer, ULONG)
{
    ExSetResourceOwnerPointer(Resource, OwnerPointer);
}

VOID NTAPI ExConvertExclusiveToSharedLite(PERESOURCE Resource)
{
    Waiter* granted;
    {
        ke::WordGuard guard(lock_of(Resource));
        if (!is_exclusive(Resource)) {
            verifier::report("resource %p converted to shared but not owned exclusive",
                             static_cast<void*>(Resource));
            return;
        }
        Resource->Flag &= USHORT(~ResourceOwnedExclusive);
        granted = take_shared_waiters(Resource);
    }
    grant_all(granted);
}

BOOLEAN NTAPI ExIsResourceAcquiredExclusiveLite(PERESOURCE Resource)
{
    ke::WordGuard guard(lock_of(Resource));
    return is_exclusive(Resource) && Resource->OwnerEntry.OwnerThread == self();
}

ULONG NTAPI ExIsResourceAcquiredSharedLite(PERESOURCE Resource)
{
    ke::WordGuard guard(lock_of(Resource));
    const OWNER_ENTRY* entry = find_owner(Resource, self());
    return entry != nullptr ? entry->OwnerCount : 0;
}

ULONG NTAPI ExGetExclusiveWaiterCount(PERESOURCE Resource)
{
    ke::WordGuard guard(lock_of(Resource));
    return Resource->NumberOfExclusiveWaiters;
}

ULONG NTAPI ExGetSharedWaiterCount(PERESOURCE Resource)
{
    ke::WordGuard guard(lock_of(Resource));
    return Resource->NumberOfSharedWaiters;
}

VOID NTAPI ExDisableResourceBoostLite(PERESOURCE) {}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceShared(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceSharedLite(Resource, TRUE);
    return nullptr;
}

PVOID NTAPI ExEnterCriticalRegionAndAcquireResourceExclusive(PERESOURCE Resource)
{
    KeEnterCriticalRegion();
    ExAcquireResourceExclusiveLite(Resource, TRUE);
    return nullptr;
}

VOID NTAPI ExReleaseResourceAndLeaveCriticalRegion(PERESOURCE Resource)
{
    ExReleaseResourceLite(Resource);
    KeLeaveCriticalRegion();
}

} // extern "C"

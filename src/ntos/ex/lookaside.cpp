// SPDX-License-Identifier: MIT
// Lookaside lists and interlocked lists. A list's lock is one bit, held for a few instructions. With the
// verifier on, nothing is kept back, so that a use after free is noticed.
#include "ex/pool.h"
#include "ke/futex.h"
#include "verifier/checks.h"

#include <sched.h>

namespace fsp::ntos::ex {

namespace {

constexpr ULONGLONG lock_bit = 1;
constexpr ULONGLONG one = 2;
constexpr USHORT default_depth = 256;

/// The second word of the header holds the depth and the lock bit.
class ListLock
{
  public:
    explicit ListLock(PSLIST_HEADER head) : word_(&head->Region)
    {
        depth_ = try_lock();
        if (depth_ & lock_bit) [[unlikely]]
            depth_ = wait(this);
    }
    ListLock(const ListLock&) = delete;
    ~ListLock() { __atomic_store_n(word_, depth_, __ATOMIC_RELEASE); }

    ULONGLONG depth() const { return depth_ / one; }
    void set_depth(ULONGLONG depth) { depth_ = depth * one; }

  private:
    /// While the bit is set the depth lies with the owner, so the word itself may lose it.
    ULONGLONG try_lock() { return __atomic_exchange_n(word_, lock_bit, __ATOMIC_ACQUIRE); }
    [[gnu::noinline, gnu::cold]] static ULONGLONG NTAPI wait(ListLock* lock)
    {
        ULONGLONG depth;
        for (int spins = 0; (depth = lock->try_lock()) & lock_bit;)
            if (++spins > 32)
                sched_yield();
            else
                ke::pause_processor();
        return depth;
    }

    ULONGLONG* word_;
    ULONGLONG depth_;
};

PSLIST_ENTRY first_of(PSLIST_HEADER head) { return reinterpret_cast<PSLIST_ENTRY>(head->Alignment); }
void set_first(PSLIST_HEADER head, PSLIST_ENTRY entry)
{
    head->Alignment = reinterpret_cast<ULONGLONG>(entry);
}

/// @return false if the list is as deep as it may be
bool NTAPI push(PSLIST_HEADER head, PSLIST_ENTRY entry, ULONGLONG limit, PSLIST_ENTRY* before)
{
    ListLock lock(head);
    if (lock.depth() >= limit)
        return false;
    *before = first_of(head);
    entry->Next = *before;
    set_first(head, entry);
    lock.set_depth(lock.depth() + 1);
    return true;
}

PSLIST_ENTRY NTAPI pop(PSLIST_HEADER head)
{
    if (__atomic_load_n(&head->Region, __ATOMIC_RELAXED) == 0)
        return nullptr;
    ListLock lock(head);
    PSLIST_ENTRY entry = first_of(head);
    if (entry != nullptr) {
        set_first(head, entry->Next);
        lock.set_depth(lock.depth() - 1);
    }
    return entry;
}

PVOID NTAPI pool_allocate(POOL_TYPE type, SIZE_T size, ULONG tag) { return allocate_pool(type, size, tag); }
VOID NTAPI pool_free(PVOID block) { free_pool(block, 0); }

template<class List> void initialize(List& l, POOL_TYPE type, SIZE_T size, ULONG tag)
{
    memset(&l, 0, sizeof l);
    l.Depth = l.MaximumDepth = default_depth;
    l.Type = type;
    l.Tag = tag;
    l.Size = ULONG(size < sizeof(SLIST_ENTRY) ? sizeof(SLIST_ENTRY) : size);
    InitializeListHead(&l.ListEntry);
}

void initialize(GENERAL_LOOKASIDE& l, POOL_TYPE type, PALLOCATE_FUNCTION allocate, PFREE_FUNCTION free,
                SIZE_T size, ULONG tag)
{
    initialize(l, type, size, tag);
    l.Allocate = allocate != nullptr ? allocate : pool_allocate;
    l.Free = free != nullptr ? free : pool_free;
}

/// Counters are for debuggers: races do not matter, torn values would.
void count(ULONG& counter)
{
    __atomic_store_n(&counter, __atomic_load_n(&counter, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/// Pool keeps blocks for each thread without a lock, so that a list in front of it would only cost.
bool is_plain(const GENERAL_LOOKASIDE& l) { return l.Allocate == pool_allocate && l.Free == pool_free; }

PVOID NTAPI take(GENERAL_LOOKASIDE& l)
{
    count(l.TotalAllocates);
    if (is_plain(l)) [[likely]]
        return allocate_pool(l.Type, l.Size, l.Tag);
    if (PSLIST_ENTRY entry = pop(&l.ListHead))
        return entry;
    count(l.AllocateMisses);
    return l.Allocate(l.Type, l.Size, l.Tag);
}

void NTAPI give(GENERAL_LOOKASIDE& l, PVOID entry)
{
    count(l.TotalFrees);
    if (is_plain(l)) [[likely]]
        return free_pool(entry, 0);
    PSLIST_ENTRY before;
    if (!verifier::enabled && push(&l.ListHead, static_cast<PSLIST_ENTRY>(entry), l.Depth, &before))
        return;
    count(l.FreeMisses);
    l.Free(entry);
}

void drain(GENERAL_LOOKASIDE& l)
{
    while (PSLIST_ENTRY entry = pop(&l.ListHead))
        l.Free(entry);
}

} // namespace

} // namespace fsp::ntos::ex

using namespace fsp::ntos;

extern "C" {

VOID NTAPI ExInitializeNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                           PFREE_FUNCTION Free, ULONG, SIZE_T Size, ULONG Tag, USHORT)
{
    ex::initialize(Lookaside->L, NonPagedPoolNx, Allocate, Free, Size, Tag);
}

VOID NTAPI ExDeleteNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside) { ex::drain(Lookaside->L); }
PVOID NTAPI ExAllocateFromNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside)
{
    return ex::take(Lookaside->L);
}

VOID NTAPI ExFreeToNPagedLookasideList(PNPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ex::give(Lookaside->L, Entry);
}

VOID NTAPI ExInitializePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PALLOCATE_FUNCTION Allocate,
                                          PFREE_FUNCTION Free, ULONG, SIZE_T Size, ULONG Tag, USHORT)
{
    ex::initialize(Lookaside->L, PagedPool, Allocate, Free, Size, Tag);
}

VOID NTAPI ExDeletePagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside) { ex::drain(Lookaside->L); }
PVOID NTAPI ExAllocateFromPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside)
{
    return ex::take(Lookaside->L);
}
VOID NTAPI ExFreeToPagedLookasideList(PPAGED_LOOKASIDE_LIST Lookaside, PVOID Entry)
{
    ex::give(Lookaside->L, Entry);
}

NTSTATUS NTAPI ExInitializeLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PALLOCATE_FUNCTION_EX Allocate,
                                           PFREE_FUNCTION_EX Free, POOL_TYPE PoolType, ULONG, SIZE_T Size,
                                           ULONG Tag, USHORT)
{
    ex::initialize(Lookaside->L, PoolType, Size, Tag);
    Lookaside->L.Allocate = Allocate;
    Lookaside->L.Free = Free;
    return STATUS_SUCCESS;
}

PVOID NTAPI ExAllocateFromLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    auto& l = Lookaside->L;
    ex::count(l.TotalAllocates);
    if (PSLIST_ENTRY entry = ex::pop(&l.ListHead))
        return entry;
    ex::count(l.AllocateMisses);
    return l.Allocate != nullptr ? l.Allocate(l.Type, l.Size, l.Tag, Lookaside)
                                 : ExAllocatePoolWithTag(l.Type, l.Size, l.Tag);
}

VOID NTAPI ExFreeToLookasideListEx(PLOOKASIDE_LIST_EX Lookaside, PVOID Entry)
{
    auto& l = Lookaside->L;
    ex::count(l.TotalFrees);
    PSLIST_ENTRY before;
    if (!verifier::enabled && ex::push(&l.ListHead, static_cast<PSLIST_ENTRY>(Entry), l.Depth, &before))
        return;
    ex::count(l.FreeMisses);
    l.Free != nullptr ? l.Free(Entry, Lookaside) : ExFreePool(Entry);
}

VOID NTAPI ExDeleteLookasideListEx(PLOOKASIDE_LIST_EX Lookaside)
{
    auto& l = Lookaside->L;
    while (PSLIST_ENTRY entry = ex::pop(&l.ListHead))
        l.Free != nullptr ? l.Free(entry, Lookaside) : ExFreePool(entry);
}

VOID NTAPI ExInitializeSListHead(PSLIST_HEADER ListHead) { memset(ListHead, 0, sizeof *ListHead); }

PSLIST_ENTRY NTAPI ExpInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry)
{
    PSLIST_ENTRY before = nullptr;
    ex::push(ListHead, ListEntry, ~ULONGLONG(0), &before);
    return before;
}

PSLIST_ENTRY NTAPI ExpInterlockedPopEntrySList(PSLIST_HEADER ListHead) { return ex::pop(ListHead); }

PSLIST_ENTRY NTAPI ExpInterlockedFlushSList(PSLIST_HEADER ListHead)
{
    ex::ListLock lock(ListHead);
    PSLIST_ENTRY first = ex::first_of(ListHead);
    ex::set_first(ListHead, nullptr);
    lock.set_depth(0);
    return first;
}

USHORT NTAPI ExQueryDepthSList(PSLIST_HEADER ListHead)
{
    return USHORT(__atomic_load_n(&ListHead->Region, __ATOMIC_RELAXED) / ex::one);
}

PLIST_ENTRY NTAPI ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    PLIST_ENTRY first = IsListEmpty(ListHead) ? nullptr : ListHead->Flink;
    InsertHeadList(ListHead, ListEntry);
    return first;
}

PLIST_ENTRY NTAPI ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    PLIST_ENTRY last = IsListEmpty(ListHead) ? nullptr : ListHead->Blink;
    InsertTailList(ListHead, ListEntry);
    return last;
}

PLIST_ENTRY NTAPI ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    return IsListEmpty(ListHead) ? nullptr : RemoveHeadList(ListHead);
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    return PopEntryList(ListHead);
}

PSINGLE_LIST_ENTRY NTAPI ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                                    PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    PSINGLE_LIST_ENTRY first = ListHead->Next;
    PushEntryList(ListHead, ListEntry);
    return first;
}

LARGE_INTEGER NTAPI ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment,
                                                 PKSPIN_LOCK Lock)
{
    ke::WordGuard guard(Lock);
    const LARGE_INTEGER before = *Addend;
    Addend->QuadPart += Increment.QuadPart;
    return before;
}

} // extern "C"

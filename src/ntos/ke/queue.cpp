// SPDX-License-Identifier: MIT
// Queues: packets for a pool of threads, of which no more than MaximumCount run at a time. The thread that
// waited shortest gets the next packet: its cache is warm.
#include "ke/wait.h"

#include "verifier/checks.h"

namespace fsp::ntos::ke {

namespace {

/// Guards every thread's queue pointer and every queue's list of threads. Taken before the lock of a queue,
/// and only when a thread joins or leaves a queue or a thread of a queue sleeps on something else.
uint32_t association_lock;

constexpr UCHAR rundown_flag = 1;

/// Under the queue's lock: gives packets to waiters while threads are missing.
void feed_waiters(PKQUEUE queue, WakeList& wake)
{
    while (queue->CurrentCount < queue->MaximumCount && !IsListEmpty(&queue->EntryListHead) &&
           !IsListEmpty(&queue->Header.WaitListHead))
    {
        auto block = CONTAINING_RECORD(queue->Header.WaitListHead.Blink, KWAIT_BLOCK, WaitListEntry);
        RemoveEntryList(&block->WaitListEntry);
        block->BlockState = block_out;
        PKTHREAD thread = block->Thread;
        if (!claim(thread))
            continue;
        thread->wait_entry = RemoveHeadList(&queue->EntryListHead);
        thread->wait_entry->Flink = nullptr;
        set_state(&queue->Header, queue->Header.SignalState - 1);
        queue->CurrentCount = queue->CurrentCount + 1;
        wake.add(thread);
    }
}

LONG insert(PKQUEUE queue, PLIST_ENTRY entry, bool head)
{
    WakeList wake;
    lock_object(&queue->Header);
    const LONG before = queue->Header.SignalState;
    set_state(&queue->Header, before + 1);
    if (head)
        InsertHeadList(&queue->EntryListHead, entry);
    else
        InsertTailList(&queue->EntryListHead, entry);
    feed_waiters(queue, wake);
    unlock_object(&queue->Header);
    return before;
}

/// Under the association lock.
void leave_locked(PKTHREAD thread, bool active)
{
    PKQUEUE queue = thread->queue;
    if (queue == nullptr)
        return;
    WakeList wake;
    lock_object(&queue->Header);
    RemoveEntryList(&thread->queue_link);
    __atomic_store_n(&thread->queue, nullptr, __ATOMIC_RELAXED);
    if (active) {
        queue->CurrentCount = queue->CurrentCount - 1;
        feed_waiters(queue, wake);
    }
    unlock_object(&queue->Header);
}

/// @return false if the queue was run down
bool join(PKTHREAD thread, PKQUEUE queue)
{
    WordGuard guard(&association_lock);
    leave_locked(thread, true);
    lock_object(&queue->Header);
    const bool alive = !(queue->Header.Abandoned & rundown_flag);
    if (alive) {
        __atomic_store_n(&thread->queue, queue, __ATOMIC_RELAXED);
        InsertTailList(&queue->ThreadListHead, &thread->queue_link);
        queue->CurrentCount = queue->CurrentCount + 1;
    }
    unlock_object(&queue->Header);
    return alive;
}

PLIST_ENTRY as_entry(NTSTATUS status) { return reinterpret_cast<PLIST_ENTRY>(LONG_PTR(ULONG(status))); }

} // namespace

void leave_queue_for_sleep(PKTHREAD thread)
{
    if (__atomic_load_n(&thread->queue, __ATOMIC_RELAXED) == nullptr) [[likely]]
        return;
    WordGuard guard(&association_lock);
    PKQUEUE queue = thread->queue;
    if (queue == nullptr)
        return;
    WakeList wake;
    lock_object(&queue->Header);
    queue->CurrentCount = queue->CurrentCount - 1;
    feed_waiters(queue, wake);
    unlock_object(&queue->Header);
}

void reenter_queue_after_sleep(PKTHREAD thread)
{
    if (__atomic_load_n(&thread->queue, __ATOMIC_RELAXED) == nullptr) [[likely]]
        return;
    WordGuard guard(&association_lock);
    PKQUEUE queue = thread->queue;
    if (queue == nullptr)
        return;
    lock_object(&queue->Header);
    queue->CurrentCount = queue->CurrentCount + 1;
    unlock_object(&queue->Header);
}

void forget_queue(PKTHREAD thread)
{
    if (__atomic_load_n(&thread->queue, __ATOMIC_RELAXED) == nullptr)
        return;
    WordGuard guard(&association_lock);
    leave_locked(thread, true);
}

} // namespace fsp::ntos::ke

using namespace fsp::ntos;
using namespace fsp::ntos::ke;

extern "C" {

VOID NTAPI KeInitializeQueue(PKQUEUE Queue, ULONG Count)
{
    initialize_header(&Queue->Header, QueueObject, sizeof(KQUEUE), 0);
    InitializeListHead(&Queue->EntryListHead);
    InitializeListHead(&Queue->ThreadListHead);
    Queue->CurrentCount = 0;
    Queue->MaximumCount = Count != 0 ? Count : KeQueryActiveProcessorCount(nullptr);
}

LONG NTAPI KeInsertQueue(PKQUEUE Queue, PLIST_ENTRY Entry) { return insert(Queue, Entry, false); }
LONG NTAPI KeInsertHeadQueue(PKQUEUE Queue, PLIST_ENTRY Entry) { return insert(Queue, Entry, true); }
LONG NTAPI KeReadStateQueue(PKQUEUE Queue)
{
    return __atomic_load_n(&Queue->Header.SignalState, __ATOMIC_ACQUIRE);
}

PLIST_ENTRY NTAPI KeRemoveQueue(PKQUEUE Queue, KPROCESSOR_MODE WaitMode, PLARGE_INTEGER Timeout)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_wait(Timeout);
    const bool joined = __atomic_load_n(&thread->queue, __ATOMIC_RELAXED) == Queue;
    if (!joined && !join(thread, Queue))
        return as_entry(STATUS_ABANDONED);

    // The packet that the thread came back from is done: until it gets another one it does not count as
    // running.
    lock_object(&Queue->Header);
    Queue->CurrentCount = Queue->CurrentCount - 1;
    if (Queue->Header.Abandoned & rundown_flag) {
        unlock_object(&Queue->Header);
        return as_entry(STATUS_ABANDONED);
    }
    if (!IsListEmpty(&Queue->EntryListHead) && Queue->CurrentCount < Queue->MaximumCount) {
        PLIST_ENTRY entry = RemoveHeadList(&Queue->EntryListHead);
        entry->Flink = nullptr;
        set_state(&Queue->Header, Queue->Header.SignalState - 1);
        Queue->CurrentCount = Queue->CurrentCount + 1;
        unlock_object(&Queue->Header);
        return entry;
    }
    if (Timeout != nullptr && Timeout->QuadPart == 0) {
        Queue->CurrentCount = Queue->CurrentCount + 1;
        unlock_object(&Queue->Header);
        return as_entry(WaitMode == UserMode && thread->terminating ? STATUS_USER_APC : STATUS_TIMEOUT);
    }
    KWAIT_BLOCK block{};
    block.Thread = thread;
    block.Object = Queue;
    block.WaitType = WaitAny;
    block.BlockState = block_in;
    arm(thread, WaitMode);
    InsertTailList(&Queue->Header.WaitListHead, &block.WaitListEntry);
    unlock_object(&Queue->Header);

    if (sleep_until_done(thread, WaitMode, Deadline(Timeout)))
        return thread->wait_entry != nullptr ? thread->wait_entry : as_entry(thread->wait_status);

    lock_object(&Queue->Header);
    if (block.BlockState == block_in)
        RemoveEntryList(&block.WaitListEntry);
    Queue->CurrentCount = Queue->CurrentCount + 1;
    unlock_object(&Queue->Header);
    return as_entry(thread->wait_status);
}

PLIST_ENTRY NTAPI KeRundownQueue(PKQUEUE Queue)
{
    WakeList wake;
    WordGuard guard(&association_lock);
    lock_object(&Queue->Header);
    Queue->Header.Abandoned |= rundown_flag;
    while (!IsListEmpty(&Queue->Header.WaitListHead)) {
        auto block =
            CONTAINING_RECORD(RemoveHeadList(&Queue->Header.WaitListHead), KWAIT_BLOCK, WaitListEntry);
        block->BlockState = block_out;
        if (!claim(block->Thread))
            continue;
        block->Thread->wait_status = STATUS_ABANDONED;
        wake.add(block->Thread);
    }
    while (!IsListEmpty(&Queue->ThreadListHead)) {
        PLIST_ENTRY entry = RemoveHeadList(&Queue->ThreadListHead);
        __atomic_store_n(&CONTAINING_RECORD(entry, _KTHREAD, queue_link)->queue, nullptr, __ATOMIC_RELAXED);
    }
    PLIST_ENTRY first = nullptr;
    if (!IsListEmpty(&Queue->EntryListHead)) {
        first = Queue->EntryListHead.Flink;
        RemoveEntryList(&Queue->EntryListHead);
        InitializeListHead(&Queue->EntryListHead);
    }
    set_state(&Queue->Header, 0);
    unlock_object(&Queue->Header);
    return first;
}

} // extern "C"

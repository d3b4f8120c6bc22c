// SPDX-License-Identifier: MIT
#include "ke/wait.h"

#include "ke/clock.h"
#include "ntos/faults.h"
#include "verifier/checks.h"

#include <algorithm>

#include <sched.h>

namespace fsp::ntos::ke {

void NTAPI word_lock_slow(volatile uint32_t* word) noexcept
{
    for (int i = 0; i < 64; i++) {
        pause_processor();
        if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0 && word_try_lock(word))
            return;
    }
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
        futex_wait(const_cast<uint32_t*>(word), 2);
}

void NTAPI word_wake(volatile uint32_t* word) noexcept { futex_wake(const_cast<uint32_t*>(word), 1); }

void NTAPI lock_object_slow(DISPATCHER_HEADER* object) noexcept
{
    for (int spins = 0;
         __atomic_fetch_or(&object->Type, object_lock_bit, __ATOMIC_ACQUIRE) & object_lock_bit;)
        // The holder may have lost its processor: with few of them, spinning on is the wrong bet.
        if (++spins > 32)
            sched_yield();
        else
            pause_processor();
}

Deadline::Deadline(const LARGE_INTEGER* timeout)
{
    if (timeout == nullptr)
        return;
    if (timeout->QuadPart == 0) {
        kind_ = Now;
        return;
    }
    if (timeout->QuadPart < 0) {
        kind_ = Steady;
        clock_gettime(CLOCK_MONOTONIC, &at_);
        const uint64_t span = 0 - uint64_t(timeout->QuadPart);
        if (span / 10'000'000 > 0x7fffffff) {
            kind_ = Never;
            return;
        }
        at_.tv_sec += time_t(span / 10'000'000);
        at_.tv_nsec += long(span % 10'000'000) * 100;
        if (at_.tv_nsec >= 1'000'000'000) {
            at_.tv_nsec -= 1'000'000'000;
            at_.tv_sec++;
        }
        return;
    }
    kind_ = Wall;
    const int64_t since_1970 = std::max<int64_t>(timeout->QuadPart - unix_epoch, 0);
    at_.tv_sec = time_t(since_1970 / 10'000'000);
    at_.tv_nsec = long(since_1970 % 10'000'000) * 100;
}

// ---- The word of the thread
// ------------------------------------------------------------------------------------------

void arm(PKTHREAD thread, KPROCESSOR_MODE mode)
{
    thread->wait_status = STATUS_SUCCESS;
    thread->wait_entry = nullptr;
    thread->wait_word.store(mode == UserMode ? wait_armed_user : wait_armed_kernel,
                            std::memory_order_release);
}

bool claim(PKTHREAD thread)
{
    uint32_t word = thread->wait_word.load(std::memory_order_relaxed);
    do {
        const uint32_t phase = word & wait_phase_mask;
        if (phase != wait_armed_kernel && phase != wait_armed_user)
            return false;
    } while (!thread->wait_word.compare_exchange_weak(word, (word & wait_sleeping) | wait_claimed,
                                                      std::memory_order_acq_rel, std::memory_order_relaxed));
    return true;
}

void complete_wait(PKTHREAD thread)
{
    std::atomic<uint32_t>* word = &thread->wait_word;
    if (word->exchange(wait_done, std::memory_order_acq_rel) & wait_sleeping)
        futex_wake(word, 1);
}

void NTAPI WakeList::release_all() noexcept
{
    while (first_ != nullptr) {
        PKTHREAD thread = first_;
        first_ = thread->wake_next;
        complete_wait(thread);
    }
}

bool sleep_until_done(PKTHREAD thread, KPROCESSOR_MODE mode, const Deadline& deadline)
{
    bool in_time = !deadline.now();
    for (;;) {
        uint32_t word = thread->wait_word.load(std::memory_order_acquire);
        const uint32_t phase = word & wait_phase_mask;
        if (phase == wait_done) {
            thread->wait_word.store(wait_idle, std::memory_order_relaxed);
            return true;
        }
        if (phase != wait_claimed) {
            // The end of a thread is a normal kernel APC first.
            const bool killed = mode == UserMode && thread->critical_regions == 0 &&
                                thread->guarded_regions == 0 &&
                                thread->terminating.load(std::memory_order_seq_cst);
            if (killed || !in_time) {
                if (!claim(thread))
                    continue;
                thread->wait_status = killed ? STATUS_USER_APC : STATUS_TIMEOUT;
                thread->wait_word.store(wait_idle, std::memory_order_relaxed);
                return false;
            }
        }
        if (!(word & wait_sleeping)) {
            thread->wait_word.compare_exchange_strong(word, word | wait_sleeping, std::memory_order_seq_cst);
            continue;
        }
        // A claimed wait is about to end: its deadline no longer matters.
        if (phase == wait_claimed)
            futex_wait(&thread->wait_word, word);
        else
            in_time = futex_wait(&thread->wait_word, word, deadline.time(), deadline.wall_clock());
    }
}

// ---- Objects
// ---------------------------------------------------------------------------------------------------------

namespace {

bool is_signaled(const DISPATCHER_HEADER* object, PKTHREAD thread)
{
    if (type_of(object) == MutantObject) {
        auto mutant = reinterpret_cast<const KMUTANT*>(object);
        return object->SignalState > 0 || mutant->OwnerThread == thread;
    }
    return object->SignalState > 0;
}

/// What a wait that ends does to the object. @return STATUS_SUCCESS or STATUS_ABANDONED
NTSTATUS consume(DISPATCHER_HEADER* object, PKTHREAD thread)
{
    switch (type_of(object)) {
    case EventSynchronizationObject:
    case TimerSynchronizationObject:
        set_state(object, 0);
        return STATUS_SUCCESS;
    case SemaphoreObject:
        set_state(object, object->SignalState - 1);
        return STATUS_SUCCESS;
    case MutantObject: {
        auto mutant = reinterpret_cast<KMUTANT*>(object);
        set_state(object, object->SignalState - 1);
        if (object->SignalState == 0)
            mutant->OwnerThread = thread;
        const bool abandoned = mutant->Abandoned;
        mutant->Abandoned = FALSE;
        return abandoned ? STATUS_ABANDONED : STATUS_SUCCESS;
    }
    default:
        return STATUS_SUCCESS;
    }
}

/// A mutex of the kernel keeps its owner in a critical region.
bool disables_apcs(const DISPATCHER_HEADER* object)
{
    return type_of(object) == MutantObject && reinterpret_cast<const KMUTANT*>(object)->ApcDisable;
}

void insert_block(DISPATCHER_HEADER* object, KWAIT_BLOCK* block)
{
    block->BlockState = block_in;
    InsertTailList(&object->WaitListHead, &block->WaitListEntry);
}

void withdraw_block(DISPATCHER_HEADER* object, KWAIT_BLOCK* block)
{
    lock_object(object);
    if (block->BlockState == block_in) {
        RemoveEntryList(&block->WaitListEntry);
        block->BlockState = block_out;
    }
    unlock_object(object);
}

KWAIT_BLOCK make_block(PKTHREAD thread, const DISPATCHER_HEADER* object, ULONG key, WAIT_TYPE type)
{
    KWAIT_BLOCK block{};
    block.Thread = thread;
    block.Object = const_cast<DISPATCHER_HEADER*>(object);
    // Remembered here because the object may be gone when the wait has ended.
    block.SpareLong = disables_apcs(object);
    block.WaitKey = USHORT(key);
    block.WaitType = UCHAR(type);
    return block;
}

NTSTATUS wait_for_any(PKTHREAD thread, ULONG count, PVOID* objects, KPROCESSOR_MODE mode,
                      const Deadline& deadline, KWAIT_BLOCK* blocks)
{
    arm(thread, mode);
    ULONG inserted = 0;
    bool satisfied_here = false, claimed_elsewhere = false;
    for (ULONG i = 0; i < count && !satisfied_here && !claimed_elsewhere; i++) {
        auto object = static_cast<DISPATCHER_HEADER*>(objects[i]);
        lock_object(object);
        blocks[i] = make_block(thread, object, i, WaitAny);
        if (is_signaled(object, thread)) {
            if (claim(thread)) {
                thread->wait_status = consume(object, thread) == STATUS_ABANDONED
                                          ? STATUS_ABANDONED_WAIT_0 + NTSTATUS(i)
                                          : STATUS_WAIT_0 + NTSTATUS(i);
                satisfied_here = true;
            } else
                claimed_elsewhere = true;
        } else {
            insert_block(object, &blocks[i]);
            inserted++;
        }
        unlock_object(object);
    }
    bool ended = true;
    if (satisfied_here)
        thread->wait_word.store(wait_idle, std::memory_order_relaxed);
    else {
        leave_queue_for_sleep(thread);
        ended = sleep_until_done(thread, mode, deadline);
        reenter_queue_after_sleep(thread);
    }
    for (ULONG i = 0; i < inserted; i++)
        withdraw_block(static_cast<DISPATCHER_HEADER*>(objects[i]), &blocks[i]);
    const NTSTATUS status = thread->wait_status;
    if (ended)
        thread->critical_regions += blocks[status & 0x3f].SpareLong;
    return status;
}

bool take_all(PKTHREAD thread, ULONG count, PVOID* objects, NTSTATUS* status)
{
    PVOID ordered[MAXIMUM_WAIT_OBJECTS];
    std::copy(objects, objects + count, ordered);
    std::sort(ordered, ordered + count);
    for (ULONG i = 0; i < count; i++)
        lock_object(static_cast<DISPATCHER_HEADER*>(ordered[i]));
    const bool all = std::all_of(objects, objects + count, [&](PVOID o) {
        return is_signaled(static_cast<DISPATCHER_HEADER*>(o), thread);
    });
    *status = STATUS_SUCCESS;
    if (all)
        for (ULONG i = 0; i < count; i++)
            if (consume(static_cast<DISPATCHER_HEADER*>(objects[i]), thread) == STATUS_ABANDONED)
                *status = STATUS_ABANDONED_WAIT_0;
    for (ULONG i = 0; i < count; i++)
        unlock_object(static_cast<DISPATCHER_HEADER*>(ordered[i]));
    return all;
}

/// Signals only poke such a waiter; it takes all objects itself, under all their locks, or sleeps on.
NTSTATUS wait_for_all(PKTHREAD thread, ULONG count, PVOID* objects, KPROCESSOR_MODE mode,
                      const Deadline& deadline, KWAIT_BLOCK* blocks)
{
    for (;;) {
        arm(thread, mode);
        for (ULONG i = 0; i < count; i++) {
            auto object = static_cast<DISPATCHER_HEADER*>(objects[i]);
            lock_object(object);
            blocks[i] = make_block(thread, object, i, WaitAll);
            insert_block(object, &blocks[i]);
            unlock_object(object);
        }
        NTSTATUS status;
        const bool all = take_all(thread, count, objects, &status);
        bool poked = false;
        if (all) {
            // A poke that is under way has to arrive before the thread's word is used again.
            if (claim(thread))
                thread->wait_word.store(wait_idle, std::memory_order_relaxed);
            else
                sleep_until_done(thread, KernelMode, Deadline());
        } else {
            leave_queue_for_sleep(thread);
            poked = sleep_until_done(thread, mode, deadline);
            reenter_queue_after_sleep(thread);
            status = thread->wait_status;
        }
        for (ULONG i = 0; i < count; i++)
            withdraw_block(static_cast<DISPATCHER_HEADER*>(objects[i]), &blocks[i]);
        if (all)
            for (ULONG i = 0; i < count; i++)
                thread->critical_regions += blocks[i].SpareLong;
        if (all || !poked)
            return status;
    }
}

} // namespace

void NTAPI satisfy_waiters(DISPATCHER_HEADER* object, WakeList& wake) noexcept
{
    PLIST_ENTRY head = &object->WaitListHead;
    for (PLIST_ENTRY e = head->Flink; e != head && object->SignalState > 0;) {
        auto block = CONTAINING_RECORD(e, KWAIT_BLOCK, WaitListEntry);
        e = e->Flink;
        PKTHREAD thread = block->Thread;
        // Without a claim the waiter is leaving by itself and will find its block out of the list.
        if (!claim(thread))
            continue;
        RemoveEntryList(&block->WaitListEntry);
        block->BlockState = block_out;
        if (block->WaitType == WaitAny)
            thread->wait_status = consume(object, thread) == STATUS_ABANDONED
                                      ? STATUS_ABANDONED_WAIT_0 + block->WaitKey
                                      : STATUS_WAIT_0 + block->WaitKey;
        wake.add(thread);
    }
}

} // namespace fsp::ntos::ke

using namespace fsp::ntos;
using namespace fsp::ntos::ke;

extern "C" {

NTSTATUS NTAPI KeWaitForSingleObject(PVOID Object, KWAIT_REASON, KPROCESSOR_MODE WaitMode, BOOLEAN,
                                     PLARGE_INTEGER Timeout)
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_wait(Timeout);
    auto object = static_cast<DISPATCHER_HEADER*>(Object);
    lock_object(object);
    if (is_signaled(object, thread)) {
        const NTSTATUS status = consume(object, thread);
        thread->critical_regions += disables_apcs(object);
        unlock_object(object);
        return status;
    }
    if (Timeout != nullptr && (Timeout->QuadPart == 0 || faults::fails(faults::Kind::timeout))) {
        unlock_object(object);
        return STATUS_TIMEOUT;
    }
    KWAIT_BLOCK block = make_block(thread, object, 0, WaitAny);
    arm(thread, WaitMode);
    insert_block(object, &block);
    unlock_object(object);
    leave_queue_for_sleep(thread);
    const bool ended = sleep_until_done(thread, WaitMode, Deadline(Timeout));
    reenter_queue_after_sleep(thread);
    if (ended)
        thread->critical_regions += block.SpareLong;
    else
        withdraw_block(object, &block);
    return thread->wait_status;
}

NTSTATUS NTAPI KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON,
                                        KPROCESSOR_MODE WaitMode, BOOLEAN, PLARGE_INTEGER Timeout,
                                        PKWAIT_BLOCK WaitBlockArray)
{
    if (Count == 0 || Count > MAXIMUM_WAIT_OBJECTS)
        return STATUS_INVALID_PARAMETER;
    if (verifier::enabled) [[unlikely]]
        verifier::check_wait(Timeout);
    KWAIT_BLOCK own[THREAD_WAIT_OBJECTS];
    KWAIT_BLOCK all[MAXIMUM_WAIT_OBJECTS];
    KWAIT_BLOCK* blocks = WaitBlockArray != nullptr      ? WaitBlockArray
                          : Count <= THREAD_WAIT_OBJECTS ? own
                                                         : all;
    PKTHREAD thread = current_thread();
    const Deadline deadline(Timeout);
    return WaitType == WaitAny ? wait_for_any(thread, Count, Object, WaitMode, deadline, blocks)
                               : wait_for_all(thread, Count, Object, WaitMode, deadline, blocks);
}

NTSTATUS NTAPI KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN, PLARGE_INTEGER Interval)
{
    if (verifier::enabled) [[unlikely]]
        verifier::check_wait(Interval);
    PKTHREAD thread = current_thread();
    if (Interval->QuadPart == 0) {
        sched_yield();
        return STATUS_SUCCESS;
    }
    arm(thread, WaitMode);
    leave_queue_for_sleep(thread);
    sleep_until_done(thread, WaitMode, Deadline(Interval));
    reenter_queue_after_sleep(thread);
    return thread->wait_status == STATUS_TIMEOUT ? STATUS_SUCCESS : thread->wait_status;
}

} // extern "C"

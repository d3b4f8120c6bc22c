// SPDX-License-Identifier: MIT
/// @file The engine of all waits.
///
/// Each dispatcher object has a lock of its own (a bit of its type byte). A waiter puts a wait block into the
/// object's list and sleeps on a word of its thread. Who signals the object claims the waiter under the
/// object's lock, but completes the wait only after letting the lock go: the object may be gone as soon as
/// the waiter runs.
#pragma once

#include "ke/futex.h"
#include "ke/thread.h"

namespace fsp::ntos::ke {

constexpr UCHAR object_lock_bit = 0x80;

void NTAPI lock_object_slow(DISPATCHER_HEADER* object) noexcept;

inline void lock_object(DISPATCHER_HEADER* object)
{
    if (__atomic_fetch_or(&object->Type, object_lock_bit, __ATOMIC_ACQUIRE) & object_lock_bit) [[unlikely]]
        lock_object_slow(object);
}

/// The last access to the object.
inline void unlock_object(DISPATCHER_HEADER* object)
{
    const UCHAR held =
        __atomic_load_n(&object->Type, __ATOMIC_RELAXED); // others try to set the bit meanwhile
    __atomic_store_n(&object->Type, UCHAR(held & ~object_lock_bit), __ATOMIC_RELEASE);
}

/// Under the object's lock; others look at the state without it.
inline void set_state(DISPATCHER_HEADER* object, LONG state)
{
    __atomic_store_n(&object->SignalState, state, __ATOMIC_RELEASE);
}

inline KOBJECTS type_of(const DISPATCHER_HEADER* object)
{
    return KOBJECTS(__atomic_load_n(&object->Type, __ATOMIC_RELAXED) & ~object_lock_bit);
}

/// A point in time that a wait ends at.
class Deadline
{
  public:
    Deadline() = default;
    /// In NT terms: nullptr never, negative relative, positive absolute.
    explicit Deadline(const LARGE_INTEGER* timeout);

    bool never() const { return kind_ == Never; }
    bool now() const { return kind_ == Now; }
    const timespec* time() const { return kind_ == Never ? nullptr : &at_; }
    bool wall_clock() const { return kind_ == Wall; }

  private:
    enum
    {
        Never,
        Now,
        Steady,
        Wall
    } kind_ = Never;
    timespec at_{};
};

/// Threads whose waits are decided, to be released after the object's lock.
class WakeList
{
  public:
    ~WakeList() { release(); }
    void add(PKTHREAD thread)
    {
        thread->wake_next = first_;
        first_ = thread;
    }
    void release()
    {
        if (first_ != nullptr) [[unlikely]]
            release_all();
    }

  private:
    void NTAPI release_all() noexcept;
    PKTHREAD first_ = nullptr;
};

enum BlockState : UCHAR
{
    block_out,
    block_in
};

/// Takes the right to end a thread's wait. @return false if somebody else has it
bool claim(PKTHREAD thread);
/// Ends a claimed wait.
void complete_wait(PKTHREAD thread);

/// Begins a wait of the current thread.
void arm(PKTHREAD thread, KPROCESSOR_MODE mode);
/// Sleeps until the wait is done. On the deadline or a kill claims the wait itself.
/// @return true if somebody else ended it; false: timed out or killed, status in wait_status
bool sleep_until_done(PKTHREAD thread, KPROCESSOR_MODE mode, const Deadline& deadline);

/// Releases waiters of an object that became signaled; under its lock.
void NTAPI satisfy_waiters(DISPATCHER_HEADER* object, WakeList& wake) noexcept;

/// The thread is about to sleep on, or woke up from, something else than its queue.
void leave_queue_for_sleep(PKTHREAD thread);
void reenter_queue_after_sleep(PKTHREAD thread);
/// The thread ends.
void forget_queue(PKTHREAD thread);

inline void initialize_header(DISPATCHER_HEADER* header, KOBJECTS type, size_t size, LONG state)
{
    header->Lock = 0;
    header->Type = UCHAR(type);
    header->Size = UCHAR(size / sizeof(LONG));
    header->SignalState = state;
    InitializeListHead(&header->WaitListHead);
}

} // namespace fsp::ntos::ke

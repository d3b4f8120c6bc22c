// SPDX-License-Identifier: MIT
#include "dll/srw_lock.h"

#include "dll/os.h"

#if defined(_WIN32)

namespace fsp::dll {
void acquire_exclusive(SRWLOCK& lock) { AcquireSRWLockExclusive(&lock); }
void release_exclusive(SRWLOCK& lock) { ReleaseSRWLockExclusive(&lock); }
void acquire_shared(SRWLOCK& lock) { AcquireSRWLockShared(&lock); }
void release_shared(SRWLOCK& lock) { ReleaseSRWLockShared(&lock); }
bool try_acquire_exclusive(SRWLOCK& lock) { return TryAcquireSRWLockExclusive(&lock); }
} // namespace fsp::dll

#else

namespace fsp::dll {
namespace {

/// The eight bytes of the lock.
struct Words
{
    UINT32 state; // writer bit, count of waiting writers, count of readers
    UINT32 turn;  // what sleepers sleep on: bit 0 says that there are some, the rest counts wake-ups
};
static_assert(sizeof(Words) == sizeof(SRWLOCK));

constexpr UINT32 writer = 0x80000000;
constexpr UINT32 waiting_writer = 0x00010000;
constexpr UINT32 waiting_writers = 0x7fff0000;
constexpr UINT32 readers = 0x0000ffff;
constexpr UINT32 sleepers = 1;

Words& words(SRWLOCK& lock) { return *reinterpret_cast<Words*>(&lock); }

bool exchange(UINT32& word, UINT32& expected, UINT32 value)
{
    return __atomic_compare_exchange_n(&word, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/// @param counted what this writer added to the state while it waits
bool try_write(Words& w, UINT32 counted)
{
    UINT32 state = __atomic_load_n(&w.state, __ATOMIC_SEQ_CST);
    while ((state & (writer | readers)) == 0)
        if (exchange(w.state, state, (state - counted) | writer))
            return true;
    return false;
}

bool try_read(Words& w)
{
    UINT32 state = __atomic_load_n(&w.state, __ATOMIC_SEQ_CST);
    while ((state & (writer | waiting_writers)) == 0)
        if (exchange(w.state, state, state + 1))
            return true;
    return false;
}

/// A release frees the state and then looks for the sleepers bit; here the bit is set before the state is
/// looked at for the last time. So either the release sees the bit, or the state is seen to be free.
template<class Try> void sleep_until(Words& w, Try try_acquire)
{
    for (;;) {
        UINT32 turn = __atomic_load_n(&w.turn, __ATOMIC_SEQ_CST);
        if (try_acquire())
            return;
        if ((turn & sleepers) == 0 && !exchange(w.turn, turn, turn | sleepers))
            continue;
        if (try_acquire())
            return;
        os::wait_on_address(&w.turn, turn | sleepers);
    }
}

void wake_sleepers(Words& w)
{
    UINT32 turn = __atomic_load_n(&w.turn, __ATOMIC_SEQ_CST);
    while ((turn & sleepers) != 0)
        if (exchange(w.turn, turn, (turn + 2) & ~sleepers)) {
            os::wake_all(&w.turn);
            return;
        }
}

} // namespace

void acquire_exclusive(SRWLOCK& lock)
{
    Words& w = words(lock);
    if (try_write(w, 0))
        return;
    __atomic_add_fetch(&w.state, waiting_writer, __ATOMIC_SEQ_CST);
    sleep_until(w, [&] { return try_write(w, waiting_writer); });
}

bool try_acquire_exclusive(SRWLOCK& lock) { return try_write(words(lock), 0); }

void release_exclusive(SRWLOCK& lock)
{
    Words& w = words(lock);
    __atomic_and_fetch(&w.state, ~writer, __ATOMIC_SEQ_CST);
    wake_sleepers(w);
}

void acquire_shared(SRWLOCK& lock)
{
    Words& w = words(lock);
    if (!try_read(w))
        sleep_until(w, [&] { return try_read(w); });
}

void release_shared(SRWLOCK& lock)
{
    Words& w = words(lock);
    if ((__atomic_sub_fetch(&w.state, 1, __ATOMIC_SEQ_CST) & readers) == 0)
        wake_sleepers(w);
}

} // namespace fsp::dll

#endif

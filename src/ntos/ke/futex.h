// SPDX-License-Identifier: MIT
/// @file Sleeping on a 32-bit word, and the lock of a few instructions that is built on it.
#pragma once

#include "winfsp/nt.h"

#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace fsp::ntos::ke {

/// Sleeps while *word == value; may return early. deadline: absolute, nullptr for ever. @return false on
/// timeout
inline bool futex_wait(const void* word, uint32_t value, const timespec* deadline = nullptr,
                       bool wall_clock = false)
{
    const int op = FUTEX_WAIT_BITSET_PRIVATE | (wall_clock ? FUTEX_CLOCK_REALTIME : 0);
    return syscall(SYS_futex, word, op, value, deadline, nullptr, FUTEX_BITSET_MATCH_ANY) == 0 ||
           errno != ETIMEDOUT;
}

/// Only the address counts: the word may already be gone.
inline void futex_wake(const void* word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

inline void pause_processor()
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/// The lock in a 32-bit word: 0 free, 1 held, 2 held and wanted.
inline bool word_try_lock(volatile uint32_t* word)
{
    uint32_t free = 0;
    return __atomic_compare_exchange_n(word, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// The slow halves are NTAPI, as all that the short routines of the kernel interface call: a routine of that
// convention saves ten vector registers before it calls any other, or has to unwind.

void NTAPI word_lock_slow(volatile uint32_t* word) noexcept;
void NTAPI word_wake(volatile uint32_t* word) noexcept;

inline void word_lock(volatile uint32_t* word)
{
    if (!word_try_lock(word)) [[unlikely]]
        word_lock_slow(word);
}

inline void word_unlock(volatile uint32_t* word)
{
    if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2) [[unlikely]]
        word_wake(word);
}

/// Holds a word for a scope.
class WordGuard
{
  public:
    explicit WordGuard(volatile uint32_t* word) : word_(word) { word_lock(word_); }
    explicit WordGuard(volatile uint64_t* word) : WordGuard(reinterpret_cast<volatile uint32_t*>(word)) {}
    WordGuard(const WordGuard&) = delete;
    ~WordGuard() { word_unlock(word_); }

  private:
    volatile uint32_t* word_;
};

} // namespace fsp::ntos::ke

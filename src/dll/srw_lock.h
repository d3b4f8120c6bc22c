// SPDX-License-Identifier: MIT
//
// Slim reader/writer lock: eight bytes in a public structure, all zeros is free.
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Writers are preferred: a waiting one keeps new readers out, so that a stream of readers cannot starve it.
/// Not recursive.
void acquire_exclusive(SRWLOCK& lock);
void release_exclusive(SRWLOCK& lock);
void acquire_shared(SRWLOCK& lock);
void release_shared(SRWLOCK& lock);
bool try_acquire_exclusive(SRWLOCK& lock);

class ExclusiveHold
{
  public:
    explicit ExclusiveHold(SRWLOCK& lock) : lock_(lock) { acquire_exclusive(lock_); }
    ExclusiveHold(const ExclusiveHold&) = delete;
    ~ExclusiveHold() { release_exclusive(lock_); }

  private:
    SRWLOCK& lock_;
};

class SharedHold
{
  public:
    explicit SharedHold(SRWLOCK& lock) : lock_(lock) { acquire_shared(lock_); }
    SharedHold(const SharedHold&) = delete;
    ~SharedHold() { release_shared(lock_); }

  private:
    SRWLOCK& lock_;
};

} // namespace fsp::dll

// SPDX-License-Identifier: MIT
/// @file A lock for a few instructions, without IRQL: what the executive protects of its own.
#pragma once

#include <atomic>
#include <sched.h>

namespace fsp::ntos {

class SpinLock
{
  public:
    void lock()
    {
        for (int spins = 0; held_.exchange(true, std::memory_order_acquire);)
            // The holder may have lost its processor: with few of them, spinning on is the wrong bet.
            if (++spins > 64)
                sched_yield();
    }
    void unlock() { held_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> held_{false};
};

} // namespace fsp::ntos

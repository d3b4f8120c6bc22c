// SPDX-License-Identifier: MIT
/// @file The thread object.
#pragma once

#include <ntifs.h>

#include <atomic>

namespace fsp::ntos::verifier {
struct HeldLocks;
}

namespace fsp::ntos::ke {

/// Where a wait is. The low bits are the phase; sleeping says that the thread needs a futex wake.
enum WaitPhase : uint32_t
{
    wait_idle = 0,
    wait_armed_kernel = 1,
    wait_armed_user = 2, ///< a kill may end it
    wait_claimed = 3,    ///< somebody decided how it ends and will say so
    wait_done = 4,
    wait_phase_mask = 7,
    wait_sleeping = 8,
};

} // namespace fsp::ntos::ke

/// What PKTHREAD and PETHREAD point to. Waits on it end when the thread does.
struct _KTHREAD
{
    DISPATCHER_HEADER header;

    std::atomic<uint32_t> wait_word;
    KIRQL irql;
    std::atomic<bool> terminating;
    bool system;
    int critical_regions;
    int guarded_regions;
    KPRIORITY priority;

    /// How the wait ended; written before wait_done.
    NTSTATUS wait_status;
    PLIST_ENTRY wait_entry;
    PKTHREAD wake_next;

    /// The queue whose packets the thread works on; guarded by the association lock.
    PKQUEUE queue;
    LIST_ENTRY queue_link;

    uint32_t id;
    bool exited;
    LIST_ENTRY all_link;
    fsp::ntos::verifier::HeldLocks* held_locks;
};

struct _ETHREAD : _KTHREAD
{};

namespace fsp::ntos::ke {

extern constinit thread_local PKTHREAD current_thread_or_null __attribute__((tls_model("initial-exec")));
[[gnu::cold]] PKTHREAD NTAPI attach_current_thread();

inline PKTHREAD current_thread()
{
    PKTHREAD t = current_thread_or_null;
    return t != nullptr ? t : attach_current_thread();
}

} // namespace fsp::ntos::ke

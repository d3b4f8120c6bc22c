// SPDX-License-Identifier: MIT
/// @file What ob, io and se remember of each thread.
#pragma once

#include "ntos/ex/pool_cache.h"
#include "ntos/ob/object.h"
#include "ntos/ob/spin_lock.h"

namespace fsp::ntos::ps {

struct ThreadState
{
    PETHREAD thread = nullptr;
    /// The process whose handles and token count; changed by KeStackAttachProcess.
    PEPROCESS process = nullptr;
    /// The client's token while impersonating (holds a reference), or nullptr.
    PACCESS_TOKEN client = nullptr;
    SECURITY_IMPERSONATION_LEVEL client_level = SecurityAnonymous;
    BOOLEAN client_copy_on_open = FALSE;
    BOOLEAN client_effective_only = FALSE;
    PIRP top_level_irp = nullptr;

    /// IRPs in flight, linked by ThreadListEntry. Other threads complete and cancel them.
    SpinLock irp_lock;
    LIST_ENTRY irps = {&irps, &irps};
    /// The thread is gone; whoever takes the last IRP out of the list frees this.
    bool exited = false;

    ex::PoolCache pool;

    ThreadState* next = nullptr;
    ThreadState* previous = nullptr;
};

extern constinit thread_local ThreadState* current_state __attribute__((tls_model("initial-exec")));
[[gnu::cold]] ThreadState* NTAPI attach_current_thread();

inline ThreadState& current()
{
    ThreadState* s = current_state;
    return s != nullptr ? *s : *attach_current_thread();
}

/// Calls f for every thread that called in, under the registry's lock. The state may be that of a thread that
/// exited with IRPs in flight.
void each_thread(void (*f)(ThreadState&, void* context), void* context);

/// Gives threads that called in before there were processes the host process.
void adopt_early_threads();

/// The state of a thread object, or nullptr. Only while the thread lives.
ThreadState* state_of(PETHREAD thread);

} // namespace fsp::ntos::ps

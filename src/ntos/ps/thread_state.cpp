// SPDX-License-Identifier: MIT
#include "ntos/ps/thread_state.h"

#include "ntos/io/irp.h"
#include "ntos/ps/process.h"

#include <mutex>
#include <utility>

namespace fsp::ntos::ps {

constinit thread_local ThreadState* current_state __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

std::mutex registry_lock;
ThreadState* first;

void unregister(ThreadState* s)
{
    std::lock_guard guard(registry_lock);
    (s->previous != nullptr ? s->previous->next : first) = s->next;
    if (s->next != nullptr)
        s->next->previous = s->previous;
}

/// Runs at thread exit. What is still in flight is cancelled, as a dying thread does on Windows; it is not
/// waited for.
struct ExitGuard
{
    ~ExitGuard()
    {
        ThreadState* s = current_state;
        if (s == nullptr)
            return;
        io::cancel_irps(*s, nullptr, nullptr);
        if (s->client != nullptr)
            ob::dereference(std::exchange(s->client, nullptr));
        bool idle = false;
        {
            std::lock_guard guard(s->irp_lock);
            s->exited = true;
            idle = s->irps.Flink == &s->irps;
        }
        current_state = nullptr;
        unregister(s);
        if (idle)
            delete s;
    }
};

thread_local ExitGuard exit_guard;

} // namespace

ThreadState* NTAPI attach_current_thread()
{
    (void)&exit_guard;
    auto* s = new ThreadState;
    current_state = s;
    s->thread = PsGetCurrentThread();
    s->process = host_process();
    std::lock_guard guard(registry_lock);
    s->next = first;
    if (first != nullptr)
        first->previous = s;
    first = s;
    return s;
}

void each_thread(void (*f)(ThreadState&, void* context), void* context)
{
    std::lock_guard guard(registry_lock);
    for (ThreadState* s = first; s != nullptr; s = s->next)
        f(*s, context);
}

void adopt_early_threads()
{
    std::lock_guard guard(registry_lock);
    for (ThreadState* s = first; s != nullptr; s = s->next)
        if (s->process == nullptr)
            s->process = host_process();
}

ThreadState* state_of(PETHREAD thread)
{
    if (current_state != nullptr && current_state->thread == thread)
        return current_state;
    std::lock_guard guard(registry_lock);
    for (ThreadState* s = first; s != nullptr; s = s->next)
        if (s->thread == thread)
            return s;
    return nullptr;
}

} // namespace fsp::ntos::ps

// SPDX-License-Identifier: MIT
//
// A fault in a guarded copy jumps back to where the copy began. Nothing but the copy runs in between, so no
// destructor is skipped. All other faults go to whoever handled them before.
#include "mm/guarded_copy.h"

#include <csetjmp>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <mutex>

#include <ntifs.h>
#include <ucontext.h>

namespace fsp::ntos::mm {

namespace {

/// Where the thread's copy began; null outside of one.
constinit thread_local sigjmp_buf* volatile copy_began __attribute__((tls_model("initial-exec"))) = nullptr;

struct sigaction previous_segv, previous_bus;

void pass_on(const struct sigaction& previous, int signal, siginfo_t* info, void* context)
{
    if (previous.sa_flags & SA_SIGINFO)
        previous.sa_sigaction(signal, info, context);
    else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN)
        // The instruction runs again, and this time the fault ends the process.
        sigaction(signal, &previous, nullptr);
    else
        previous.sa_handler(signal);
}

void on_fault(int signal, siginfo_t* info, void* context)
{
    if (sigjmp_buf* began = copy_began) {
        copy_began = nullptr;
        // The jump must not leave signals blocked. A handler that calls this one, such as ThreadSanitizer's,
        // may have been installed with all of them in its mask.
        pthread_sigmask(SIG_SETMASK, &static_cast<const ucontext_t*>(context)->uc_sigmask, nullptr);
        siglongjmp(*began, 1);
    }
    pass_on(signal == SIGBUS ? previous_bus : previous_segv, signal, info, context);
}

void install_handler_once()
{
    static std::once_flag installed;
    std::call_once(installed, [] {
        struct sigaction action{};
        action.sa_sigaction = on_fault;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
        sigaction(SIGSEGV, &action, &previous_segv);
        sigaction(SIGBUS, &action, &previous_bus);
    });
}

template<class Copy> bool guarded(Copy copy) noexcept
{
    install_handler_once();
    sigjmp_buf began;
    if (sigsetjmp(began, 0) != 0)
        return false;
    copy_began = &began;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    copy();
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    copy_began = nullptr;
    return true;
}

} // namespace

bool try_copy(void* to, const void* from, size_t size) noexcept
{
    return guarded([=] { std::memmove(to, from, size); });
}

bool try_zero(void* to, size_t size) noexcept
{
    return guarded([=] { std::memset(to, 0, size); });
}

bool try_touch(const void* address, size_t size, bool write) noexcept
{
    if (size == 0)
        return true;
    const auto first = reinterpret_cast<uintptr_t>(address), last = first + size - 1;
    return guarded([=] {
        for (uintptr_t at = first; at <= last; at = (at | (PAGE_SIZE - 1)) + 1) {
            auto* byte = reinterpret_cast<char*>(at);
            // Whoever changes the byte at the same time must not lose that.
            if (write)
                __atomic_fetch_or(byte, char{0}, __ATOMIC_RELAXED);
            else
                (void)__atomic_load_n(byte, __ATOMIC_RELAXED);
        }
    });
}

} // namespace fsp::ntos::mm

using namespace fsp::ntos;

extern "C" {

VOID NTAPI CopyFromUser(PVOID Destination, const VOID* Source, SIZE_T Length)
{
    if (!mm::try_copy(Destination, Source, Length))
        ExRaiseAccessViolation();
}

VOID NTAPI CopyToUser(PVOID Destination, const VOID* Source, SIZE_T Length)
{
    CopyFromUser(Destination, Source, Length);
}

VOID NTAPI ZeroUserMemory(PVOID Destination, SIZE_T Length)
{
    if (!mm::try_zero(Destination, Length))
        ExRaiseAccessViolation();
}

} // extern "C"

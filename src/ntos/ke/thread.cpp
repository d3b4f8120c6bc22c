// SPDX-License-Identifier: MIT
#include "ke/thread.h"

#include "ke/wait.h"
#include "ntos/thread.h"
#include "ob/object.h"
#include "verifier/checks.h"

#include <csetjmp>
#include <mutex>
#include <thread>

#include <pthread.h>
#include <sched.h>

namespace fsp::ntos::ob {

Type thread_type = {
    .name = u"Thread",
    .mapping = {STANDARD_RIGHTS_READ, STANDARD_RIGHTS_WRITE, STANDARD_RIGHTS_EXECUTE | SYNCHRONIZE,
                THREAD_ALL_ACCESS},
    .valid_access = THREAD_ALL_ACCESS,
    .wait_offset = 0,
    .last_handle_closed = nullptr,
    .destroy = nullptr,
    .release = nullptr,
};

} // namespace fsp::ntos::ob

namespace fsp::ntos::ke {

constinit thread_local PKTHREAD current_thread_or_null __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

std::mutex registry_lock;
LIST_ENTRY registry = {&registry, &registry};

void end_thread(PKTHREAD thread)
{
    if (verifier::enabled)
        verifier::check_thread_is_clean("thread exit");
    verifier::forget_thread(thread);
    forget_queue(thread);
    {
        std::lock_guard guard(registry_lock);
        RemoveEntryList(&thread->all_link);
        thread->exited = true;
    }
    WakeList wake;
    lock_object(&thread->header);
    set_state(&thread->header, 1);
    satisfy_waiters(&thread->header, wake);
    unlock_object(&thread->header);
    wake.release();
    // In this order: a call that asks for the current thread would make another one.
    ob::dereference(thread);
    current_thread_or_null = nullptr;
}

/// A key's destructor runs after those of all C++ thread locals, which may still call into the executive.
pthread_key_t exit_key()
{
    static const pthread_key_t key = [] {
        pthread_key_t k;
        pthread_key_create(&k, [](void* t) { end_thread(static_cast<PKTHREAD>(t)); });
        return k;
    }();
    return key;
}

struct SystemThread
{
    PKSTART_ROUTINE start;
    PVOID context;
    KEVENT started;
    PKTHREAD thread;
};

/// Where PsTerminateSystemThread returns to.
thread_local jmp_buf* system_thread_exit = nullptr;

void run_system_thread(SystemThread* parameters)
{
    PKTHREAD thread = current_thread();
    thread->system = true;
    PKSTART_ROUTINE start = parameters->start;
    PVOID context = parameters->context;
    ob::reference(thread);
    parameters->thread = thread;
    KeSetEvent(&parameters->started, IO_NO_INCREMENT, FALSE);
    jmp_buf exit;
    if (setjmp(exit) == 0) {
        system_thread_exit = &exit;
        start(context);
    }
    system_thread_exit = nullptr;
}

} // namespace

PKTHREAD NTAPI attach_current_thread()
{
    auto thread = static_cast<PKTHREAD>(ob::allocate(&ob::thread_type, sizeof(_ETHREAD)));
    if (thread == nullptr)
        KeBugCheck(0x2D); // without a thread object nothing can even fail
    initialize_header(&thread->header, ThreadObject, sizeof(_ETHREAD), 0);
    thread->id = uint32_t(gettid());
    thread->priority = 8;
    current_thread_or_null = thread;
    pthread_setspecific(exit_key(), thread);
    std::lock_guard guard(registry_lock);
    InsertTailList(&registry, &thread->all_link);
    return thread;
}

} // namespace fsp::ntos::ke

namespace fsp::ntos {

using namespace ke;

void terminate_thread(PETHREAD thread)
{
    thread->terminating.store(true, std::memory_order_seq_cst);
    // The waiter ends its wait itself; here it is only made to look. Without the bit a sleep that is about to
    // begin fails.
    uint32_t word = thread->wait_word.load(std::memory_order_seq_cst);
    while (word == (wait_armed_user | wait_sleeping))
        if (thread->wait_word.compare_exchange_weak(word, wait_armed_user)) {
            futex_wake(&thread->wait_word, 1);
            return;
        }
}

bool is_system_thread(PETHREAD thread) { return thread->system; }

} // namespace fsp::ntos

using namespace fsp::ntos;

extern "C" {

PKTHREAD NTAPI KeGetCurrentThread() { return current_thread(); }
BOOLEAN NTAPI PsIsSystemThread(PETHREAD Thread) { return Thread->system; }
BOOLEAN NTAPI IoIsSystemThread(PETHREAD Thread) { return Thread->system; }
BOOLEAN NTAPI PsIsThreadTerminating(PETHREAD Thread) { return Thread->terminating.load(); }
HANDLE NTAPI PsGetCurrentThreadId() { return HANDLE(uintptr_t(current_thread()->id)); }
HANDLE NTAPI PsGetThreadId(PETHREAD Thread) { return HANDLE(uintptr_t(Thread->id)); }

NTSTATUS NTAPI PsLookupThreadByThreadId(HANDLE ThreadId, PETHREAD* Thread)
{
    std::lock_guard guard(registry_lock);
    for (PLIST_ENTRY e = registry.Flink; e != &registry; e = e->Flink) {
        PKTHREAD thread = CONTAINING_RECORD(e, _KTHREAD, all_link);
        if (thread->id != uintptr_t(ThreadId))
            continue;
        ob::reference(thread);
        *Thread = static_cast<PETHREAD>(thread);
        return STATUS_SUCCESS;
    }
    return STATUS_INVALID_CID;
}

VOID NTAPI KeEnterCriticalRegion() { current_thread()->critical_regions++; }

VOID NTAPI KeLeaveCriticalRegion()
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_leave_region(thread, thread->critical_regions, "critical");
    thread->critical_regions--;
}

VOID NTAPI KeEnterGuardedRegion() { current_thread()->guarded_regions++; }

VOID NTAPI KeLeaveGuardedRegion()
{
    PKTHREAD thread = current_thread();
    if (verifier::enabled) [[unlikely]]
        verifier::check_leave_region(thread, thread->guarded_regions, "guarded");
    thread->guarded_regions--;
}

BOOLEAN NTAPI KeAreApcsDisabled()
{
    PKTHREAD thread = current_thread();
    return thread->critical_regions != 0 || thread->guarded_regions != 0;
}

BOOLEAN NTAPI KeAreAllApcsDisabled()
{
    PKTHREAD thread = current_thread();
    return thread->guarded_regions != 0 || thread->irql >= APC_LEVEL;
}

KPRIORITY NTAPI KeSetPriorityThread(PKTHREAD Thread, KPRIORITY Priority)
{
    const KPRIORITY before = Thread->priority;
    Thread->priority = Priority;
    return before;
}

KPRIORITY NTAPI KeQueryPriorityThread(PKTHREAD Thread) { return Thread->priority; }

LONG NTAPI KeSetBasePriorityThread(PKTHREAD Thread, LONG Increment)
{
    const LONG before = Thread->priority - 8;
    Thread->priority = 8 + Increment;
    return before;
}

ULONG NTAPI KeGetCurrentProcessorNumber() { return ULONG(sched_getcpu()); }

ULONG NTAPI KeQueryActiveProcessorCount(KAFFINITY* ActiveProcessors)
{
    static const ULONG count = [] {
        const unsigned n = std::thread::hardware_concurrency();
        return n != 0 ? ULONG(n) : 1;
    }();
    if (ActiveProcessors != nullptr)
        *ActiveProcessors = count >= 64 ? ~KAFFINITY(0) : (KAFFINITY(1) << count) - 1;
    return count;
}

KAFFINITY NTAPI KeQueryActiveProcessors()
{
    KAFFINITY active;
    KeQueryActiveProcessorCount(&active);
    return active;
}

ULONG NTAPI KeQueryActiveProcessorCountEx(USHORT) { return KeQueryActiveProcessorCount(nullptr); }
ULONG NTAPI KeQueryMaximumProcessorCount() { return KeQueryActiveProcessorCount(nullptr); }
ULONG NTAPI KeQueryMaximumProcessorCountEx(USHORT) { return KeQueryActiveProcessorCount(nullptr); }

NTSTATUS NTAPI PsCreateSystemThread(PHANDLE ThreadHandle, ULONG DesiredAccess,
                                    POBJECT_ATTRIBUTES ObjectAttributes, HANDLE, PCLIENT_ID ClientId,
                                    PKSTART_ROUTINE StartRoutine, PVOID StartContext)
{
    SystemThread parameters{StartRoutine, StartContext, {}, nullptr};
    KeInitializeEvent(&parameters.started, NotificationEvent, FALSE);
    try {
        std::thread(run_system_thread, &parameters).detach();
    } catch (const std::exception&) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    KeWaitForSingleObject(&parameters.started, Executive, KernelMode, FALSE, nullptr);
    if (ClientId != nullptr)
        *ClientId = {nullptr, HANDLE(uintptr_t(parameters.thread->id))};
    NTSTATUS status = STATUS_SUCCESS;
    if (ThreadHandle != nullptr)
        status = ob::create_handle(
            parameters.thread, DesiredAccess,
            ObjectAttributes != nullptr ? ObjectAttributes->Attributes : OBJ_KERNEL_HANDLE, ThreadHandle);
    ob::dereference(parameters.thread);
    return status;
}

NTSTATUS NTAPI PsTerminateSystemThread(NTSTATUS)
{
    if (system_thread_exit == nullptr)
        return STATUS_INVALID_PARAMETER;
    // As on NT, nothing on the stack is unwound.
    longjmp(*system_thread_exit, 1);
}

} // extern "C"

// SPDX-License-Identifier: MIT
#include "ntos/ps/process.h"

#include "ntos/ob/close.h"
#include "ntos/ps/thread_state.h"
#include "ntos/se/token.h"
#include "ntos/verifier.h"

#include <algorithm>
#include <mutex>
#include <unistd.h>
#include <vector>

namespace fsp::ntos {

namespace ps {

namespace {

PEPROCESS system_process_;
PEPROCESS host_process_;
std::atomic<uintptr_t> next_id{1u << 22};

std::mutex registry_lock;
std::vector<PEPROCESS> registry;
std::vector<PCREATE_PROCESS_NOTIFY_ROUTINE> notify_routines;

PEPROCESS make_process(PACCESS_TOKEN token, HANDLE id)
{
    PEPROCESS process = ob::create<_EPROCESS>(&ob::process_type);
    if (process == nullptr)
        return nullptr;
    KeInitializeEvent(&process->ended, NotificationEvent, FALSE);
    process->id = id;
    process->token = token;
    KeQuerySystemTime(&process->create_time);
    ob::reference(token);
    std::lock_guard guard(registry_lock);
    registry.push_back(process);
    return process;
}

std::vector<PCREATE_PROCESS_NOTIFY_ROUTINE> routines()
{
    std::lock_guard guard(registry_lock);
    return notify_routines;
}

void notify(PEPROCESS process, bool created)
{
    for (auto routine : routines())
        routine(system_process_->id, process->id, created);
}

} // namespace

PEPROCESS system_process() { return system_process_; }
PEPROCESS host_process() { return host_process_; }

NTSTATUS create_processes()
{
    system_process_ = make_process(system_token(), reinterpret_cast<HANDLE>(4));
    host_process_ = make_process(system_token(), reinterpret_cast<HANDLE>(static_cast<uintptr_t>(getpid())));
    PsInitialSystemProcess = system_process_;
    return system_process_ != nullptr && host_process_ != nullptr ? STATUS_SUCCESS
                                                                  : STATUS_INSUFFICIENT_RESOURCES;
}

} // namespace ps

PEPROCESS create_process(PACCESS_TOKEN token)
{
    ob::Ref<void> own;
    if (token == nullptr) {
        own = ob::Ref<void>(PsReferencePrimaryToken(ps::host_process()));
        token = own.get();
    }
    PEPROCESS process = ps::make_process(token, reinterpret_cast<HANDLE>(ps::next_id.fetch_add(4)));
    if (process != nullptr)
        ps::notify(process, true);
    return process;
}

void terminate_process(PEPROCESS process)
{
    if (process->exiting.exchange(true))
        return;
    {
        ProcessScope scope(process);
        ps::notify(process, false);
        process->handles.each([&](uint32_t index) { ob::close_index(process, index); });
    }
    KeSetEvent(&process->ended, 0, FALSE);
}

ULONG handle_count(PEPROCESS process) { return process->handles.in_use(); }

void set_primary_token(PEPROCESS process, PACCESS_TOKEN token)
{
    ob::reference(token);
    {
        std::lock_guard guard(process->token_lock);
        std::swap(process->token, token);
    }
    if (token != nullptr)
        ob::dereference(token);
}

ProcessScope::ProcessScope(PEPROCESS process) : before_(std::exchange(ps::current().process, process)) {}
ProcessScope::~ProcessScope() { ps::current().process = before_; }

} // namespace fsp::ntos

using namespace fsp::ntos;

_EPROCESS::~_EPROCESS()
{
    {
        std::lock_guard guard(ps::registry_lock);
        std::erase(ps::registry, this);
    }
    if (token != nullptr)
        ob::dereference(token);
}

extern "C" {

PEPROCESS NTAPI PsGetCurrentProcess() { return ps::current().process; }
PEPROCESS NTAPI IoGetCurrentProcess() { return ps::current().process; }
HANDLE NTAPI PsGetCurrentProcessId() { return ps::current().process->id; }
HANDLE NTAPI PsGetProcessId(PEPROCESS Process) { return Process->id; }
LONGLONG NTAPI PsGetProcessCreateTimeQuadPart(PEPROCESS Process) { return Process->create_time.QuadPart; }

PEPROCESS NTAPI PsGetThreadProcess(PETHREAD Thread)
{
    ps::ThreadState* t = ps::state_of(Thread);
    return t != nullptr ? t->process : ps::host_process();
}
PEPROCESS NTAPI IoThreadToProcess(PETHREAD Thread) { return PsGetThreadProcess(Thread); }
HANDLE NTAPI PsGetThreadProcessId(PETHREAD Thread) { return PsGetThreadProcess(Thread)->id; }

NTSTATUS NTAPI PsGetProcessExitStatus(PEPROCESS Process)
{
    return Process->exiting.load() ? STATUS_SUCCESS : STATUS_PENDING;
}

VOID NTAPI KeStackAttachProcess(PEPROCESS Process, PKAPC_STATE ApcState)
{
    ApcState->Process = std::exchange(ps::current().process, Process);
}

VOID NTAPI KeUnstackDetachProcess(PKAPC_STATE ApcState) { ps::current().process = ApcState->Process; }

NTSTATUS NTAPI PsLookupProcessByProcessId(HANDLE ProcessId, PEPROCESS* Process)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    std::lock_guard guard(ps::registry_lock);
    for (PEPROCESS p : ps::registry)
        if (p->id == ProcessId) {
            // One that is already on its way out has no references left to share.
            auto& count = ob::Header::of(p)->references;
            for (int64_t n = count.load(); n > 0;)
                if (count.compare_exchange_weak(n, n + 1)) {
                    *Process = p;
                    return STATUS_SUCCESS;
                }
        }
    return STATUS_INVALID_PARAMETER;
}

NTSTATUS NTAPI PsSetCreateProcessNotifyRoutine(PCREATE_PROCESS_NOTIFY_ROUTINE NotifyRoutine, BOOLEAN Remove)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    constexpr size_t most = 64;
    std::lock_guard guard(ps::registry_lock);
    auto& all = ps::notify_routines;
    const auto it = std::find(all.begin(), all.end(), NotifyRoutine);
    if (Remove) {
        if (it == all.end())
            return STATUS_PROCEDURE_NOT_FOUND;
        all.erase(it);
        return STATUS_SUCCESS;
    }
    if (all.size() >= most || it != all.end())
        return STATUS_INVALID_PARAMETER;
    all.push_back(NotifyRoutine);
    return STATUS_SUCCESS;
}

} // extern "C"

// SPDX-License-Identifier: MIT
//
// The dispatcher: a chain of threads that fetch requests and run operations.
#include <cstdlib>

#include "dll/inline_dispatch.h"
#include "dll/operation.h"
#include "dll/os.h"

namespace fsp::dll {
namespace {

/// The DispatcherStopping bit is written while other threads read its neighbours.
UINT16* stopping_word(FSP_FILE_SYSTEM* fs)
{
    return reinterpret_cast<UINT16*>(&fs->UmFileContextIsFullContext + 1);
}
constexpr UINT16 stopping_bit = 0x8000;

bool is_stopping(FSP_FILE_SYSTEM* fs)
{
    return (__atomic_load_n(stopping_word(fs), __ATOMIC_ACQUIRE) & stopping_bit) != 0;
}

/// Tells the driver that the file system is ready: it refuses requests before.
NTSTATUS transact0(FSP_FILE_SYSTEM* fs)
{
    return FspFsctlTransact(fs->VolumeHandle, nullptr, 0, nullptr, nullptr, FALSE);
}

/// The messages of one dispatcher thread.
struct Buffers
{
    alignas(16) UINT8 request[FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN];
    alignas(16) UINT8 response[FSP_FSCTL_TRANSACT_RSP_SIZEMAX];
};

/// Serves requests until a transact fails; returns that failure.
NTSTATUS serve(FSP_FILE_SYSTEM* fs)
{
    auto* buffers = static_cast<Buffers*>(std::malloc(sizeof(Buffers)));
    if (buffers == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto* request = reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(buffers->request);
    auto* response = reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(buffers->response);

    SIZE_T response_size = 0;
    NTSTATUS status = transact0(fs);
    while (NT_SUCCESS(status)) {
        SIZE_T request_size = sizeof buffers->request;
        status = FspFsctlTransact(fs->VolumeHandle, response_size != 0 ? response : nullptr, response_size,
                                  request, &request_size, FALSE);
        response_size = 0;
        if (NT_SUCCESS(status) && request_size != 0 && run_operation(fs, request, response))
            response_size = response->Size;
    }
    std::free(buffers);
    return status;
}

/// A link of the chain: starts the next before it serves, waits for the next before it ends. So the first
/// thread outlives all others.
struct Link
{
    FSP_FILE_SYSTEM* fs;
    ULONG left; // threads in the chain from this one on
    bool first;
};

void run_link(PVOID parameter)
{
    Link link = *static_cast<Link*>(parameter);
    std::free(parameter);
    FSP_FILE_SYSTEM* fs = link.fs;

    HANDLE next_thread = nullptr;
    NTSTATUS status = STATUS_SUCCESS;
    if (link.left > 1) {
        auto* next = static_cast<Link*>(std::malloc(sizeof(Link)));
        if (next != nullptr)
            *next = {fs, link.left - 1, false};
        status =
            next != nullptr ? os::start_thread(run_link, next, &next_thread) : STATUS_INSUFFICIENT_RESOURCES;
        if (!NT_SUCCESS(status))
            std::free(next);
    }
    if (NT_SUCCESS(status))
        status = serve(fs);
    fail_dispatcher(fs, status);
    if (next_thread != nullptr)
        os::join_thread(next_thread);

    if (link.first) {
        stop_inline_dispatch(fs);
        if (fs->Interface->DispatcherStopped != nullptr)
            fs->Interface->DispatcherStopped(fs, is_stopping(fs));
    }
}

ULONG thread_count(ULONG asked)
{
    if (asked != 0)
        return asked < 2 ? 2 : asked;
    const ULONG processors = os::processor_count();
    return processors < 4 ? 4 : processors > 16 ? 16 : processors;
}

} // namespace
} // namespace fsp::dll

NTSTATUS FspFileSystemStartDispatcher(FSP_FILE_SYSTEM* FileSystem, ULONG ThreadCount)
{
    using namespace fsp::dll;
    if (FileSystem->DispatcherThread != nullptr)
        return STATUS_INVALID_PARAMETER;

    ThreadCount = thread_count(ThreadCount);
    NTSTATUS status = transact0(FileSystem);
    if (!NT_SUCCESS(status))
        return status;

    auto* link = static_cast<Link*>(std::malloc(sizeof(Link)));
    if (link == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    *link = {FileSystem, ThreadCount, true};
    FileSystem->DispatcherThreadCount = ThreadCount;
    FileSystem->DispatcherResult = STATUS_SUCCESS;

    // Before the threads, because the last thing that the first of them does is to end inline dispatch.
    start_inline_dispatch(FileSystem, ThreadCount);
    status = os::start_thread(run_link, link, &FileSystem->DispatcherThread);
    if (!NT_SUCCESS(status)) {
        stop_inline_dispatch(FileSystem);
        std::free(link);
        FileSystem->DispatcherThread = nullptr;
    }
    return status;
}

VOID FspFileSystemStopDispatcher(FSP_FILE_SYSTEM* FileSystem)
{
    using namespace fsp::dll;
    if (FileSystem->DispatcherThread == nullptr)
        return;

    __atomic_fetch_or(stopping_word(FileSystem), stopping_bit, __ATOMIC_SEQ_CST);
    FspFsctlStop0(FileSystem->VolumeHandle);
    os::join_thread(FileSystem->DispatcherThread);
    FileSystem->DispatcherThread = nullptr;
    // No thread is left that could answer what user mode still holds: cancel it.
    FspFsctlStop(FileSystem->VolumeHandle);
    __atomic_fetch_and(stopping_word(FileSystem), static_cast<UINT16>(~stopping_bit), __ATOMIC_SEQ_CST);
}

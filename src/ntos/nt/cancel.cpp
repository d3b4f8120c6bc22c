// SPDX-License-Identifier: MIT
/// @file Cancelling a client's requests.
#include "ntos/nt/file_call.h"
#include "ntos/thread.h"

#include <vector>

namespace fsp::ntos {

namespace nt_service {

namespace {

/// Cancels requests of one thread on a file.
NTSTATUS cancel_own(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb)
{
    Call call(mode);
    const NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    io::cancel_irps(ps::current(), call.file.get(), nullptr);
    *iosb = {{STATUS_SUCCESS}, 0};
    return STATUS_SUCCESS;
}

struct Search
{
    PFILE_OBJECT file;
    PIO_STATUS_BLOCK request;
    int found;
};

NTSTATUS cancel_any(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK request, PIO_STATUS_BLOCK iosb)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    Search search{call.file.get(), request, 0};
    ps::each_thread(
        [](ps::ThreadState& t, void* context) {
            auto& s = *static_cast<Search*>(context);
            s.found += io::cancel_irps(t, s.file, s.request);
        },
        &search);
    status = search.found != 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    *iosb = {{status}, 0};
    return status;
}

NTSTATUS cancel_thread(KPROCESSOR_MODE mode, HANDLE thread, PIO_STATUS_BLOCK request, PIO_STATUS_BLOCK iosb)
{
    ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    NTSTATUS status = ob::reference_by_handle(thread, 0, &ob::thread_type, mode, object.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    ps::ThreadState* t = ps::state_of(static_cast<PETHREAD>(object.get()));
    status = t != nullptr && io::cancel_irps(*t, nullptr, request) != 0 ? STATUS_SUCCESS : STATUS_NOT_FOUND;
    *iosb = {{status}, 0};
    return status;
}

} // namespace

} // namespace nt_service

void cancel_thread_io(PETHREAD thread)
{
    struct Target
    {
        PETHREAD thread;
    } target{thread};
    ps::each_thread(
        [](ps::ThreadState& t, void* context) {
            if (t.thread == static_cast<Target*>(context)->thread)
                io::cancel_irps(t, nullptr, nullptr);
        },
        &target);
}

} // namespace fsp::ntos

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(CancelIoFile, cancel_own, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock), FileHandle,
                   IoStatusBlock)
FSP_DEFINE_SERVICE(CancelIoFileEx, cancel_any,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoRequestToCancel, PIO_STATUS_BLOCK IoStatusBlock),
                   FileHandle, IoRequestToCancel, IoStatusBlock)
FSP_DEFINE_SERVICE(CancelSynchronousIoFile, cancel_thread,
                   (HANDLE ThreadHandle, PIO_STATUS_BLOCK IoRequestToCancel, PIO_STATUS_BLOCK IoStatusBlock),
                   ThreadHandle, IoRequestToCancel, IoStatusBlock)

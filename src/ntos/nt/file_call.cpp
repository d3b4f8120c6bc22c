// SPDX-License-Identifier: MIT
#include "ntos/nt/file_call.h"

#include "nt/posix_call.h"
#include "ntos/raise.h"

namespace fsp::ntos::nt_service {

namespace {

NTSTATUS reference_event(HANDLE handle, KPROCESSOR_MODE mode, PKEVENT* event)
{
    *event = nullptr;
    if (handle == nullptr)
        return STATUS_SUCCESS;
    void* body = nullptr;
    ACCESS_MASK granted = 0;
    const NTSTATUS status =
        ob::reference_by_handle(handle, EVENT_MODIFY_STATE, &ob::event_type, mode, &body, &granted);
    if (NT_SUCCESS(status))
        *event = static_cast<PKEVENT>(body);
    return status;
}

} // namespace

void Completion::signal(const Call& call, const IO_STATUS_BLOCK& result) const
{
    *iosb = result;
    if (event == nullptr)
        return;
    PKEVENT e = nullptr;
    if (NT_SUCCESS(reference_event(event, call.mode, &e))) {
        KeSetEvent(e, 0, FALSE);
        ob::dereference(e);
    }
}

NTSTATUS send_locked(Call& call, io::FileLock& lock, io::Request& request, const Completion& completion)
{
    PKEVENT event = nullptr;
    NTSTATUS status = reference_event(completion.event, call.mode, &event);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    if (event != nullptr)
        KeClearEvent(event);
    PIRP irp = request.irp;

    // What a POSIX caller says beside its request is a record of the thread: it must not go on elsewhere.
    if (call.synchronous() || nt::current_posix_call() != nullptr) {
        io::Waiter waiter;
        status = io::send_and_wait(call.device, irp, waiter);
        lock.release();
        *completion.iosb = waiter.iosb;
        if (event != nullptr) {
            KeSetEvent(event, 0, FALSE);
            ob::dereference(event);
        }
        return status;
    }

    KeClearEvent(&call.file->Event);
    irp->UserIosb = completion.iosb;
    irp->UserEvent = event;
    irp->Overlay.AsynchronousParameters.UserApcRoutine = completion.routine;
    irp->Overlay.AsynchronousParameters.UserApcContext = completion.context;
    irp->Flags |= IRP_DEFER_IO_COMPLETION;
    io::enqueue(irp);
    // The request keeps the file from here on.
    (void)call.file.release();
    status = IofCallDriver(call.device, irp);
    if (status != STATUS_PENDING)
        io::finish(irp);
    return status;
}

NTSTATUS send(Call& call, io::Request& request, const Completion& completion)
{
    io::FileLock lock(call.file.get());
    return send_locked(call, lock, request, completion);
}

NTSTATUS send_synchronous(Call& call, io::Request& request, PIO_STATUS_BLOCK iosb)
{
    io::FileLock lock(call.file.get());
    io::Waiter waiter;
    const NTSTATUS status = io::send_and_wait(call.device, request.irp, waiter);
    *iosb = waiter.iosb;
    return status;
}

void discard(io::Request& request)
{
    PIRP irp = request.irp;
    for (PMDL mdl = irp->MdlAddress; mdl != nullptr; mdl = mdl->Next)
        if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0)
            MmUnlockPages(mdl);
    irp->Flags = (irp->Flags & ~static_cast<ULONG>(IRP_INPUT_OPERATION)) | IRP_SYNCHRONOUS_API;
    io::finish(irp);
}

NTSTATUS give_mdl(Call& call, io::Request& request, PVOID buffer, ULONG length, LOCK_OPERATION operation)
{
    if (length == 0)
        return STATUS_SUCCESS;
    PMDL mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, request.irp);
    if (mdl == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    try {
        MmProbeAndLockPages(mdl, call.mode, operation);
    } catch (const RaisedStatus& raised) {
        return raised.status;
    }
    return STATUS_SUCCESS;
}

NTSTATUS give_buffer(Call& call, io::Request& request, PVOID buffer, ULONG length, bool to_caller)
{
    if ((call.device->Flags & DO_BUFFERED_IO) != 0) {
        if (length == 0)
            return STATUS_SUCCESS;
        return io::give_system_buffer(request, length, to_caller ? nullptr : buffer, to_caller ? 0 : length,
                                      to_caller ? buffer : nullptr);
    }
    request.irp->UserBuffer = buffer;
    if ((call.device->Flags & DO_DIRECT_IO) != 0)
        return give_mdl(call, request, buffer, length, to_caller ? IoWriteAccess : IoReadAccess);
    return STATUS_SUCCESS;
}

} // namespace fsp::ntos::nt_service

// SPDX-License-Identifier: MIT
/// @file IRPs on their way down (IofCallDriver) and up again (IofCompleteRequest), and their cancellation.
#include "ntos/io/dispatch_check.h"
#include "ntos/io/irp.h"
#include "ntos/verifier.h"

namespace fsp::ntos::io {

namespace {

void complete_paging_or_close(PIRP irp)
{
    if ((irp->Flags & IRP_CLOSE_OPERATION) != 0) {
        // The closer owns the IRP and looks at it itself unless it had to wait.
        *irp->UserIosb = irp->IoStatus;
        if (irp->PendingReturned)
            KeSetEvent(irp->UserEvent, 0, FALSE);
        return;
    }
    PIO_STATUS_BLOCK iosb = irp->UserIosb;
    PKEVENT event = irp->UserEvent;
    const PIO_APC_ROUTINE routine = irp->Overlay.AsynchronousParameters.UserApcRoutine;
    PVOID context = irp->Overlay.AsynchronousParameters.UserApcContext;
    if (iosb != nullptr)
        *iosb = irp->IoStatus;
    // The pages belong to the memory manager, so the MDL is not freed here.
    irp->MdlAddress = nullptr;
    IoFreeIrp(irp);
    if (routine != nullptr)
        routine(context, iosb, 0);
    if (event != nullptr)
        KeSetEvent(event, 0, FALSE);
}

void complete_associated(PIRP irp)
{
    PIRP master = irp->AssociatedIrp.MasterIrp;
    while (PMDL mdl = irp->MdlAddress) {
        irp->MdlAddress = mdl->Next;
        IoFreeMdl(mdl);
    }
    IoFreeIrp(irp);
    if (std::atomic_ref(master->AssociatedIrp.IrpCount).fetch_sub(1) == 1)
        IofCompleteRequest(master, IO_NO_INCREMENT);
}

bool wants_call(PIRP irp, UCHAR control)
{
    const bool success = NT_SUCCESS(irp->IoStatus.Status);
    return (success && (control & SL_INVOKE_ON_SUCCESS) != 0) ||
           (!success && (control & SL_INVOKE_ON_ERROR) != 0) ||
           // IoCancelIrp sets it at any time.
           ((control & SL_INVOKE_ON_CANCEL) != 0 &&
            std::atomic_ref(irp->Cancel).load(std::memory_order_relaxed));
}

/// Walks the stack locations upwards. @return false if a completion routine kept the IRP
bool unwind(PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const CCHAR top = static_cast<CCHAR>(irp->StackCount + 1);
    for (;;) {
        ++irp->CurrentLocation;
        ++irp->Tail.Overlay.CurrentStackLocation;
        if (irp->CurrentLocation > top)
            return true;
        const UCHAR control = stack->Control;
        irp->PendingReturned = (control & SL_PENDING_RETURNED) != 0;
        if (verifier::enabled) [[unlikely]]
            note_completion(irp, stack);
        stack->Control = 0;
        if (wants_call(irp, control)) {
            PDEVICE_OBJECT device =
                irp->CurrentLocation == top ? nullptr : IoGetCurrentIrpStackLocation(irp)->DeviceObject;
            const bool pending = irp->PendingReturned != FALSE;
            const PIO_COMPLETION_ROUTINE routine = stack->CompletionRoutine;
            if (routine(device, irp, stack->Context) == STATUS_MORE_PROCESSING_REQUIRED)
                return false;
            if (verifier::enabled) [[unlikely]]
                note_completion_routine(irp, routine, pending);
        } else if (irp->PendingReturned && irp->CurrentLocation <= irp->StackCount)
            IoMarkIrpPending(irp);
        ++stack;
    }
}

/// IofCallDriver with the verifier's eyes on the driver.
[[gnu::noinline, gnu::cold]] NTSTATUS NTAPI call_checked(PDEVICE_OBJECT device, PIRP irp,
                                                         PDRIVER_DISPATCH dispatch)
{
    DispatchCheck check(irp, IoGetCurrentIrpStackLocation(irp), dispatch);
    return check.done(dispatch(device, irp));
}

[[gnu::noinline]] void NTAPI finish_pended(PIRP irp) { finish(irp); }

/// For the verifier, which alone sets it.
struct CancelLock
{
    KSPIN_LOCK lock;
    std::atomic<PKTHREAD> owner;

    bool is_held_by_this_thread() const
    {
        return owner.load(std::memory_order_relaxed) == KeGetCurrentThread();
    }
};
CancelLock cancel;

} // namespace

} // namespace fsp::ntos::io

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI IofCallDriver(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    if (verifier::enabled) [[unlikely]] {
        if (!io::may_call(Irp))
            return STATUS_INVALID_PARAMETER;
    }
    --Irp->CurrentLocation;
    PIO_STACK_LOCATION stack = --Irp->Tail.Overlay.CurrentStackLocation;
    stack->DeviceObject = DeviceObject;
    const PDRIVER_DISPATCH dispatch = DeviceObject->DriverObject->MajorFunction[stack->MajorFunction];
    if (!verifier::enabled) [[likely]]
        return dispatch(DeviceObject, Irp);
    return io::call_checked(DeviceObject, Irp, dispatch);
}

VOID NTAPI IofCompleteRequest(PIRP Irp, CCHAR)
{
    if (verifier::enabled) [[unlikely]] {
        if (!io::may_complete(Irp))
            return;
        if (io::cancel.is_held_by_this_thread())
            verifier::report("IRP %p completed with the cancel spin lock held", static_cast<void*>(Irp));
    }
    if (!io::unwind(Irp))
        return;
    if (io::has_prefix(Irp))
        io::prefix_of(Irp)->state = io::irp_done;

    if ((Irp->Flags & IRP_ASSOCIATED_IRP) != 0)
        return io::complete_associated(Irp);
    if ((Irp->Flags & (IRP_PAGING_IO | IRP_CLOSE_OPERATION)) != 0)
        return io::complete_paging_or_close(Irp);
    for (PMDL mdl = Irp->MdlAddress; mdl != nullptr; mdl = mdl->Next)
        if ((mdl->MdlFlags & MDL_PAGES_LOCKED) != 0)
            MmUnlockPages(mdl);
    // Completed before dispatch returned: the sender is about to look, and finishes it without a wait.
    if ((Irp->Flags & IRP_DEFER_IO_COMPLETION) != 0 && !Irp->PendingReturned)
        return;
    io::finish_pended(Irp);
}

BOOLEAN NTAPI IoCancelIrp(PIRP Irp)
{
    KIRQL irql;
    IoAcquireCancelSpinLock(&irql);
    std::atomic_ref(Irp->Cancel).store(TRUE, std::memory_order_seq_cst);
    const PDRIVER_CANCEL routine = IoSetCancelRoutine(Irp, nullptr);
    if (routine == nullptr) {
        IoReleaseCancelSpinLock(irql);
        return FALSE;
    }
    Irp->CancelIrql = irql;
    // The routine releases the cancel spin lock.
    PDEVICE_OBJECT device =
        Irp->CurrentLocation <= Irp->StackCount ? IoGetCurrentIrpStackLocation(Irp)->DeviceObject : nullptr;
    routine(device, Irp);
    if (verifier::enabled && io::cancel.is_held_by_this_thread()) [[unlikely]] {
        verifier::report("cancel routine %p did not release the cancel spin lock",
                         reinterpret_cast<void*>(routine));
        IoReleaseCancelSpinLock(irql);
    }
    return TRUE;
}

VOID NTAPI IoAcquireCancelSpinLock(PKIRQL Irql)
{
    *Irql = KeAcquireSpinLockRaiseToDpc(&io::cancel.lock);
    if (verifier::enabled) [[unlikely]]
        io::cancel.owner.store(KeGetCurrentThread(), std::memory_order_relaxed);
}

VOID NTAPI IoReleaseCancelSpinLock(KIRQL Irql)
{
    if (verifier::enabled) [[unlikely]] {
        if (!io::cancel.is_held_by_this_thread()) {
            verifier::report("cancel spin lock released by a thread that does not hold it");
            return;
        }
        io::cancel.owner.store(nullptr, std::memory_order_relaxed);
    }
    KeReleaseSpinLock(&io::cancel.lock, Irql);
}

} // extern "C"

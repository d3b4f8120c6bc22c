// SPDX-License-Identifier: MIT
#include "ntos/fsrtl/parked_irp.h"

namespace fsp::ntos::fsrtl {

namespace {
// The slot of DriverContext that a parked IRP's record is kept in; the others stay the driver's.
constexpr int record_slot = 3;
} // namespace

void mark_pending_once(PIRP irp)
{
    if (!(IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED))
        IoMarkIrpPending(irp);
}

bool ParkedIrp::park(PIRP irp, bool mark_pending)
{
    irp_ = irp;
    irp->Tail.Overlay.DriverContext[record_slot] = this;
    if (mark_pending)
        mark_pending_once(irp);
    IoSetCancelRoutine(irp, cancel_routine);
    // IoCancelIrp sets the flag before it looks for a routine, so one of both sees the other.
    if (!__atomic_load_n(&irp->Cancel, __ATOMIC_SEQ_CST))
        return true;
    return !claim();
}

bool ParkedIrp::claim() { return IoSetCancelRoutine(irp_, nullptr) != nullptr; }

void NTAPI ParkedIrp::cancel_routine(PDEVICE_OBJECT, PIRP irp)
{
    auto* record = static_cast<ParkedIrp*>(irp->Tail.Overlay.DriverContext[record_slot]);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    record->on_cancel();
}

void complete(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_DISK_INCREMENT);
}

} // namespace fsp::ntos::fsrtl

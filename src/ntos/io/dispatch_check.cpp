// SPDX-License-Identifier: MIT
#include "ntos/io/dispatch_check.h"

#include "ntos/io/irp.h"
#include "ntos/ob/spin_lock.h"
#include "ntos/verifier.h"

#include <mutex>

namespace fsp::ntos::io {

namespace {

SpinLock lock;
/// Dispatch routines that have not returned, of all threads.
DispatchCheck* running;

bool is_live(PIRP irp, const char* what)
{
    if (!has_prefix(irp))
        return true;
    switch (prefix_of(irp)->state) {
    case irp_live:
        return true;
    case irp_done:
        verifier::report("IRP %p %s after it was completed", static_cast<void*>(irp), what);
        return false;
    default:
        verifier::report("IRP %p %s after it was freed", static_cast<void*>(irp), what);
        return false;
    }
}

} // namespace

/// A driver that gives up its stack location must pass the IRP on.
void check_skipped(PIRP irp)
{
    const PIO_STACK_LOCATION current = IoGetCurrentIrpStackLocation(irp);
    std::lock_guard guard(lock);
    for (DispatchCheck* c = running; c != nullptr; c = c->next_)
        if (c->irp_ == irp && c->stack_ < current && !c->completed_) {
            verifier::report("IRP %p completed above the stack location of dispatch routine %p",
                             static_cast<void*>(irp), c->routine_);
            c->completed_ = true;
        }
}

bool NTAPI may_call(PIRP irp)
{
    // A freed IRP is filled with a pattern; its type gives it away before anything else is believed.
    if (irp->Type != IO_TYPE_IRP) {
        verifier::report("IRP %p is not an IRP (freed?) in IoCallDriver", static_cast<void*>(irp));
        return false;
    }
    if (irp->CurrentLocation <= 1) {
        verifier::report("IRP %p has no stack location left for the next driver", static_cast<void*>(irp));
        return false;
    }
    if (irp->CurrentLocation <= irp->StackCount) {
        const PIO_STACK_LOCATION own = IoGetCurrentIrpStackLocation(irp), next = own - 1;
        constexpr UCHAR invoked = SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_ERROR | SL_INVOKE_ON_CANCEL;
        if ((own->Control & next->Control & invoked) != 0 &&
            own->CompletionRoutine == next->CompletionRoutine && own->Context == next->Context)
            verifier::report("IRP %p sent with a stack location copied together with its completion routine",
                             static_cast<void*>(irp));
    }
    return is_live(irp, "sent");
}

bool NTAPI may_complete(PIRP irp)
{
    if (irp->Type != IO_TYPE_IRP) {
        verifier::report("IRP %p is not an IRP (freed?) in IoCompleteRequest", static_cast<void*>(irp));
        return false;
    }
    if (irp->CurrentLocation > irp->StackCount + 1) {
        verifier::report("IRP %p completed twice", static_cast<void*>(irp));
        return false;
    }
    if (!is_live(irp, "completed"))
        return false;
    if (irp->CurrentLocation <= irp->StackCount && IoGetCurrentIrpStackLocation(irp)->DeviceObject == nullptr)
        verifier::report("IRP %p completed at a stack location that no driver was called with",
                         static_cast<void*>(irp));
    check_skipped(irp);
    if (irp->IoStatus.Status == STATUS_PENDING)
        verifier::report("IRP %p completed with STATUS_PENDING", static_cast<void*>(irp));
    // IoCancelIrp takes it away atomically, from another thread.
    if (__atomic_load_n(&irp->CancelRoutine, __ATOMIC_RELAXED) != nullptr)
        verifier::report("IRP %p completed with its cancel routine set", static_cast<void*>(irp));
    return true;
}

void NTAPI note_completion(PIRP irp, PIO_STACK_LOCATION stack)
{
    std::lock_guard guard(lock);
    for (DispatchCheck* c = running; c != nullptr; c = c->next_)
        if (c->irp_ == irp && c->stack_ == stack && !c->completed_) {
            c->completed_ = true;
            c->was_pending_ = irp->PendingReturned != FALSE;
        }
}

void NTAPI note_completion_routine(PIRP irp, PIO_COMPLETION_ROUTINE routine, bool pending)
{
    if (pending && irp->CurrentLocation <= irp->StackCount &&
        (IoGetCurrentIrpStackLocation(irp)->Control & SL_PENDING_RETURNED) == 0)
        verifier::report("completion routine %p did not mark IRP %p pending, which the driver below did",
                         reinterpret_cast<void*>(routine), static_cast<void*>(irp));
}

DispatchCheck::DispatchCheck(PIRP irp, PIO_STACK_LOCATION stack, PDRIVER_DISPATCH routine)
    : irp_(irp), stack_(stack), routine_(reinterpret_cast<void*>(routine)), major_(stack->MajorFunction),
      irql_(KeGetCurrentIrql()), apcs_disabled_(KeAreApcsDisabled()),
      critical_regions_(verifier::critical_region_depth())
{
    std::lock_guard guard(lock);
    next_ = running;
    running = this;
}

NTSTATUS DispatchCheck::done(NTSTATUS status)
{
    bool marked = false, completed = false;
    {
        std::lock_guard guard(lock);
        for (DispatchCheck** c = &running; *c != nullptr; c = &(*c)->next_)
            if (*c == this) {
                *c = next_;
                break;
            }
        completed = completed_;
        // If it is not completed yet, it cannot get past this location while the lock is held.
        marked = completed_ ? was_pending_ : (stack_->Control & SL_PENDING_RETURNED) != 0;
    }
    if (marked != (status == STATUS_PENDING))
        verifier::report(
            "dispatch routine %p for major function 0x%02x returned 0x%08x with the IRP %smarked pending",
            routine_, major_, static_cast<unsigned>(status), marked ? "" : "not ");
    else if (!marked && !completed)
        verifier::report(
            "dispatch routine %p for major function 0x%02x returned 0x%08x without completing the IRP",
            routine_, major_, static_cast<unsigned>(status));
    if (KeGetCurrentIrql() != irql_)
        verifier::report("dispatch routine %p for major function 0x%02x changed IRQL from %d to %d", routine_,
                         major_, irql_, KeGetCurrentIrql());
    if (verifier::critical_region_depth() != critical_regions_ || KeAreApcsDisabled() != apcs_disabled_)
        verifier::report("dispatch routine %p for major function 0x%02x changed the critical region count",
                         routine_, major_);
    return status;
}

} // namespace fsp::ntos::io

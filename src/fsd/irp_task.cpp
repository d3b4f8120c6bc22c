// SPDX-License-Identifier: MIT
#include "irp_task.h"
#include "resource.h"
#include "volume.h"

namespace fsp::fsd {

NTSTATUS complete_irp(PIRP irp, NTSTATUS status, ULONG_PTR information) noexcept
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = keeps_information(status) ? information : 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

void* IrpTask::allocate_frame(size_t size, PIRP irp) noexcept
{
    const UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    if (major == IRP_MJ_CLEANUP || major == IRP_MJ_CLOSE)
        return cached_allocate_must_succeed(size);
    return cached_allocate(size);
}

NTSTATUS IrpTask::run(PIRP irp) && noexcept
{
    promise_type* promise = exchange<promise_type*>(promise_, nullptr);
    if (!promise)
        return complete_irp(irp, STATUS_INSUFFICIENT_RESOURCES);
    NTSTATUS outcome = STATUS_PENDING;
    promise->outcome_ = &outcome;
    std::coroutine_handle<promise_type>::from_promise(*promise).resume();
    return outcome;
}

void IrpTask::promise_type::finish() noexcept
{
    if (outcome_)
        *outcome_ = result_.status;
    Volume* const released = released_;
    if (!taken_)
        complete_irp(irp_, result_.status, result_.information);
    if (released)
        released->dereference();
}

void resume_here(std::coroutine_handle<> coroutine) noexcept
{
    CriticalRegion region;
    const PIRP top_level = IoGetTopLevelIrp();
    IoSetTopLevelIrp(nullptr);
    coroutine.resume();
    IoSetTopLevelIrp(top_level);
}

void IrpContext::resume_on_worker(std::coroutine_handle<> coroutine, Holds holds) noexcept
{
    resumed_ = coroutine;
    begin_background_work();
    ExInitializeWorkItem(&work_item_, worker, this);
    ExQueueWorkItem(&work_item_, holds == Holds::locks ? CriticalWorkQueue : DelayedWorkQueue);
}

VOID NTAPI IrpContext::worker(PVOID context)
{
    resume_here(static_cast<IrpContext*>(context)->resumed_);
    end_background_work();
}

bool OplockWait::publish(OplockWait* self) noexcept
{
    const NTSTATUS status = self->start(self->oplock, self->context_->irp(), self->flags, self,
                                        &OplockWait::on_complete, &OplockWait::on_post);
    // Pending: the coroutine may be running elsewhere by now, with `self` inside.
    if (status == STATUS_PENDING)
        return true;
    self->status_ = status;
    return false;
}

VOID NTAPI OplockWait::on_post(PVOID self, PIRP) { static_cast<OplockWait*>(self)->context_->pend(); }

VOID NTAPI OplockWait::on_complete(PVOID context, PIRP irp)
{
    auto* self = static_cast<OplockWait*>(context);
    self->status_ = irp->IoStatus.Status;
    // The thread that acknowledges a break holds locks of its own.
    self->context_->resume_on_worker(self->coroutine_, Holds::locks);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
/// @file Work items that keep their device alive.
#include "ntos/ob/object.h"
#include "ntos/verifier.h"

struct _IO_WORKITEM
{
    WORK_QUEUE_ITEM item;
    PVOID object;
    PIO_WORKITEM_ROUTINE routine;
    PIO_WORKITEM_ROUTINE_EX routine_ex;
    PVOID context;
};

namespace {

constexpr ULONG item_tag = 0x69576f49;

VOID NTAPI run(PVOID parameter)
{
    auto* w = static_cast<PIO_WORKITEM>(parameter);
    PVOID object = w->object;
    // The routine may free the item.
    if (w->routine_ex != nullptr)
        w->routine_ex(object, w->context, w);
    else
        w->routine(static_cast<PDEVICE_OBJECT>(object), w->context);
    fsp::ntos::ob::dereference(object);
}

void queue(PIO_WORKITEM w, WORK_QUEUE_TYPE type)
{
    fsp::ntos::ob::reference(w->object);
    ExInitializeWorkItem(&w->item, run, w);
    ExQueueWorkItem(&w->item, type);
}

} // namespace

extern "C" {

ULONG NTAPI IoSizeofWorkItem() { return sizeof(_IO_WORKITEM); }

VOID NTAPI IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem)
{
    *IoWorkItem = {};
    IoWorkItem->object = IoObject;
}

VOID NTAPI IoUninitializeWorkItem(PIO_WORKITEM) {}

PIO_WORKITEM NTAPI IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    auto* w = static_cast<PIO_WORKITEM>(ExAllocatePoolWithTag(NonPagedPool, sizeof(_IO_WORKITEM), item_tag));
    if (w != nullptr)
        IoInitializeWorkItem(DeviceObject, w);
    return w;
}

VOID NTAPI IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    ExFreePool(IoWorkItem);
}

VOID NTAPI IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine,
                           WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    IoWorkItem->routine = WorkerRoutine;
    IoWorkItem->routine_ex = nullptr;
    IoWorkItem->context = Context;
    queue(IoWorkItem, QueueType);
}

VOID NTAPI IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine,
                             WORK_QUEUE_TYPE QueueType, PVOID Context)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    IoWorkItem->routine = nullptr;
    IoWorkItem->routine_ex = WorkerRoutine;
    IoWorkItem->context = Context;
    queue(IoWorkItem, QueueType);
}

} // extern "C"

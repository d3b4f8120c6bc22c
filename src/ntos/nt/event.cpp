// SPDX-License-Identifier: MIT
/// @file Events and waiting by handle.
#include "ntos/faults.h"
#include "ntos/nt/file_call.h"
#include "ntos/ob/namespace.h"

namespace fsp::ntos::nt_service {

namespace {

NTSTATUS create(KPROCESSOR_MODE, PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes,
                EVENT_TYPE type, BOOLEAN state)
{
    if (type != NotificationEvent && type != SynchronizationEvent)
        return STATUS_INVALID_PARAMETER;
    if (attributes != nullptr && attributes->RootDirectory != nullptr)
        return STATUS_NOT_SUPPORTED;
    ob::Ref<KEVENT> event(ob::create<KEVENT>(&ob::event_type));
    if (!event)
        return STATUS_INSUFFICIENT_RESOURCES;
    KeInitializeEvent(event.get(), type, state);
    if (attributes != nullptr && attributes->ObjectName != nullptr && attributes->ObjectName->Length != 0) {
        const NTSTATUS status = ob::insert_name(ob::view(*attributes->ObjectName), event.get());
        if (!NT_SUCCESS(status))
            return status;
    }
    RtlMapGenericMask(&access, &ob::event_type.mapping);
    return ob::create_handle(event.get(), access, attributes != nullptr ? attributes->Attributes : 0, handle);
}

/// The event behind a handle, for one call.
struct EventCall
{
    ob::Ref<void> object;
    NTSTATUS status;
    EventCall(KPROCESSOR_MODE mode, HANDLE handle, ACCESS_MASK access)
    {
        ACCESS_MASK granted = 0;
        status = ob::reference_by_handle(handle, access, &ob::event_type, mode, object.out(), &granted);
    }
    PKEVENT get() const { return static_cast<PKEVENT>(object.get()); }
};

NTSTATUS set(KPROCESSOR_MODE mode, HANDLE handle, PLONG previous)
{
    EventCall event(mode, handle, EVENT_MODIFY_STATE);
    if (!NT_SUCCESS(event.status))
        return event.status;
    const LONG before = KeSetEvent(event.get(), 0, FALSE);
    if (previous != nullptr)
        *previous = before;
    return STATUS_SUCCESS;
}

NTSTATUS reset(KPROCESSOR_MODE mode, HANDLE handle, PLONG previous)
{
    EventCall event(mode, handle, EVENT_MODIFY_STATE);
    if (!NT_SUCCESS(event.status))
        return event.status;
    const LONG before = KeResetEvent(event.get());
    if (previous != nullptr)
        *previous = before;
    return STATUS_SUCCESS;
}

NTSTATUS clear(KPROCESSOR_MODE mode, HANDLE handle) { return reset(mode, handle, nullptr); }

NTSTATUS query(KPROCESSOR_MODE mode, HANDLE handle, EVENT_INFORMATION_CLASS c, PVOID buffer, ULONG length,
               PULONG returned)
{
    if (c != EventBasicInformation)
        return STATUS_INVALID_INFO_CLASS;
    if (length != sizeof(EVENT_BASIC_INFORMATION))
        return STATUS_INFO_LENGTH_MISMATCH;
    EventCall event(mode, handle, EVENT_QUERY_STATE);
    if (!NT_SUCCESS(event.status))
        return event.status;
    *static_cast<PEVENT_BASIC_INFORMATION>(buffer) = {
        event.get()->Header.Type == EventSynchronizationObject ? SynchronizationEvent : NotificationEvent,
        KeReadStateEvent(event.get())};
    if (returned != nullptr)
        *returned = sizeof(EVENT_BASIC_INFORMATION);
    return STATUS_SUCCESS;
}

NTSTATUS waitable(KPROCESSOR_MODE mode, HANDLE handle, ob::Ref<void>* object, PVOID* dispatcher)
{
    ACCESS_MASK granted = 0;
    const NTSTATUS status =
        ob::reference_by_handle(handle, SYNCHRONIZE, nullptr, mode, object->out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    const int offset = ob::Header::of(object->get())->type->wait_offset;
    if (offset < 0)
        return STATUS_OBJECT_TYPE_MISMATCH;
    *dispatcher = static_cast<char*>(object->get()) + offset;
    return STATUS_SUCCESS;
}

NTSTATUS wait_one(KPROCESSOR_MODE mode, HANDLE handle, BOOLEAN alertable, PLARGE_INTEGER timeout)
{
    ob::Ref<void> object;
    PVOID dispatcher = nullptr;
    const NTSTATUS status = waitable(mode, handle, &object, &dispatcher);
    // Who gives up waiting for a request that still runs on its stack is an application with a bug of its
    // own.
    const faults::Shield shield;
    return NT_SUCCESS(status) ? KeWaitForSingleObject(dispatcher, UserRequest, mode, alertable, timeout)
                              : status;
}

NTSTATUS wait_many(KPROCESSOR_MODE mode, ULONG count, PHANDLE handles, WAIT_TYPE type, BOOLEAN alertable,
                   PLARGE_INTEGER timeout)
{
    if (count == 0 || count > MAXIMUM_WAIT_OBJECTS)
        return STATUS_INVALID_PARAMETER_1;
    ob::Ref<void> objects[MAXIMUM_WAIT_OBJECTS];
    PVOID dispatchers[MAXIMUM_WAIT_OBJECTS];
    KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
    for (ULONG i = 0; i < count; ++i) {
        const NTSTATUS status = waitable(mode, handles[i], &objects[i], &dispatchers[i]);
        if (!NT_SUCCESS(status))
            return status;
    }
    const faults::Shield shield;
    return KeWaitForMultipleObjects(count, dispatchers, type, UserRequest, mode, alertable, timeout, blocks);
}

NTSTATUS delay(KPROCESSOR_MODE mode, BOOLEAN alertable, PLARGE_INTEGER interval)
{
    return KeDelayExecutionThread(mode, alertable, interval);
}

NTSTATUS system_time(KPROCESSOR_MODE, PLARGE_INTEGER time)
{
    KeQuerySystemTime(time);
    return STATUS_SUCCESS;
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos;
using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(CreateEvent, create,
                   (PHANDLE EventHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                    EVENT_TYPE EventType, BOOLEAN InitialState),
                   EventHandle, DesiredAccess, ObjectAttributes, EventType, InitialState)
FSP_DEFINE_SERVICE(SetEvent, set, (HANDLE EventHandle, PLONG PreviousState), EventHandle, PreviousState)
FSP_DEFINE_SERVICE(ResetEvent, reset, (HANDLE EventHandle, PLONG PreviousState), EventHandle, PreviousState)
FSP_DEFINE_SERVICE(ClearEvent, clear, (HANDLE EventHandle), EventHandle)
FSP_DEFINE_SERVICE(QueryEvent, query,
                   (HANDLE EventHandle, EVENT_INFORMATION_CLASS EventInformationClass, PVOID EventInformation,
                    ULONG EventInformationLength, PULONG ReturnLength),
                   EventHandle, EventInformationClass, EventInformation, EventInformationLength, ReturnLength)
FSP_DEFINE_SERVICE(WaitForSingleObject, wait_one, (HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout),
                   Handle, Alertable, Timeout)
FSP_DEFINE_SERVICE(WaitForMultipleObjects, wait_many,
                   (ULONG Count, PHANDLE Handles, WAIT_TYPE WaitType, BOOLEAN Alertable,
                    PLARGE_INTEGER Timeout),
                   Count, Handles, WaitType, Alertable, Timeout)
FSP_DEFINE_SERVICE(DelayExecution, delay, (BOOLEAN Alertable, PLARGE_INTEGER DelayInterval), Alertable,
                   DelayInterval)
FSP_DEFINE_SERVICE(QuerySystemTime, system_time, (PLARGE_INTEGER SystemTime), SystemTime)

extern "C" {

static PKEVENT create_named_event(PUNICODE_STRING name, PHANDLE handle, EVENT_TYPE type)
{
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, name, OBJ_KERNEL_HANDLE, nullptr, nullptr);
    if (!NT_SUCCESS(create(KernelMode, handle, EVENT_ALL_ACCESS, &attributes, type, TRUE)))
        return nullptr;
    ob::Ref<void> event;
    ACCESS_MASK granted = 0;
    ob::reference_by_handle(*handle, 0, &ob::event_type, KernelMode, event.out(), &granted);
    return static_cast<PKEVENT>(event.get());
}

PKEVENT NTAPI IoCreateNotificationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return create_named_event(EventName, EventHandle, NotificationEvent);
}

PKEVENT NTAPI IoCreateSynchronizationEvent(PUNICODE_STRING EventName, PHANDLE EventHandle)
{
    return create_named_event(EventName, EventHandle, SynchronizationEvent);
}

} // extern "C"

// SPDX-License-Identifier: MIT
#include "ntos/faults.h"
#include "ntos/ob/close.h"
#include "ntos/ob/handle_table.h"
#include "ntos/ob/object.h"
#include "ntos/ps/process.h"
#include "ntos/ps/thread_state.h"
#include "ntos/verifier.h"

namespace fsp::ntos::ob {

namespace {

bool is_kernel(HANDLE handle) { return reinterpret_cast<intptr_t>(handle) < 0; }

uint32_t index_of(HANDLE handle)
{
    return static_cast<uint32_t>((reinterpret_cast<uintptr_t>(handle) & 0x7FFFFFFF) / 4);
}

/// @return nullptr if this mode may not use the handle
PEPROCESS table_of(HANDLE handle, KPROCESSOR_MODE mode)
{
    if (!is_kernel(handle))
        return ps::current().process;
    return mode == KernelMode ? ps::system_process() : nullptr;
}

NTSTATUS reference_pseudo(void* object, Type* object_type, Type* type, void** body, ACCESS_MASK* granted)
{
    if (type != nullptr && type != object_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    reference(object);
    *body = object;
    *granted = object_type->valid_access;
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS create_handle(void* body, ACCESS_MASK granted, ULONG attributes, HANDLE* handle)
{
    Header* h = Header::of(body);
    const bool kernel = (attributes & OBJ_KERNEL_HANDLE) != 0;
    PEPROCESS process = kernel ? ps::system_process() : ps::current().process;
    if (process->exiting.load(std::memory_order_relaxed))
        return STATUS_PROCESS_IS_TERMINATING;
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        return STATUS_INSUFFICIENT_RESOURCES;
    h->references.fetch_add(1, std::memory_order_relaxed);
    h->handles.fetch_add(1, std::memory_order_relaxed);
    const uint32_t index = process->handles.insert(h, granted & ~MAXIMUM_ALLOWED, attributes);
    if (index == 0) {
        h->handles.fetch_sub(1, std::memory_order_relaxed);
        dereference(body);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    *handle = handle_of(index, kernel);
    return STATUS_SUCCESS;
}

NTSTATUS reference_by_handle(HANDLE handle, ACCESS_MASK desired, Type* type, KPROCESSOR_MODE mode,
                             void** body, ACCESS_MASK* granted)
{
    if (handle == NtCurrentProcess())
        return reference_pseudo(ps::current().process, &process_type, type, body, granted);
    if (handle == NtCurrentThread())
        return reference_pseudo(PsGetCurrentThread(), &thread_type, type, body, granted);

    PEPROCESS process = table_of(handle, mode);
    if (process == nullptr)
        return STATUS_INVALID_HANDLE;
    ULONG attributes = 0;
    Header* h = process->handles.reference(index_of(handle), granted, &attributes);
    if (h == nullptr)
        return STATUS_INVALID_HANDLE;

    NTSTATUS status = STATUS_SUCCESS;
    if (type != nullptr && h->type != type)
        status = STATUS_OBJECT_TYPE_MISMATCH;
    else if (mode != KernelMode && (desired & ~*granted) != 0)
        status = STATUS_ACCESS_DENIED;
    if (!NT_SUCCESS(status)) {
        dereference(h->body());
        return status;
    }
    *body = h->body();
    return STATUS_SUCCESS;
}

NTSTATUS close_index(PEPROCESS process, uint32_t index)
{
    ACCESS_MASK granted = 0;
    Header* h = process->handles.remove(index, &granted);
    if (h == nullptr)
        return STATUS_INVALID_HANDLE;
    if (h->handles.fetch_sub(1, std::memory_order_acq_rel) == 1 && h->type->last_handle_closed != nullptr)
        h->type->last_handle_closed(process, h->body(), granted);
    dereference(h->body());
    return STATUS_SUCCESS;
}

NTSTATUS close(HANDLE handle, KPROCESSOR_MODE mode)
{
    if (handle == NtCurrentProcess() || handle == NtCurrentThread())
        return STATUS_SUCCESS;
    PEPROCESS process = table_of(handle, mode);
    return process == nullptr ? STATUS_INVALID_HANDLE : close_index(process, index_of(handle));
}

namespace {

ACCESS_MASK map(ACCESS_MASK access, const Type* type)
{
    RtlMapGenericMask(&access, &type->mapping);
    return access;
}

} // namespace

} // namespace fsp::ntos::ob

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI ObReferenceObjectByHandle(HANDLE Handle, ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                         KPROCESSOR_MODE AccessMode, PVOID* Object,
                                         POBJECT_HANDLE_INFORMATION HandleInformation)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ACCESS_MASK granted = 0;
    *Object = nullptr;
    const NTSTATUS status =
        ob::reference_by_handle(Handle, DesiredAccess, ObjectType, AccessMode, Object, &granted);
    if (NT_SUCCESS(status) && HandleInformation != nullptr) {
        HandleInformation->HandleAttributes = 0;
        HandleInformation->GrantedAccess = granted;
    }
    return status;
}

NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG HandleAttributes, PACCESS_STATE PassedAccessState,
                                     ACCESS_MASK DesiredAccess, POBJECT_TYPE ObjectType,
                                     KPROCESSOR_MODE AccessMode, PHANDLE Handle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ob::Type* type = ob::Header::of(Object)->type;
    *Handle = nullptr;
    if (ObjectType != nullptr ? ObjectType != type : AccessMode != KernelMode)
        return STATUS_OBJECT_TYPE_MISMATCH;
    ACCESS_MASK granted = ob::map(DesiredAccess, type);
    if (PassedAccessState != nullptr)
        granted |= PassedAccessState->PreviouslyGrantedAccess | PassedAccessState->RemainingDesiredAccess;
    if ((granted & MAXIMUM_ALLOWED) != 0)
        granted |= type->valid_access;
    granted &= type->valid_access | ACCESS_SYSTEM_SECURITY;
    return ob::create_handle(Object, granted, HandleAttributes, Handle);
}

NTSTATUS NTAPI ObInsertObject(PVOID Object, PACCESS_STATE, ACCESS_MASK DesiredAccess, ULONG, PVOID* NewObject,
                              PHANDLE Handle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ob::Type* type = ob::Header::of(Object)->type;
    const NTSTATUS status = ob::create_handle(Object, ob::map(DesiredAccess, type), 0, Handle);
    if (!NT_SUCCESS(status)) {
        ob::dereference(Object);
        return status;
    }
    if (NewObject != nullptr)
        *NewObject = Object;
    else
        ob::dereference(Object);
    return status;
}

NTSTATUS NTAPI ObCloseHandle(HANDLE Handle, KPROCESSOR_MODE PreviousMode)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return ob::close(Handle, PreviousMode);
}
NTSTATUS NTAPI NtClose(HANDLE Handle) { return ob::close(Handle, UserMode); }
NTSTATUS NTAPI ZwClose(HANDLE Handle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return ob::close(Handle, KernelMode);
}

NTSTATUS NTAPI NtDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                                 PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                 ULONG Options)
{
    constexpr ACCESS_MASK process_dup_handle = 0x40;
    ob::Ref<void> source, target, object;
    ACCESS_MASK granted = 0;
    NTSTATUS status = ob::reference_by_handle(SourceProcessHandle, process_dup_handle, &ob::process_type,
                                              UserMode, source.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    {
        ProcessScope scope(static_cast<PEPROCESS>(source.get()));
        status = ob::reference_by_handle(SourceHandle, 0, nullptr, UserMode, object.out(), &granted);
        if (NT_SUCCESS(status) && (Options & DUPLICATE_CLOSE_SOURCE) != 0)
            ob::close(SourceHandle, UserMode);
    }
    if (!NT_SUCCESS(status) || TargetProcessHandle == nullptr)
        return status;

    ACCESS_MASK held = 0;
    status = ob::reference_by_handle(TargetProcessHandle, process_dup_handle, &ob::process_type, UserMode,
                                     target.out(), &held);
    if (!NT_SUCCESS(status))
        return status;
    if ((Options & DUPLICATE_SAME_ACCESS) == 0) {
        const ACCESS_MASK wanted = ob::map(DesiredAccess, ob::Header::of(object.get())->type);
        // More rights than the handle has would need a check that only the object's opener can do.
        if ((wanted & ~granted) != 0)
            return STATUS_ACCESS_DENIED;
        granted = wanted;
    }
    ProcessScope scope(static_cast<PEPROCESS>(target.get()));
    return ob::create_handle(object.get(), granted, HandleAttributes, TargetHandle);
}

NTSTATUS NTAPI ZwDuplicateObject(HANDLE SourceProcessHandle, HANDLE SourceHandle, HANDLE TargetProcessHandle,
                                 PHANDLE TargetHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                 ULONG Options)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtDuplicateObject(SourceProcessHandle, SourceHandle, TargetProcessHandle, TargetHandle,
                             DesiredAccess, HandleAttributes, Options);
}

} // extern "C"

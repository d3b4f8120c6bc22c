// SPDX-License-Identifier: MIT
/// @file NtQuerySecurityObject, NtSetSecurityObject: files ask their driver, devices have descriptors of
/// their own.
#include "ntos/file_flags.h"
#include "ntos/nt/file_call.h"
#include "ntos/se/capture.h"

#include <mutex>

namespace fsp::ntos::nt_service {

namespace {

/// Guards the descriptor pointers of devices and other named objects.
std::mutex descriptor_lock;

ACCESS_MASK query_access(SECURITY_INFORMATION what)
{
    ACCESS_MASK access = 0;
    if ((what & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION |
                 LABEL_SECURITY_INFORMATION)) != 0)
        access |= READ_CONTROL;
    if ((what & SACL_SECURITY_INFORMATION) != 0)
        access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

ACCESS_MASK set_access(SECURITY_INFORMATION what)
{
    ACCESS_MASK access = 0;
    if ((what & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) != 0)
        access |= WRITE_OWNER;
    if ((what & DACL_SECURITY_INFORMATION) != 0)
        access |= WRITE_DAC;
    if ((what & SACL_SECURITY_INFORMATION) != 0)
        access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

/// Where the descriptor of something that is no file of a file system is kept; nullptr for files.
PSECURITY_DESCRIPTOR* own_descriptor(void* body)
{
    ob::Header* h = ob::Header::of(body);
    if (h->type == &ob::device_type)
        return &static_cast<PDEVICE_OBJECT>(body)->SecurityDescriptor;
    if (h->type != &ob::file_type)
        return &h->security;
    // A handle to a device itself, not to a file on it.
    auto* file = static_cast<PFILE_OBJECT>(body);
    if ((flags_of(file) & FO_DIRECT_DEVICE_OPEN) != 0 ||
        (file->FileName.Length == 0 && file->RelatedFileObject == nullptr && file->Vpb == nullptr &&
         file->FsContext == nullptr))
        return &file->DeviceObject->SecurityDescriptor;
    return nullptr;
}

NTSTATUS query(KPROCESSOR_MODE mode, HANDLE handle, SECURITY_INFORMATION what,
               PSECURITY_DESCRIPTOR descriptor, ULONG length, PULONG needed)
{
    ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    NTSTATUS status =
        ob::reference_by_handle(handle, query_access(what), nullptr, mode, object.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (PSECURITY_DESCRIPTOR* own = own_descriptor(object.get())) {
        std::lock_guard guard(descriptor_lock);
        *needed = length;
        return SeQuerySecurityDescriptorInfo(&what, descriptor, needed, own);
    }

    Call call(mode);
    status = call.open(handle, 0);
    io::Request request;
    if (!NT_SUCCESS(status) || !call.make(IRP_MJ_QUERY_SECURITY, &request))
        return NT_SUCCESS(status) ? STATUS_INSUFFICIENT_RESOURCES : status;
    request.stack->Parameters.QuerySecurity.SecurityInformation = what;
    request.stack->Parameters.QuerySecurity.Length = length;
    request.irp->UserBuffer = descriptor;
    IO_STATUS_BLOCK iosb{};
    status = send_synchronous(call, request, &iosb);
    if (status == STATUS_INVALID_DEVICE_REQUEST) {
        // A file system without security: everybody owns everything.
        *needed = length;
        PSECURITY_DESCRIPTOR none = nullptr;
        return SeQuerySecurityDescriptorInfo(&what, descriptor, needed, &none);
    }
    *needed = static_cast<ULONG>(iosb.Information);
    return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
}

NTSTATUS set(KPROCESSOR_MODE mode, HANDLE handle, SECURITY_INFORMATION what, PSECURITY_DESCRIPTOR descriptor)
{
    if (descriptor == nullptr)
        return STATUS_ACCESS_VIOLATION;
    ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    NTSTATUS status =
        ob::reference_by_handle(handle, set_access(what), nullptr, mode, object.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    PSECURITY_DESCRIPTOR captured = nullptr;
    status = se::capture_descriptor(descriptor, &captured);
    if (!NT_SUCCESS(status))
        return status;

    if (PSECURITY_DESCRIPTOR* own = own_descriptor(object.get())) {
        std::lock_guard guard(descriptor_lock);
        PSECURITY_DESCRIPTOR before = *own;
        if (before == nullptr)
            *own = std::exchange(captured, nullptr);
        else {
            status = SeSetSecurityDescriptorInfo(object.get(), &what, captured, own, PagedPool,
                                                 &ob::Header::of(object.get())->type->mapping);
            if (NT_SUCCESS(status))
                ExFreePool(before);
        }
    } else {
        Call call(mode);
        io::Request request;
        status = call.open(handle, 0);
        if (NT_SUCCESS(status) && !call.make(IRP_MJ_SET_SECURITY, &request))
            status = STATUS_INSUFFICIENT_RESOURCES;
        if (NT_SUCCESS(status)) {
            request.stack->Parameters.SetSecurity.SecurityInformation = what;
            request.stack->Parameters.SetSecurity.SecurityDescriptor = captured;
            IO_STATUS_BLOCK iosb{};
            status = send_synchronous(call, request, &iosb);
            if (status == STATUS_INVALID_DEVICE_REQUEST)
                status = STATUS_SUCCESS;
        }
    }
    if (captured != nullptr)
        ExFreePool(captured);
    return status;
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(QuerySecurityObject, query,
                   (HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                    PSECURITY_DESCRIPTOR SecurityDescriptor, ULONG Length, PULONG LengthNeeded),
                   Handle, SecurityInformation, SecurityDescriptor, Length, LengthNeeded)

FSP_DEFINE_SERVICE(SetSecurityObject, set,
                   (HANDLE Handle, SECURITY_INFORMATION SecurityInformation,
                    PSECURITY_DESCRIPTOR SecurityDescriptor),
                   Handle, SecurityInformation, SecurityDescriptor)

// SPDX-License-Identifier: MIT
/// @file Names of objects: ObQueryNameString, NtQueryObject, objects by name.
#include "ntos/file_flags.h"
#include "ntos/ob/namespace.h"

#include "ntos/ps/process.h"
#include "ntos/verifier.h"

#include <cstring>
#include <vector>

namespace fsp::ntos::ob {

namespace {

/// The name within its volume, from the file system.
NTSTATUS append_file_name(PFILE_OBJECT file, std::u16string* name)
{
    if ((flags_of(file) & FO_DIRECT_DEVICE_OPEN) != 0)
        return STATUS_SUCCESS;
    std::vector<char> buffer(sizeof(FILE_NAME_INFORMATION) + 512);
    for (;;) {
        ULONG size = 0;
        const NTSTATUS status = IoQueryFileInformation(
            file, FileNameInformation, static_cast<ULONG>(buffer.size()), buffer.data(), &size);
        const auto* info = reinterpret_cast<const FILE_NAME_INFORMATION*>(buffer.data());
        if (status == STATUS_BUFFER_OVERFLOW && buffer.size() < 0x20000) {
            buffer.resize(sizeof(FILE_NAME_INFORMATION) + info->FileNameLength + 64);
            continue;
        }
        if (!NT_SUCCESS(status))
            // Devices without file information have no more name than their own.
            return status == STATUS_INVALID_DEVICE_REQUEST || status == STATUS_INVALID_PARAMETER
                       ? STATUS_SUCCESS
                       : status;
        name->append(info->FileName, info->FileNameLength / sizeof(WCHAR));
        return STATUS_SUCCESS;
    }
}

NTSTATUS full_name(PVOID object, std::u16string* name)
{
    if (Header::of(object)->type != &file_type) {
        *name = name_of(object);
        return STATUS_SUCCESS;
    }
    auto* file = static_cast<PFILE_OBJECT>(object);
    *name = name_of(file->DeviceObject);
    return append_file_name(file, name);
}

NTSTATUS deliver(const std::u16string& name, POBJECT_NAME_INFORMATION info, ULONG length, PULONG returned)
{
    const size_t bytes = name.size() * sizeof(WCHAR);
    const size_t needed = sizeof *info + (bytes != 0 ? bytes + sizeof(WCHAR) : 0);
    *returned = static_cast<ULONG>(needed);
    if (bytes > UNICODE_STRING_MAX_BYTES)
        return STATUS_NAME_TOO_LONG;
    if (length < needed)
        return length < sizeof *info ? STATUS_INFO_LENGTH_MISMATCH : STATUS_BUFFER_OVERFLOW;
    info->Name = {};
    if (bytes == 0)
        return STATUS_SUCCESS;
    info->Name.Length = static_cast<USHORT>(bytes);
    info->Name.MaximumLength = static_cast<USHORT>(bytes + sizeof(WCHAR));
    info->Name.Buffer = reinterpret_cast<PWSTR>(info + 1);
    std::memcpy(info->Name.Buffer, name.c_str(), bytes + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

} // namespace

} // namespace fsp::ntos::ob

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI ObQueryNameString(PVOID Object, POBJECT_NAME_INFORMATION ObjectNameInfo, ULONG Length,
                                 PULONG ReturnLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    std::u16string name;
    const NTSTATUS status = ob::full_name(Object, &name);
    return NT_SUCCESS(status) ? ob::deliver(name, ObjectNameInfo, Length, ReturnLength) : status;
}

NTSTATUS NTAPI NtQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength, PULONG ReturnLength)
{
    if (ObjectInformationClass != ObjectNameInformation)
        return STATUS_NOT_SUPPORTED;
    ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    const NTSTATUS status = ob::reference_by_handle(Handle, 0, nullptr, UserMode, object.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    ULONG returned = 0;
    const NTSTATUS result =
        ObQueryNameString(object.get(), static_cast<POBJECT_NAME_INFORMATION>(ObjectInformation),
                          ObjectInformationLength, &returned);
    if (ReturnLength != nullptr)
        *ReturnLength = returned;
    return result;
}

NTSTATUS NTAPI ZwQueryObject(HANDLE Handle, OBJECT_INFORMATION_CLASS ObjectInformationClass,
                             PVOID ObjectInformation, ULONG ObjectInformationLength, PULONG ReturnLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtQueryObject(Handle, ObjectInformationClass, ObjectInformation, ObjectInformationLength,
                         ReturnLength);
}

NTSTATUS NTAPI ObReferenceObjectByName(PUNICODE_STRING ObjectName, ULONG, PACCESS_STATE, ACCESS_MASK,
                                       POBJECT_TYPE ObjectType, KPROCESSOR_MODE, PVOID, PVOID* Object)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    *Object = nullptr;
    ob::Found found;
    const NTSTATUS status = ob::find(ob::view(*ObjectName), true, &found);
    if (!NT_SUCCESS(status))
        return status;
    if (!found.rest.empty() ||
        (ObjectType != nullptr && ob::Header::of(found.object.get())->type != ObjectType))
        return STATUS_OBJECT_TYPE_MISMATCH;
    *Object = found.object.release();
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI ObIsKernelHandle(HANDLE Handle) { return reinterpret_cast<intptr_t>(Handle) < -2; }

static NTSTATUS create_directory_object(PHANDLE handle, ACCESS_MASK access, POBJECT_ATTRIBUTES attributes)
{
    if (attributes == nullptr || attributes->ObjectName == nullptr || attributes->RootDirectory != nullptr)
        return STATUS_NOT_SUPPORTED;
    ob::Ref<ob::Directory> directory(ob::create<ob::Directory>(&ob::directory_type));
    if (!directory)
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status = ob::insert_name(ob::view(*attributes->ObjectName), directory.get());
    return NT_SUCCESS(status) ? ob::create_handle(directory.get(), access, attributes->Attributes, handle)
                              : status;
}

NTSTATUS NTAPI NtCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    return create_directory_object(DirectoryHandle, DesiredAccess, ObjectAttributes);
}

NTSTATUS NTAPI ZwCreateDirectoryObject(PHANDLE DirectoryHandle, ACCESS_MASK DesiredAccess,
                                       POBJECT_ATTRIBUTES ObjectAttributes)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return create_directory_object(DirectoryHandle, DesiredAccess, ObjectAttributes);
}

NTSTATUS NTAPI ZwMakeTemporaryObject(HANDLE Handle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ob::Ref<void> object;
    ACCESS_MASK granted = 0;
    const NTSTATUS status = ob::reference_by_handle(Handle, 0, nullptr, KernelMode, object.out(), &granted);
    if (NT_SUCCESS(status))
        ob::remove_name(object.get());
    return status;
}

NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE Handle) { return ZwMakeTemporaryObject(Handle); }

} // extern "C"

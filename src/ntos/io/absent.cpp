// SPDX-License-Identifier: MIT
/// @file What the I/O manager of a machine without disks, sessions and an operator has to say.
#include "ntos/file_flags.h"
#include "ntos/io/irp.h"
#include "ntos/ps/process.h"
#include "ntos/verifier.h"

#include <cstring>

using namespace fsp::ntos;

extern "C" {

// Nobody sits at the machine to be told about a hard error: the error goes back to the caller only.
BOOLEAN NTAPI IoRaiseInformationalHardError(NTSTATUS, PUNICODE_STRING, PKTHREAD) { return FALSE; }
VOID NTAPI IoSetHardErrorOrVerifyDevice(PIRP, PDEVICE_OBJECT) {}
VOID NTAPI IoRaiseHardError(PIRP Irp, PVPB, PDEVICE_OBJECT)
{
    Irp->IoStatus.Information = 0;
    IofCompleteRequest(Irp, IO_NO_INCREMENT);
}

// Media do not change.
PDEVICE_OBJECT NTAPI IoGetDeviceToVerify(PETHREAD) { return nullptr; }
VOID NTAPI IoSetDeviceToVerify(PETHREAD, PDEVICE_OBJECT) {}
NTSTATUS NTAPI IoVerifyVolume(PDEVICE_OBJECT, BOOLEAN) { return STATUS_SUCCESS; }

// The process ends without a shutdown of the system.
NTSTATUS NTAPI IoRegisterShutdownNotification(PDEVICE_OBJECT) { return STATUS_SUCCESS; }
NTSTATUS NTAPI IoRegisterLastChanceShutdownNotification(PDEVICE_OBJECT) { return STATUS_SUCCESS; }
VOID NTAPI IoUnregisterShutdownNotification(PDEVICE_OBJECT) {}

NTSTATUS NTAPI IoGetRequestorSessionId(PIRP, PULONG SessionId)
{
    *SessionId = 0;
    return STATUS_SUCCESS;
}
NTSTATUS NTAPI SeQuerySessionIdToken(PACCESS_TOKEN, PULONG SessionId)
{
    *SessionId = 0;
    return STATUS_SUCCESS;
}
ULONG NTAPI PsGetProcessSessionId(PEPROCESS) { return 0; }
ULONG NTAPI PsGetProcessSessionIdEx(PEPROCESS) { return 0; }

BOOLEAN NTAPI IoIsFileOriginRemote(PFILE_OBJECT FileObject)
{
    return (flags_of(FileObject) & FO_REMOTE_ORIGIN) != 0;
}
IO_PRIORITY_HINT NTAPI IoGetIoPriorityHint(PIRP) { return IoPriorityNormal; }
PGENERIC_MAPPING NTAPI IoGetFileObjectGenericMapping() { return &ob::file_type.mapping; }

NTSTATUS NTAPI IoVolumeDeviceToDosName(PVOID, PUNICODE_STRING)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return STATUS_NOT_SUPPORTED;
}
NTSTATUS NTAPI IoQueryFileDosDeviceName(PFILE_OBJECT, POBJECT_NAME_INFORMATION*)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return STATUS_NOT_SUPPORTED;
}

// Auditing needs a local security authority.
VOID NTAPI SeOpenObjectAuditAlarm(PUNICODE_STRING, PVOID, PUNICODE_STRING, PSECURITY_DESCRIPTOR,
                                  PACCESS_STATE, BOOLEAN, BOOLEAN, KPROCESSOR_MODE, PBOOLEAN GenerateOnClose)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    *GenerateOnClose = FALSE;
}
VOID NTAPI SeDeleteObjectAuditAlarm(PVOID, HANDLE) {}
BOOLEAN NTAPI SeAuditingFileEvents(BOOLEAN, PSECURITY_DESCRIPTOR) { return FALSE; }

// Quota is not charged.
VOID NTAPI PsChargePoolQuota(PEPROCESS, POOL_TYPE, ULONG_PTR) {}
VOID NTAPI PsReturnPoolQuota(PEPROCESS, POOL_TYPE, ULONG_PTR) {}

NTSTATUS NTAPI IoCreateFileSpecifyDeviceObjectHint(
    PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
    PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
    ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength, CREATE_FILE_TYPE CreateFileType,
    PVOID InternalParameters, ULONG Options, PVOID DeviceObject)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    IO_DRIVER_CREATE_CONTEXT context;
    IoInitializeDriverCreateContext(&context);
    context.DeviceObjectHint = DeviceObject;
    return IoCreateFileEx(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                          FileAttributes, ShareAccess, Disposition, CreateOptions, EaBuffer, EaLength,
                          CreateFileType, InternalParameters, Options, &context);
}

NTSTATUS NTAPI IoReplaceFileObjectName(PFILE_OBJECT FileObject, PWSTR NewFileName, USHORT FileNameLength)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    constexpr ULONG tag = 0x6d4e6f49;
    if (FileNameLength > FileObject->FileName.MaximumLength) {
        auto* buffer = static_cast<PWSTR>(ExAllocatePoolWithTag(NonPagedPool, FileNameLength, tag));
        if (buffer == nullptr)
            return STATUS_INSUFFICIENT_RESOURCES;
        if (FileObject->FileName.Buffer != nullptr)
            ExFreePool(FileObject->FileName.Buffer);
        FileObject->FileName.Buffer = buffer;
        FileObject->FileName.MaximumLength = FileNameLength;
    }
    std::memmove(FileObject->FileName.Buffer, NewFileName, FileNameLength);
    FileObject->FileName.Length = FileNameLength;
    return STATUS_SUCCESS;
}

} // extern "C"

// SPDX-License-Identifier: MIT
/// @file NtQueryDirectoryFile, NtNotifyChangeDirectoryFile.
#include "ntos/nt/file_call.h"
#include "ntos/ob/namespace.h"

namespace fsp::ntos::nt_service {

namespace {

constexpr ULONG name_tag = 0x6e446f49;

ULONG smallest_entry(FILE_INFORMATION_CLASS c)
{
    switch (c) {
    case FileDirectoryInformation:
        return sizeof(FILE_DIRECTORY_INFORMATION);
    case FileFullDirectoryInformation:
        return sizeof(FILE_FULL_DIR_INFORMATION);
    case FileBothDirectoryInformation:
        return sizeof(FILE_BOTH_DIR_INFORMATION);
    case FileNamesInformation:
        return sizeof(FILE_NAMES_INFORMATION);
    case FileIdBothDirectoryInformation:
        return sizeof(FILE_ID_BOTH_DIR_INFORMATION);
    case FileIdFullDirectoryInformation:
        return sizeof(FILE_ID_FULL_DIR_INFORMATION);
    case FileIdExtdDirectoryInformation:
        return sizeof(FILE_ID_EXTD_DIR_INFORMATION);
    case FileIdExtdBothDirectoryInformation:
        return sizeof(FILE_ID_EXTD_BOTH_DIR_INFORMATION);
    case FileObjectIdInformation:
        return sizeof(FILE_OBJECTID_INFORMATION);
    case FileReparsePointInformation:
        return sizeof(FILE_REPARSE_POINT_INFORMATION);
    default:
        return 0;
    }
}

/// The pattern, in the IRP's auxiliary buffer.
NTSTATUS copy_name(io::Request& request, const UNICODE_STRING* given)
{
    if (given == nullptr)
        return STATUS_SUCCESS;
    const UNICODE_STRING captured = ob::capture(*given);
    const UNICODE_STRING* const name = &captured;
    if (name->Length == 0)
        return STATUS_SUCCESS;
    if (name->Length % sizeof(WCHAR) != 0)
        return STATUS_INVALID_PARAMETER;
    auto* copy = static_cast<PUNICODE_STRING>(
        ExAllocatePoolWithTag(NonPagedPool, sizeof(UNICODE_STRING) + name->Length, name_tag));
    if (copy == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    copy->Length = copy->MaximumLength = name->Length;
    copy->Buffer = reinterpret_cast<PWSTR>(copy + 1);
    std::memcpy(copy->Buffer, name->Buffer, name->Length);
    request.irp->Tail.Overlay.AuxiliaryBuffer = reinterpret_cast<PCHAR>(copy);
    request.stack->Parameters.QueryDirectory.FileName = copy;
    return STATUS_SUCCESS;
}

NTSTATUS query(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, PVOID buffer, ULONG length,
               FILE_INFORMATION_CLASS c, ULONG flags, PUNICODE_STRING name)
{
    const ULONG smallest = smallest_entry(c);
    if (smallest == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length < smallest)
        return STATUS_INFO_LENGTH_MISMATCH;
    if ((flags & ~static_cast<ULONG>(SL_QUERY_DIRECTORY_MASK)) != 0)
        return STATUS_INVALID_PARAMETER;
    Call call(mode);
    NTSTATUS status = call.open(handle, FILE_LIST_DIRECTORY);
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    if (!call.make(IRP_MJ_DIRECTORY_CONTROL, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->MinorFunction = IRP_MN_QUERY_DIRECTORY;
    request.stack->Flags = static_cast<UCHAR>(flags);
    request.stack->Parameters.QueryDirectory.Length = length;
    request.stack->Parameters.QueryDirectory.FileInformationClass = c;
    status = copy_name(request, name);
    if (NT_SUCCESS(status))
        status = give_buffer(call, request, buffer, length, true);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send(call, request, completion);
}

NTSTATUS notify(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, PVOID buffer, ULONG length,
                ULONG filter, BOOLEAN tree)
{
    if (filter == 0 || (filter & ~static_cast<ULONG>(FILE_NOTIFY_VALID_MASK)) != 0)
        return STATUS_INVALID_PARAMETER;
    Call call(mode);
    NTSTATUS status = call.open(handle, FILE_LIST_DIRECTORY);
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    if (!call.make(IRP_MJ_DIRECTORY_CONTROL, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->MinorFunction = IRP_MN_NOTIFY_CHANGE_DIRECTORY;
    request.stack->Flags = tree ? SL_WATCH_TREE : 0;
    request.stack->Parameters.NotifyDirectory.Length = length;
    request.stack->Parameters.NotifyDirectory.CompletionFilter = filter;
    status = give_buffer(call, request, buffer, length, true);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send(call, request, completion);
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(QueryDirectoryFile, query,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                    FILE_INFORMATION_CLASS FileInformationClass, BOOLEAN ReturnSingleEntry,
                    PUNICODE_STRING FileName, BOOLEAN RestartScan),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, FileInformation, Length,
                   FileInformationClass,
                   (ReturnSingleEntry ? ULONG{SL_RETURN_SINGLE_ENTRY} : 0u) |
                       (RestartScan ? ULONG{SL_RESTART_SCAN} : 0u),
                   FileName)

FSP_DEFINE_SERVICE(QueryDirectoryFileEx, query,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                    FILE_INFORMATION_CLASS FileInformationClass, ULONG QueryFlags, PUNICODE_STRING FileName),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, FileInformation, Length,
                   FileInformationClass, QueryFlags, FileName)

FSP_DEFINE_SERVICE(NotifyChangeDirectoryFile, notify,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, ULONG CompletionFilter,
                    BOOLEAN WatchTree),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, Buffer, Length,
                   CompletionFilter, WatchTree)

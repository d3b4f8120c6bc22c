// SPDX-License-Identifier: MIT
/// @file NtQueryEaFile, NtSetEaFile.
#include "ntos/nt/file_call.h"

#include "nt/rtl.h"

namespace fsp::ntos::nt_service {

namespace {

constexpr ULONG list_tag = 0x61456f49;

/// FILE_GET_EA_INFORMATION entries lie within the list and on 4-byte boundaries.
bool valid_get_list(const UCHAR* list, ULONG length)
{
    for (ULONG at = 0;;) {
        constexpr ULONG header = offsetof(FILE_GET_EA_INFORMATION, EaName);
        if (length - at < header + 1)
            return false;
        const auto* e = reinterpret_cast<const FILE_GET_EA_INFORMATION*>(list + at);
        if (length - at < header + e->EaNameLength + 1u)
            return false;
        if (e->NextEntryOffset == 0)
            return true;
        if (e->NextEntryOffset % 4 != 0 || e->NextEntryOffset >= length - at ||
            e->NextEntryOffset < header + e->EaNameLength + 1u)
            return false;
        at += e->NextEntryOffset;
    }
}

NTSTATUS query(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length,
               BOOLEAN single, PVOID list, ULONG list_length, PULONG index, BOOLEAN restart)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, FILE_READ_EA);
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    if (!call.make(IRP_MJ_QUERY_EA, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    auto& p = request.stack->Parameters.QueryEa;
    p.Length = length;
    request.stack->Flags =
        static_cast<UCHAR>((restart ? SL_RESTART_SCAN : 0) | (single ? SL_RETURN_SINGLE_ENTRY : 0) |
                           (index != nullptr ? SL_INDEX_SPECIFIED : 0));
    p.EaIndex = index != nullptr ? *index : 0;
    if (list != nullptr && list_length != 0) {
        void* copy = ExAllocatePoolWithTag(NonPagedPool, list_length, list_tag);
        if (copy == nullptr)
            status = STATUS_INSUFFICIENT_RESOURCES;
        else {
            std::memcpy(copy, list, list_length);
            request.irp->Tail.Overlay.AuxiliaryBuffer = static_cast<PCHAR>(copy);
            p.EaList = copy;
            p.EaListLength = list_length;
            if (!valid_get_list(static_cast<UCHAR*>(copy), list_length))
                status = STATUS_EA_LIST_INCONSISTENT;
        }
    }
    if (NT_SUCCESS(status))
        status = give_buffer(call, request, buffer, length, true);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send_synchronous(call, request, iosb);
}

NTSTATUS set(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, FILE_WRITE_EA);
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    if (!call.make(IRP_MJ_SET_EA, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->Parameters.SetEa.Length = length;
    ULONG offset = 0;
    if (length != 0) {
        status = IoCheckEaBufferValidity(static_cast<PFILE_FULL_EA_INFORMATION>(buffer), length, &offset);
        if (!NT_SUCCESS(status))
            *iosb = {{status}, offset};
    }
    if (NT_SUCCESS(status))
        status = give_buffer(call, request, buffer, length, false);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send_synchronous(call, request, iosb);
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(QueryEaFile, query,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length,
                    BOOLEAN ReturnSingleEntry, PVOID EaList, ULONG EaListLength, PULONG EaIndex,
                    BOOLEAN RestartScan),
                   FileHandle, IoStatusBlock, Buffer, Length, ReturnSingleEntry, EaList, EaListLength,
                   EaIndex, RestartScan)

FSP_DEFINE_SERVICE(SetEaFile, set,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length),
                   FileHandle, IoStatusBlock, Buffer, Length)

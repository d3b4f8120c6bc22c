// SPDX-License-Identifier: MIT
//
// Extended attributes: requests, and lists of them.
#include "dll/dll.h"

using namespace fsp::dll;

NTSTATUS FspFileSystemOpQueryEa(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->GetEa == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    ULONG transferred = 0;
    const NTSTATUS status = FileSystem->Interface->GetEa(
        FileSystem, file_context(FileSystem, Request),
        reinterpret_cast<PFILE_FULL_EA_INFORMATION>(Response->Buffer), response_buffer_size, &transferred);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_EA_LIST_INCONSISTENT : status;
    set_response_piece(Response, Response->Rsp.QueryEa.Ea, transferred);
    return status;
}

NTSTATUS FspFileSystemOpSetEa(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                              FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->SetEa == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const FSP_FSCTL_TRANSACT_BUF ea = Request->Req.SetEa.Ea;
    FSP_FSCTL_FILE_INFO info = {};
    const NTSTATUS status = FileSystem->Interface->SetEa(
        FileSystem, file_context(FileSystem, Request),
        reinterpret_cast<PFILE_FULL_EA_INFORMATION>(Request->Buffer + ea.Offset), ea.Size, &info);
    if (NT_SUCCESS(status))
        Response->Rsp.SetEa.FileInfo = info;
    return status;
}

namespace {

constexpr ULONG ea_header = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName);

PFILE_FULL_EA_INFORMATION at(PVOID list, ULONG offset)
{
    return reinterpret_cast<PFILE_FULL_EA_INFORMATION>(static_cast<PUINT8>(list) + offset);
}

constexpr ULONG aligned(ULONG size) { return (size + 3) & ~3u; }

/// The entry before `end`, where the next one would go.
PFILE_FULL_EA_INFORMATION last_entry(PFILE_FULL_EA_INFORMATION list, ULONG end)
{
    ULONG offset = 0;
    for (;;) {
        const PFILE_FULL_EA_INFORMATION entry = at(list, offset);
        if (entry->NextEntryOffset == 0 || end - offset <= entry->NextEntryOffset ||
            end - offset - entry->NextEntryOffset < ea_header)
            return entry;
        offset += entry->NextEntryOffset;
    }
}

} // namespace

BOOLEAN FspFileSystemAddEa(PFILE_FULL_EA_INFORMATION SingleEa, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength,
                           PULONG PBytesTransferred)
{
    if (SingleEa == nullptr) {
        if (*PBytesTransferred >= ea_header)
            last_entry(Ea, *PBytesTransferred)->NextEntryOffset = 0;
        return TRUE;
    }

    const ULONG offset = aligned(*PBytesTransferred);
    const ULONG size = ea_header + SingleEa->EaNameLength + 1 + SingleEa->EaValueLength;
    if (offset > EaLength || EaLength - offset < size)
        return FALSE;
    const PFILE_FULL_EA_INFORMATION entry = at(Ea, offset);
    std::memset(static_cast<PVOID>(at(Ea, *PBytesTransferred)), 0, offset - *PBytesTransferred);
    std::memcpy(static_cast<PVOID>(entry), SingleEa, size);
    entry->NextEntryOffset = aligned(size);
    *PBytesTransferred = offset + size;
    return TRUE;
}

NTSTATUS FspFileSystemEnumerateEa(FSP_FILE_SYSTEM* FileSystem,
                                  NTSTATUS (*EnumerateEa)(FSP_FILE_SYSTEM* FileSystem, PVOID Context,
                                                          PFILE_FULL_EA_INFORMATION SingleEa),
                                  PVOID Context, PFILE_FULL_EA_INFORMATION Ea, ULONG EaLength)
{
    ULONG offset = 0;
    while (EaLength - offset >= ea_header) {
        const PFILE_FULL_EA_INFORMATION entry = at(Ea, offset);
        const ULONG next = entry->NextEntryOffset;
        const NTSTATUS status = EnumerateEa(FileSystem, Context, entry);
        if (!NT_SUCCESS(status))
            return status;
        if (next == 0 || next > EaLength - offset)
            break;
        offset += next;
    }
    return STATUS_SUCCESS;
}

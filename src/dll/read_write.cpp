// SPDX-License-Identifier: MIT
//
// File data. The buffer of a request lies in this process until the response is sent.
#include "dll/dll.h"

using namespace fsp::dll;

namespace {
PVOID address(UINT64 value) { return reinterpret_cast<PVOID>(static_cast<UINT_PTR>(value)); }
} // namespace

NTSTATUS FspFileSystemOpRead(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                             FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->Read == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    const auto& read = Request->Req.Read;
    ULONG transferred = 0;
    const NTSTATUS status =
        FileSystem->Interface->Read(FileSystem, file_context(FileSystem, Request), address(read.Address),
                                    read.Offset, read.Length, &transferred);
    // After STATUS_PENDING the messages may be in use for another request.
    if (status != STATUS_PENDING && NT_SUCCESS(status))
        Response->IoStatus.Information = transferred;
    return status;
}

NTSTATUS FspFileSystemOpWrite(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                              FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->Write == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    const auto& write = Request->Req.Write;
    ULONG transferred = 0;
    FSP_FSCTL_FILE_INFO info = {};
    const NTSTATUS status = FileSystem->Interface->Write(
        FileSystem, file_context(FileSystem, Request), address(write.Address), write.Offset, write.Length,
        write.Offset == ~UINT64{0}, write.ConstrainedIo, &transferred, &info);
    if (status != STATUS_PENDING && NT_SUCCESS(status)) {
        Response->IoStatus.Information = transferred;
        Response->Rsp.Write.FileInfo = info;
    }
    return status;
}

NTSTATUS FspFileSystemOpFlushBuffers(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                     FSP_FSCTL_TRANSACT_RSP* Response)
{
    // A file system that keeps nothing back still has to tell what the file looks like.
    const auto operation = FileSystem->Interface->Flush != nullptr ? FileSystem->Interface->Flush
                                                                   : FileSystem->Interface->GetFileInfo;
    if (operation == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    FSP_FSCTL_FILE_INFO info = {};
    const NTSTATUS status = operation(FileSystem, file_context(FileSystem, Request), &info);
    if (NT_SUCCESS(status))
        Response->Rsp.FlushBuffers.FileInfo = info;
    return status;
}

// SPDX-License-Identifier: MIT
//
// The second step of an open that truncates, and the end of an open.
#include "dll/dll.h"

using namespace fsp::dll;

NTSTATUS FspFileSystemOpOverwrite(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                  FSP_FSCTL_TRANSACT_RSP* Response)
{
    const FSP_FILE_SYSTEM_INTERFACE& on = *FileSystem->Interface;
    const auto& overwrite = Request->Req.Overwrite;
    const PVOID context = file_context(FileSystem, Request);
    FSP_FSCTL_FILE_INFO info = {};

    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (on.OverwriteEx != nullptr)
        status = on.OverwriteEx(
            FileSystem, context, overwrite.FileAttributes, overwrite.Supersede, overwrite.AllocationSize,
            piece<FILE_FULL_EA_INFORMATION>(Request, overwrite.Ea), overwrite.Ea.Size, &info);
    else if (on.Overwrite != nullptr)
        status = on.Overwrite(FileSystem, context, overwrite.FileAttributes, overwrite.Supersede,
                              overwrite.AllocationSize, &info);
    if (!NT_SUCCESS(status)) {
        // The driver fails the open and does not mention the file again.
        if (on.Close != nullptr)
            on.Close(FileSystem, context);
        return status;
    }
    Response->Rsp.Overwrite.FileInfo = info;
    return status;
}

NTSTATUS FspFileSystemOpCleanup(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                FSP_FSCTL_TRANSACT_RSP*)
{
    if (FileSystem->Interface->Cleanup == nullptr)
        return STATUS_SUCCESS;

    const auto& cleanup = Request->Req.Cleanup;
    ULONG flags = 0;
    if (cleanup.Delete)
        flags |= FspCleanupDelete;
    if (cleanup.SetAllocationSize)
        flags |= FspCleanupSetAllocationSize;
    if (cleanup.SetArchiveBit)
        flags |= FspCleanupSetArchiveBit;
    if (cleanup.SetLastAccessTime)
        flags |= FspCleanupSetLastAccessTime;
    if (cleanup.SetLastWriteTime)
        flags |= FspCleanupSetLastWriteTime;
    if (cleanup.SetChangeTime)
        flags |= FspCleanupSetChangeTime;
    FileSystem->Interface->Cleanup(FileSystem, file_context(FileSystem, Request),
                                   Request->FileName.Size != 0 ? file_name(Request) : nullptr, flags);
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpClose(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                              FSP_FSCTL_TRANSACT_RSP*)
{
    if (FileSystem->Interface->Close != nullptr)
        FileSystem->Interface->Close(FileSystem, file_context(FileSystem, Request));
    return STATUS_SUCCESS;
}

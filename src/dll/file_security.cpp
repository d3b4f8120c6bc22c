// SPDX-License-Identifier: MIT
//
// Queries and changes of a file's security descriptor.
#include "dll/dll.h"

using namespace fsp::dll;

NTSTATUS FspFileSystemOpQuerySecurity(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->GetSecurity == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    SIZE_T size = response_buffer_size;
    const NTSTATUS status = FileSystem->Interface->GetSecurity(FileSystem, file_context(FileSystem, Request),
                                                               Response->Buffer, &size);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_INVALID_SECURITY_DESCR : status;
    set_response_piece(Response, Response->Rsp.QuerySecurity.SecurityDescriptor, size);
    return status;
}

NTSTATUS FspFileSystemOpSetSecurity(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                    FSP_FSCTL_TRANSACT_RSP*)
{
    if (FileSystem->Interface->SetSecurity == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const auto& set = Request->Req.SetSecurity;
    return FileSystem->Interface->SetSecurity(FileSystem, file_context(FileSystem, Request),
                                              set.SecurityInformation,
                                              Request->Buffer + set.SecurityDescriptor.Offset);
}

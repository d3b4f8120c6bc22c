// SPDX-License-Identifier: MIT
//
// File system control (reparse points) and device control.
#include "dll/dll.h"

namespace fsp::dll {
namespace {

NTSTATUS get_reparse_point(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request,
                           FSP_FSCTL_TRANSACT_RSP* response)
{
    if (fs->Interface->GetReparsePoint == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    SIZE_T size = response_buffer_size;
    const NTSTATUS status = fs->Interface->GetReparsePoint(fs, file_context(fs, request), file_name(request),
                                                           response->Buffer, &size);
    if (NT_SUCCESS(status))
        set_response_piece(response, response->Rsp.FileSystemControl.Buffer, size);
    return status;
}

using ChangeReparsePoint = NTSTATUS (*)(FSP_FILE_SYSTEM*, PVOID, PWSTR, PVOID, SIZE_T);

NTSTATUS change_reparse_point(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request,
                              ChangeReparsePoint operation)
{
    if (operation == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const FSP_FSCTL_TRANSACT_BUF buffer = request->Req.FileSystemControl.Buffer;
    return operation(fs, file_context(fs, request), file_name(request), request->Buffer + buffer.Offset,
                     buffer.Size);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspFileSystemOpFileSystemControl(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                          FSP_FSCTL_TRANSACT_RSP* Response)
{
    switch (Request->Req.FileSystemControl.FsControlCode) {
    case FSCTL_GET_REPARSE_POINT:
        return get_reparse_point(FileSystem, Request, Response);
    case FSCTL_SET_REPARSE_POINT:
        return change_reparse_point(FileSystem, Request, FileSystem->Interface->SetReparsePoint);
    case FSCTL_DELETE_REPARSE_POINT:
        return change_reparse_point(FileSystem, Request, FileSystem->Interface->DeleteReparsePoint);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS FspFileSystemOpDeviceControl(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->Control == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    const auto& control = Request->Req.DeviceControl;
    const ULONG output_size =
        control.OutputLength < response_buffer_size ? control.OutputLength : response_buffer_size;
    ULONG transferred = 0;
    const NTSTATUS status =
        FileSystem->Interface->Control(FileSystem, file_context(FileSystem, Request), control.IoControlCode,
                                       Request->Buffer + control.Buffer.Offset, control.Buffer.Size,
                                       Response->Buffer, output_size, &transferred);
    if (!NT_SUCCESS(status))
        return status == STATUS_BUFFER_OVERFLOW ? STATUS_BUFFER_TOO_SMALL : status;
    set_response_piece(Response, Response->Rsp.DeviceControl.Buffer,
                       transferred < output_size ? transferred : output_size);
    return status;
}

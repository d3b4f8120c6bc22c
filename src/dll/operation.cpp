// SPDX-License-Identifier: MIT
#include "dll/operation.h"

#include "dll/operation_context.h"

namespace fsp::dll {
namespace {

void begin_response(const FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
{
    std::memset(response, 0, sizeof *response);
    response->Size = sizeof *response;
    response->Kind = request->Kind;
    response->Hint = request->Hint;
}

NTSTATUS call_operation(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request,
                        FSP_FSCTL_TRANSACT_RSP* response)
{
    FSP_FILE_SYSTEM_OPERATION* operation =
        request->Kind < FspFsctlTransactKindCount ? fs->Operations[request->Kind] : nullptr;
    if (operation == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    NTSTATUS status = FspFileSystemEnterOperation(fs, request, response);
    if (!NT_SUCCESS(status))
        return status;
    status = operation(fs, request, response);
    FspFileSystemLeaveOperation(fs, request, response);
    return status;
}

void pad_response(const FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
{
    const ULONG size = padded(response->Size);
    if (response->Size < sizeof *response || size > FSP_FSCTL_TRANSACT_RSP_SIZEMAX) {
        begin_response(request, response);
        response->IoStatus.Status = static_cast<UINT32>(STATUS_INVALID_DEVICE_REQUEST);
        return;
    }
    std::memset(reinterpret_cast<PUINT8>(response) + response->Size, 0, size - response->Size);
    response->Size = static_cast<UINT16>(size);
}

} // namespace

bool run_operation(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
{
    // After STATUS_PENDING another thread may send the response, and the request be gone: keep what is
    // needed.
    const UINT32 kind = request->Kind;
    if (is_logged(fs, kind))
        FspDebugLogRequest(request);

    begin_response(request, response);
    NTSTATUS status;
    {
        const OperationScope scope(request, response);
        status = call_operation(fs, request, response);
    }
    response->IoStatus.Status = static_cast<UINT32>(status);
    if (status == STATUS_PENDING)
        return false;

    if (is_logged(fs, kind))
        FspDebugLogResponse(response);
    pad_response(request, response);
    return true;
}

void fail_dispatcher(FSP_FILE_SYSTEM* fs, NTSTATUS status)
{
    FspFileSystemSetDispatcherResult(fs, status);
    FspFsctlStop0(fs->VolumeHandle);
}

} // namespace fsp::dll

VOID FspFileSystemSendResponse(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_RSP* Response)
{
    using namespace fsp::dll;
    if (is_logged(FileSystem, Response->Kind))
        FspDebugLogResponse(Response);
    const NTSTATUS status =
        FspFsctlTransact(FileSystem->VolumeHandle, Response, Response->Size, nullptr, nullptr, FALSE);
    if (!NT_SUCCESS(status))
        fail_dispatcher(FileSystem, status);
}

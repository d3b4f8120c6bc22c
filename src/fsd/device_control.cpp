// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "node_access.h"

namespace fsp::fsd {

namespace {

/// Only codes that can mean nothing to anybody else go to the file system.
bool passes(Volume& volume, PIRP irp, ULONG code)
{
    return volume.params().DeviceControl && irp->RequestorMode == UserMode &&
           (DEVICE_TYPE_FROM_CTL_CODE(code) & 0x8000) && (code & 3) == METHOD_BUFFERED;
}

} // namespace

/// IRP_MJ_DEVICE_CONTROL: DeviceIoControl on an open file.
IrpTask device_control(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
    const ULONG input = stack->Parameters.DeviceIoControl.InputBufferLength;
    const ULONG output = stack->Parameters.DeviceIoControl.OutputBufferLength;
    if (!passes(volume, irp, code))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    if (!FileNode::of(stack->FileObject))
        co_return STATUS_INVALID_PARAMETER;
    if (input > FSP_FSCTL_DEVICECONTROL_SIZEMAX || output > FSP_FSCTL_DEVICECONTROL_SIZEMAX)
        co_return STATUS_INVALID_BUFFER_SIZE;
    FileNode& node = *FileNode::of(stack->FileObject);

    RequestPtr request;
    NTSTATUS status = Request::make(&request, FspFsctlTransactDeviceControlKind, nullptr, input);
    if (!NT_SUCCESS(status))
        co_return status;
    set_context(request.operator->(), *FileDesc::of(stack->FileObject));
    request->Req.DeviceControl.IoControlCode = code;
    request->Req.DeviceControl.OutputLength = output;
    if (input)
        (*request).append(request->Req.DeviceControl.Buffer, irp->AssociatedIrp.SystemBuffer,
                          static_cast<USHORT>(input));

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    const Span data = answer.span(answer->Rsp.DeviceControl.Buffer, Offset::honoured);
    if (!data)
        co_return STATUS_INTERNAL_ERROR;
    const ULONG size = lesser(data.size, output);
    if (size)
        copy_bytes(irp->AssociatedIrp.SystemBuffer, data.data, size);
    co_return {size < data.size ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, size};
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
/// @file NtFsControlFile, NtDeviceIoControlFile.
#include "ntos/nt/control.h"

#include "ntos/nt/file_call.h"

namespace fsp::ntos::nt_service {

namespace {

struct Buffers
{
    PVOID input;
    ULONG input_length;
    PVOID output;
    ULONG output_length;
};

/// Hands over the buffers by the method in the low bits of the code.
NTSTATUS give_buffers(Call& call, io::Request& request, ULONG code, const Buffers& b)
{
    const ULONG method = code & 3;
    if (method == METHOD_NEITHER) {
        request.irp->UserBuffer = b.output;
        request.stack->Parameters.DeviceIoControl.Type3InputBuffer = b.input;
        return STATUS_SUCCESS;
    }
    const ULONG output_in_system_buffer = method == METHOD_BUFFERED ? b.output_length : 0;
    const ULONG size = std::max(b.input_length, output_in_system_buffer);
    if (size != 0) {
        const bool copies_back = output_in_system_buffer != 0;
        const NTSTATUS status =
            io::give_system_buffer(request, size, b.input, b.input_length, copies_back ? b.output : nullptr);
        if (!NT_SUCCESS(status))
            return status;
        io::prefix_of(request.irp)->output_length = output_in_system_buffer;
    }
    if (method == METHOD_BUFFERED || b.output_length == 0)
        return STATUS_SUCCESS;
    return give_mdl(call, request, b.output, b.output_length,
                    method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
}

NTSTATUS make_control(Call& call, UCHAR major, ULONG code, const Buffers& b, io::Request* request)
{
    if (!call.make(major, request))
        return STATUS_INSUFFICIENT_RESOURCES;
    auto& p = request->stack->Parameters.DeviceIoControl;
    p.OutputBufferLength = b.output_length;
    p.InputBufferLength = b.input_length;
    p.IoControlCode = code;
    const NTSTATUS status = give_buffers(call, *request, code, b);
    if (!NT_SUCCESS(status))
        discard(*request);
    return status;
}

/// FILE_READ_ACCESS and FILE_WRITE_ACCESS of a code are the rights FILE_READ_DATA and FILE_WRITE_DATA.
ACCESS_MASK access_of(ULONG code) { return (code >> 14) & 3; }

NTSTATUS control(KPROCESSOR_MODE mode, UCHAR major, HANDLE handle, const Completion& completion, ULONG code,
                 const Buffers& b)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, access_of(code));
    if (!NT_SUCCESS(status))
        return status;
    if (major == IRP_MJ_DEVICE_CONTROL && call.fast() != nullptr &&
        call.fast()->FastIoDeviceControl != nullptr)
    {
        IO_STATUS_BLOCK result{};
        if (call.fast()->FastIoDeviceControl(call.file.get(), TRUE, b.input, b.input_length, b.output,
                                             b.output_length, code, &result, call.device))
        {
            completion.signal(call, result);
            return result.Status;
        }
    }

    io::Request request;
    status = make_control(call, major, code, b, &request);
    if (!NT_SUCCESS(status))
        return status;
    return send(call, request, completion);
}

NTSTATUS fs_control(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, ULONG code,
                    const Buffers& b)
{
    return control(mode, IRP_MJ_FILE_SYSTEM_CONTROL, handle, completion, code, b);
}

NTSTATUS device_control(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, ULONG code,
                        const Buffers& b)
{
    return control(mode, IRP_MJ_DEVICE_CONTROL, handle, completion, code, b);
}

} // namespace

NTSTATUS fs_control_and_wait(KPROCESSOR_MODE mode, HANDLE handle, ULONG code, const void* input,
                             ULONG input_length, void* output, ULONG output_length, ULONG_PTR* information)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, access_of(code));
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    status = make_control(call, IRP_MJ_FILE_SYSTEM_CONTROL, code,
                          {const_cast<void*>(input), input_length, output, output_length}, &request);
    if (!NT_SUCCESS(status))
        return status;
    IO_STATUS_BLOCK iosb{};
    status = send_synchronous(call, request, &iosb);
    *information = iosb.Information;
    return status;
}

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(FsControlFile, fs_control,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, ULONG FsControlCode, PVOID InputBuffer,
                    ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, FsControlCode,
                   {InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength})

FSP_DEFINE_SERVICE(DeviceIoControlFile, device_control,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, ULONG IoControlCode, PVOID InputBuffer,
                    ULONG InputBufferLength, PVOID OutputBuffer, ULONG OutputBufferLength),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, IoControlCode,
                   {InputBuffer, InputBufferLength, OutputBuffer, OutputBufferLength})

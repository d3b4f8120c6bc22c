// SPDX-License-Identifier: MIT
/// @file IRPs that drivers build for other drivers.
#include "ntos/io/device.h"
#include "ntos/io/irp.h"

#include <cstring>

using namespace fsp::ntos;

namespace {

bool takes_buffer(ULONG major) { return major == IRP_MJ_READ || major == IRP_MJ_WRITE; }

/// @return false without memory
bool give_transfer(io::Request& request, PDEVICE_OBJECT device, PVOID buffer, ULONG length, bool to_caller)
{
    PIRP irp = request.irp;
    if ((device->Flags & DO_BUFFERED_IO) != 0)
        return length == 0 ||
               NT_SUCCESS(io::give_system_buffer(request, length, to_caller ? nullptr : buffer,
                                                 to_caller ? 0 : length, to_caller ? buffer : nullptr));
    if ((device->Flags & DO_DIRECT_IO) != 0) {
        if (length == 0)
            return true;
        PMDL mdl = IoAllocateMdl(buffer, length, FALSE, FALSE, irp);
        if (mdl == nullptr)
            return false;
        MmProbeAndLockPages(mdl, KernelMode, to_caller ? IoWriteAccess : IoReadAccess);
        return true;
    }
    irp->UserBuffer = buffer;
    return true;
}

PIRP build_fsd_request(ULONG major, PDEVICE_OBJECT device, PVOID buffer, ULONG length, PLARGE_INTEGER offset)
{
    io::Request request;
    if (!io::make_request(device, nullptr, static_cast<UCHAR>(major), KernelMode, &request))
        return nullptr;
    if (takes_buffer(major)) {
        if (!give_transfer(request, device, buffer, length, major == IRP_MJ_READ)) {
            IoFreeIrp(request.irp);
            return nullptr;
        }
        // Read and Write have one layout.
        request.stack->Parameters.Read.Length = length;
        request.stack->Parameters.Read.ByteOffset = *offset;
    }
    return request.irp;
}

/// Completed in the context of the thread that built it: signals the event, fills the status block, frees the
/// IRP.
void make_synchronous(PIRP irp, PKEVENT event, PIO_STATUS_BLOCK iosb)
{
    irp->UserEvent = event;
    irp->UserIosb = iosb;
    irp->Flags |= IRP_SYNCHRONOUS_API;
    io::enqueue(irp);
}

} // namespace

extern "C" {

PIRP NTAPI IoBuildDeviceIoControlRequest(ULONG IoControlCode, PDEVICE_OBJECT DeviceObject, PVOID InputBuffer,
                                         ULONG InputBufferLength, PVOID OutputBuffer,
                                         ULONG OutputBufferLength, BOOLEAN InternalDeviceIoControl,
                                         PKEVENT Event, PIO_STATUS_BLOCK IoStatusBlock)
{
    io::Request request;
    if (!io::make_request(DeviceObject, nullptr,
                          InternalDeviceIoControl ? IRP_MJ_INTERNAL_DEVICE_CONTROL : IRP_MJ_DEVICE_CONTROL,
                          KernelMode, &request))
        return nullptr;
    auto& p = request.stack->Parameters.DeviceIoControl;
    p.OutputBufferLength = OutputBufferLength;
    p.InputBufferLength = InputBufferLength;
    p.IoControlCode = IoControlCode;
    const ULONG method = IoControlCode & 3;
    if (method == METHOD_NEITHER) {
        request.irp->UserBuffer = OutputBuffer;
        p.Type3InputBuffer = InputBuffer;
    } else {
        const ULONG out = method == METHOD_BUFFERED ? OutputBufferLength : 0;
        const ULONG size = std::max(InputBufferLength, out);
        if (size != 0 && !NT_SUCCESS(io::give_system_buffer(request, size, InputBuffer, InputBufferLength,
                                                            out != 0 ? OutputBuffer : nullptr)))
        {
            IoFreeIrp(request.irp);
            return nullptr;
        }
        io::prefix_of(request.irp)->output_length = out;
        if (method != METHOD_BUFFERED && OutputBufferLength != 0) {
            PMDL mdl = IoAllocateMdl(OutputBuffer, OutputBufferLength, FALSE, FALSE, request.irp);
            if (mdl == nullptr) {
                IoFreeIrp(request.irp);
                return nullptr;
            }
            MmProbeAndLockPages(mdl, KernelMode, method == METHOD_IN_DIRECT ? IoReadAccess : IoWriteAccess);
        }
    }
    make_synchronous(request.irp, Event, IoStatusBlock);
    return request.irp;
}

PIRP NTAPI IoBuildSynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                        ULONG Length, PLARGE_INTEGER StartingOffset, PKEVENT Event,
                                        PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = build_fsd_request(MajorFunction, DeviceObject, Buffer, Length, StartingOffset);
    if (irp != nullptr)
        make_synchronous(irp, Event, IoStatusBlock);
    return irp;
}

PIRP NTAPI IoBuildAsynchronousFsdRequest(ULONG MajorFunction, PDEVICE_OBJECT DeviceObject, PVOID Buffer,
                                         ULONG Length, PLARGE_INTEGER StartingOffset,
                                         PIO_STATUS_BLOCK IoStatusBlock)
{
    PIRP irp = build_fsd_request(MajorFunction, DeviceObject, Buffer, Length, StartingOffset);
    if (irp != nullptr)
        irp->UserIosb = IoStatusBlock;
    return irp;
}

} // extern "C"

// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "seh.h"
#include "system.h"

/// The conversation with the file system process: answers in, requests out.
namespace fsp::fsd {

namespace {

constexpr ULONG request_size_max = FSP_FSCTL_TRANSACT_REQ_SIZEMAX;

/// Where requests go: kernel memory that user mode reads later, or sees as we write.
struct Output
{
    Byte* data = nullptr;
    ULONG size = 0;
    bool batch = false;
};

/// Feeds every response in the buffer to its request. The buffer is a kernel copy.
void take_responses(Volume& volume, const Byte* input, ULONG size)
{
    while (size >= sizeof(FSP_FSCTL_TRANSACT_RSP)) {
        const auto* response = reinterpret_cast<const FSP_FSCTL_TRANSACT_RSP*>(input);
        const ULONG length = response->Size;
        if (length < sizeof(FSP_FSCTL_TRANSACT_RSP) || length > size)
            return;
        if (Request* request = volume.ioq.end_processing(response, length)) {
            request->response() = Response(response, length);
            request->leave_user_mode(volume);
            request->resume();
        }
        const ULONG step = align_up<ULONG>(length, FSP_FSCTL_DEFAULT_ALIGNMENT);
        if (step >= size)
            return;
        input += step;
        size -= step;
    }
}

/// Continues completions that had to wait for a resource, until one has to wait again.
void take_retried(Volume& volume)
{
    for (ULONG count = volume.ioq.retried_count(); count > 0; count--) {
        const ULONG before = volume.ioq.retried_count();
        Request* const request = volume.ioq.next_retried();
        if (!request)
            return;
        request->resume();
        if (volume.ioq.retried_count() >= before)
            return;
    }
}

void end_request(Request& request, NTSTATUS status)
{
    request.response() = Response(status);
    request.resume();
}

/// Copies the request out and moves it to Processing. *failed: the volume stopped.
ULONG hand_out(Volume& volume, Request& request, Byte* to, bool* stopped)
{
    const NTSTATUS status = request.enter_user_mode(volume, false);
    if (status == STATUS_CANT_WAIT) {
        const NTSTATUS posted = volume.ioq.post(request, Post::best_effort);
        if (!NT_SUCCESS(posted))
            end_request(request, posted);
        return 0;
    }
    if (!NT_SUCCESS(status)) {
        end_request(request, status);
        return 0;
    }
    volume.ioq.assign_hint(request);
    const ULONG size = request.message()->Size;
    RtlCopyMemory(to, request.message(), size);
    // Once the request can be found an answer may end it: it is not touched any more.
    if (volume.ioq.begin_processing(request))
        return size;
    *stopped = true;
    request.leave_user_mode(volume);
    end_request(request, STATUS_CANCELLED);
    return 0;
}

NTSTATUS give_requests(Volume& volume, PIRP irp, const Output& output, ULONG_PTR* information)
{
    ULONG budget = output.batch ? greater<ULONG>(volume.ioq.pending_count(), 1) : 1;
    ULONG used = 0;
    Request* request = nullptr;
    while (used == 0) {
        switch (volume.ioq.next(volume.params().TransactTimeout, irp, &request)) {
        case Ioq::Next::timeout:
            return STATUS_SUCCESS;
        case Ioq::Next::cancelled:
            return STATUS_CANCELLED;
        case Ioq::Next::retried:
            take_retried(volume);
            continue;
        case Ioq::Next::request:
            break;
        }
        while (request) {
            bool stopped = false;
            const ULONG size = hand_out(volume, *request, output.data + used, &stopped);
            if (stopped)
                return STATUS_CANCELLED;
            if (size != 0) {
                *information = used + size;
                used = align_up<ULONG>(used + size, FSP_FSCTL_DEFAULT_ALIGNMENT);
                // The gap before the next one goes to user mode, too.
                RtlZeroMemory(output.data + *information, used - *information);
            }
            budget = budget ? budget - 1 : 0;
            if (budget == 0 || output.size < used || output.size - used < request_size_max)
                break;
            request = volume.ioq.try_next();
        }
        budget = greater<ULONG>(budget, 1);
    }
    return STATUS_SUCCESS;
}

NTSTATUS transact(Volume& volume, PIRP irp, const Byte* input, ULONG input_size, const Output& output,
                  ULONG_PTR* information)
{
    *information = 0;
    if (input_size == 0 && output.size == 0)
        volume.set_ready();
    take_responses(volume, input, input_size);
    take_retried(volume);
    if (output.size == 0)
        return STATUS_SUCCESS;
    return give_requests(volume, irp, output, information);
}

NTSTATUS check_lengths(ULONG input, ULONG output, ULONG output_minimum)
{
    if (input != 0 && input < sizeof(FSP_FSCTL_TRANSACT_RSP))
        return STATUS_INVALID_PARAMETER;
    if (output != 0 && output < output_minimum)
        return STATUS_BUFFER_TOO_SMALL;
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS transact_buffered(Volume& volume, PIRP irp, void* buffer, ULONG input, ULONG output, bool batch,
                           ULONG_PTR* information) noexcept
{
    *information = 0;
    const NTSTATUS status = check_lengths(
        input, output, batch ? FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN : FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN);
    if (!NT_SUCCESS(status))
        return status;
    // The responses have all been used when the first request overwrites them.
    auto* const bytes = static_cast<Byte*>(buffer);
    return transact(volume, irp, bytes, input, {bytes, output, batch}, information);
}

NTSTATUS transact_direct(Volume& volume, PIRP irp, ULONG_PTR* information) noexcept
{
    *information = 0;
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.FileSystemControl;
    const ULONG input = parameters.InputBufferLength, output = parameters.OutputBufferLength;
    const NTSTATUS status = check_lengths(input, output, FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN);
    if (!NT_SUCCESS(status))
        return status;
    Byte* to = nullptr;
    if (output != 0) {
        to = static_cast<Byte*>(
            irp->MdlAddress ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority) : nullptr);
        if (!to)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    return transact(volume, irp, static_cast<const Byte*>(irp->AssociatedIrp.SystemBuffer), input,
                    {to, output, true}, information);
}

NTSTATUS transact_internal(Volume& volume, PIRP irp, const void* input, ULONG input_size, void* output,
                           ULONG output_size, ULONG_PTR* information) noexcept
{
    *information = 0;
    if (irp->RequestorMode != KernelMode)
        return STATUS_INVALID_DEVICE_REQUEST;
    NTSTATUS status = check_lengths(input_size, output_size, sizeof(PVOID));
    if (!NT_SUCCESS(status))
        return status;

    Byte* copy = nullptr;
    if (output_size != 0) {
        // The caller frees it with ExFreePool.
        copy = static_cast<Byte*>(pool_allocate_external(request_size_max));
        if (!copy)
            return STATUS_INSUFFICIENT_RESOURCES;
    }
    status = transact(volume, irp, static_cast<const Byte*>(input), input_size,
                      {copy, output_size ? request_size_max : 0, false}, information);
    if (output_size == 0)
        return status;
    void* handed_over = copy;
    if (!NT_SUCCESS(status) || *information == 0) {
        ExFreePoolWithTag(copy, pool_tag_external);
        handed_over = nullptr;
    }
    *static_cast<void**>(output) = handed_over;
    *information = handed_over ? sizeof(PVOID) : 0;
    return status;
}

BOOLEAN transact_fast_io(PFILE_OBJECT file, bool wait, PVOID input, ULONG input_length, PVOID output,
                         ULONG output_length, ULONG code, PIO_STATUS_BLOCK io_status) noexcept
{
    Volume* const volume = Volume::of_control_handle(file);
    if (code != FSP_IOCTL_TRANSACT || !wait || !volume)
        return FALSE;
    const KPROCESSOR_MODE mode = ExGetPreviousMode();
    NTSTATUS status = check_lengths(input_length, output_length, FSP_FSCTL_TRANSACT_BUFFER_SIZEMIN);
    io_status->Information = 0;

    // User buffers are captured once, as the I/O manager would have done for the IRP form.
    Buffer buffer;
    const ULONG size = greater<ULONG>(input_length, output_length ? request_size_max : 0);
    if (NT_SUCCESS(status) && size != 0 && !buffer.allocate(size))
        status = STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status) && input_length != 0)
        status = seh::copy_from_user(buffer.data(), input, input_length, mode);
    if (NT_SUCCESS(status)) {
        CriticalRegion region;
        ULONG_PTR information = 0;
        status = transact_buffered(*volume, nullptr, buffer.data(), input_length,
                                   lesser<ULONG>(output_length, request_size_max), false, &information);
        if (NT_SUCCESS(status) && information != 0)
            status = seh::copy_to_user(output, buffer.data(), information, mode);
        io_status->Information = NT_SUCCESS(status) ? information : 0;
    }
    io_status->Status = status;
    return TRUE;
}

} // namespace fsp::fsd

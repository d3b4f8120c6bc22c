// SPDX-License-Identifier: MIT
#include "ntos/file_flags.h"
#include "ntos/nt/file_call.h"

namespace fsp::ntos::nt_service {

namespace {

bool use_position(PLARGE_INTEGER offset)
{
    return offset == nullptr || (offset->HighPart == -1 && offset->LowPart == FILE_USE_FILE_POINTER_POSITION);
}

/// Unbuffered I/O of user mode is in whole sectors.
bool misaligned(const Call& call, ULONG length, const LARGE_INTEGER* offset)
{
    if (call.mode == KernelMode || (flags_of(call.file.get()) & FO_NO_INTERMEDIATE_BUFFERING) == 0)
        return false;
    const ULONG sector = call.device->SectorSize;
    if (sector == 0 || (sector & (sector - 1)) != 0)
        return false;
    const bool to_end = offset != nullptr && offset->HighPart == -1;
    return (length & (sector - 1)) != 0 ||
           (offset != nullptr && !to_end && (offset->LowPart & (sector - 1)) != 0);
}

NTSTATUS read(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, PVOID buffer, ULONG length,
              PLARGE_INTEGER byte_offset, PULONG key)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, FILE_READ_DATA);
    if (!NT_SUCCESS(status))
        return status;
    if (misaligned(call, length, byte_offset))
        return STATUS_INVALID_PARAMETER;

    io::FileLock lock(call.file.get());
    LARGE_INTEGER offset;
    if (use_position(byte_offset)) {
        if (!call.synchronous())
            return STATUS_INVALID_PARAMETER;
        offset = call.file->CurrentByteOffset;
    } else
        offset = *byte_offset;
    if (offset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;

    const ULONG lock_key = key != nullptr ? *key : 0;
    if (call.synchronous() && __atomic_load_n(&call.file->PrivateCacheMap, __ATOMIC_ACQUIRE) != nullptr &&
        call.fast() != nullptr && call.fast()->FastIoRead != nullptr)
    {
        IO_STATUS_BLOCK result{};
        if (call.fast()->FastIoRead(call.file.get(), &offset, length, TRUE, lock_key, buffer, &result,
                                    call.device) &&
            (result.Status == STATUS_SUCCESS || result.Status == STATUS_BUFFER_OVERFLOW ||
             result.Status == STATUS_END_OF_FILE))
        {
            lock.release();
            completion.signal(call, result);
            return result.Status;
        }
    }

    io::Request request;
    if (!call.make(IRP_MJ_READ, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->Parameters.Read.Length = length;
    request.stack->Parameters.Read.Key = lock_key;
    request.stack->Parameters.Read.ByteOffset = offset;
    request.irp->Flags |= IRP_READ_OPERATION;
    if ((flags_of(call.file.get()) & FO_NO_INTERMEDIATE_BUFFERING) != 0)
        request.irp->Flags |= IRP_NOCACHE;
    status = give_buffer(call, request, buffer, length, true);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send_locked(call, lock, request, completion);
}

NTSTATUS write(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, PVOID buffer, ULONG length,
               PLARGE_INTEGER byte_offset, PULONG key)
{
    Call call(mode);
    NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    const bool append_only = (call.granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == FILE_APPEND_DATA;
    if (mode != KernelMode && (call.granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == 0)
        return STATUS_ACCESS_DENIED;
    if (misaligned(call, length, byte_offset))
        return STATUS_INVALID_PARAMETER;

    io::FileLock lock(call.file.get());
    LARGE_INTEGER offset;
    if (append_only) {
        offset.LowPart = FILE_WRITE_TO_END_OF_FILE;
        offset.HighPart = -1;
    } else if (use_position(byte_offset)) {
        if (!call.synchronous())
            return STATUS_INVALID_PARAMETER;
        offset = call.file->CurrentByteOffset;
    } else
        offset = *byte_offset;
    if (offset.QuadPart < 0 && !(offset.HighPart == -1 && offset.LowPart == FILE_WRITE_TO_END_OF_FILE))
        return STATUS_INVALID_PARAMETER;

    const ULONG lock_key = key != nullptr ? *key : 0;
    if (call.synchronous() && __atomic_load_n(&call.file->PrivateCacheMap, __ATOMIC_ACQUIRE) != nullptr &&
        call.fast() != nullptr && call.fast()->FastIoWrite != nullptr)
    {
        IO_STATUS_BLOCK result{};
        if (call.fast()->FastIoWrite(call.file.get(), &offset, length, TRUE, lock_key, buffer, &result,
                                     call.device) &&
            result.Status == STATUS_SUCCESS)
        {
            lock.release();
            completion.signal(call, result);
            return result.Status;
        }
    }

    io::Request request;
    if (!call.make(IRP_MJ_WRITE, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->Parameters.Write.Length = length;
    request.stack->Parameters.Write.Key = lock_key;
    request.stack->Parameters.Write.ByteOffset = offset;
    request.stack->Flags = (flags_of(call.file.get()) & FO_WRITE_THROUGH) != 0 ? SL_WRITE_THROUGH : 0;
    request.irp->Flags |= IRP_WRITE_OPERATION;
    if ((flags_of(call.file.get()) & FO_NO_INTERMEDIATE_BUFFERING) != 0)
        request.irp->Flags |= IRP_NOCACHE;
    status = give_buffer(call, request, buffer, length, false);
    if (!NT_SUCCESS(status)) {
        discard(request);
        return status;
    }
    return send_locked(call, lock, request, completion);
}

NTSTATUS flush(KPROCESSOR_MODE mode, HANDLE handle, ULONG flags, PIO_STATUS_BLOCK iosb)
{
    constexpr ULONG known =
        FLUSH_FLAGS_FILE_DATA_ONLY | FLUSH_FLAGS_NO_SYNC | FLUSH_FLAGS_FILE_DATA_SYNC_ONLY;
    if ((flags & ~known) != 0)
        return STATUS_INVALID_PARAMETER;
    Call call(mode);
    const NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    if (mode != KernelMode && (call.granted & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == 0)
        return STATUS_ACCESS_DENIED;
    io::Request request;
    if (!call.make(IRP_MJ_FLUSH_BUFFERS, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if ((flags & FLUSH_FLAGS_FILE_DATA_SYNC_ONLY) != 0)
        request.stack->MinorFunction = IRP_MN_FLUSH_DATA_SYNC_ONLY;
    else if ((flags & FLUSH_FLAGS_NO_SYNC) != 0)
        request.stack->MinorFunction = IRP_MN_FLUSH_NO_SYNC;
    else if ((flags & FLUSH_FLAGS_FILE_DATA_ONLY) != 0)
        request.stack->MinorFunction = IRP_MN_FLUSH_DATA_ONLY;
    return send_synchronous(call, request, iosb);
}

NTSTATUS flush_whole(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb)
{
    return flush(mode, handle, 0, iosb);
}

NTSTATUS flush_ex(KPROCESSOR_MODE mode, HANDLE handle, ULONG flags, PVOID, ULONG, PIO_STATUS_BLOCK iosb)
{
    return flush(mode, handle, flags, iosb);
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(ReadFile, read,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                    PULONG Key),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, Buffer, Length, ByteOffset,
                   Key)

FSP_DEFINE_SERVICE(WriteFile, write,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PVOID Buffer, ULONG Length, PLARGE_INTEGER ByteOffset,
                    PULONG Key),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, Buffer, Length, ByteOffset,
                   Key)

FSP_DEFINE_SERVICE(FlushBuffersFile, flush_whole, (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock),
                   FileHandle, IoStatusBlock)

FSP_DEFINE_SERVICE(FlushBuffersFileEx, flush_ex,
                   (HANDLE FileHandle, ULONG Flags, PVOID Parameters, ULONG ParametersSize,
                    PIO_STATUS_BLOCK IoStatusBlock),
                   FileHandle, Flags, Parameters, ParametersSize, IoStatusBlock)

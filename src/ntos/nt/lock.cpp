// SPDX-License-Identifier: MIT
/// @file NtLockFile, NtUnlockFile.
#include "ntos/nt/file_call.h"

namespace fsp::ntos::nt_service {

namespace {

constexpr ULONG length_tag = 0x6b4c6f49;

bool may_lock(const Call& call)
{
    return call.mode == KernelMode || (call.granted & (FILE_READ_DATA | FILE_WRITE_DATA)) != 0;
}

/// The driver gets the length by reference; it lives in the IRP's auxiliary buffer.
bool copy_length(io::Request& request, LARGE_INTEGER length)
{
    auto* copy = static_cast<PLARGE_INTEGER>(ExAllocatePoolWithTag(NonPagedPool, sizeof length, length_tag));
    if (copy == nullptr)
        return false;
    *copy = length;
    request.irp->Tail.Overlay.AuxiliaryBuffer = reinterpret_cast<PCHAR>(copy);
    request.stack->Parameters.LockControl.Length = copy;
    return true;
}

NTSTATUS lock(KPROCESSOR_MODE mode, HANDLE handle, const Completion& completion, PLARGE_INTEGER offset,
              PLARGE_INTEGER length, ULONG key, BOOLEAN fail_immediately, BOOLEAN exclusive)
{
    Call call(mode);
    const NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    if (!may_lock(call))
        return STATUS_ACCESS_DENIED;
    LARGE_INTEGER from = *offset, size = *length;
    if (call.fast() != nullptr && call.fast()->FastIoLock != nullptr) {
        IO_STATUS_BLOCK result{};
        if (call.fast()->FastIoLock(call.file.get(), &from, &size, PsGetCurrentProcess(), key,
                                    fail_immediately, exclusive, &result, call.device))
        {
            __atomic_store_n(&call.file->LockOperation, TRUE, __ATOMIC_RELAXED);
            completion.signal(call, result);
            return result.Status;
        }
    }
    io::Request request;
    if (!call.make(IRP_MJ_LOCK_CONTROL, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->MinorFunction = IRP_MN_LOCK;
    request.stack->Flags = static_cast<UCHAR>((fail_immediately ? SL_FAIL_IMMEDIATELY : 0) |
                                              (exclusive ? SL_EXCLUSIVE_LOCK : 0));
    request.stack->Parameters.LockControl.Key = key;
    request.stack->Parameters.LockControl.ByteOffset = from;
    if (!copy_length(request, size)) {
        discard(request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    __atomic_store_n(&call.file->LockOperation, TRUE, __ATOMIC_RELAXED);
    return send(call, request, completion);
}

NTSTATUS unlock(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PLARGE_INTEGER offset,
                PLARGE_INTEGER length, ULONG key)
{
    Call call(mode);
    const NTSTATUS status = call.open(handle, 0);
    if (!NT_SUCCESS(status))
        return status;
    if (!may_lock(call))
        return STATUS_ACCESS_DENIED;
    LARGE_INTEGER from = *offset, size = *length;
    if (call.fast() != nullptr && call.fast()->FastIoUnlockSingle != nullptr) {
        IO_STATUS_BLOCK result{};
        if (call.fast()->FastIoUnlockSingle(call.file.get(), &from, &size, PsGetCurrentProcess(), key,
                                            &result, call.device))
        {
            *iosb = result;
            return result.Status;
        }
    }
    io::Request request;
    if (!call.make(IRP_MJ_LOCK_CONTROL, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->MinorFunction = IRP_MN_UNLOCK_SINGLE;
    request.stack->Parameters.LockControl.Key = key;
    request.stack->Parameters.LockControl.ByteOffset = from;
    if (!copy_length(request, size)) {
        discard(request);
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return send_synchronous(call, request, iosb);
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(LockFile, lock,
                   (HANDLE FileHandle, HANDLE Event, PIO_APC_ROUTINE ApcRoutine, PVOID ApcContext,
                    PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset, PLARGE_INTEGER Length,
                    ULONG Key, BOOLEAN FailImmediately, BOOLEAN ExclusiveLock),
                   FileHandle, {Event, ApcRoutine, ApcContext, IoStatusBlock}, ByteOffset, Length, Key,
                   FailImmediately, ExclusiveLock)

FSP_DEFINE_SERVICE(UnlockFile, unlock,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PLARGE_INTEGER ByteOffset,
                    PLARGE_INTEGER Length, ULONG Key),
                   FileHandle, IoStatusBlock, ByteOffset, Length, Key)

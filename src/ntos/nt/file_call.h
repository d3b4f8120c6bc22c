// SPDX-License-Identifier: MIT
/// @file What the system services on file handles have in common.
#pragma once

#include "ntos/file_flags.h"
#include "ntos/io/device.h"
#include "ntos/io/file_object.h"
#include "ntos/io/irp.h"

#include <utility>

/// Defines NtXxx (caller in user mode) and ZwXxx (in kernel mode) over one implementation that gets the mode
/// first.
#define FSP_DEFINE_SERVICE(name, implementation, parameters, ...)                                            \
    extern "C" NTSTATUS NTAPI Nt##name parameters { return implementation(UserMode, __VA_ARGS__); }          \
    extern "C" NTSTATUS NTAPI Zw##name parameters { return implementation(KernelMode, __VA_ARGS__); }

namespace fsp::ntos::nt_service {

/// A file handle looked up for one call.
struct Call
{
    KPROCESSOR_MODE mode;
    ob::Ref<FILE_OBJECT> file;
    ACCESS_MASK granted = 0;
    PDEVICE_OBJECT device = nullptr;

    explicit Call(KPROCESSOR_MODE m) : mode(m) {}

    /// @param access all of these rights are needed, of user-mode callers
    NTSTATUS open(HANDLE handle, ACCESS_MASK access)
    {
        void* body = nullptr;
        const NTSTATUS status =
            ob::reference_by_handle(handle, access, &ob::file_type, mode, &body, &granted);
        if (!NT_SUCCESS(status))
            return status;
        file = ob::Ref<FILE_OBJECT>(static_cast<PFILE_OBJECT>(body));
        device = IoGetRelatedDeviceObject(file.get());
        return STATUS_SUCCESS;
    }

    bool synchronous() const { return (flags_of(file.get()) & FO_SYNCHRONOUS_IO) != 0; }

    const FAST_IO_DISPATCH* fast() const { return device->DriverObject->FastIoDispatch; }

    bool make(UCHAR major, io::Request* request)
    {
        return io::make_request(device, file.get(), major, mode, request);
    }
};

/// How the caller learns about the end of an asynchronous operation.
struct Completion
{
    HANDLE event;
    PIO_APC_ROUTINE routine;
    PVOID context;
    PIO_STATUS_BLOCK iosb;

    /// Signals success that needed no IRP.
    void signal(const Call& call, const IO_STATUS_BLOCK& result) const;
};

/// Sends a request that the caller waits for only if the file is synchronous. The IRP is gone afterwards.
NTSTATUS send(Call& call, io::Request& request, const Completion& completion);
/// The same for a caller that holds the file lock already; it is released.
NTSTATUS send_locked(Call& call, io::FileLock& lock, io::Request& request, const Completion& completion);

/// Sends a request that the caller waits for in any case.
NTSTATUS send_synchronous(Call& call, io::Request& request, PIO_STATUS_BLOCK iosb);

/// Gives a request the caller's buffer the way the device wants it: copied, as an MDL, or as it is.
/// @param to_caller the driver fills the buffer
NTSTATUS give_buffer(Call& call, io::Request& request, PVOID buffer, ULONG length, bool to_caller);

/// The MDL of a request's buffer, pages locked. @return the status raised for a bad buffer
NTSTATUS give_mdl(Call& call, io::Request& request, PVOID buffer, ULONG length, LOCK_OPERATION operation);

/// Throws away a request that was never sent.
void discard(io::Request& request);

} // namespace fsp::ntos::nt_service

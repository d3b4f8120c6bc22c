// SPDX-License-Identifier: MIT
#include "change.h"
#include "dispatch.h"
#include "mount_manager.h"
#include "name.h"
#include "provider.h"
#include "sha1.h"
#include "system.h"
#include "volume_params.h"

/// The control devices: creating volumes, and requests about them.
namespace fsp::fsd {

namespace {

bool is_network(PDEVICE_OBJECT control)
{
    return static_cast<const DeviceHeader*>(control->DeviceExtension)->kind == DeviceKind::net_control;
}

WCHAR hex_digit(ULONG value) { return static_cast<WCHAR>(value < 10 ? '0' + value : 'a' + value - 10); }

WCHAR* append_hex(WCHAR* to, ULONG value)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        *to++ = hex_digit(value >> shift & 15);
    return to;
}

/// The same file system with the same serial and age gets the same id again.
GUID persistent_id(const FSP_FSCTL_VOLUME_PARAMS& params)
{
    WCHAR text[64];
    WCHAR* end = text;
    for (const WCHAR* from = params.FileSystemName; *from; from++)
        *end++ = *from;
    *end++ = ':';
    end = append_hex(end, params.VolumeSerialNumber);
    *end++ = ':';
    end = append_hex(end, static_cast<ULONG>(params.VolumeCreationTime));
    return name_based_guid(FspFsvrtDeviceClassGuid, text, static_cast<ULONG>(end - text) * sizeof(WCHAR));
}

struct ControlRequest
{
    PDEVICE_OBJECT device;
    PIRP irp;
    ULONG code;
    void* buffer; // METHOD_BUFFERED
    ULONG input;
    ULONG output;
    Volume* volume; // null on a plain handle
    ULONG_PTR information = 0;
};

NTSTATUS mountdev(ControlRequest& r)
{
    if (r.output < sizeof(GUID))
        return STATUS_INVALID_PARAMETER;
    const bool persistent = r.input >= sizeof(BOOLEAN) && *static_cast<const BOOLEAN*>(r.buffer);
    GUID id;
    const NTSTATUS status = make_mount_device(*r.volume, persistent, &id);
    if (!NT_SUCCESS(status))
        return status;
    RtlCopyMemory(r.buffer, &id, sizeof id);
    r.information = sizeof id;
    return STATUS_SUCCESS;
}

ULONG volume_name_size(const Volume& volume)
{
    return volume.device_name().Length + volume.prefix().Length + static_cast<ULONG>(sizeof(WCHAR));
}

void copy_volume_name(const Volume& volume, void* to)
{
    auto* bytes = static_cast<Byte*>(to);
    copy_bytes(bytes, volume.device_name().Buffer, volume.device_name().Length);
    bytes += volume.device_name().Length;
    copy_bytes(bytes, volume.prefix().Buffer, volume.prefix().Length);
    bytes += volume.prefix().Length;
    bytes[0] = bytes[1] = 0;
}

NTSTATUS volume_name(ControlRequest& r)
{
    if (r.output < FSP_FSCTL_VOLUME_NAME_SIZEMAX)
        return STATUS_BUFFER_TOO_SMALL;
    copy_volume_name(*r.volume, r.buffer);
    r.information = volume_name_size(*r.volume);
    return STATUS_SUCCESS;
}

NTSTATUS volume_list(ControlRequest& r)
{
    if (r.output > 65535)
        return STATUS_INVALID_PARAMETER;
    ULONG used = 0;
    FastMutexGuard guard(volumes.lock);
    for (LIST_ENTRY* entry = volumes.head.Flink; entry != &volumes.head; entry = entry->Flink) {
        const Volume& volume = *CONTAINING_RECORD(entry, Volume, list_link);
        if (volume.stopped() || volume.is_network() != is_network(r.device))
            continue;
        const ULONG size = volume_name_size(volume);
        if (size > r.output - used)
            return STATUS_BUFFER_TOO_SMALL;
        copy_volume_name(volume, static_cast<Byte*>(r.buffer) + used);
        used += size;
    }
    r.information = used;
    return STATUS_SUCCESS;
}

NTSTATUS unload(ControlRequest& r)
{
    constexpr LUID load_driver{10, 0}; // SeLoadDriverPrivilege
    if (!SeSinglePrivilegeCheck(load_driver, r.irp->RequestorMode))
        return STATUS_PRIVILEGE_NOT_HELD;
    if (InterlockedExchange(&driver.unloading, 1) != 0)
        return STATUS_SUCCESS;

    NTSTATUS status = STATUS_SUCCESS;
    if (system.unload_driver && driver.service_name.Length != 0)
        status = system.unload_driver(&driver.service_name);
    remove_control_devices();

    FastMutexGuard guard(volumes.lock);
    for (LIST_ENTRY* entry = volumes.head.Flink; entry != &volumes.head; entry = entry->Flink)
        CONTAINING_RECORD(entry, Volume, list_link)->stop(false);
    return status;
}

/// Registers an in-process file system (see FSP_FSCTL_INLINE).
NTSTATUS set_inline(ControlRequest& r, const void* input)
{
    if (r.irp->RequestorMode != KernelMode)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (r.input < sizeof(FSP_FSCTL_INLINE_INFO) || !input)
        return STATUS_INVALID_PARAMETER;
    r.volume->set_inline_dispatch(*static_cast<const FSP_FSCTL_INLINE_INFO*>(input));
    return STATUS_SUCCESS;
}

NTSTATUS provider_request(ControlRequest& r)
{
    const FSP_FSEXT_PROVIDER* const provider = r.volume->provider();
    if (!provider || r.code != provider->DeviceTransactCode || !provider->DeviceTransact)
        return STATUS_INVALID_DEVICE_REQUEST;
    r.irp->IoStatus.Information = 0;
    const NTSTATUS status = provider->DeviceTransact(r.volume->device(), r.irp);
    if (status != STATUS_PENDING) // then the IRP may be gone
        r.information = r.irp->IoStatus.Information;
    return status;
}

NTSTATUS user_request(ControlRequest& r)
{
    const auto& parameters = IoGetCurrentIrpStackLocation(r.irp)->Parameters.FileSystemControl;
    switch (r.code) {
    case FSP_FSCTL_VOLUME_LIST:
        return volume_list(r);
    case FSP_FSCTL_UNLOAD:
        return unload(r);
    default:
        break;
    }
    if (!r.volume)
        return STATUS_INVALID_DEVICE_REQUEST;

    switch (r.code) {
    case FSP_FSCTL_TRANSACT:
        return transact_buffered(*r.volume, r.irp, r.buffer, r.input, r.output, false, &r.information);
    case FSP_FSCTL_TRANSACT_BATCH:
        return transact_direct(*r.volume, r.irp, &r.information);
    case FSP_FSCTL_TRANSACT_INTERNAL:
        return transact_internal(*r.volume, r.irp, parameters.Type3InputBuffer, r.input, r.irp->UserBuffer,
                                 r.output, &r.information);
    case FSP_FSCTL_INLINE:
        return set_inline(r, parameters.Type3InputBuffer);
    case FSP_FSCTL_STOP:
        r.volume->stop(true);
        return STATUS_SUCCESS;
    case FSP_FSCTL_STOP0:
        r.volume->stop(false);
        return STATUS_SUCCESS;
    case FSP_FSCTL_NOTIFY:
        return notify_from_user_mode(*r.volume, r.irp);
    case FSP_FSCTL_MOUNTDEV:
        return mountdev(r);
    case FSP_FSCTL_MOUNTMGR:
        return mount_manager_request(*r.volume, r.buffer, r.input);
    case FSP_FSCTL_VOLUME_NAME:
        return volume_name(r);
    default:
        return provider_request(r);
    }
}

} // namespace

NTSTATUS make_mount_device(Volume& volume, bool persistent, GUID* id) noexcept
{
    if (volume.is_network())
        return STATUS_INVALID_PARAMETER;
    GUID fresh = {};
    if (persistent) {
        fresh = persistent_id(volume.params());
    } else {
        const NTSTATUS status = make_guid(&fresh); // at PASSIVE_LEVEL, so not under the mutex
        if (!NT_SUCCESS(status))
            return status;
    }
    FastMutexGuard guard(volume.mount_mutex);
    if (volume.deleted())
        return STATUS_CANCELLED; // the Mount Manager has been told already
    if (volume.mount_device) {
        if (volume.mount_persistent != persistent)
            return STATUS_ACCESS_DENIED;
        *id = volume.unique_id;
        return STATUS_SUCCESS;
    }
    volume.unique_id = fresh;
    volume.mount_persistent = persistent;
    volume.mount_device = true;
    *id = volume.unique_id;
    return STATUS_SUCCESS;
}

NTSTATUS control_create(PDEVICE_OBJECT device, PIRP irp) noexcept
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FSP_FSCTL_VOLUME_PARAMS params;
    NTSTATUS status = decode_volume_params(file->FileName, &params);
    if (status == STATUS_NOT_FOUND)
        return complete_irp(irp, STATUS_SUCCESS, FILE_OPENED);
    if (NT_SUCCESS(status) && file->RelatedFileObject)
        status = STATUS_INVALID_PARAMETER;
    if (NT_SUCCESS(status))
        status = sanitize_volume_params(&params, is_network(device));
    FSP_FSEXT_PROVIDER* provider = nullptr;
    if (NT_SUCCESS(status) && params.FsextControlCode != 0)
        status = find_provider(params.FsextControlCode, &provider);
    if (NT_SUCCESS(status) && driver.unloading)
        status = STATUS_CANCELLED;
    Volume* volume = nullptr;
    if (NT_SUCCESS(status))
        status = Volume::create(is_network(device), params, provider, &volume);
    if (!NT_SUCCESS(status))
        return complete_irp(irp, status);
    file->FsContext2 = volume;
    return complete_irp(irp, STATUS_SUCCESS, FILE_OPENED);
}

NTSTATUS control_cleanup(PDEVICE_OBJECT, PIRP irp) noexcept
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    // The reference goes at CLOSE: requests on this handle may still be running.
    if (Volume* volume = Volume::of_control_handle(file))
        volume->begin_delete();
    return complete_irp(irp, STATUS_SUCCESS);
}

NTSTATUS control_close(PDEVICE_OBJECT, PIRP irp) noexcept
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    auto* const volume = static_cast<Volume*>(exchange<PVOID>(file->FsContext2, nullptr));
    const NTSTATUS status = complete_irp(irp, STATUS_SUCCESS);
    if (volume)
        volume->dereference();
    return status;
}

NTSTATUS control_file_system_control(PDEVICE_OBJECT device, PIRP irp) noexcept
{
    const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (stack->MinorFunction == IRP_MN_MOUNT_VOLUME)
        return mount_volume(device, irp);
    if (stack->MinorFunction != IRP_MN_USER_FS_REQUEST && stack->MinorFunction != IRP_MN_KERNEL_CALL)
        return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);

    const auto& parameters = stack->Parameters.FileSystemControl;
    ControlRequest request{device,
                           irp,
                           parameters.FsControlCode,
                           irp->AssociatedIrp.SystemBuffer,
                           parameters.InputBufferLength,
                           parameters.OutputBufferLength,
                           stack->FileObject ? Volume::of_control_handle(stack->FileObject) : nullptr};
    const NTSTATUS status = user_request(request);
    return status == STATUS_PENDING ? status : complete_irp(irp, status, request.information);
}

/// The device control twins of TRANSACT, all of them buffered.
NTSTATUS control_device_control(PDEVICE_OBJECT, PIRP irp) noexcept
{
    const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const auto& parameters = stack->Parameters.DeviceIoControl;
    Volume* const volume = stack->FileObject ? Volume::of_control_handle(stack->FileObject) : nullptr;
    void* const buffer = irp->AssociatedIrp.SystemBuffer;
    const ULONG input = parameters.InputBufferLength, output = parameters.OutputBufferLength;
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (volume) {
        switch (parameters.IoControlCode) {
        case FSP_IOCTL_TRANSACT:
            status = transact_buffered(*volume, irp, buffer, input, output, false, &information);
            break;
        case FSP_IOCTL_TRANSACT_BATCH:
            status = transact_buffered(*volume, irp, buffer, input, output, true, &information);
            break;
        case FSP_IOCTL_TRANSACT_INTERNAL:
            status = transact_internal(*volume, irp, buffer, input, buffer, output, &information);
            break;
        default:
            break;
        }
    }
    return complete_irp(irp, status, information);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "storage_ioctl.h"

/// The virtual disk below a disk volume: a device that mount points can name. It holds no data.
namespace fsp::fsd {

namespace {

/// The disk's volume with a reference, unless it is being deleted.
Volume* reference_volume(PDEVICE_OBJECT disk)
{
    FastMutexGuard guard(volumes.lock);
    Volume* const volume = static_cast<VirtualDisk*>(disk->DeviceExtension)->volume;
    if (volume)
        volume->reference();
    return volume;
}

NTSTATUS query_alignment(const VirtualDisk& disk, void* buffer, ULONG input, ULONG output,
                         ULONG_PTR* information)
{
    if (input < sizeof(STORAGE_PROPERTY_QUERY))
        return STATUS_UNRECOGNIZED_VOLUME;
    const auto query = *static_cast<const STORAGE_PROPERTY_QUERY*>(buffer);
    if (query.PropertyId != StorageAccessAlignmentProperty)
        return STATUS_UNRECOGNIZED_VOLUME;
    if (query.QueryType == PropertyExistsQuery)
        return STATUS_SUCCESS;
    if (query.QueryType != PropertyStandardQuery)
        return STATUS_NOT_SUPPORTED;
    if (output < sizeof(STORAGE_DESCRIPTOR_HEADER))
        return STATUS_BUFFER_TOO_SMALL;

    // STORAGE_ACCESS_ALIGNMENT_DESCRIPTOR, which not every header has.
    struct
    {
        ULONG version, size, cache_line, cache_offset, logical_sector, physical_sector, sector_offset;
    } descriptor{};
    descriptor.version = descriptor.size = sizeof descriptor;
    descriptor.logical_sector = descriptor.physical_sector = disk.sector_size;
    const ULONG size = output < sizeof descriptor ? sizeof(STORAGE_DESCRIPTOR_HEADER) : sizeof descriptor;
    RtlCopyMemory(buffer, &descriptor, size);
    *information = size;
    return STATUS_SUCCESS;
}

/// MOUNTDEV_NAME and MOUNTDEV_UNIQUE_ID: a 16-bit length and that many bytes.
NTSTATUS answer_mount_manager(void* buffer, ULONG output, const void* data, USHORT size, ULONG structure_size,
                              ULONG_PTR* information)
{
    if (output < structure_size)
        return STATUS_BUFFER_TOO_SMALL;
    auto* const bytes = static_cast<Byte*>(buffer);
    RtlZeroMemory(bytes, structure_size);
    *reinterpret_cast<USHORT*>(bytes) = size;
    if (output < sizeof(USHORT) + size) {
        *information = structure_size;
        return STATUS_BUFFER_OVERFLOW;
    }
    RtlCopyMemory(bytes + sizeof(USHORT), data, size);
    *information = sizeof(USHORT) + size;
    return STATUS_SUCCESS;
}

NTSTATUS device_control(PDEVICE_OBJECT device, PIRP irp, ULONG_PTR* information)
{
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.DeviceIoControl;
    void* const buffer = irp->AssociatedIrp.SystemBuffer;
    const ULONG output = parameters.OutputBufferLength;
    const auto& disk = *static_cast<const VirtualDisk*>(device->DeviceExtension);
    if (parameters.IoControlCode == IOCTL_STORAGE_QUERY_PROPERTY)
        return query_alignment(disk, buffer, parameters.InputBufferLength, output, information);

    Volume* const volume = reference_volume(device);
    NTSTATUS status = STATUS_UNRECOGNIZED_VOLUME;
    if (!volume)
        return status;
    if (volume->mount_device) {
        // Both structures are a length and an array of one element.
        if (parameters.IoControlCode == IOCTL_MOUNTDEV_QUERY_DEVICE_NAME)
            status = answer_mount_manager(buffer, output, volume->device_name().Buffer,
                                          volume->device_name().Length, 2 * sizeof(USHORT), information);
        else if (parameters.IoControlCode == IOCTL_MOUNTDEV_QUERY_UNIQUE_ID)
            status = answer_mount_manager(buffer, output, &volume->unique_id, sizeof volume->unique_id,
                                          2 * sizeof(USHORT), information);
    }
    volume->dereference();
    return status;
}

} // namespace

NTSTATUS disk_dispatch(PDEVICE_OBJECT device, PIRP irp) noexcept
{
    ULONG_PTR information = 0;
    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
        information = FILE_OPENED;
        status = STATUS_SUCCESS;
        break;
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        status = STATUS_SUCCESS;
        break;
    case IRP_MJ_DEVICE_CONTROL:
        status = device_control(device, irp, &information);
        break;
    default:
        break;
    }
    return complete_irp(irp, status, information);
}

/// IRP_MN_MOUNT_VOLUME: for a system that asks, although our volumes are mounted from the start.
NTSTATUS mount_volume(PDEVICE_OBJECT, PIRP irp) noexcept
{
    const auto& parameters = IoGetCurrentIrpStackLocation(irp)->Parameters.MountVolume;
    const PDEVICE_OBJECT disk = parameters.DeviceObject;
    const PVPB vpb = parameters.Vpb;
    if (!disk || disk->DriverObject != driver.object ||
        static_cast<const DeviceHeader*>(disk->DeviceExtension)->kind != DeviceKind::virtual_disk)
        return complete_irp(irp, STATUS_UNRECOGNIZED_VOLUME);
    Volume* const volume = reference_volume(disk);
    if (!volume)
        return complete_irp(irp, STATUS_UNRECOGNIZED_VOLUME);

    NTSTATUS status = STATUS_UNRECOGNIZED_VOLUME;
    if (!volume->stopped() && vpb == volume->vpb()) {
        vpb->DeviceObject = volume->device();
        vpb->SerialNumber = volume->params().VolumeSerialNumber;
        status = STATUS_SUCCESS;
    }
    volume->dereference();
    return complete_irp(irp, status);
}

} // namespace fsp::fsd

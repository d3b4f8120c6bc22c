// SPDX-License-Identifier: MIT
/// @file Volumes: which file system a disk is mounted on, VPB reference counts, registered file systems.
#include "ntos/io/device.h"
#include "ntos/io/irp.h"
#include "ntos/verifier.h"

#include <algorithm>
#include <mutex>
#include <vector>

namespace fsp::ntos::io {

namespace {

KSPIN_LOCK vpb_lock;
constexpr ULONG vpb_tag = 0x20627056;

std::mutex registry_lock;
/// Control devices of file systems, the last registered first.
std::vector<PDEVICE_OBJECT> file_systems;

DEVICE_TYPE file_system_type_for(DEVICE_TYPE disk)
{
    switch (disk) {
    case FILE_DEVICE_CD_ROM:
        return FILE_DEVICE_CD_ROM_FILE_SYSTEM;
    case FILE_DEVICE_TAPE:
        return FILE_DEVICE_TAPE_FILE_SYSTEM;
    default:
        return FILE_DEVICE_DISK_FILE_SYSTEM;
    }
}

std::vector<ob::Ref<DEVICE_OBJECT>> candidates(DEVICE_TYPE type)
{
    std::vector<ob::Ref<DEVICE_OBJECT>> found;
    std::lock_guard guard(registry_lock);
    for (PDEVICE_OBJECT d : file_systems)
        if (d->DeviceType == type)
            found.push_back(ob::Ref<DEVICE_OBJECT>::share(d));
    return found;
}

NTSTATUS ask_to_mount(PDEVICE_OBJECT file_system, PDEVICE_OBJECT disk, bool raw)
{
    PDEVICE_OBJECT top = top_of(file_system);
    Request request;
    if (!make_request(top, nullptr, IRP_MJ_FILE_SYSTEM_CONTROL, KernelMode, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    request.stack->MinorFunction = IRP_MN_MOUNT_VOLUME;
    request.stack->Flags = raw ? SL_ALLOW_RAW_MOUNT : 0;
    request.stack->Parameters.MountVolume.Vpb = disk->Vpb;
    request.stack->Parameters.MountVolume.DeviceObject = top_of(disk);
    Waiter waiter;
    return send_and_wait(top, request.irp, waiter);
}

/// Device lock held.
NTSTATUS mount(PDEVICE_OBJECT disk, bool raw)
{
    NTSTATUS status = STATUS_UNRECOGNIZED_VOLUME;
    for (auto& file_system : candidates(file_system_type_for(disk->DeviceType))) {
        status = ask_to_mount(file_system.get(), disk, raw);
        if (NT_SUCCESS(status)) {
            KIRQL irql;
            IoAcquireVpbSpinLock(&irql);
            disk->Vpb->Flags = static_cast<USHORT>(disk->Vpb->Flags | VPB_MOUNTED);
            disk->Vpb->RealDevice = disk;
            IoReleaseVpbSpinLock(irql);
            return status;
        }
        if (status != STATUS_UNRECOGNIZED_VOLUME && status != STATUS_FS_DRIVER_REQUIRED)
            return status;
    }
    return STATUS_UNRECOGNIZED_VOLUME;
}

} // namespace

PVPB allocate_vpb(PDEVICE_OBJECT device)
{
    auto* vpb = static_cast<PVPB>(ExAllocatePoolWithTag(NonPagedPool, sizeof(VPB), vpb_tag));
    if (vpb == nullptr)
        return nullptr;
    std::memset(vpb, 0, sizeof *vpb);
    vpb->Type = IO_TYPE_VPB;
    vpb->Size = sizeof *vpb;
    vpb->RealDevice = device;
    return vpb;
}

NTSTATUS reference_volume(PDEVICE_OBJECT device, bool raw, PVPB* vpb)
{
    *vpb = nullptr;
    for (;;) {
        KIRQL irql;
        IoAcquireVpbSpinLock(&irql);
        PVPB v = device->Vpb;
        if (v == nullptr) {
            // Disk devices without one have lost their volume.
            IoReleaseVpbSpinLock(irql);
            return STATUS_SUCCESS;
        }
        if ((v->Flags & VPB_LOCKED) != 0) {
            IoReleaseVpbSpinLock(irql);
            return STATUS_ACCESS_DENIED;
        }
        if ((v->Flags & VPB_MOUNTED) != 0) {
            ++v->ReferenceCount;
            *vpb = v;
            IoReleaseVpbSpinLock(irql);
            return STATUS_SUCCESS;
        }
        IoReleaseVpbSpinLock(irql);

        KeWaitForSingleObject(&device->DeviceLock, Executive, KernelMode, FALSE, nullptr);
        NTSTATUS status = STATUS_SUCCESS;
        if (device->Vpb != nullptr && (device->Vpb->Flags & VPB_MOUNTED) == 0)
            status = mount(device, raw);
        KeSetEvent(&device->DeviceLock, 0, FALSE);
        if (!NT_SUCCESS(status))
            return status;
    }
}

void dereference_volume(PVPB vpb)
{
    PVPB garbage = nullptr;
    KIRQL irql;
    IoAcquireVpbSpinLock(&irql);
    // A file system that keeps no reference of its own loses its VPB with the last open, as on Windows.
    if (--vpb->ReferenceCount == 0 && (vpb->Flags & VPB_PERSISTENT) == 0) {
        if (vpb->RealDevice != nullptr && vpb->RealDevice->Vpb == vpb)
            vpb->RealDevice->Vpb = nullptr;
        garbage = vpb;
    }
    // Once the disk has lost the volume its file system may wait for the last open to free the VPB.
    const bool in_use = garbage != nullptr && (garbage->Flags & VPB_MOUNTED) != 0;
    IoReleaseVpbSpinLock(irql);
    if (verifier::enabled && in_use) [[unlikely]]
        verifier::report("VPB %p of a mounted volume is freed: the file system keeps no reference to it",
                         static_cast<void*>(garbage));
    if (garbage != nullptr)
        ExFreePool(garbage);
}

} // namespace fsp::ntos::io

using namespace fsp::ntos;

extern "C" {

VOID NTAPI IoAcquireVpbSpinLock(PKIRQL Irql) { *Irql = KeAcquireSpinLockRaiseToDpc(&io::vpb_lock); }
VOID NTAPI IoReleaseVpbSpinLock(KIRQL Irql) { KeReleaseSpinLock(&io::vpb_lock, Irql); }

VOID NTAPI IoRegisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    {
        // As on Windows a registered device counts as open, so its driver cannot unload before it
        // unregisters.
        std::lock_guard guard(io::device_lock);
        ++DeviceObject->ReferenceCount;
        DeviceObject->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    }
    std::lock_guard guard(io::registry_lock);
    if ((DeviceObject->Flags & DO_LOW_PRIORITY_FILESYSTEM) != 0)
        io::file_systems.push_back(DeviceObject);
    else
        io::file_systems.insert(io::file_systems.begin(), DeviceObject);
}

VOID NTAPI IoUnregisterFileSystem(PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    {
        std::lock_guard guard(io::registry_lock);
        const auto it = std::find(io::file_systems.begin(), io::file_systems.end(), DeviceObject);
        if (it == io::file_systems.end())
            return;
        io::file_systems.erase(it);
    }
    io::close_device(DeviceObject);
}

NTSTATUS NTAPI IoRegisterFsRegistrationChange(PDRIVER_OBJECT, PDRIVER_FS_NOTIFICATION)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return STATUS_NOT_SUPPORTED;
}

} // extern "C"

// SPDX-License-Identifier: MIT
/// @file Device objects: what lies behind each, and how opens keep them alive.
#pragma once

#include "ntos/ob/object.h"
#include "ntos/ob/spin_lock.h"

namespace fsp::ntos::io {

/// Follows the driver's device extension; DeviceObjectExtension points here.
struct DevicePrivate
{
    CSHORT type;
    USHORT size;
    PDEVICE_OBJECT device;
    /// The device below in the stack.
    PDEVICE_OBJECT attached_to;
    /// Not to be opened any more; deleted when nobody has it open.
    bool delete_pending;
    /// Taken out of its driver's list.
    bool unlinked;
};

inline DevicePrivate& private_of(PDEVICE_OBJECT device)
{
    return *reinterpret_cast<DevicePrivate*>(device->DeviceObjectExtension);
}

/// Guards ReferenceCount and delete_pending of all devices, device stacks, drivers' device lists.
extern SpinLock device_lock;

/// Counts an open. @return STATUS_NO_SUCH_DEVICE if the device is being deleted
NTSTATUS open_device(PDEVICE_OBJECT device);
/// Uncounts an open; deletes the device if that was waited for.
void close_device(PDEVICE_OBJECT device);

/// The top of the stack above a device.
inline PDEVICE_OBJECT top_of(PDEVICE_OBJECT device)
{
    while (device->AttachedDevice != nullptr)
        device = device->AttachedDevice;
    return device;
}

// Volumes (io/volume.cpp)

/**
 * Finds the volume on a disk, mounting it if need be, and takes a VPB reference.
 *
 * @param[out] vpb the VPB referenced; nullptr if the device cannot carry a volume
 * @return STATUS_UNRECOGNIZED_VOLUME if no file system wants it
 */
NTSTATUS reference_volume(PDEVICE_OBJECT device, bool raw, PVPB* vpb);
void dereference_volume(PVPB vpb);
/// A zero VPB for a new disk device.
PVPB allocate_vpb(PDEVICE_OBJECT device);

} // namespace fsp::ntos::io

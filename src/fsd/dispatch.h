// SPDX-License-Identifier: MIT
#pragma once

/// The handlers of the volume device, one file per major function, and other entry points of the driver.

#include "irp_task.h"
#include "volume.h"
#include "wdk.h"

namespace fsp::fsd {

// clang-format off
IrpTask create(Volume&, PIRP);                    // create.cpp
IrpTask cleanup(Volume&, PIRP);                   // cleanup.cpp
IrpTask close(Volume&, PIRP);                     // close.cpp
IrpTask read(Volume&, PIRP);                      // read.cpp
IrpTask write(Volume&, PIRP);                     // write.cpp
IrpTask flush_buffers(Volume&, PIRP);             // flush.cpp
IrpTask query_information(Volume&, PIRP);         // query_information.cpp
IrpTask set_information(Volume&, PIRP);           // set_information.cpp
IrpTask query_ea(Volume&, PIRP);                  // ea.cpp
IrpTask set_ea(Volume&, PIRP);                    // ea.cpp
IrpTask query_volume_information(Volume&, PIRP);  // volume_information.cpp
IrpTask set_volume_information(Volume&, PIRP);    // volume_information.cpp
IrpTask directory_control(Volume&, PIRP);         // directory_control.cpp (query and notify)
IrpTask file_system_control(Volume&, PIRP);       // file_system_control.cpp
IrpTask set_zero_data(Volume&, PIRP);             // sparse.cpp
IrpTask query_allocated_ranges(Volume&, PIRP);    // sparse.cpp
IrpTask device_control(Volume&, PIRP);            // device_control.cpp
IrpTask lock_control(Volume&, PIRP);              // lock_control.cpp
IrpTask query_security(Volume&, PIRP);            // security.cpp
IrpTask set_security(Volume&, PIRP);              // security.cpp
// clang-format on

/// Fast I/O table of the driver object (fast_io.cpp); FSP_IOCTL_TRANSACT goes through transact_fast_io.
void initialize_fast_io(PDRIVER_OBJECT driver) noexcept;
/// Cache manager callbacks, context = FileNode* (fast_io.cpp).
extern CACHE_MANAGER_CALLBACKS cache_manager_callbacks;

/// Network volumes (network.cpp): the fsmup device, prefix registration, and IRPs that arrive there.
NTSTATUS initialize_network() noexcept;
void finish_network() noexcept;
NTSTATUS register_prefix(Volume& volume) noexcept; // also the \Device\Volume{guid} symbolic link
void unregister_prefix(Volume& volume) noexcept;
NTSTATUS mup_dispatch(PDEVICE_OBJECT device, PIRP irp) noexcept;

/// IRP_MJ_xxx on a volume device, for devices that forward to it.
NTSTATUS volume_dispatch(Volume& volume, PIRP irp) noexcept;

/// Control device (control.cpp, transact.cpp).
NTSTATUS control_create(PDEVICE_OBJECT device, PIRP irp) noexcept;
NTSTATUS control_cleanup(PDEVICE_OBJECT device, PIRP irp) noexcept;
NTSTATUS control_close(PDEVICE_OBJECT device, PIRP irp) noexcept;
NTSTATUS control_file_system_control(PDEVICE_OBJECT device, PIRP irp) noexcept;
NTSTATUS control_device_control(PDEVICE_OBJECT device, PIRP irp) noexcept;
/// Virtual disk (disk.cpp).
NTSTATUS disk_dispatch(PDEVICE_OBJECT device, PIRP irp) noexcept;
NTSTATUS mount_volume(PDEVICE_OBJECT control, PIRP irp) noexcept;

/// Transact in its METHOD_BUFFERED forms over one system buffer (in and out overlap, as with buffered I/O).
/// `irp` may be null (fast I/O): then the wait cannot be cancelled but by stop.
NTSTATUS transact_buffered(Volume& volume, PIRP irp, void* buffer, ULONG input, ULONG output, bool batch,
                           ULONG_PTR* information) noexcept;
/// METHOD_OUT_DIRECT (BATCH) and the pointer form for kernel callers (INTERNAL).
NTSTATUS transact_direct(Volume& volume, PIRP irp, ULONG_PTR* information) noexcept;
NTSTATUS transact_internal(Volume& volume, PIRP irp, const void* input, ULONG input_size, void* output,
                           ULONG output_size, ULONG_PTR* information) noexcept;
/// Makes the virtual disk a mountable device (MOUNTDEV).
NTSTATUS make_mount_device(Volume& volume, bool persistent, GUID* id) noexcept;
BOOLEAN transact_fast_io(PFILE_OBJECT file, bool wait, PVOID input, ULONG input_length, PVOID output,
                         ULONG output_length, ULONG code, PIO_STATUS_BLOCK io_status) noexcept;

// Open and close steps that other handlers need (node.cpp, close.cpp).

/// Tells user mode that an open is over without cleanup: after a create that failed late. Takes `desc`.
void post_close(Volume& volume, Owned<FileDesc> desc) noexcept;

} // namespace fsp::fsd

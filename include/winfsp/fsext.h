/* SPDX-License-Identifier: MIT */
/**
 * @file winfsp/fsext.h
 * File systems in kernel mode: what a driver needs that answers the requests of the file system driver
 * itself.
 *
 * Such a driver registers a provider in its DriverEntry. A volume whose parameters name the provider's
 * control code (FsextControlCode) belongs to it; the driver is loaded for the first such volume, if the value
 * of that name (eight lower-case hexadecimal digits) in the key Fsext of the product's registry key holds the
 * name of its service.
 *
 * Kernel mode only: include <ntifs.h> or <wdm.h> first, and link with the file system driver's import
 * library. Every routine is called, and calls back, at PASSIVE_LEVEL.
 */
#ifndef WINFSP_FSEXT_H_INCLUDED
#define WINFSP_FSEXT_H_INCLUDED

#include <winfsp/fsctl.h>

#ifdef __cplusplus
extern "C" {
#endif

#if !defined(_WIN32)
#define FSP_DDI
#elif defined(WINFSP_SYS_INTERNAL)
#define FSP_DDI __declspec(dllexport)
#else
#define FSP_DDI __declspec(dllimport)
#endif

/** A volume comes. May change the parameters. DeviceObject is the volume; its storage is zeroed. A failure
 * fails the volume's creation, and DeviceFini is not called. */
typedef NTSTATUS NTAPI FSP_FSEXT_DEVICE_INIT(PDEVICE_OBJECT DeviceObject,
                                             FSP_FSCTL_VOLUME_PARAMS* VolumeParams);
/** A volume goes: no request of it is left. */
typedef VOID NTAPI FSP_FSEXT_DEVICE_FINI(PDEVICE_OBJECT DeviceObject);
/** Once a second for each volume. @param InterruptTime 100 ns units */
typedef VOID NTAPI FSP_FSEXT_DEVICE_EXPIRATION(PDEVICE_OBJECT DeviceObject, UINT64 InterruptTime);
/** The provider's control code, on the handle of a volume. The file system driver completes the IRP with the
 * status returned and the IoStatus.Information set here; after STATUS_PENDING the provider does. Buffers are
 * as the code's method says, unchecked. */
typedef NTSTATUS NTAPI FSP_FSEXT_DEVICE_TRANSACT(PDEVICE_OBJECT DeviceObject, PIRP Irp);

/** Stays valid for as long as the file system driver is loaded. Callbacks may be null. */
typedef struct FSP_FSEXT_PROVIDER
{
    UINT32 Version;             /**< sizeof(FSP_FSEXT_PROVIDER) */
    UINT32 DeviceTransactCode;  /**< a file system control code with the function bits 0xC00 */
    UINT32 DeviceExtensionSize; /**< bytes of storage in each volume's device extension, 0 to 32768 */
    FSP_FSEXT_DEVICE_INIT* DeviceInit;
    FSP_FSEXT_DEVICE_FINI* DeviceFini;
    FSP_FSEXT_DEVICE_EXPIRATION* DeviceExpirationRoutine;
    FSP_FSEXT_DEVICE_TRANSACT* DeviceTransact;
    UINT32 DeviceExtensionOffset; /**< [out] where in DeviceObject->DeviceExtension the storage begins */
} FSP_FSEXT_PROVIDER;

/** There is no way back: a driver that has registered does not unload before the file system driver.
 * @return STATUS_TOO_LATE with 16 providers already, STATUS_OBJECT_NAME_COLLISION if the code is another's,
 * STATUS_INVALID_PARAMETER */
FSP_DDI NTSTATUS NTAPI FspFsextProviderRegister(FSP_FSEXT_PROVIDER* Provider);

/** Gives the volume the response to a request of it, and waits for its next request. The end of the thread,
 * or of the volume, ends the wait.
 * @param DeviceObject  the device of FileObject; null: found out
 * @param FileObject    the volume's handle
 * @param Response      null: none
 * @param[out] Request  null: do not wait for one; else in pool (ExFreePool), or null when there was none in
 * time
 * @return STATUS_CANCELLED when the volume has stopped */
FSP_DDI NTSTATUS NTAPI FspFsextProviderTransact(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT FileObject,
                                                FSP_FSCTL_TRANSACT_RSP* Response,
                                                FSP_FSCTL_TRANSACT_REQ** Request);

#ifdef __cplusplus
}
#endif

#endif

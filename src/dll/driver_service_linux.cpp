// SPDX-License-Identifier: MIT
//
// The driver as a service. Here it is part of the process: it starts with the first use of a device.
#include "dll/dll.h"
#include "dll/transport.h"
#include "dll/version.h"

NTSTATUS FspFsctlServiceVersion(PUINT32 PVersion)
{
    if (PVersion != nullptr)
        *PVersion = fsp::dll::version;
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlStartService() { return STATUS_SUCCESS; }

NTSTATUS FspFsctlStopService()
{
    HANDLE device;
    NTSTATUS status = fsp::transport::open(FSP_L("\\Device\\" FSP_FSCTL_DISK_DEVICE_NAME), &device);
    if (status == STATUS_NO_SUCH_DEVICE || status == STATUS_OBJECT_NAME_NOT_FOUND)
        return STATUS_SUCCESS; // not running
    if (!NT_SUCCESS(status))
        return status;
    status = fsp::transport::control(device, FSP_FSCTL_UNLOAD, nullptr, 0, nullptr, 0, nullptr);
    fsp::transport::close(device);
    return status;
}

NTSTATUS FspFsctlEnumServices(VOID (*EnumFn)(PVOID Context, PWSTR ServiceName, BOOLEAN Running),
                              PVOID Context)
{
    WCHAR name[] = FSP_L("" FSP_FSCTL_DRIVER_NAME);
    EnumFn(Context, name, TRUE);
    return STATUS_SUCCESS;
}

// SPDX-License-Identifier: MIT
#include "dll/mount_point.h"
#include "dll/transport.h"

NTSTATUS FspMountSet(FSP_MOUNT_DESC* Desc)
{
    Desc->MountHandle = nullptr;
    if (Desc->MountPoint == nullptr || Desc->MountPoint[0] == 0)
        return STATUS_INVALID_PARAMETER;
    if (fsp::dll::is_drive_mount_point(Desc->MountPoint)) {
        FspServiceLog(EVENTLOG_ERROR_TYPE,
                      const_cast<PWSTR>(FSP_L("cannot mount on %s: drive letters exist only on Windows; ")
                                            FSP_L("give an existing empty directory")),
                      Desc->MountPoint);
        return STATUS_NOT_SUPPORTED;
    }

    const NTSTATUS status = fsp::transport::mount(Desc->VolumeHandle, Desc->VolumeName, Desc->MountPoint,
                                                  Desc->Security, &Desc->MountHandle);
    // The status names a class of errors; the person at the keyboard needs to know which directory and why.
    const char* reason = fsp::transport::error_text();
    if (!NT_SUCCESS(status) && reason != nullptr && reason[0] != 0)
        FspServiceLog(EVENTLOG_ERROR_TYPE, const_cast<PWSTR>(FSP_L("%S")), reason);
    return status;
}

NTSTATUS FspMountRemove(FSP_MOUNT_DESC* Desc)
{
    if (Desc->MountHandle == nullptr)
        return STATUS_INVALID_PARAMETER;
    fsp::transport::unmount(Desc->MountHandle);
    Desc->MountHandle = nullptr;
    return STATUS_SUCCESS;
}

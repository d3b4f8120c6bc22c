// SPDX-License-Identifier: MIT
//
// The file system object: creation, mount point, deletion.
#include <cstdlib>

#include "dll/dll.h"
#include "dll/os.h"
#include "dll/transport.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

const FSP_FILE_SYSTEM_INTERFACE no_operations = {};

void install_operations(FSP_FILE_SYSTEM* fs)
{
    FSP_FILE_SYSTEM_OPERATION** on = fs->Operations;
    on[FspFsctlTransactCreateKind] = FspFileSystemOpCreate;
    on[FspFsctlTransactOverwriteKind] = FspFileSystemOpOverwrite;
    on[FspFsctlTransactCleanupKind] = FspFileSystemOpCleanup;
    on[FspFsctlTransactCloseKind] = FspFileSystemOpClose;
    on[FspFsctlTransactReadKind] = FspFileSystemOpRead;
    on[FspFsctlTransactWriteKind] = FspFileSystemOpWrite;
    on[FspFsctlTransactQueryInformationKind] = FspFileSystemOpQueryInformation;
    on[FspFsctlTransactSetInformationKind] = FspFileSystemOpSetInformation;
    on[FspFsctlTransactQueryEaKind] = FspFileSystemOpQueryEa;
    on[FspFsctlTransactSetEaKind] = FspFileSystemOpSetEa;
    on[FspFsctlTransactFlushBuffersKind] = FspFileSystemOpFlushBuffers;
    on[FspFsctlTransactQueryVolumeInformationKind] = FspFileSystemOpQueryVolumeInformation;
    on[FspFsctlTransactSetVolumeInformationKind] = FspFileSystemOpSetVolumeInformation;
    on[FspFsctlTransactQueryDirectoryKind] = FspFileSystemOpQueryDirectory;
    on[FspFsctlTransactFileSystemControlKind] = FspFileSystemOpFileSystemControl;
    on[FspFsctlTransactDeviceControlKind] = FspFileSystemOpDeviceControl;
    on[FspFsctlTransactQuerySecurityKind] = FspFileSystemOpQuerySecurity;
    on[FspFsctlTransactSetSecurityKind] = FspFileSystemOpSetSecurity;
    on[FspFsctlTransactQueryStreamInformationKind] = FspFileSystemOpQueryStreamInformation;
}

PWSTR copy_text(const WCHAR* text)
{
    const SIZE_T size = (nt::length(text) + 1) * sizeof(WCHAR);
    auto* copy = static_cast<PWSTR>(std::malloc(size));
    if (copy != nullptr)
        std::memcpy(copy, text, size);
    return copy;
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspFileSystemPreflight(PWSTR DevicePath, PWSTR MountPoint)
{
    const NTSTATUS status = FspFsctlPreflight(DevicePath);
    if (!NT_SUCCESS(status) || MountPoint == nullptr)
        return status;
    return os::check_mount_point(MountPoint);
}

NTSTATUS FspFileSystemCreate(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS* VolumeParams,
                             const FSP_FILE_SYSTEM_INTERFACE* Interface, FSP_FILE_SYSTEM** PFileSystem)
{
    *PFileSystem = nullptr;
    if (VolumeParams->UmFileContextIsUserContext2 && VolumeParams->UmFileContextIsFullContext)
        return STATUS_INVALID_PARAMETER;

    auto* fs = static_cast<FSP_FILE_SYSTEM*>(std::calloc(1, sizeof(FSP_FILE_SYSTEM)));
    if (fs == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status = FspFsctlCreateVolume(DevicePath, VolumeParams, fs->VolumeName,
                                                 sizeof fs->VolumeName, &fs->VolumeHandle);
    if (!NT_SUCCESS(status)) {
        std::free(fs);
        return status;
    }

    install_operations(fs);
    fs->EnterOperation = FspFileSystemOpEnter;
    fs->LeaveOperation = FspFileSystemOpLeave;
    fs->Interface = Interface != nullptr ? Interface : &no_operations;
    fs->OpGuardStrategy = FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE;
    fs->UmFileContextIsUserContext2 = VolumeParams->UmFileContextIsUserContext2;
    fs->UmFileContextIsFullContext = VolumeParams->UmFileContextIsFullContext;
    fs->UmNoReparsePointsDirCheck = VolumeParams->UmNoReparsePointsDirCheck;
    *PFileSystem = fs;
    return STATUS_SUCCESS;
}

VOID FspFileSystemDelete(FSP_FILE_SYSTEM* FileSystem)
{
    FspFileSystemRemoveMountPoint(FileSystem);
    fsp::transport::close(FileSystem->VolumeHandle);
    std::free(FileSystem);
}

NTSTATUS FspFileSystemSetMountPoint(FSP_FILE_SYSTEM* FileSystem, PWSTR MountPoint)
{
    return FspFileSystemSetMountPointEx(FileSystem, MountPoint, nullptr);
}

NTSTATUS FspFileSystemSetMountPointEx(FSP_FILE_SYSTEM* FileSystem, PWSTR MountPoint,
                                      PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    if (FileSystem->MountPoint != nullptr)
        return STATUS_INVALID_PARAMETER;

    // A copy because a drive letter may be written into it.
    PWSTR mount_point = copy_text(MountPoint != nullptr ? MountPoint : FSP_L("*:"));
    if (mount_point == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;

    FSP_MOUNT_DESC desc = {};
    desc.VolumeHandle = FileSystem->VolumeHandle;
    desc.VolumeName = FileSystem->VolumeName;
    desc.Security = SecurityDescriptor;
    desc.MountPoint = mount_point;
    const NTSTATUS status = FspMountSet(&desc);
    if (!NT_SUCCESS(status)) {
        std::free(mount_point);
        return status;
    }
    FileSystem->MountPoint = mount_point;
    FileSystem->MountHandle = desc.MountHandle;
    return STATUS_SUCCESS;
}

VOID FspFileSystemRemoveMountPoint(FSP_FILE_SYSTEM* FileSystem)
{
    if (FileSystem->MountPoint == nullptr)
        return;

    FSP_MOUNT_DESC desc = {};
    desc.VolumeHandle = FileSystem->VolumeHandle;
    desc.VolumeName = FileSystem->VolumeName;
    desc.MountPoint = FileSystem->MountPoint;
    desc.MountHandle = FileSystem->MountHandle;
    FspMountRemove(&desc);
    std::free(FileSystem->MountPoint);
    FileSystem->MountPoint = nullptr;
    FileSystem->MountHandle = nullptr;
}

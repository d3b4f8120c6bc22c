// SPDX-License-Identifier: MIT
/* The smallest file system in C: what a program outside of this repository looks like. */
#include <winfsp/winfsp.h>

#include <stdio.h>

static NTSTATUS GetVolumeInfo(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_VOLUME_INFO* VolumeInfo)
{
    (void)FileSystem;
    VolumeInfo->TotalSize = 1 << 20;
    return STATUS_SUCCESS;
}

int main(void)
{
    static const FSP_FILE_SYSTEM_INTERFACE Interface = {.GetVolumeInfo = GetVolumeInfo};
    static WCHAR Device[] = FSP_L("" FSP_FSCTL_DISK_DEVICE_NAME);
    FSP_FSCTL_VOLUME_PARAMS VolumeParams = {0};
    FSP_FILE_SYSTEM* FileSystem;
    UINT32 Version = 0;
    NTSTATUS Result;

    Result = FspLoad(0);
    if (!NT_SUCCESS(Result))
        return 1;
    if (!NT_SUCCESS(FspVersion(&Version)))
        return 2;
    VolumeParams.Version = sizeof VolumeParams;
    VolumeParams.FileInfoTimeout = 1000;
    Result = FspFileSystemCreate(Device, &VolumeParams, &Interface, &FileSystem);
    if (NT_SUCCESS(Result))
        FspFileSystemDelete(FileSystem);
    printf("version %x, status %lx\n", (unsigned)Version, (unsigned long)Result);
    return 0x00020002 == Version ? 0 : 3;
}

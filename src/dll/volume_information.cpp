// SPDX-License-Identifier: MIT
#include "dll/dll.h"

using namespace fsp::dll;

NTSTATUS FspFileSystemOpQueryVolumeInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ*,
                                               FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->GetVolumeInfo == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    FSP_FSCTL_VOLUME_INFO info = {};
    const NTSTATUS status = FileSystem->Interface->GetVolumeInfo(FileSystem, &info);
    if (NT_SUCCESS(status))
        Response->Rsp.QueryVolumeInformation.VolumeInfo = info;
    return status;
}

NTSTATUS FspFileSystemOpSetVolumeInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                             FSP_FSCTL_TRANSACT_RSP* Response)
{
    constexpr UINT32 label_information = 2; // FileFsLabelInformation
    const auto& set = Request->Req.SetVolumeInformation;
    if (set.FsInformationClass != label_information || FileSystem->Interface->SetVolumeLabel == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    FSP_FSCTL_VOLUME_INFO info = {};
    const NTSTATUS status = FileSystem->Interface->SetVolumeLabel(
        FileSystem, reinterpret_cast<PWSTR>(Request->Buffer + set.Info.FsLabel.VolumeLabel.Offset), &info);
    if (NT_SUCCESS(status))
        Response->Rsp.SetVolumeInformation.VolumeInfo = info;
    return status;
}

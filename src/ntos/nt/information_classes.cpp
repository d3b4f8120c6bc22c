// SPDX-License-Identifier: MIT
#include "ntos/nt/information_classes.h"

namespace fsp::ntos::nt_service {

InformationClass file_query_class(FILE_INFORMATION_CLASS c)
{
    switch (c) {
    case FileBasicInformation:
        return {sizeof(FILE_BASIC_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileStandardInformation:
        return {sizeof(FILE_STANDARD_INFORMATION), 0};
    case FileInternalInformation:
        return {sizeof(FILE_INTERNAL_INFORMATION), 0};
    case FileEaInformation:
        return {sizeof(FILE_EA_INFORMATION), 0};
    case FileAccessInformation:
        return {sizeof(FILE_ACCESS_INFORMATION), 0};
    case FileNameInformation:
        return {sizeof(FILE_NAME_INFORMATION), 0};
    case FilePositionInformation:
        return {sizeof(FILE_POSITION_INFORMATION), 0};
    case FileModeInformation:
        return {sizeof(FILE_MODE_INFORMATION), 0};
    case FileAlignmentInformation:
        return {sizeof(FILE_ALIGNMENT_INFORMATION), 0};
    case FileAllInformation:
        return {sizeof(FILE_ALL_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileAlternateNameInformation:
        return {sizeof(FILE_NAME_INFORMATION), 0};
    case FileStreamInformation:
        return {sizeof(FILE_STREAM_INFORMATION), 0};
    case FileCompressionInformation:
        return {sizeof(FILE_COMPRESSION_INFORMATION), 0};
    case FileNetworkOpenInformation:
        return {sizeof(FILE_NETWORK_OPEN_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileAttributeTagInformation:
        return {sizeof(FILE_ATTRIBUTE_TAG_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileHardLinkInformation:
        return {sizeof(FILE_LINKS_INFORMATION), 0};
    case FileNormalizedNameInformation:
        return {sizeof(FILE_NAME_INFORMATION), 0};
    case FileIsRemoteDeviceInformation:
        return {sizeof(FILE_IS_REMOTE_DEVICE_INFORMATION), 0};
    case FileStandardLinkInformation:
        return {sizeof(FILE_STANDARD_LINK_INFORMATION), 0};
    case FileIdInformation:
        return {sizeof(FILE_ID_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileStatInformation:
        return {sizeof(FILE_STAT_INFORMATION), FILE_READ_ATTRIBUTES};
    case FileStatLxInformation:
        return {sizeof(FILE_STAT_LX_INFORMATION), FILE_READ_ATTRIBUTES | FILE_READ_EA};
    case FileCaseSensitiveInformation:
        return {sizeof(FILE_CASE_SENSITIVE_INFORMATION), FILE_READ_ATTRIBUTES};
    default:
        return {};
    }
}

InformationClass file_set_class(FILE_INFORMATION_CLASS c)
{
    switch (c) {
    case FileBasicInformation:
        return {sizeof(FILE_BASIC_INFORMATION), FILE_WRITE_ATTRIBUTES};
    case FileRenameInformation:
    case FileRenameInformationEx:
        return {sizeof(FILE_RENAME_INFORMATION), DELETE};
    case FileLinkInformation:
    case FileLinkInformationEx:
        return {sizeof(FILE_LINK_INFORMATION), 0};
    case FileDispositionInformation:
        return {sizeof(FILE_DISPOSITION_INFORMATION), DELETE};
    case FileDispositionInformationEx:
        return {sizeof(FILE_DISPOSITION_INFORMATION_EX), DELETE};
    case FilePositionInformation:
        return {sizeof(FILE_POSITION_INFORMATION), 0};
    case FileModeInformation:
        return {sizeof(FILE_MODE_INFORMATION), 0};
    case FileAllocationInformation:
        return {sizeof(FILE_ALLOCATION_INFORMATION), FILE_WRITE_DATA};
    case FileEndOfFileInformation:
        return {sizeof(FILE_END_OF_FILE_INFORMATION), FILE_WRITE_DATA};
    case FileValidDataLengthInformation:
        return {sizeof(FILE_VALID_DATA_LENGTH_INFORMATION), FILE_WRITE_DATA};
    case FileShortNameInformation:
        return {sizeof(FILE_NAME_INFORMATION), DELETE};
    case FileCaseSensitiveInformation:
        return {sizeof(FILE_CASE_SENSITIVE_INFORMATION), FILE_WRITE_ATTRIBUTES};
    default:
        return {};
    }
}

InformationClass volume_query_class(FS_INFORMATION_CLASS c)
{
    switch (c) {
    case FileFsVolumeInformation:
        return {sizeof(FILE_FS_VOLUME_INFORMATION), 0};
    case FileFsSizeInformation:
        return {sizeof(FILE_FS_SIZE_INFORMATION), 0};
    case FileFsDeviceInformation:
        return {sizeof(FILE_FS_DEVICE_INFORMATION), 0};
    case FileFsAttributeInformation:
        return {sizeof(FILE_FS_ATTRIBUTE_INFORMATION), 0};
    case FileFsControlInformation:
        return {sizeof(FILE_FS_CONTROL_INFORMATION), FILE_READ_DATA};
    case FileFsFullSizeInformation:
        return {sizeof(FILE_FS_FULL_SIZE_INFORMATION), 0};
    case FileFsObjectIdInformation:
        return {sizeof(FILE_FS_OBJECTID_INFORMATION), 0};
    case FileFsSectorSizeInformation:
        return {sizeof(FILE_FS_SECTOR_SIZE_INFORMATION), 0};
    case FileFsFullSizeInformationEx:
        return {sizeof(FILE_FS_FULL_SIZE_INFORMATION_EX), 0};
    default:
        return {};
    }
}

InformationClass volume_set_class(FS_INFORMATION_CLASS c)
{
    switch (c) {
    case FileFsLabelInformation:
        return {sizeof(FILE_FS_LABEL_INFORMATION), FILE_WRITE_DATA};
    case FileFsControlInformation:
        return {sizeof(FILE_FS_CONTROL_INFORMATION), FILE_WRITE_DATA};
    case FileFsObjectIdInformation:
        return {sizeof(FILE_FS_OBJECTID_INFORMATION), FILE_WRITE_DATA};
    default:
        return {};
    }
}

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

extern "C" {

NTSTATUS NTAPI IoCheckQuerySetFileInformation(FILE_INFORMATION_CLASS FileInformationClass, ULONG Length,
                                              BOOLEAN SetOperation)
{
    const InformationClass c =
        SetOperation ? file_set_class(FileInformationClass) : file_query_class(FileInformationClass);
    if (c.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    return Length < c.size ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

NTSTATUS NTAPI IoCheckQuerySetVolumeInformation(FS_INFORMATION_CLASS FsInformationClass, ULONG Length,
                                                BOOLEAN SetOperation)
{
    const InformationClass c =
        SetOperation ? volume_set_class(FsInformationClass) : volume_query_class(FsInformationClass);
    if (c.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    return Length < c.size ? STATUS_INFO_LENGTH_MISMATCH : STATUS_SUCCESS;
}

} // extern "C"

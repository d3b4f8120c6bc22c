// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "node_access.h"
#include "system.h"

namespace fsp::fsd {

namespace {

constexpr UINT64 for_ever = ~UINT64{0};

UINT64 expiration(const Volume& volume)
{
    const ULONG timeout = volume.params().VolumeInfoTimeout;
    if (timeout == 0)
        return 0;
    return timeout == 0xffffffff ? for_ever : interrupt_time() + UINT64{timeout} * 10000;
}

bool cached_info(Volume& volume, FSP_FSCTL_VOLUME_INFO* info)
{
    SpinGuard guard(volume.info_lock);
    if (volume.info_expiration == 0 ||
        (volume.info_expiration != for_ever && volume.info_expiration <= interrupt_time()))
        return false;
    *info = volume.info;
    return true;
}

/// An invalidation counts without the lock.
LONG changes_of(const Volume& volume)
{
    return __atomic_load_n(&volume.info_change_number, __ATOMIC_ACQUIRE);
}

/// `seen`: the change number before the question was asked; stale answers are not kept.
void store_info(Volume& volume, const FSP_FSCTL_VOLUME_INFO& info, LONG seen)
{
    SpinGuard guard(volume.info_lock);
    if (changes_of(volume) != seen)
        return;
    volume.info = info;
    volume.info_expiration = expiration(volume);
    // An invalidation does not take the lock; it counts first.
    if (changes_of(volume) != seen)
        volume.info_expiration = 0;
}

Async<NTSTATUS> fetch_info(Volume& volume, FSP_FSCTL_VOLUME_INFO* info)
{
    const LONG seen = changes_of(volume);
    PlainRequest request(FspFsctlTransactQueryVolumeInformationKind);
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    *info = answer->Rsp.QueryVolumeInformation.VolumeInfo;
    store_info(volume, *info, seen);
    co_return STATUS_SUCCESS;
}

struct Output
{
    Byte* data;
    ULONG size;
};

template<class T> T* zeroed(const Output& out, ULONG fixed)
{
    if (out.size < fixed)
        return nullptr;
    RtlZeroMemory(out.data, fixed);
    return reinterpret_cast<T*>(out.data);
}

/// As much of `text` as fits behind the fixed part.
IrpResult append_text(const Output& out, ULONG fixed, const WCHAR* text, ULONG length)
{
    const ULONG fits = lesser(length, (out.size - fixed) & ~ULONG{1});
    copy_bytes(out.data + fixed, text, fits);
    return {fits < length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, fixed + fits};
}

IrpResult answer_volume(Volume& volume, const FSP_FSCTL_VOLUME_INFO& info, const Output& out)
{
    constexpr ULONG fixed = FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel);
    auto* answer = zeroed<FILE_FS_VOLUME_INFORMATION>(out, fixed);
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    // The file system's number; the label's place has an end.
    const ULONG length = lesser<ULONG>(info.VolumeLabelLength, sizeof info.VolumeLabel) & ~ULONG{1};
    answer->VolumeCreationTime.QuadPart = static_cast<LONGLONG>(volume.params().VolumeCreationTime);
    answer->VolumeSerialNumber = volume.params().VolumeSerialNumber;
    answer->VolumeLabelLength = length;
    return append_text(out, fixed, info.VolumeLabel, length);
}

IrpResult answer_size(Volume& volume, const FSP_FSCTL_VOLUME_INFO& info, const Output& out)
{
    auto* answer = zeroed<FILE_FS_SIZE_INFORMATION>(out, sizeof(FILE_FS_SIZE_INFORMATION));
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    const UINT64 unit = volume.allocation_unit();
    answer->TotalAllocationUnits.QuadPart = static_cast<LONGLONG>(info.TotalSize / unit);
    answer->AvailableAllocationUnits.QuadPart = static_cast<LONGLONG>(info.FreeSize / unit);
    answer->SectorsPerAllocationUnit = volume.params().SectorsPerAllocationUnit;
    answer->BytesPerSector = volume.params().SectorSize;
    return {STATUS_SUCCESS, sizeof *answer};
}

IrpResult answer_full_size(Volume& volume, const FSP_FSCTL_VOLUME_INFO& info, const Output& out)
{
    auto* answer = zeroed<FILE_FS_FULL_SIZE_INFORMATION>(out, sizeof(FILE_FS_FULL_SIZE_INFORMATION));
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    const UINT64 unit = volume.allocation_unit();
    answer->TotalAllocationUnits.QuadPart = static_cast<LONGLONG>(info.TotalSize / unit);
    answer->CallerAvailableAllocationUnits.QuadPart = static_cast<LONGLONG>(info.FreeSize / unit);
    answer->ActualAvailableAllocationUnits.QuadPart = static_cast<LONGLONG>(info.FreeSize / unit);
    answer->SectorsPerAllocationUnit = volume.params().SectorsPerAllocationUnit;
    answer->BytesPerSector = volume.params().SectorSize;
    return {STATUS_SUCCESS, sizeof *answer};
}

IrpResult answer_device(Volume& volume, const Output& out)
{
    auto* answer = zeroed<FILE_FS_DEVICE_INFORMATION>(out, sizeof(FILE_FS_DEVICE_INFORMATION));
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    answer->DeviceType = FILE_DEVICE_DISK; // network volumes say so as well
    answer->Characteristics = volume.device()->Characteristics;
    return {STATUS_SUCCESS, sizeof *answer};
}

ULONG attribute_bits(const FSP_FSCTL_VOLUME_PARAMS& params)
{
    constexpr ULONG case_sensitive_search = 0x1, case_preserved_names = 0x2, unicode_on_disk = 0x4,
                    persistent_acls = 0x8, reparse_points = 0x80, posix_unlink_rename = 0x400,
                    named_streams = 0x40000, read_only_volume = 0x80000, extended_attributes = 0x800000;
    ULONG bits = 0;
    bits |= params.CaseSensitiveSearch ? case_sensitive_search : 0;
    bits |= params.CasePreservedNames ? case_preserved_names : 0;
    bits |= params.UnicodeOnDisk ? unicode_on_disk : 0;
    bits |= params.PersistentAcls ? persistent_acls : 0;
    bits |= params.ReparsePoints ? reparse_points : 0;
    bits |= params.NamedStreams ? named_streams : 0;
    bits |= params.ReadOnlyVolume ? read_only_volume : 0;
    bits |= params.ExtendedAttributes ? extended_attributes : 0;
    bits |= params.SupportsPosixUnlinkRename ? posix_unlink_rename : 0;
    return bits;
}

IrpResult answer_attributes(Volume& volume, const Output& out)
{
    constexpr ULONG fixed = FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);
    auto* answer = zeroed<FILE_FS_ATTRIBUTE_INFORMATION>(out, fixed);
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    const FSP_FSCTL_VOLUME_PARAMS& params = volume.params();
    answer->FileSystemAttributes = attribute_bits(params);
    answer->MaximumComponentNameLength = params.MaxComponentLength;

    // A file system without a name of its own, or with a mere suffix, goes by the product's.
    constexpr ULONG product_chars = sizeof(FSP_FSCTL_PRODUCT_NAME) - 1;
    constexpr ULONG name_chars = sizeof params.FileSystemName / sizeof(WCHAR);
    WCHAR name[product_chars + name_chars];
    ULONG chars = 0;
    const WCHAR first = params.FileSystemName[0];
    if (first == 0 || first == '-' || first == '/' || first == '\\')
        for (; chars < product_chars; ++chars)
            name[chars] = static_cast<WCHAR>(FSP_FSCTL_PRODUCT_NAME[chars]);
    for (ULONG i = 0; i < name_chars && params.FileSystemName[i]; ++i)
        name[chars++] = params.FileSystemName[i];
    const ULONG length = chars * static_cast<ULONG>(sizeof(WCHAR));
    answer->FileSystemNameLength = length;
    return append_text(out, fixed, name, length);
}

/// FILE_FS_SECTOR_SIZE_INFORMATION.
struct SectorSizes
{
    ULONG LogicalBytesPerSector;
    ULONG PhysicalBytesPerSectorForAtomicity;
    ULONG PhysicalBytesPerSectorForPerformance;
    ULONG FileSystemEffectivePhysicalBytesPerSectorForAtomicity;
    ULONG Flags;
    ULONG ByteOffsetForSectorAlignment;
    ULONG ByteOffsetForPartitionAlignment;
};

IrpResult answer_sectors(Volume& volume, const Output& out)
{
    constexpr ULONG aligned_device = 0x1, partition_aligned = 0x2, no_seek_penalty = 0x4;
    auto* answer = zeroed<SectorSizes>(out, sizeof(SectorSizes));
    if (!answer)
        return {STATUS_BUFFER_TOO_SMALL, 0};
    const ULONG size = volume.params().SectorSize;
    answer->LogicalBytesPerSector = size;
    answer->PhysicalBytesPerSectorForAtomicity = size;
    answer->PhysicalBytesPerSectorForPerformance = size;
    answer->FileSystemEffectivePhysicalBytesPerSectorForAtomicity = size;
    answer->Flags = aligned_device | partition_aligned | no_seek_penalty;
    return {STATUS_SUCCESS, sizeof *answer};
}

constexpr ULONG sector_size_class = 11; // FileFsSectorSizeInformation

} // namespace

/// IRP_MJ_QUERY_VOLUME_INFORMATION.
IrpTask query_volume_information(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const Output out{static_cast<Byte*>(irp->AssociatedIrp.SystemBuffer),
                     stack->Parameters.QueryVolume.Length};
    const auto information_class = static_cast<ULONG>(stack->Parameters.QueryVolume.FsInformationClass);
    if (!volume.ready())
        co_return STATUS_CANCELLED;

    switch (information_class) {
    case FileFsDeviceInformation:
        co_return answer_device(volume, out);
    case FileFsAttributeInformation:
        co_return answer_attributes(volume, out);
    case sector_size_class:
        co_return answer_sectors(volume, out);
    case FileFsVolumeInformation:
    case FileFsSizeInformation:
    case FileFsFullSizeInformation:
        break;
    default:
        co_return STATUS_INVALID_PARAMETER;
    }

    FSP_FSCTL_VOLUME_INFO info;
    if (!cached_info(volume, &info)) {
        const NTSTATUS status = co_await fetch_info(volume, &info);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (information_class == FileFsVolumeInformation)
        co_return answer_volume(volume, info, out);
    if (information_class == FileFsSizeInformation)
        co_return answer_size(volume, info, out);
    co_return answer_full_size(volume, info, out);
}

/// IRP_MJ_SET_VOLUME_INFORMATION: the label.
IrpTask set_volume_information(Volume& volume, PIRP irp)
{
    constexpr ULONG fixed = FIELD_OFFSET(FILE_FS_LABEL_INFORMATION, VolumeLabel);
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const ULONG length = stack->Parameters.SetVolume.Length;
    const auto* info = static_cast<const FILE_FS_LABEL_INFORMATION*>(irp->AssociatedIrp.SystemBuffer);
    if (!volume.ready())
        co_return STATUS_CANCELLED;
    if (stack->Parameters.SetVolume.FsInformationClass != FileFsLabelInformation || length < fixed ||
        info->VolumeLabelLength > length - fixed || info->VolumeLabelLength % sizeof(WCHAR) != 0 ||
        info->VolumeLabelLength > FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX)
        co_return STATUS_INVALID_PARAMETER;

    const UNICODE_STRING label = name::view(info->VolumeLabel, static_cast<USHORT>(info->VolumeLabelLength));
    RequestPtr request;
    const NTSTATUS status = Request::make(&request, FspFsctlTransactSetVolumeInformationKind, nullptr,
                                          label.Length + static_cast<ULONG>(sizeof(WCHAR)));
    if (!NT_SUCCESS(status))
        co_return status;
    request->Req.SetVolumeInformation.FsInformationClass = FileFsLabelInformation;
    (*request).append_text(request->Req.SetVolumeInformation.Info.FsLabel.VolumeLabel, label);

    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    // Whoever is asking at the moment may get the old label: that answer is not kept.
    store_info(volume, answer->Rsp.SetVolumeInformation.VolumeInfo,
               InterlockedIncrement(&volume.info_change_number));
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

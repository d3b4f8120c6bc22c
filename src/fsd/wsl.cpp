// SPDX-License-Identifier: MIT
#include "wsl.h"
#include "ea_records.h"
#include "file_information.h"
#include "metadata.h"
#include "system.h"

namespace fsp::fsd {

namespace {

/// FILE_STAT_LX_INFORMATION; FILE_STAT_INFORMATION is its first 72 bytes.
struct StatLx
{
    UINT64 FileId;
    UINT64 CreationTime, LastAccessTime, LastWriteTime, ChangeTime;
    UINT64 AllocationSize, EndOfFile;
    UINT32 FileAttributes, ReparseTag, NumberOfLinks, EffectiveAccess;
    UINT32 LxFlags, LxUid, LxGid, LxMode, LxDeviceIdMajor, LxDeviceIdMinor;
};
static_assert(FIELD_OFFSET(StatLx, LxFlags) == 72 && sizeof(StatLx) == 96);
constexpr ULONG stat_size = FIELD_OFFSET(StatLx, LxFlags);

bool read_value(const void* set, ULONG size, const CHAR* name, ULONG name_length, void* value,
                ULONG value_size)
{
    ULONG length = 0;
    const UCHAR* bytes = ea::find(set, size, name, name_length, &length);
    if (!bytes || length != value_size)
        return false;
    copy_bytes(value, bytes, value_size);
    return true;
}

/// Everything the caller could be granted on a file with this descriptor; 0 when that cannot be said.
ULONG effective_access(const Metadata& descriptor, Subject& subject, KPROCESSOR_MODE mode)
{
    ACCESS_MASK granted = 0;
    NTSTATUS status = STATUS_SUCCESS;
    if (!SeAccessCheck(const_cast<Byte*>(descriptor.data()), subject.get(), FALSE, MAXIMUM_ALLOWED, 0,
                       nullptr, IoGetFileObjectGenericMapping(), mode, &granted, &status))
        return 0;
    return granted;
}

} // namespace

LinuxMetadata linux_metadata(const void* set, ULONG size)
{
    LinuxMetadata lx;
    if (read_value(set, size, "$LXUID", 6, &lx.uid, sizeof lx.uid))
        lx.flags |= 0x1;
    if (read_value(set, size, "$LXGID", 6, &lx.gid, sizeof lx.gid))
        lx.flags |= 0x2;
    if (read_value(set, size, "$LXMOD", 6, &lx.mode, sizeof lx.mode))
        lx.flags |= 0x4;
    UINT64 device;
    if (read_value(set, size, "$LXDEV", 6, &device, sizeof device)) {
        lx.flags |= 0x8;
        lx.device_major = static_cast<ULONG>(device >> 32);
        lx.device_minor = static_cast<ULONG>(device);
    }
    return lx;
}

IrpTask query_stat(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    const bool with_lx =
        stack->Parameters.QueryFile.FileInformationClass == static_cast<LONG>(wsl_stat_lx_class);
    const ULONG size = with_lx ? sizeof(StatLx) : stat_size;
    if (stack->Parameters.QueryFile.Length < size)
        co_return STATUS_BUFFER_TOO_SMALL;
    if (!volume.params().WslFeatures)
        co_return STATUS_INVALID_PARAMETER;

    Subject subject;
    FSP_FSCTL_FILE_INFO info;
    NTSTATUS status = co_await fetch_file_info(volume, irp, file, &info);
    if (!NT_SUCCESS(status))
        co_return status;

    co_await MayBlock{Holds::no_lock};
    Metadata descriptor;
    ULONG access = 0;
    if (NT_SUCCESS(co_await fetch_metadata(security_metadata, volume, irp, file, &descriptor)))
        access = effective_access(descriptor, subject, irp->RequestorMode);

    LinuxMetadata lx;
    if (with_lx && volume.params().ExtendedAttributes) {
        co_await MayBlock{Holds::no_lock};
        Metadata eas;
        status = co_await fetch_metadata(ea_metadata, volume, irp, file, &eas);
        if (!NT_SUCCESS(status))
            co_return status;
        lx = linux_metadata(eas.data(), eas.size());
    }

    StatLx stat{};
    stat.FileId = FileNode::of(file)->index_number;
    stat.CreationTime = info.CreationTime;
    stat.LastAccessTime = info.LastAccessTime;
    stat.LastWriteTime = info.LastWriteTime;
    stat.ChangeTime = info.ChangeTime;
    stat.AllocationSize = info.AllocationSize;
    stat.EndOfFile = info.FileSize;
    stat.FileAttributes = shown_attributes(info);
    stat.ReparseTag = info.ReparseTag;
    stat.NumberOfLinks = 1;
    stat.EffectiveAccess = access;
    stat.LxFlags = lx.flags;
    stat.LxUid = lx.uid;
    stat.LxGid = lx.gid;
    stat.LxMode = lx.mode;
    stat.LxDeviceIdMajor = lx.device_major;
    stat.LxDeviceIdMinor = lx.device_minor;
    RtlCopyMemory(irp->AssociatedIrp.SystemBuffer, &stat, size);
    co_return {STATUS_SUCCESS, size};
}

NTSTATUS find_atomic_create(PIRP irp, AtomicCreate** found) noexcept
{
    static constexpr GUID type{0x4720bd83, 0x52ac, 0x4104, {0xa1, 0x30, 0xd1, 0xec, 0x6a, 0x8c, 0xc8, 0xe5}};
    *found = nullptr;
    PVOID list = nullptr, context = nullptr;
    ULONG size = 0;
    if (!system.ecp_get_list_from_irp || !system.ecp_find || !system.ecp_is_from_user_mode ||
        !NT_SUCCESS(system.ecp_get_list_from_irp(irp, &list)) || !list ||
        !NT_SUCCESS(system.ecp_find(list, &type, &context, &size)) || system.ecp_is_from_user_mode(context))
        return STATUS_SUCCESS;
    auto* const atomic = static_cast<AtomicCreate*>(context);
    if (size < sizeof *atomic ||
        !(atomic->in_flags & (AtomicCreate::best_effort | AtomicCreate::reparse_point)))
        return STATUS_INVALID_PARAMETER;
    *found = atomic;
    return STATUS_SUCCESS;
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "file_information.h"
#include "metadata.h"
#include "seh.h"
#include "stream_records.h"
#include "wsl.h"

namespace fsp::fsd {

namespace {

/// A system buffer that is filled from the front.
struct Output
{
    Byte* data;
    ULONG size;

    explicit Output(PIRP irp)
        : data(static_cast<Byte*>(irp->AssociatedIrp.SystemBuffer)),
          size(IoGetCurrentIrpStackLocation(irp)->Parameters.QueryFile.Length)
    {}
    template<class T> T* zeroed() const
    {
        RtlZeroMemory(data, sizeof(T));
        return reinterpret_cast<T*>(data);
    }
};

/// Bytes that a class needs at least; 0: the class is answered with a status alone.
ULONG fixed_size(ULONG information_class)
{
    switch (information_class) {
    case FileBasicInformation:
        return sizeof(FILE_BASIC_INFORMATION);
    case FileStandardInformation:
        return sizeof(FILE_STANDARD_INFORMATION);
    case FileInternalInformation:
        return sizeof(FILE_INTERNAL_INFORMATION);
    case FileEaInformation:
        return sizeof(FILE_EA_INFORMATION);
    case FileNameInformation:
    case 48: // FileNormalizedNameInformation
        return FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
    case FilePositionInformation:
        return sizeof(FILE_POSITION_INFORMATION);
    case FileAllInformation:
        return FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation.FileName);
    case FileNetworkOpenInformation:
        return sizeof(FILE_NETWORK_OPEN_INFORMATION);
    case FileAttributeTagInformation:
        return sizeof(FILE_ATTRIBUTE_TAG_INFORMATION);
    default:
        return 0;
    }
}

/// Appends the name that applications see, as much of it as fits.
NTSTATUS put_name(FileNode& node, FILE_NAME_INFORMATION* out, ULONG room, ULONG* written)
{
    const UNICODE_STRING& prefix = node.volume().prefix();
    auto* text = reinterpret_cast<Byte*>(out->FileName);
    room &= ~ULONG{1};

    FastMutexGuard guard(node.volume().nodes.mutex());
    const UNICODE_STRING& name = node.name();
    const ULONG length = ULONG{prefix.Length} + name.Length;
    out->FileNameLength = length;
    const ULONG first = lesser<ULONG>(prefix.Length, room);
    const ULONG second = lesser<ULONG>(name.Length, room - first);
    copy_bytes(text, prefix.Buffer, first);
    copy_bytes(text + first, name.Buffer, second);
    *written = first + second;
    return *written < length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

IrpResult answer_all(PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info, const Output& out)
{
    FileNode& node = *FileNode::of(file);
    constexpr ULONG fixed = FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation.FileName);
    auto* all = reinterpret_cast<FILE_ALL_INFORMATION*>(out.data);
    // The I/O manager has filled access, mode and alignment before or does so afterwards.
    fill_basic(&all->BasicInformation, info);
    fill_standard(&all->StandardInformation, info, node, file);
    all->InternalInformation.IndexNumber.QuadPart = static_cast<LONGLONG>(node.index_number);
    all->EaInformation.EaSize = shown_ea_size(node.volume(), info);
    all->PositionInformation.CurrentByteOffset = file->CurrentByteOffset;
    ULONG written = 0;
    const NTSTATUS status = put_name(node, &all->NameInformation, out.size - fixed, &written);
    return {status, fixed + written};
}

/// Classes whose answer consists of the file's information.
IrpResult answer_from_info(ULONG information_class, PFILE_OBJECT file, const FSP_FSCTL_FILE_INFO& info,
                           const Output& out)
{
    FileNode& node = *FileNode::of(file);
    switch (information_class) {
    case FileBasicInformation:
        fill_basic(out.zeroed<FILE_BASIC_INFORMATION>(), info);
        return {STATUS_SUCCESS, sizeof(FILE_BASIC_INFORMATION)};
    case FileStandardInformation:
        fill_standard(out.zeroed<FILE_STANDARD_INFORMATION>(), info, node, file);
        return {STATUS_SUCCESS, sizeof(FILE_STANDARD_INFORMATION)};
    case FileEaInformation:
        out.zeroed<FILE_EA_INFORMATION>()->EaSize = shown_ea_size(node.volume(), info);
        return {STATUS_SUCCESS, sizeof(FILE_EA_INFORMATION)};
    case FileNetworkOpenInformation:
        fill_network_open(out.zeroed<FILE_NETWORK_OPEN_INFORMATION>(), info);
        return {STATUS_SUCCESS, sizeof(FILE_NETWORK_OPEN_INFORMATION)};
    case FileAttributeTagInformation: {
        auto* tag = out.zeroed<FILE_ATTRIBUTE_TAG_INFORMATION>();
        tag->FileAttributes = shown_attributes(info);
        tag->ReparseTag = info.ReparseTag;
        return {STATUS_SUCCESS, sizeof(FILE_ATTRIBUTE_TAG_INFORMATION)};
    }
    case FileAllInformation:
        return answer_all(file, info, out);
    default:
        return {STATUS_INVALID_PARAMETER, 0};
    }
}

/// Classes that need nothing from the file system.
IrpResult answer_alone(ULONG information_class, PFILE_OBJECT file, const Output& out)
{
    FileNode& node = *FileNode::of(file);
    switch (information_class) {
    case FileInternalInformation:
        out.zeroed<FILE_INTERNAL_INFORMATION>()->IndexNumber.QuadPart =
            static_cast<LONGLONG>(node.index_number);
        return {STATUS_SUCCESS, sizeof(FILE_INTERNAL_INFORMATION)};
    case FilePositionInformation:
        out.zeroed<FILE_POSITION_INFORMATION>()->CurrentByteOffset = file->CurrentByteOffset;
        return {STATUS_SUCCESS, sizeof(FILE_POSITION_INFORMATION)};
    case FileNameInformation:
    case 48: { // FileNormalizedNameInformation
        constexpr ULONG fixed = FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
        ULONG written = 0;
        const NTSTATUS status =
            put_name(node, reinterpret_cast<FILE_NAME_INFORMATION*>(out.data), out.size - fixed, &written);
        return {status, fixed + written};
    }
    case FileAlternateNameInformation:
        return {STATUS_OBJECT_NAME_NOT_FOUND, 0};
    case FileHardLinkInformation:
        return {STATUS_NOT_SUPPORTED, 0};
    default:
        return {STATUS_INVALID_PARAMETER, 0};
    }
}

bool needs_file_info(ULONG information_class)
{
    switch (information_class) {
    case FileBasicInformation:
    case FileStandardInformation:
    case FileEaInformation:
    case FileNetworkOpenInformation:
    case FileAttributeTagInformation:
    case FileAllInformation:
        return true;
    default:
        return false;
    }
}

IrpTask query_alone(Volume&, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (!FileNode::of(stack->FileObject))
        co_return STATUS_INVALID_PARAMETER;
    const ULONG information_class = stack->Parameters.QueryFile.FileInformationClass;
    const Output out(irp);
    if (out.size < fixed_size(information_class))
        co_return STATUS_BUFFER_TOO_SMALL;
    co_return answer_alone(information_class, stack->FileObject, out);
}

IrpTask query_file_info(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    const ULONG information_class = stack->Parameters.QueryFile.FileInformationClass;
    const Output out(irp);
    if (out.size < fixed_size(information_class))
        co_return STATUS_BUFFER_TOO_SMALL;

    FSP_FSCTL_FILE_INFO info;
    if (!FileNode::of(file)->get_file_info(&info)) {
        const NTSTATUS status = co_await fetch_file_info(volume, irp, file, &info);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    co_return answer_from_info(information_class, file, info, out);
}

IrpTask query_streams(Volume& volume, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    const Output out(irp);
    if (!volume.params().NamedStreams)
        co_return STATUS_INVALID_PARAMETER;

    Metadata streams;
    const NTSTATUS status = co_await fetch_metadata(stream_metadata, volume, irp, file, &streams);
    if (!NT_SUCCESS(status))
        co_return status;
    ULONG written = 0;
    const NTSTATUS packed = pack_streams(streams.data(), streams.size(), out.data, out.size, &written);
    co_return {packed, written};
}

} // namespace

/// IRP_MJ_QUERY_INFORMATION.
IrpTask query_information(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const ULONG information_class = stack->Parameters.QueryFile.FileInformationClass;
    if (FileNode::of(stack->FileObject)) {
        if (needs_file_info(information_class))
            return query_file_info(volume, irp);
        if (information_class == FileStreamInformation)
            return query_streams(volume, irp);
        if (information_class == wsl_stat_class || information_class == wsl_stat_lx_class)
            return query_stat(volume, irp);
    }
    return query_alone(volume, irp);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "set_information.h"
#include "change.h"
#include "file_size.h"

namespace fsp::fsd {

namespace {

/// Classes that are answered with a status alone.
IrpTask refuse(Volume&, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (FileNode::of(stack->FileObject) &&
        stack->Parameters.SetFile.FileInformationClass == FileLinkInformation)
        co_return STATUS_NOT_SUPPORTED;
    co_return STATUS_INVALID_PARAMETER;
}

IrpTask set_position(Volume&, PIRP irp)
{
    const auto* position = set_buffer<FILE_POSITION_INFORMATION>(irp);
    if (!position || position->CurrentByteOffset.QuadPart < 0)
        co_return STATUS_INVALID_PARAMETER;
    IoGetCurrentIrpStackLocation(irp)->FileObject->CurrentByteOffset = position->CurrentByteOffset;
    co_return STATUS_SUCCESS;
}

/// -1 keeps the file system from changing the time through this handle; it is sent as "do not change".
UINT64 sent_time(const LARGE_INTEGER& time)
{
    return time.QuadPart < 0 ? 0 : static_cast<UINT64>(time.QuadPart);
}

ULONG basic_filter(const FILE_BASIC_INFORMATION& basic)
{
    ULONG filter = 0;
    if (basic.FileAttributes)
        filter |= FILE_NOTIFY_CHANGE_ATTRIBUTES;
    if (sent_time(basic.CreationTime))
        filter |= FILE_NOTIFY_CHANGE_CREATION;
    if (sent_time(basic.LastAccessTime))
        filter |= FILE_NOTIFY_CHANGE_LAST_ACCESS;
    if (sent_time(basic.LastWriteTime))
        filter |= FILE_NOTIFY_CHANGE_LAST_WRITE;
    return filter;
}

void mark_explicit(FileDesc& desc, const FILE_BASIC_INFORMATION& basic)
{
    desc.did_set_attributes |= basic.FileAttributes != 0;
    desc.did_set_creation_time |= basic.CreationTime.QuadPart != 0;
    desc.did_set_last_access_time |= basic.LastAccessTime.QuadPart != 0;
    desc.did_set_last_write_time |= basic.LastWriteTime.QuadPart != 0;
    desc.did_set_change_time |= basic.ChangeTime.QuadPart != 0;
    desc.did_set_metadata = true;
}

IrpTask set_basic(Volume& volume, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FileNode& node = *FileNode::of(file);
    FileDesc& desc = *FileDesc::of(file);
    const auto* buffer = set_buffer<FILE_BASIC_INFORMATION>(irp);
    if (!buffer)
        co_return STATUS_INVALID_PARAMETER;
    const FILE_BASIC_INFORMATION basic = *buffer;
    if (node.is_directory && (basic.FileAttributes & FILE_ATTRIBUTE_TEMPORARY))
        co_return STATUS_INVALID_PARAMETER;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        const NTSTATUS status =
            co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }

    ULONG attributes = ~ULONG{0};
    if (basic.FileAttributes) {
        attributes = basic.FileAttributes & ~ULONG{FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY};
        if (node.is_directory)
            attributes |= FILE_ATTRIBUTE_DIRECTORY;
    }
    PlainRequest request(FspFsctlTransactSetInformationKind);
    set_context(request.operator->(), desc);
    request->Req.SetInformation.FileInformationClass = FileBasicInformation;
    auto& sent = request->Req.SetInformation.Info.Basic;
    sent.FileAttributes = attributes;
    sent.CreationTime = sent_time(basic.CreationTime);
    sent.LastAccessTime = sent_time(basic.LastAccessTime);
    sent.LastWriteTime = sent_time(basic.LastWriteTime);
    sent.ChangeTime = sent_time(basic.ChangeTime);

    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    const FSP_FSCTL_FILE_INFO info = answer->Rsp.SetInformation.FileInfo;
    node.set_file_info(file, info);
    mark_explicit(desc, basic);
    if (info.FileAttributes & FILE_ATTRIBUTE_TEMPORARY)
        add_file_flags(file, FO_TEMPORARY_FILE);
    else
        remove_file_flags(file, FO_TEMPORARY_FILE);
    report_node_change(node, basic_filter(basic), FILE_ACTION_MODIFIED, Stale::parent, file);
    co_return STATUS_SUCCESS;
}

/// FileAllocationInformation and FileEndOfFileInformation.
IrpTask set_size(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    FileNode& node = *FileNode::of(file);
    const bool allocation = stack->Parameters.SetFile.FileInformationClass == FileAllocationInformation;
    // Both structures are one 64-bit size.
    const auto* buffer = set_buffer<FILE_END_OF_FILE_INFORMATION>(irp);
    if (!buffer || buffer->EndOfFile.QuadPart < 0 || node.is_directory ||
        (!allocation && stack->Parameters.SetFile.AdvanceOnly))
        co_return STATUS_INVALID_PARAMETER;
    auto size = static_cast<UINT64>(buffer->EndOfFile.QuadPart);
    if (allocation)
        size = volume.round_to_allocation_unit(size);

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::check)) {
        const NTSTATUS status =
            co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::check);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    NTSTATUS status = may_truncate(node, size);
    if (!NT_SUCCESS(status))
        co_return status;
    if (size < node.file_size() && node.has_cache_map() && !can_wait(irp))
        co_await OnWorker{Holds::locks};

    if (allocation) {
        PlainRequest request(FspFsctlTransactSetInformationKind);
        set_context(request.operator->(), *FileDesc::of(file));
        request->Req.SetInformation.FileInformationClass = FileAllocationInformation;
        request->Req.SetInformation.Info.Allocation.AllocationSize = size;
        const Response answer = co_await volume.ask(*request);
        if (!NT_SUCCESS(answer.status()))
            co_return answer.status();
        status = co_await store_new_size(MustSucceed{}, node, file, answer->Rsp.SetInformation.FileInfo);
    } else {
        status = co_await set_end_of_file(volume, irp, file, size);
    }
    if (!NT_SUCCESS(status))
        co_return status;
    add_file_flags(file, FO_FILE_MODIFIED);
    report_size(node, file);
    co_return STATUS_SUCCESS;
}

} // namespace

/// IRP_MJ_SET_INFORMATION.
IrpTask set_information(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (!FileNode::of(stack->FileObject))
        return refuse(volume, irp);
    switch (static_cast<ULONG>(stack->Parameters.SetFile.FileInformationClass)) {
    case FileBasicInformation:
        return set_basic(volume, irp);
    case FileAllocationInformation:
    case FileEndOfFileInformation:
        return set_size(volume, irp);
    case FilePositionInformation:
        return set_position(volume, irp);
    case FileDispositionInformation:
    case FileDispositionInformationEx:
        return set_disposition(volume, irp);
    case FileRenameInformation:
    case FileRenameInformationEx:
        return set_rename(volume, irp);
    default:
        return refuse(volume, irp);
    }
}

} // namespace fsp::fsd

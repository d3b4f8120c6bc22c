// SPDX-License-Identifier: MIT
#include "metadata.h"
#include "ea_records.h"

namespace fsp::fsd {

namespace {

NTSTATUS validate_security(void* data, ULONG size)
{
    return size >= sizeof(SECURITY_DESCRIPTOR_RELATIVE) && RtlValidRelativeSecurityDescriptor(data, size, 0)
               ? STATUS_SUCCESS
               : STATUS_INVALID_SECURITY_DESCR;
}

NTSTATUS validate_ea(void* data, ULONG size)
{
    return size ? ea::validate_answer(data, size) : STATUS_SUCCESS;
}

/// The reader of stream records trusts nothing anyway.
NTSTATUS validate_streams(void*, ULONG) { return STATUS_SUCCESS; }

} // namespace

constinit const MetadataKind security_metadata{FspFsctlTransactQuerySecurityKind, &Volume::security_cache,
                                               &FileNode::security, STATUS_INVALID_SECURITY_DESCR,
                                               validate_security};
constinit const MetadataKind ea_metadata{FspFsctlTransactQueryEaKind, &Volume::ea_cache, &FileNode::ea,
                                         STATUS_EA_LIST_INCONSISTENT, validate_ea};
constinit const MetadataKind stream_metadata{FspFsctlTransactQueryStreamInformationKind,
                                             &Volume::stream_cache, &FileNode::streams, STATUS_INTERNAL_ERROR,
                                             validate_streams};

bool MetadataKind::cached(FileNode& node, Metadata* result) const noexcept
{
    result->view_ = (node.volume().*cache).find(node.base().*slot);
    return static_cast<bool>(result->view_);
}

NTSTATUS MetadataKind::accept(FileNode& node, ULONG change, const Response& answer,
                              Metadata* result) const noexcept
{
    FSP_FSCTL_TRANSACT_BUF where;
    switch (request) {
    case FspFsctlTransactQuerySecurityKind:
        where = answer->Rsp.QuerySecurity.SecurityDescriptor;
        break;
    case FspFsctlTransactQueryEaKind:
        where = answer->Rsp.QueryEa.Ea;
        break;
    default:
        where = answer->Rsp.QueryStreamInformation.Buffer;
        break;
    }
    const Span block = answer.span(where, Offset::ignored);
    if (!block)
        return bad_answer;
    if (!result->buffer_.assign(block.data, block.size))
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status = validate(result->buffer_.data(), result->buffer_.size());
    if (!NT_SUCCESS(status))
        return status;
    (node.volume().*cache).store(node.base().*slot, change, result->buffer_.data(), result->buffer_.size());
    return STATUS_SUCCESS;
}

Async<NTSTATUS> fetch_metadata(const MetadataKind& kind, Volume& volume, PIRP irp, PFILE_OBJECT file,
                               Metadata* result)
{
    FileNode& node = *FileNode::of(file);
    if (kind.cached(node, result))
        co_return STATUS_SUCCESS;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        const NTSTATUS status = co_await enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const ULONG change = (volume.*kind.cache).change_number(node.base().*kind.slot);

    PlainRequest request(kind.request);
    set_context(request.operator->(), *FileDesc::of(file));
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    co_return kind.accept(node, change, answer, result);
}

Async<NTSTATUS> fetch_file_info(Volume& volume, PIRP irp, PFILE_OBJECT file, FSP_FSCTL_FILE_INFO* info)
{
    FileNode& node = *FileNode::of(file);
    if (node.get_file_info(info))
        co_return STATUS_SUCCESS;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        const NTSTATUS status = co_await enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
        // Whoever held the node may have asked already.
        if (node.get_file_info(info))
            co_return STATUS_SUCCESS;
    }
    const LONG seen = node.file_info_change_number();

    PlainRequest request(FspFsctlTransactQueryInformationKind);
    set_context(request.operator->(), *FileDesc::of(file));
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    *info = answer->Rsp.QueryInformation.FileInfo;

    // New sizes concern the cache: that takes the node exclusively.
    hold.release();
    NodeHold exclusive;
    const NTSTATUS status =
        co_await acquire_after_answer(volume, *request, node, exclusive, Part::full, Access::exclusive);
    if (!NT_SUCCESS(status))
        co_return status;
    if (node.try_set_file_info(file, *info, seen) || !node.get_file_info(info))
        node.adjust_file_info(info);
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

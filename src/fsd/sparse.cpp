// SPDX-License-Identifier: MIT
#include "change.h"
#include "dispatch.h"
#include "node_access.h"
#include "seh.h"

#include <winfsp/sparse.h>

namespace fsp::fsd {

namespace {

/// FILE_ZERO_DATA_INFORMATION
struct ZeroData
{
    LONGLONG from, to;
};

/// FILE_ALLOCATED_RANGE_BUFFER
struct AllocatedRange
{
    LONGLONG offset, length;
};

constexpr ULONG answer_capacity = FSP_FSCTL_DEVICECONTROL_SIZEMAX;
constexpr ULONG ranges_most = (answer_capacity - sizeof(UINT64)) / sizeof(FSP_SPARSE_RANGE);

/// A question to the file system's Control about a range.
NTSTATUS make_question(RequestPtr* request, FileDesc& desc, ULONG code, ULONG answer_size, UINT64 from,
                       UINT64 to)
{
    const FSP_SPARSE_RANGE range{from, to - from};
    const NTSTATUS status = Request::make(request, FspFsctlTransactDeviceControlKind, nullptr, sizeof range);
    if (!NT_SUCCESS(status))
        return status;
    FSP_FSCTL_TRANSACT_REQ* message = request->operator->();
    set_context(message, desc);
    message->Req.DeviceControl.IoControlCode = code;
    message->Req.DeviceControl.OutputLength = answer_size;
    (**request).append(message->Req.DeviceControl.Buffer, &range, sizeof range);
    return STATUS_SUCCESS;
}

/// What follows the signature; no data without one, as of those who do not know the question.
Span signed_answer(const Response& answer)
{
    const Span data = answer.span(answer->Rsp.DeviceControl.Buffer, Offset::honoured);
    UINT64 signature = 0;
    if (!data || data.size < sizeof signature)
        return {};
    RtlCopyMemory(&signature, data.data, sizeof signature);
    if (signature != FSP_SPARSE_SIGNATURE)
        return {};
    return {data.data + sizeof signature, data.size - static_cast<ULONG>(sizeof signature)};
}

/// The file of a request about holes, or null.
FileNode* file_of(Volume& volume, PIRP irp)
{
    FileNode* const node = FileNode::of(IoGetCurrentIrpStackLocation(irp)->FileObject);
    return volume.params().DeviceControl && node && !node->is_directory ? node : nullptr;
}

bool locked_by_another(FileNode& node, PIRP irp, UINT64 from, UINT64 to)
{
    LARGE_INTEGER offset, length;
    offset.QuadPart = static_cast<LONGLONG>(from);
    length.QuadPart = static_cast<LONGLONG>(to - from);
    return !FsRtlFastCheckLockForWrite(&node.file_lock, &offset, &length, 0,
                                       IoGetCurrentIrpStackLocation(irp)->FileObject,
                                       IoGetRequestorProcess(irp));
}

} // namespace

/// FSCTL_SET_ZERO_DATA, [MS-FSA] 2.1.5.10.36
IrpTask set_zero_data(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!file_of(volume, irp))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *file_of(volume, irp);
    ZeroData range;
    if (!irp->AssociatedIrp.SystemBuffer ||
        stack->Parameters.FileSystemControl.InputBufferLength < sizeof range)
        co_return STATUS_INVALID_PARAMETER;
    RtlCopyMemory(&range, irp->AssociatedIrp.SystemBuffer, sizeof range);
    if (range.from < 0 || range.to < range.from)
        co_return STATUS_INVALID_PARAMETER;

    NodeHold hold;
    NTSTATUS status;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::check)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::check);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const auto from = static_cast<UINT64>(range.from);
    const auto to = lesser(static_cast<UINT64>(range.to), node.file_size());
    if (from >= to)
        co_return STATUS_SUCCESS;
    if (locked_by_another(node, irp, from, to))
        co_return STATUS_FILE_LOCK_CONFLICT;
    {
        // All that is cached, as the length of a range to flush has 32 bits.
        TopLevel top(node);
        status = seh::cc_flush_cache(&node.sections, nullptr, 0);
        if (NT_SUCCESS(status))
            status = seh::cc_purge_cache_section(&node.sections, nullptr, 0, FALSE);
    }
    if (!NT_SUCCESS(status))
        co_return status;

    RequestPtr request;
    status = make_question(&request, *FileDesc::of(file), FSP_IOCTL_SET_ZERO_DATA, sizeof(UINT64), from, to);
    if (!NT_SUCCESS(status))
        co_return status;
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    if (!signed_answer(answer))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    node.base().invalidate_file_info();
    node.invalidate_file_info();
    file->Flags |= FO_FILE_MODIFIED;
    report_node_change(node, 0, 0, Stale::nothing, file);
    co_return STATUS_SUCCESS;
}

/// FSCTL_QUERY_ALLOCATED_RANGES, [MS-FSA] 2.1.5.10.22. At most 255 ranges at a time.
IrpTask query_allocated_ranges(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!file_of(volume, irp))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *file_of(volume, irp);
    const ULONG room = lesser<ULONG>(stack->Parameters.FileSystemControl.OutputBufferLength,
                                     ranges_most * sizeof(AllocatedRange));
    AllocatedRange asked;
    if (!stack->Parameters.FileSystemControl.Type3InputBuffer ||
        stack->Parameters.FileSystemControl.InputBufferLength < sizeof asked)
        co_return STATUS_INVALID_PARAMETER;
    NTSTATUS status = seh::copy_from_user(&asked, stack->Parameters.FileSystemControl.Type3InputBuffer,
                                          sizeof asked, irp->RequestorMode);
    if (!NT_SUCCESS(status))
        co_return status;
    if (asked.offset < 0 || asked.length < 0 || asked.length > MAXLONGLONG - asked.offset)
        co_return STATUS_INVALID_PARAMETER;
    void* buffer = nullptr;
    if (room) {
        status = map_user_buffer(volume, irp, room, IoWriteAccess, &buffer);
        if (!NT_SUCCESS(status))
            co_return status;
    }

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const auto from = static_cast<UINT64>(asked.offset);
    const auto to = lesser(from + static_cast<UINT64>(asked.length), node.file_size());
    if (from >= to)
        co_return STATUS_SUCCESS;
    {
        // What is only in the cache is data, too.
        TopLevel top(node);
        status = seh::cc_flush_cache(&node.sections, nullptr, 0);
    }
    if (!NT_SUCCESS(status))
        co_return status;

    RequestPtr request;
    status = make_question(&request, *FileDesc::of(file), FSP_IOCTL_QUERY_ALLOCATED_RANGES, answer_capacity,
                           from, to);
    if (!NT_SUCCESS(status))
        co_return status;
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    const Span found = signed_answer(answer);
    if (!found)
        co_return STATUS_INVALID_DEVICE_REQUEST;

    const ULONG count = found.size / sizeof(FSP_SPARSE_RANGE);
    bool more = count >= ranges_most;
    ULONG written = 0;
    UINT64 behind = from;
    for (ULONG i = 0; i < count; ++i) {
        FSP_SPARSE_RANGE range;
        RtlCopyMemory(&range, found.data + i * sizeof range, sizeof range);
        const UINT64 start = greater(range.Offset, behind);
        const UINT64 end = range.Length > to - lesser(range.Offset, to) ? to : range.Offset + range.Length;
        if (start >= end)
            continue;
        if (room - written < sizeof(AllocatedRange)) {
            more = true;
            break;
        }
        const AllocatedRange out{static_cast<LONGLONG>(start), static_cast<LONGLONG>(end - start)};
        RtlCopyMemory(static_cast<Byte*>(buffer) + written, &out, sizeof out);
        written += sizeof out;
        behind = end;
    }
    more = more && behind < to;
    co_return {more ? (written ? STATUS_BUFFER_OVERFLOW : STATUS_BUFFER_TOO_SMALL) : STATUS_SUCCESS, written};
}

} // namespace fsp::fsd

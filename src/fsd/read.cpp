// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "file_size.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

struct ReadParameters
{
    PFILE_OBJECT file;
    FileNode* node;
    FileDesc* desc;
    UINT64 offset;
    ULONG length;
    ULONG key;
    UCHAR minor;
    bool paging;

    explicit ReadParameters(PIRP irp)
    {
        PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
        file = stack->FileObject;
        node = FileNode::of(file);
        desc = FileDesc::of(file);
        offset = static_cast<UINT64>(stack->Parameters.Read.ByteOffset.QuadPart);
        length = stack->Parameters.Read.Length;
        key = stack->Parameters.Read.Key;
        minor = stack->MinorFunction;
        paging = (irp->Flags & IRP_PAGING_IO) != 0;
    }
};

/// Everything that needs neither data nor locks.
IrpTask read_trivially(Volume&, PIRP irp)
{
    const ReadParameters p(irp);
    if (!p.node)
        co_return STATUS_INVALID_DEVICE_REQUEST;
    if (p.minor & IRP_MN_COMPLETE) {
        PMDL mdl = irp->MdlAddress;
        irp->MdlAddress = nullptr; // the cache manager frees it
        co_return seh::cc_mdl_read_complete(p.file, mdl);
    }
    if (p.node->is_directory || static_cast<LONGLONG>(p.offset) < 0)
        co_return STATUS_INVALID_PARAMETER;
    co_return STATUS_SUCCESS; // of nothing
}

IrpTask read_cached(Volume&, PIRP irp)
{
    ReadParameters p(irp);
    FileNode& node = *p.node;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::main, Access::shared, Oplocks::check)) {
        NTSTATUS status = lock_user_buffer(irp, p.length, IoWriteAccess);
        if (NT_SUCCESS(status))
            status = co_await enter(node, irp, hold, Part::main, Access::shared, Oplocks::check);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (!FsRtlCheckLockForReadAccess(&node.file_lock, irp))
        co_return STATUS_FILE_LOCK_CONFLICT;

    const UINT64 size = node.file_size();
    if (p.offset >= size)
        co_return STATUS_END_OF_FILE;
    p.length = static_cast<ULONG>(lesser<UINT64>(p.length, size - p.offset));

    IO_STATUS_BLOCK io{};
    NTSTATUS status;
    {
        TopLevel top(node);
        status = ensure_cache_map(p.file, node);
        if (NT_SUCCESS(status)) {
            if (p.minor & IRP_MN_MDL)
                status = seh::cc_mdl_read(p.file, p.offset, p.length, &irp->MdlAddress, &io);
            else
                status =
                    seh::cc_copy_read(p.file, p.offset, p.length, can_wait(irp), near_user_buffer(irp), &io);
        }
    }
    if (status == STATUS_CANT_WAIT) {
        status = lock_user_buffer(irp, p.length, IoWriteAccess);
        if (!NT_SUCCESS(status))
            co_return status;
        co_await OnWorker{Holds::locks};
        TopLevel top(node);
        status = seh::cc_copy_read(p.file, p.offset, p.length, true, near_user_buffer(irp), &io);
    }
    if (!NT_SUCCESS(status))
        co_return status;

    set_position(p.file, p.offset + io.Information);
    co_return {STATUS_SUCCESS, io.Information};
}

/// Makes the file system see what is only in the cache or in mapped views, before it is asked for the data.
Async<NTSTATUS> flush_before_read(FileNode& node, PIRP irp, UINT64 offset, ULONG length)
{
    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        const NTSTATUS status =
            co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    TopLevel top(node);
    co_return seh::cc_flush_cache(&node.sections, &offset, length);
}

IrpTask read_from_file_system(Volume& volume, PIRP irp)
{
    ReadParameters p(irp);
    FileNode& node = *p.node;
    if (p.minor & IRP_MN_MDL)
        co_return STATUS_INVALID_PARAMETER;

    void* buffer = nullptr;
    NTSTATUS status = map_user_buffer(volume, irp, p.length, IoWriteAccess, &buffer);
    if (!NT_SUCCESS(status))
        co_return status;

    NodeHold hold;
    if (!owned_by_this_thread(node)) {
        const Oplocks oplocks = p.paging ? Oplocks::ignore : Oplocks::check;
        if (!p.paging && node.has_data_section()) {
            status = co_await flush_before_read(node, irp, p.offset, p.length);
            if (!NT_SUCCESS(status))
                co_return status;
        }
        // A page that is being read may be waited for by who holds the main resource.
        const Part part = p.paging ? Part::paging : Part::full;
        if (!try_enter(node, irp, hold, part, Access::shared, oplocks)) {
            status = co_await enter(node, irp, hold, part, Access::shared, oplocks);
            if (!NT_SUCCESS(status))
                co_return status;
        }
    } else if (p.paging && ExIsResourceAcquiredExclusiveLite(&node.main_resource())) {
        // The system is making a section: what lies behind the end of the file is not part of it.
        if (p.offset >= node.file_size())
            co_return STATUS_END_OF_FILE;
    }
    if (!p.paging && !FsRtlCheckLockForReadAccess(&node.file_lock, irp))
        co_return STATUS_FILE_LOCK_CONFLICT;

    PlainRequest request(FspFsctlTransactReadKind);
    set_context(request.operator->(), *p.desc);
    request->Req.Read.Offset = p.offset;
    request->Req.Read.Length = p.length;
    request->Req.Read.Key = p.key;
    (*request).receive(buffer, p.length, &request->Req.Read.Address);

    volume.statistics.count_read(p.paging ? Statistics::Transfer::Paging : Statistics::Transfer::NonCached,
                                 p.length);
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();

    const ULONG read = answer.information();
    if (p.paging) {
        // The rest of a page behind the end of the file is shown to whoever maps it.
        RtlZeroMemory(static_cast<Byte*>(buffer) + read, p.length - read);
    } else {
        set_position(p.file, p.offset + read);
    }
    co_return {STATUS_SUCCESS, read};
}

} // namespace

/// IRP_MJ_READ.
IrpTask read(Volume& volume, PIRP irp)
{
    const ReadParameters p(irp);
    if (!p.node || (p.minor & IRP_MN_COMPLETE) || p.node->is_directory || p.length == 0 ||
        static_cast<LONGLONG>(p.offset) < 0)
        return read_trivially(volume, irp);
    if (p.desc->cacheable && !p.paging && !(irp->Flags & IRP_NOCACHE))
        return read_cached(volume, irp);
    return read_from_file_system(volume, irp);
}

} // namespace fsp::fsd

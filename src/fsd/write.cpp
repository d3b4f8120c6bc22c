// SPDX-License-Identifier: MIT
#include "change.h"
#include "dispatch.h"
#include "file_size.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

constexpr UINT64 end_of_file = ~UINT64{0}; // as offset: append

struct WriteParameters
{
    PFILE_OBJECT file;
    FileNode* node;
    FileDesc* desc;
    UINT64 offset;
    ULONG length;
    ULONG key;
    UCHAR minor;
    bool paging;

    explicit WriteParameters(PIRP irp)
    {
        PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
        file = stack->FileObject;
        node = FileNode::of(file);
        desc = FileDesc::of(file);
        offset = static_cast<UINT64>(stack->Parameters.Write.ByteOffset.QuadPart);
        const LARGE_INTEGER& at = stack->Parameters.Write.ByteOffset;
        if (at.LowPart == FILE_WRITE_TO_END_OF_FILE && at.HighPart == -1)
            offset = end_of_file;
        length = stack->Parameters.Write.Length;
        key = stack->Parameters.Write.Key;
        minor = stack->MinorFunction;
        paging = (irp->Flags & IRP_PAGING_IO) != 0;
    }

    bool append() const { return offset == end_of_file; }
    bool valid_range() const
    {
        return append() || (static_cast<LONGLONG>(offset) >= 0 && offset <= UINT64{MAXLONGLONG} - length);
    }
};

/// Everything that needs neither data nor locks.
IrpTask write_trivially(Volume&, PIRP irp)
{
    const WriteParameters p(irp);
    if (!p.node)
        co_return STATUS_INVALID_DEVICE_REQUEST;
    if (p.minor & IRP_MN_COMPLETE) {
        PMDL mdl = irp->MdlAddress;
        irp->MdlAddress = nullptr; // the cache manager frees it
        co_return seh::cc_mdl_write_complete(p.file, p.offset, mdl);
    }
    if (p.node->is_directory || !p.valid_range())
        co_return STATUS_INVALID_PARAMETER;
    co_return STATUS_SUCCESS; // of nothing
}

/// The user-mode file system learns of a new size before any data arrives there.
Async<NTSTATUS> extend(Volume& volume, PIRP irp, PFILE_OBJECT file, UINT64 size)
{
    FileNode& node = *FileNode::of(file);
    // Only for the change of the size: a page fault during the copy must find the paging resource free.
    NodeHold paging;
    if (!paging.acquire(node, Part::paging, Access::exclusive, can_wait(irp) ? Wait::yes : Wait::no)) {
        co_await OnWorker{Holds::locks};
        paging.acquire(node, Part::paging, Access::exclusive, Wait::yes);
    }
    const NTSTATUS status = co_await set_end_of_file(volume, irp, file, size);
    // Watchers are told of a size when it is set explicitly; those who cache the directory must know at once.
    if (NT_SUCCESS(status))
        report_node_change(node, 0, 0, Stale::nothing, file);
    co_return status;
}

IrpTask write_cached(Volume& volume, PIRP irp)
{
    WriteParameters p(irp);
    FileNode& node = *p.node;
    NTSTATUS status;
    bool wait = can_wait(irp);

    // Too much dirty data in memory: whoever produces it waits until some of it has been written.
    if (!CcCanIWrite(p.file, p.length, wait, FALSE)) {
        status = lock_user_buffer(irp, p.length, IoReadAccess);
        if (!NT_SUCCESS(status))
            co_return status;
        co_await OnWorker{Holds::no_lock};
        wait = true;
        CcCanIWrite(p.file, p.length, TRUE, FALSE);
    }

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::main, Access::exclusive, Oplocks::check)) {
        status = lock_user_buffer(irp, p.length, IoReadAccess);
        if (NT_SUCCESS(status))
            status = co_await enter(node, irp, hold, Part::main, Access::exclusive, Oplocks::check);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (!FsRtlCheckLockForWriteAccess(&node.file_lock, irp))
        co_return STATUS_FILE_LOCK_CONFLICT;
    if (p.append()) {
        p.offset = node.file_size();
        if (!p.valid_range())
            co_return STATUS_INVALID_PARAMETER;
    }

    {
        TopLevel top(node);
        status = ensure_cache_map(p.file, node);
    }
    if (!NT_SUCCESS(status))
        co_return status;
    if (p.offset + p.length > node.file_size()) {
        status = lock_user_buffer(irp, p.length, IoReadAccess);
        if (!NT_SUCCESS(status))
            co_return status;
        status = co_await extend(volume, irp, p.file, p.offset + p.length);
        if (!NT_SUCCESS(status))
            co_return status;
        co_await MayBlock{Holds::locks};
        // Storing the size may have had to give up the cache.
        if (!is_caching(p.file))
            co_return STATUS_INSUFFICIENT_RESOURCES;
    }

    IO_STATUS_BLOCK io{};
    {
        TopLevel top(node);
        if (p.minor & IRP_MN_MDL)
            status = seh::cc_prepare_mdl_write(p.file, p.offset, p.length, &irp->MdlAddress, &io);
        else
            status = seh::cc_copy_write(p.file, p.offset, p.length, wait, near_user_buffer(irp));
    }
    if (status == STATUS_CANT_WAIT) {
        status = lock_user_buffer(irp, p.length, IoReadAccess);
        if (!NT_SUCCESS(status))
            co_return status;
        co_await OnWorker{Holds::locks};
        TopLevel top(node);
        status = seh::cc_copy_write(p.file, p.offset, p.length, true, near_user_buffer(irp));
    }
    if (!NT_SUCCESS(status))
        co_return status;

    add_file_flags(p.file, FO_FILE_MODIFIED);
    set_position(p.file, p.offset + p.length);
    co_return {STATUS_SUCCESS, p.minor & IRP_MN_MDL ? io.Information : p.length};
}

/// What is cached of the range becomes the file system's, and is read from there again.
NTSTATUS flush_and_purge(FileNode& node, const WriteParameters& p)
{
    const UINT64* offset = p.append() ? nullptr : &p.offset;
    const ULONG length = p.append() ? 0 : p.length;
    TopLevel top(node);
    const NTSTATUS status = seh::cc_flush_cache(&node.sections, offset, length);
    if (NT_SUCCESS(status))
        (void)seh::cc_purge_cache_section(&node.sections, offset, length, FALSE);
    return status;
}

IrpTask write_to_file_system(Volume& volume, PIRP irp)
{
    WriteParameters p(irp);
    FileNode& node = *p.node;
    if ((p.minor & IRP_MN_MDL) || (p.paging && p.append()))
        co_return STATUS_INVALID_PARAMETER;
    if (volume.stopped())
        co_return STATUS_VOLUME_DISMOUNTED;

    void* buffer = nullptr;
    NTSTATUS status = map_user_buffer(volume, irp, p.length, IoReadAccess, &buffer);
    if (!NT_SUCCESS(status))
        co_return status;

    NodeHold hold;
    const bool nested = owned_by_this_thread(node);
    if (!nested) {
        const Oplocks oplocks = p.paging ? Oplocks::ignore : Oplocks::check;
        // A page that is being written may be waited for by who holds the main resource.
        const Part part = p.paging ? Part::paging : Part::full;
        if (!try_enter(node, irp, hold, part, Access::exclusive, oplocks)) {
            status = co_await enter(node, irp, hold, part, Access::exclusive, oplocks);
            if (!NT_SUCCESS(status))
                co_return status;
        }
    }
    if (p.paging) {
        // Pages reach behind the end of the file; files do not grow that way.
        const UINT64 size = node.file_size();
        if (p.offset >= size)
            co_return STATUS_SUCCESS;
        p.length = static_cast<ULONG>(lesser<UINT64>(p.length, size - p.offset));
    } else {
        if (!FsRtlCheckLockForWriteAccess(&node.file_lock, irp))
            co_return STATUS_FILE_LOCK_CONFLICT;
        if (node.has_data_section()) {
            if (!can_wait(irp))
                co_await OnWorker{Holds::locks};
            status = flush_and_purge(node, p);
            if (!NT_SUCCESS(status))
                co_return status;
        }
    }

    PlainRequest request(FspFsctlTransactWriteKind);
    set_context(request.operator->(), *p.desc);
    request->Req.Write.Offset = p.offset;
    request->Req.Write.Length = p.length;
    request->Req.Write.Key = p.key;
    request->Req.Write.ConstrainedIo = p.paging;
    (*request).send(buffer, p.length, &request->Req.Write.Address);

    volume.statistics.count_write(p.paging ? Statistics::Transfer::Paging : Statistics::Transfer::NonCached,
                                  p.length);
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();

    const ULONG written = answer.information();
    if (!nested) {
        const UINT64 old_size = node.file_size();
        node.set_file_info(p.file, answer->Rsp.Write.FileInfo, true);
        if (!p.paging) {
            add_file_flags(p.file, FO_FILE_MODIFIED);
            set_position(p.file, p.append() ? node.file_size() : p.offset + written);
        }
        if (node.file_size() != old_size)
            report_size(node, p.file);
    }
    co_return {STATUS_SUCCESS, written};
}

} // namespace

/// IRP_MJ_WRITE.
IrpTask write(Volume& volume, PIRP irp)
{
    const WriteParameters p(irp);
    if (!p.node || (p.minor & IRP_MN_COMPLETE) || p.node->is_directory || p.length == 0 || !p.valid_range())
        return write_trivially(volume, irp);
    if (p.desc->cacheable && !p.paging && !(irp->Flags & IRP_NOCACHE))
        return write_cached(volume, irp);
    return write_to_file_system(volume, irp);
}

} // namespace fsp::fsd

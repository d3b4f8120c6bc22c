// SPDX-License-Identifier: MIT
#include "cleanup.h"
#include "change.h"
#include "dispatch.h"
#include "node_access.h"
#include "open_table.h"
#include "seh.h"
#include "system.h"

namespace fsp::fsd {

namespace {

/// The bits of a Cleanup request.
struct Due
{
    bool deletes = false;
    bool set_allocation_size = false;
    bool set_archive_bit = false;
    bool set_last_access_time = false;
    bool set_last_write_time = false;
    bool set_change_time = false;

    bool modifies() const
    {
        return deletes || set_allocation_size || set_archive_bit || set_last_write_time || set_change_time;
    }
};

Due what_is_due(const FileDesc& desc, PFILE_OBJECT file, const HandleEnd& end)
{
    const bool modified = file && (file_flags(file) & (FO_FILE_MODIFIED | FO_FILE_SIZE_CHANGED));
    Due due;
    due.deletes = end.deletes;
    due.set_allocation_size = end.last && !end.delete_pending && desc.node->truncate_on_close;
    due.set_archive_bit = (modified || desc.did_set_security) && !desc.did_set_attributes;
    due.set_last_access_time = !desc.did_set_last_access_time;
    due.set_last_write_time = modified && !desc.did_set_last_write_time;
    due.set_change_time = (modified || desc.did_set_metadata) && !desc.did_set_change_time;
    return due;
}

void fill(FSP_FSCTL_TRANSACT_REQ& message, const FileDesc& desc, const Due& due)
{
    desc.fill_context(message.Req.Context);
    message.Req.Cleanup.Delete = due.deletes;
    message.Req.Cleanup.SetAllocationSize = due.set_allocation_size;
    message.Req.Cleanup.SetArchiveBit = due.set_archive_bit;
    message.Req.Cleanup.SetLastAccessTime = due.set_last_access_time;
    message.Req.Cleanup.SetLastWriteTime = due.set_last_write_time;
    message.Req.Cleanup.SetChangeTime = due.set_change_time;
}

/// A request with the file's name; waits for memory rather than lose a delete.
void make_delete_request(FileDesc& desc, RequestPtr* request)
{
    NameCopy name;
    while (!name.assign(*desc.node))
        wait_for_memory();
    Request::make(request, FspFsctlTransactCleanupKind, &name.view(), 0, true);
}

void flush_for_purge(FileNode& node, bool truncates)
{
    TopLevel owner(node);
    const UINT64 start = 0, size = node.file_size();
    // No more than the file when it is about to be truncated: what lies behind its end is nobody's.
    if (truncates && size <= MAXULONG && size > 0)
        seh::cc_flush_cache(&node.sections, &start, static_cast<ULONG>(size));
    else
        seh::cc_flush_cache(&node.sections, nullptr, 0);
}

void report(FileNode& node, FileDesc& desc, PFILE_OBJECT file, const Due& due, const HandleEnd& end)
{
    if (end.deletes) {
        // The last to close need not be the one who asked, and must hear of it then.
        const bool asked = desc.delete_on_close || (file && asked_for_deletion(file));
        report_node_change(node,
                           node.is_directory ? FILE_NOTIFY_CHANGE_DIR_NAME : FILE_NOTIFY_CHANGE_FILE_NAME,
                           FILE_ACTION_REMOVED, Stale::parent, asked ? file : nullptr);
        return;
    }
    if (end.posix_deleted)
        return;
    ULONG filter = 0;
    if (due.set_archive_bit)
        filter |= FILE_NOTIFY_CHANGE_ATTRIBUTES;
    if (due.set_last_write_time)
        filter |= FILE_NOTIFY_CHANGE_LAST_WRITE;
    if (filter)
        report_node_change(node, filter, FILE_ACTION_MODIFIED, Stale::parent, file);
    else if (desc.did_set_metadata)
        report_node_change(node, 0, 0, Stale::parent, file);
}

/// The data cache of one handle, as far as it has one.
void end_caching(FileDesc& desc, PFILE_OBJECT file, const HandleEnd& end)
{
    if (!file || desc.node->is_directory)
        return;
    FileNode& node = *desc.node;
    UINT64 zero = 0;
    LARGE_INTEGER nothing{};
    const bool discards = end.last && end.delete_pending;
    if (discards)
        node.discard_data();
    // What a program has mapped it may still change: that is cached until the last view goes.
    const bool purges = desc.volume.params().FlushAndPurgeOnCleanup && end.last &&
                        MmCanFileBeTruncated(&node.sections, &nothing);
    if (is_caching(file) || discards || purges) {
        TopLevel owner(node);
        seh::cc_uninitialize_cache_map(file, discards || purges ? &zero : nullptr);
    }
}

} // namespace

Async<NTSTATUS> end_handle(MustSucceed, Volume& volume, FileDesc& desc, PFILE_OBJECT file, PIRP irp)
{
    FileNode& node = *desc.node;
    if (file) {
        NodeHold hold;
        if (__atomic_load_n(&node.claimed, __ATOMIC_SEQ_CST))
            hold.acquire(node, Part::main, Access::exclusive);
        if (node.is_directory)
            end_watches_of_handle(volume, file);
        else
            FsRtlFastUnlockAll(&node.file_lock, file, IoGetRequestorProcess(irp), nullptr);
        // Whoever keeps a handle only to reopen the file from would keep the file.
        if (desc.delete_on_close)
            check_oplock(&node.oplock, irp, OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE, nullptr, nullptr, nullptr);
    }

    const HandleEnd end = end_handle_count(desc);
    const Due due = what_is_due(desc, file, end);
    if (end.deletes && node.is_directory)
        end_watches_of_deleted(volume, node);

    const bool asks = due.modifies() || !volume.params().PostCleanupWhenModifiedOnly;
    const bool purges = file && !node.is_directory && volume.params().FlushAndPurgeOnCleanup && end.last &&
                        !end.delete_pending;
    if (asks || purges) {
        NodeHold hold;
        if (!hold.acquire(node, Part::full, Access::exclusive, Wait::no)) {
            // The second handle of a stream's close is ended where the answer about the first one arrived.
            co_await MayBlock{Holds::no_lock};
            hold.acquire(node, Part::full, Access::exclusive);
        }
        if (purges)
            flush_for_purge(node, due.set_allocation_size);
        if (asks) {
            RequestPtr named;
            Request* request;
            if (due.deletes) {
                make_delete_request(desc, &named);
                request = named.get();
            } else {
                request = desc.close_request(FspFsctlTransactCleanupKind);
            }
            fill(*request->message(), desc, due);
            co_await volume.ask(*request, Post::best_effort);
            if (end.last)
                node.truncate_on_close = false;
            if (due.set_archive_bit || due.set_last_write_time || due.set_change_time ||
                due.set_allocation_size)
                node.base().invalidate_file_info();
        }
    }

    end_share_access(desc, file, end.deletes);
    report(node, desc, file, due, end);
    end_caching(desc, file, end);
    // In a cleanup this waits for nobody: it ends the oplocks that go with the handle. Not earlier: an open
    // that waits for them looks at the share access once more.
    if (file)
        check_oplock(&node.oplock, irp, 0, nullptr, nullptr, nullptr);
    co_return STATUS_SUCCESS;
}

/// IRP_MJ_CLEANUP: the last handle of a file object has been closed. Cannot fail.
IrpTask cleanup(Volume& volume, PIRP irp)
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FileDesc* const desc = FileDesc::of(file);
    if (desc && !__atomic_exchange_n(&desc->cleaned_up, true, __ATOMIC_SEQ_CST)) {
        co_await end_handle(MustSucceed{}, volume, *desc, file, irp);
        if (desc->main_desc)
            co_await end_handle(MustSucceed{}, volume, *desc->main_desc, nullptr, irp);
    }
    add_file_flags(file, FO_CLEANUP_COMPLETE);
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "open_table.h"
#include "system.h"
#include "volume.h"

namespace fsp::fsd {

namespace {

constexpr ACCESS_MASK data_access =
    FILE_EXECUTE | FILE_READ_DATA | FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE;

/// Rules 1 and 2 of spec 12: the main file of a stream.
NTSTATUS check_main_file(const FileNode& main_file, const OpenRights& rights, Conflict* conflict)
{
    if (main_file.delete_pending)
        return STATUS_DELETE_PENDING;
    if (main_file.share_access.Deleters > 0 && !(rights.share & FILE_SHARE_DELETE) &&
        (rights.granted & data_access))
    {
        *conflict = Conflict::main_file;
        return STATUS_SHARING_VIOLATION;
    }
    return STATUS_SUCCESS;
}

/// Rules 4 to 8: a node that somebody has open.
NTSTATUS check_existing(FileNode& node, PFILE_OBJECT file, const OpenRights& rights, Conflict* conflict)
{
    if (node.delete_pending)
        return STATUS_DELETE_PENDING;
    if (!file)
        return STATUS_SUCCESS;
    if (!node.is_stream() && node.stream_denies_delete > 0 && (rights.granted & DELETE)) {
        *conflict = Conflict::streams;
        return STATUS_SHARING_VIOLATION;
    }
    *conflict = Conflict::node;
    if (!(rights.share & FILE_SHARE_WRITE) && (rights.granted & data_access) &&
        has_user_writable_views(&node.sections))
        return STATUS_SHARING_VIOLATION;
    if (rights.also_checked) {
        const NTSTATUS status = IoCheckShareAccess(rights.granted | rights.also_checked, rights.share, file,
                                                   &node.share_access, FALSE);
        if (!NT_SUCCESS(status))
            return status;
    }
    return IoCheckShareAccess(rights.granted, rights.share, file, &node.share_access, TRUE);
}

} // namespace

NTSTATUS open_node(FileDesc& desc, Ptr<FileNode>& node, PFILE_OBJECT file, const OpenRights& rights,
                   bool* first_open, Conflict* conflict) noexcept
{
    *first_open = false;
    *conflict = Conflict::none;
    NodeTable& table = desc.volume.nodes;
    FileNode* const main_file = node->main_file();

    FastMutexGuard guard(table.mutex());
    if (main_file) {
        const NTSTATUS status = check_main_file(*main_file, rights, conflict);
        if (!NT_SUCCESS(status))
            return status;
    }
    FileNode* opened = table.find(node->name());
    if (opened && opened->user_context != node->user_context) {
        if (!rights.is_latest)
            return STATUS_RETRY;
        opened->posix_deleted = true; // its handles must not delete what has the name now
        table.remove(*opened);
        opened = nullptr;
    }
    if (opened) {
        const NTSTATUS status = check_existing(*opened, file, rights, conflict);
        if (!NT_SUCCESS(status))
            return status;
        // Released with our own reference to the unused node, after the mutex.
        desc.node = exchange(node, Ptr<FileNode>(opened));
    } else {
        opened = node.get();
        if (file)
            IoSetShareAccess(rights.granted, rights.share, file, &opened->share_access);
        table.insert(*opened);
        *first_open = true;
    }
    ++opened->handle_count;
    opened->active_count++;
    if (main_file && (rights.granted & data_access) && !(rights.share & FILE_SHARE_DELETE)) {
        main_file->stream_denies_delete++;
        desc.denies_delete_to_main = true;
    }
    guard.unlock();
    desc.node = node;
    return STATUS_SUCCESS;
}

HandleEnd end_handle_count(FileDesc& desc) noexcept
{
    FileNode& node = *desc.node;
    HandleEnd end;
    FastMutexGuard guard(desc.volume.nodes.mutex());
    if (desc.delete_on_close)
        node.delete_pending = true;
    end.last = --node.handle_count == 0;
    end.posix_deleted = node.posix_deleted;
    end.deletes = !node.posix_deleted && (desc.posix_delete || (end.last && node.delete_pending));
    if (end.deletes && desc.posix_delete)
        node.posix_deleted = true;
    end.delete_pending = node.delete_pending;
    return end;
}

void end_share_access(FileDesc& desc, PFILE_OBJECT file, bool deleted) noexcept
{
    FileNode& node = *desc.node;
    NodeTable& table = desc.volume.nodes;
    FastMutexGuard guard(table.mutex());
    if (file)
        IoRemoveShareAccess(file, &node.share_access);
    if (exchange(desc.denies_delete_to_main, false))
        node.main_file()->stream_denies_delete--;
    if (!deleted)
        return;
    // The name is free from here on. Streams that are still open keep their nodes, but not their names.
    if (!node.is_stream() && node.in_table) {
        for (FileNode* stream = table.first_below(node.name()); stream;) {
            FileNode* const next = table.next_below(node.name(), stream);
            if (stream->main_file() == &node && stream->handle_count == 0)
                table.remove(*stream);
            stream = next;
        }
    }
    table.remove(node);
}

void end_active(FileDesc& desc) noexcept
{
    FileNode& node = *desc.node;
    FastMutexGuard guard(desc.volume.nodes.mutex());
    if (--node.active_count == 0)
        desc.volume.nodes.remove(node);
}

void mark_streams_deleted(FileNode& main_file) noexcept
{
    if (main_file.is_stream() || !main_file.volume().params().NamedStreams)
        return;
    NodeTable& table = main_file.volume().nodes;
    FastMutexGuard guard(table.mutex());
    for (FileNode* stream = table.first_below(main_file.name()); stream;) {
        FileNode* const next = table.next_below(main_file.name(), stream);
        if (stream->main_file() == &main_file) {
            stream->delete_pending = true;
            if (stream->handle_count == 0) // only the cache keeps it: the name is free
                table.remove(*stream);
        }
        stream = next;
    }
}

void undo_open(FileDesc& desc, PFILE_OBJECT file) noexcept
{
    if (!desc.node)
        return;
    {
        FastMutexGuard guard(desc.volume.nodes.mutex());
        --desc.node->handle_count;
    }
    end_share_access(desc, file, false);
    end_active(desc);
}

} // namespace fsp::fsd

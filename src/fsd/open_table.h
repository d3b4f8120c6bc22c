// SPDX-License-Identifier: MIT
#pragma once

/// Opens in the node table: share access, delete-pending and the counts of handles and active files.

#include "node.h"

namespace fsp::fsd {

/// Who denied an open with STATUS_SHARING_VIOLATION; its oplocks may be broken before another attempt.
enum class Conflict : UINT8
{
    none,
    node,      // the opens of the same name
    main_file, // a stream's main file
    streams,   // a main file's streams
};

/// What an open asks of the others.
struct OpenRights
{
    ACCESS_MASK granted = 0;
    ULONG share = 0;
    /// Checked as if granted, but not recorded: overwriting needs FILE_WRITE_DATA, superseding DELETE.
    ACCESS_MASK also_checked = 0;
    /// The open knows the file that has the name now: a node that stands for another one has lost it.
    bool is_latest = false;
};

/// Counts an open of `node`, which is replaced by the node that is in the table already if there is one.
/// Without file object (a stream's open of its main file) share access is not involved.
/// STATUS_DELETE_PENDING, STATUS_SHARING_VIOLATION with *conflict, STATUS_RETRY if the node in the table
/// stands for another file of the same name (one of the two was deleted while user mode's answer was on its
/// way), or STATUS_SUCCESS with desc.node set.
NTSTATUS open_node(FileDesc& desc, Ptr<FileNode>& node, PFILE_OBJECT file, const OpenRights& rights,
                   bool* first_open, Conflict* conflict) noexcept;

/// The last handle's or one handle's end, as cleanup sees it.
struct HandleEnd
{
    bool last = false;    // no other handle of the node
    bool deletes = false; // the file goes away with this handle
    bool delete_pending = false;
    bool posix_deleted = false; // the file went away before
};
/// Begins the cleanup of a handle: DELETE_ON_CLOSE takes effect, the handle is not counted any more.
HandleEnd end_handle_count(FileDesc& desc) noexcept;
/// Ends it: share access is given back; a deleted node leaves the table with its inactive streams.
void end_share_access(FileDesc& desc, PFILE_OBJECT file, bool deleted) noexcept;
/// The last reference of a file object is gone (close).
void end_active(FileDesc& desc) noexcept;

/// An overwritten main file loses its streams: open ones become delete-pending.
void mark_streams_deleted(FileNode& main_file) noexcept;

/// Takes back open_node when the open fails later.
void undo_open(FileDesc& desc, PFILE_OBJECT file) noexcept;

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#pragma once

/// What follows from a change of the name space or of a file: watchers are told, caches above it become
/// stale, the parent directory's oplock breaks. Implemented in change.cpp.

#include "wdk.h"

namespace fsp::fsd {

class FileNode;
class Volume;

/// How much of the parent is stale.
enum class Stale : UINT8
{
    nothing, // the event leaves directory listings as they are
    parent,  // parent's directory listing (a stream's: main file's stream list) and volume information
};

/// Reports FILE_ACTION_xxx `action` on `name` (a normalized full path, maybe with a stream suffix) to
/// watchers whose filter meets `filter` (FILE_NOTIFY_CHANGE_xxx), maps both for streams, invalidates
/// according to `stale`, and breaks the parent directory's read/handle oplocks (`cause`: the file object
/// whose oplock key is exempt; may be null). Filter 0 only invalidates. Never fails, never waits for user
/// mode. The caller may hold the node but not the node table lock.
void report_change(Volume& volume, const UNICODE_STRING& name, ULONG filter, ULONG action, Stale stale,
                   PFILE_OBJECT cause = nullptr) noexcept;

/// report_change for an open file, by the name that it has at the moment.
void report_node_change(FileNode& node, ULONG filter, ULONG action, Stale stale, PFILE_OBJECT cause) noexcept;

/// Only the invalidations and the oplock break of report_change: a change that watchers do not see.
void invalidate_parent(Volume& volume, const UNICODE_STRING& name, PFILE_OBJECT cause = nullptr) noexcept;

/// The file changed, but not through the driver: whoever caches it under an oplock must not any more.
void break_oplock_for_outside_change(FileNode& node) noexcept;

/// Completes the watch IRPs of one handle (its cleanup).
void end_watches_of_handle(Volume& volume, PFILE_OBJECT file) noexcept;
/// Completes the watches of a directory that is being deleted with STATUS_DELETE_PENDING.
void end_watches_of_deleted(Volume& volume, FileNode& directory) noexcept;

/// FSP_FSCTL_NOTIFY on a volume handle; `irp` is completed by the caller with the result.
NTSTATUS notify_from_user_mode(Volume& volume, PIRP irp) noexcept;
/// Ends an open notify session at volume deletion (the rename lock it holds is released).
void end_notify_session(Volume& volume) noexcept;

} // namespace fsp::fsd

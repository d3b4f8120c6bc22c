// SPDX-License-Identifier: MIT
#pragma once

/// What the cache needs around a change of a file's size.

#include "node_access.h"

namespace fsp::fsd {

/// Makes sure that the handle has a cache map. Raises nothing. Inside a TopLevel.
NTSTATUS ensure_cache_map(PFILE_OBJECT file, FileNode& node) noexcept;

/// May the file be cut to `size` while others have mapped it? STATUS_USER_MAPPED_FILE if not. Node held
/// exclusively.
NTSTATUS may_truncate(FileNode& node, UINT64 size) noexcept;

/// Before the file system is told of a smaller size: the cached rest of the last page becomes zero, so that
/// nothing old comes back when the file grows again. Node held exclusively.
void zero_cached_tail(PFILE_OBJECT file, FileNode& node, UINT64 size) noexcept;

/// Tells the file system the new end of the file and stores what it answers. The caller holds at least Main
/// exclusively and passes the hold of the paging resource that it does not have yet.
Async<NTSTATUS> set_end_of_file(Volume& volume, PIRP irp, PFILE_OBJECT file, UINT64 size);

/// Reports FILE_NOTIFY_CHANGE_SIZE for the file.
void report_size(FileNode& node, PFILE_OBJECT cause) noexcept;

} // namespace fsp::fsd

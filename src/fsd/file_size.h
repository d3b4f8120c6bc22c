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

/// Stores what the file system answered to a request for another size; what is cached behind a smaller one is
/// lost. Node held exclusively; may continue on another thread. Always a success.
Async<NTSTATUS> store_new_size(MustSucceed, FileNode& node, PFILE_OBJECT file, FSP_FSCTL_FILE_INFO info);

/// Tells the file system the new end of the file and stores what it answers. The caller holds at least Main
/// exclusively and passes the hold of the paging resource that it does not have yet.
Async<NTSTATUS> set_end_of_file(Volume& volume, PIRP irp, PFILE_OBJECT file, UINT64 size);

/// Reports FILE_NOTIFY_CHANGE_SIZE for the file.
void report_size(FileNode& node, PFILE_OBJECT cause) noexcept;

} // namespace fsp::fsd

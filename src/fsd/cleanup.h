// SPDX-License-Identifier: MIT
#pragma once

#include "irp_task.h"
#include "node.h"

namespace fsp::fsd {

/// What cleanup does for one handle: flags, request, notifications, share access, name. `file` is null for
/// a stream's open of its main file. Always succeeds.
Async<NTSTATUS> end_handle(MustSucceed, Volume& volume, FileDesc& desc, PFILE_OBJECT file, PIRP irp);

} // namespace fsp::fsd

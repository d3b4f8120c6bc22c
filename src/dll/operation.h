// SPDX-License-Identifier: MIT
//
// One request through a file system: what a dispatcher thread and inline dispatch have in common.
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Runs the operation under the guard and fills the response, header and padding included.
/// @return false: STATUS_PENDING, the file system answers later
bool run_operation(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response);

/// Whether messages of this kind are logged.
inline bool is_logged(const FSP_FILE_SYSTEM* fs, UINT32 kind)
{
    return fs->DebugLog != 0 && (kind >= FspFsctlTransactKindCount || (fs->DebugLog & (1u << kind)) != 0);
}

/// Keeps the first failure and lets every dispatcher thread of the file system end.
void fail_dispatcher(FSP_FILE_SYSTEM* fs, NTSTATUS status);

} // namespace fsp::dll

// SPDX-License-Identifier: MIT
//
// Inline dispatch: where the driver lives in this process, the thread that makes a request may run the file
// system's operation itself instead of waking a dispatcher thread.
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Failure is no harm: requests then go through the dispatcher threads.
void start_inline_dispatch(FSP_FILE_SYSTEM* fs, ULONG max_concurrency);
/// Returns when no operation is running inline, and none will.
void stop_inline_dispatch(FSP_FILE_SYSTEM* fs);

/// What the driver calls (FSP_FSCTL_INLINE_DISPATCH); context is the file system object.
BOOLEAN NTAPI inline_dispatch(PVOID context, FSP_FSCTL_TRANSACT_REQ* request,
                              FSP_FSCTL_TRANSACT_RSP** response);

} // namespace fsp::dll

// SPDX-License-Identifier: MIT
/// @file The body of a process object.
#pragma once

#include "ntos/process.h"

#include "ntos/ob/handle_table.h"

struct _EPROCESS
{
    /// Signalled at the end of the process; first, so that the process can be waited for.
    KEVENT ended;
    fsp::ntos::ob::HandleTable handles;
    HANDLE id = nullptr;
    fsp::ntos::SpinLock token_lock;
    /// Primary token, referenced.
    PACCESS_TOKEN token = nullptr;
    std::atomic<bool> exiting{false};
    LARGE_INTEGER create_time{};

    ~_EPROCESS();
};

namespace fsp::ntos::ps {

/// Owner of kernel handles.
PEPROCESS system_process();
/// The process that threads of this program belong to.
PEPROCESS host_process();

/// Called once by boot.
NTSTATUS create_processes();

} // namespace fsp::ntos::ps

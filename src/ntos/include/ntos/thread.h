// SPDX-License-Identifier: MIT
/// @file Threads as the executive sees them. Every thread that calls in becomes an ETHREAD on first use.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

/// Cancels what the thread has in flight (IoCancelIrp on each of its IRPs).
void cancel_thread_io(PETHREAD thread);

/// What a kill does to a thread: PsIsThreadTerminating becomes true and its waits in user mode, the present
/// one and later ones, end with STATUS_USER_APC. The Linux thread itself goes on.
void terminate_thread(PETHREAD thread);

/// True while the thread runs in a system thread or a worker of the executive.
bool is_system_thread(PETHREAD thread);

} // namespace fsp::ntos

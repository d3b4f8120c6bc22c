// SPDX-License-Identifier: MIT
/// @file Process objects: the host process is one of them, tests create more.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

/// A process without code of its own: a handle table, an id and a token. Released with ObDereferenceObject.
/// @param token primary token; nullptr: that of the host process
PEPROCESS create_process(PACCESS_TOKEN token = nullptr);

/// Ends the process as a kill does: notify routines run in its context, then its handles are closed (so
/// drivers see IRP_MJ_CLEANUP and IRP_MJ_CLOSE), then waiters on it are released. The caller keeps its
/// reference.
void terminate_process(PEPROCESS process);

/// Number of open handles.
ULONG handle_count(PEPROCESS process);

/// Replaces a process's primary token.
void set_primary_token(PEPROCESS process, PACCESS_TOKEN token);

/// The current thread belongs to a process for a while: handles are those of its table, its token counts.
class ProcessScope
{
  public:
    explicit ProcessScope(PEPROCESS process);
    ProcessScope(const ProcessScope&) = delete;
    ~ProcessScope();

  private:
    PEPROCESS before_;
};

} // namespace fsp::ntos

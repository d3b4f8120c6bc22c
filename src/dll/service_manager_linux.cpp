// SPDX-License-Identifier: MIT
//
// Here a service manager starts programs as everybody does, and ends them with a signal.
#include "dll/service_manager.h"

namespace fsp::dll::service_manager {

NTSTATUS run(FSP_SERVICE*, const Callbacks&)
{
    return FspNtStatusFromWin32(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT);
}

void report(FSP_SERVICE*, const SERVICE_STATUS&) {}

} // namespace fsp::dll::service_manager

// A program started by the system's service manager has standard error too: always write there.
BOOLEAN FspServiceIsInteractive() { return TRUE; }

NTSTATUS FspServiceContextCheck(HANDLE, PBOOLEAN PIsLocalSystem)
{
    // Session 0, LocalSystem and the SERVICE group are Windows notions.
    if (PIsLocalSystem != nullptr)
        *PIsLocalSystem = FALSE;
    return STATUS_ACCESS_DENIED;
}

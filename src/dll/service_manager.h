// SPDX-License-Identifier: MIT
//
// The system's service manager, where there is one that starts programs.
#pragma once

#include "dll/dll.h"

namespace fsp::dll::service_manager {

struct Callbacks
{
    void (*start)(FSP_SERVICE* service, ULONG argc, PWSTR* argv);
    /// @return a Win32 error code
    DWORD (*control)(FSP_SERVICE* service, DWORD control, DWORD event_type, PVOID event_data);
};

/**
 * Connects to the service manager and runs the service until it has stopped.
 *
 * @return the status of ERROR_FAILED_SERVICE_CONTROLLER_CONNECT if the service manager did not start this
 * process
 */
NTSTATUS run(FSP_SERVICE* service, const Callbacks& callbacks);

/// Tells the service manager, if it runs the service.
void report(FSP_SERVICE* service, const SERVICE_STATUS& status);

} // namespace fsp::dll::service_manager

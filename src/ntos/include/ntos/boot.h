// SPDX-License-Identifier: MIT
/// @file Starting the executive and its drivers.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

/// Brings the executive up: namespace, types, system process. Idempotent, thread-safe.
void boot();

/**
 * Makes a driver object \Driver\name (file systems: \FileSystem\name) and runs its entry point.
 *
 * @param name          service name; the registry path passed is
 * \Registry\Machine\System\CurrentControlSet\Services\name
 * @param[out] driver   the driver object; may be nullptr; valid until unload_driver
 * @return what the entry point returned
 */
NTSTATUS load_driver(const char16_t* name, PDRIVER_INITIALIZE entry, PDRIVER_OBJECT* driver);

/// Installs a driver: ZwLoadDriver finds it by the last component of its registry path, and loads it. `entry`
/// null removes it.
void register_service(const char16_t* name, PDRIVER_INITIALIZE entry);

/// Runs DriverUnload. @return STATUS_INVALID_DEVICE_REQUEST if the driver has none; STATUS_DEVICE_BUSY if it
/// left devices behind, and then the driver object stays
NTSTATUS unload_driver(PDRIVER_OBJECT driver);

} // namespace fsp::ntos

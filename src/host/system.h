// SPDX-License-Identifier: MIT
/// @file The system that this process carries with it: executive and driver.
#pragma once

#include <winfsp/nt.h>

namespace fsp::host {

/// Starts the executive and loads the driver, once. Thread-safe. @return what loading the driver returned
NTSTATUS start();

/// Unloads the driver for good, if it was loaded: for tests, which look at what it leaves behind. Nobody may
/// have one of its files open.
NTSTATUS stop();

} // namespace fsp::host

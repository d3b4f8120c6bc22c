// SPDX-License-Identifier: MIT
/// @file The volume under test from the file system's side: for tests that exist on ntos only (ntos/*.cpp).
#pragma once

#include <winfsp/winfsp.h>

namespace conformance::host {

/// Of the volume under test; ms.
UINT32 file_info_timeout();

FSP_FILE_SYSTEM* file_system();

} // namespace conformance::host

// SPDX-License-Identifier: MIT
/// @file Extra create parameters: typed blobs that travel with an open.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::io {

/// Runs the parameters' cleanup routines and frees all.
void free_ecps(PECP_LIST list);

} // namespace fsp::ntos::io

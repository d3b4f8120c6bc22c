// SPDX-License-Identifier: MIT
#pragma once
#include "dispatch.h"

namespace fsp::fsd {

/// IRP_MN_QUERY_DIRECTORY.
IrpTask query_directory(Volume& volume, PIRP irp); // query_directory.cpp

} // namespace fsp::fsd

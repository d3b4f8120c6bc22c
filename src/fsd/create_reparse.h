// SPDX-License-Identifier: MIT
#pragma once

#include "irp_task.h"
#include "request.h"
#include "volume.h"

namespace fsp::fsd {

/// Turns an answer with STATUS_REPARSE into what the I/O manager understands: a new path in the file
/// object, or a reparse data buffer in the IRP (spec 11.6).
IrpResult finish_reparse(Volume& volume, PIRP irp, const Response& answer) noexcept;

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#pragma once
#include "dispatch.h"

namespace fsp::fsd {

/// Is this one of the control codes of opportunistic locks?
bool is_oplock_code(ULONG code);

/// IRP_MJ_FILE_SYSTEM_CONTROL with one of them: requests and acknowledgements.
IrpTask oplock_control(Volume& volume, PIRP irp);

} // namespace fsp::fsd

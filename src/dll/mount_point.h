// SPDX-License-Identifier: MIT
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Whether a mount point names a drive, in any form that Windows has for it.
bool is_drive_mount_point(const WCHAR* text);

} // namespace fsp::dll

// SPDX-License-Identifier: MIT
#pragma once

#include "volume.h"

namespace fsp::fsd {

/// FSP_FSCTL_MOUNTMGR: mounts at a drive (`X:`) or directory (`X:\dir`), or with no text unmounts.
NTSTATUS mount_manager_request(Volume& volume, const void* text, ULONG size) noexcept;
/// Makes the Mount Manager forget a volume that is being deleted.
void unmount_manager_points(Volume& volume) noexcept;

} // namespace fsp::fsd

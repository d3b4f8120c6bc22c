// SPDX-License-Identifier: MIT
#pragma once

#include "wdk.h"

namespace fsp::fsd {

/// Decodes what follows a control device's name in an open: `\VolumeParams=<one unit per byte>`.
/// STATUS_NOT_FOUND when there is no such prefix (a plain handle), STATUS_INVALID_PARAMETER when what
/// follows it is wrong.
NTSTATUS decode_volume_params(const UNICODE_STRING& name, FSP_FSCTL_VOLUME_PARAMS* params) noexcept;

/// Applies defaults and limits. STATUS_INVALID_PARAMETER for a network volume without a proper prefix.
NTSTATUS sanitize_volume_params(FSP_FSCTL_VOLUME_PARAMS* params, bool network) noexcept;

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#pragma once

/// Kernel extension providers: drivers that answer a volume's requests in kernel mode (winfsp/fsext.h).

#include "wdk.h"
#include <winfsp/fsext.h>

namespace fsp::fsd {

/// Once, by DriverEntry.
void initialize_providers() noexcept;
/// The provider of this control code; loads its driver if the registry names one. The volume devices that it
/// is given need provider->DeviceExtensionSize bytes behind provider->DeviceExtensionOffset.
NTSTATUS find_provider(UINT32 code, FSP_FSEXT_PROVIDER** provider) noexcept;

} // namespace fsp::fsd

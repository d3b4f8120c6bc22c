// SPDX-License-Identifier: MIT
#pragma once

#include "wdk.h"

namespace fsp::fsd {

enum class DeviceAccess : UINT8
{
    control,      // D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GR;;;WD)
    virtual_disk, // D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGX;;;WD)
};

/// Replaces a device object's DACL.
NTSTATUS secure_device(PDEVICE_OBJECT device, DeviceAccess access) noexcept;

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
/// @file Driver objects.
#pragma once

#include "ntos/ob/object.h"

namespace fsp::ntos::io {

/// The dispatch entry of major functions that a driver does not handle: STATUS_INVALID_DEVICE_REQUEST.
NTSTATUS NTAPI invalid_device_request(PDEVICE_OBJECT device, PIRP irp);

} // namespace fsp::ntos::io

// SPDX-License-Identifier: MIT
/// @file How kernel functions raise on ntos.
#pragma once

#include <winfsp/nt.h>

namespace fsp::ntos {

/// What ExRaiseStatus throws.
struct RaisedStatus
{
    NTSTATUS status;
};

} // namespace fsp::ntos

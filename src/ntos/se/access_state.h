// SPDX-License-Identifier: MIT
/// @file An access in progress: who asks for what.
#pragma once

#include "ntos/ob/object.h"

namespace fsp::ntos::se {

/// Owns an ACCESS_STATE for the current thread.
class AccessState
{
  public:
    AccessState(ACCESS_MASK desired, const GENERIC_MAPPING& mapping);
    AccessState(const AccessState&) = delete;
    ~AccessState();

    ACCESS_STATE state;
};

} // namespace fsp::ntos::se

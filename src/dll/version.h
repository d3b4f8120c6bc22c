// SPDX-License-Identifier: MIT
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Of the API that this library implements: major << 16 | minor.
constexpr UINT32 version = 0x00020002;

} // namespace fsp::dll

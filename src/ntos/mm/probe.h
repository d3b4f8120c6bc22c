// SPDX-License-Identifier: MIT
/// @file Where callers' memory can be. Whether it is there is for try_touch to say.
#pragma once

#include <cstddef>

namespace fsp::ntos::mm {

/// Whether the range lies where user memory can be, without looking at it.
bool is_user_range(const void* address, size_t length);

} // namespace fsp::ntos::mm

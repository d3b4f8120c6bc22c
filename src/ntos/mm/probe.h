// SPDX-License-Identifier: MIT
/// @file Whether memory can be touched. There is one address space and no fault handler, so the host is
/// asked.
#pragma once

#include <cstddef>

namespace fsp::ntos::mm {

/// Brings the pages in, as a touch of each would. @return false if a touch would have faulted
bool touch_pages(const void* address, size_t length, bool write);

/// Whether the range lies where user memory can be, without looking at it.
bool is_user_range(const void* address, size_t length);

} // namespace fsp::ntos::mm

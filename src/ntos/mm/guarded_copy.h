// SPDX-License-Identifier: MIT
/// @file Copies to and from memory that a caller promised and may not have: what is not there makes the copy
/// fail instead of the process.
#pragma once

#include <cstddef>

namespace fsp::ntos::mm {

/// @return false if some of either range could not be touched; how much has been copied is then unknown
[[nodiscard]] bool try_copy(void* to, const void* from, size_t size) noexcept;
[[nodiscard]] bool try_zero(void* to, size_t size) noexcept;
/// Touches every page of the range without changing it.
[[nodiscard]] bool try_touch(const void* address, size_t size, bool write) noexcept;

} // namespace fsp::ntos::mm

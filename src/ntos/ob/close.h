// SPDX-License-Identifier: MIT
/// @file Closing handles.
#pragma once

#include "ntos/ob/object.h"

namespace fsp::ntos::ob {

/// Handles are multiples of 4; those of the kernel's table have the sign bit.
inline constexpr uintptr_t kernel_handle_bit = ~uintptr_t{0x7FFFFFFF};

inline HANDLE handle_of(uint32_t index, bool kernel)
{
    return reinterpret_cast<HANDLE>(uintptr_t{index} * 4 | (kernel ? kernel_handle_bit : 0));
}

NTSTATUS close_index(PEPROCESS process, uint32_t index);
/// @param mode user mode may not close kernel handles
NTSTATUS close(HANDLE handle, KPROCESSOR_MODE mode);

} // namespace fsp::ntos::ob

// SPDX-License-Identifier: MIT
/// @file What ExAllocatePoolWithTag and ExFreePoolWithTag are made of.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::ex {

/// @param type POOL_TYPE and POOL_ flags
void* NTAPI allocate_pool(ULONG type, SIZE_T size, ULONG tag);
/// @param tag 0: any
void NTAPI free_pool(void* block, ULONG tag) noexcept;

} // namespace fsp::ntos::ex

// SPDX-License-Identifier: MIT
#pragma once

#include "dll/dll.h"

namespace fake {

inline const HANDLE token = reinterpret_cast<HANDLE>(UINT_PTR{0x44});
constexpr UINT32 process = 77;
constexpr UINT32 caller_uid = 18, caller_gid = 544; ///< of the token
constexpr UINT32 own_uid = 11, own_gid = 545;       ///< of this process
constexpr UINT32 guest_uid = 546;                   ///< of the account HOUSE\Guest

} // namespace fake

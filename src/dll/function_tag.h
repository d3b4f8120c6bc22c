// SPDX-License-Identifier: MIT
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Whether `tag` is the address of `function`: callers say with it which function made what they free.
template<class Function> bool is_tag(NTSTATUS (*tag)(), Function* function)
{
    // By way of a type that fits all functions, so that no compiler suspects a mistake.
    return reinterpret_cast<void (*)()>(tag) == reinterpret_cast<void (*)()>(function);
}

} // namespace fsp::dll

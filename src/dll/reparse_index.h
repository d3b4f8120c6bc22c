// SPDX-License-Identifier: MIT
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Character index of the last component of a path; 0 if it is directly below the root. Reparse points are
/// resolved from there on.
inline UINT32 last_component_index(const WCHAR* path)
{
    UINT32 index = 0;
    for (UINT32 i = 0; path[i] != 0; ++i)
        if (path[i] == '\\' && path[i + 1] != 0 && path[i + 1] != '\\')
            index = i + 1;
    return index <= 1 ? 0 : index;
}

} // namespace fsp::dll

// SPDX-License-Identifier: MIT
#include "dll/dll.h"

// Installations side by side are told apart by where the library file is; only Windows has them.
PWSTR FspSxsIdent()
{
    static WCHAR none[1] = {};
    return none;
}

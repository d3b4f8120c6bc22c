// SPDX-License-Identifier: MIT
//
// Where the DLL is.
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// The DLL itself.
extern HINSTANCE module;

/// Full path of a module's file; empty if it is longer than NT allows.
struct ModulePath
{
    explicit ModulePath(HINSTANCE of)
    {
        length = GetModuleFileNameW(of, text, sizeof text / sizeof *text);
        if (length >= sizeof text / sizeof *text)
            length = 0;
        text[length] = 0;
    }
    WCHAR text[1024];
    DWORD length;
};

/// A REG_DWORD below the product's key; `otherwise` if it is not there.
DWORD product_setting(const WCHAR* value, DWORD otherwise);

} // namespace fsp::dll

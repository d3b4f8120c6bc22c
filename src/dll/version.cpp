// SPDX-License-Identifier: MIT
#include "dll/version.h"

NTSTATUS FspVersion(PUINT32 PVersion)
{
    *PVersion = fsp::dll::version;
    return STATUS_SUCCESS;
}

// Installations side by side are told apart by where the library file is; only Windows has them.
PWSTR FspSxsIdent()
{
    static WCHAR none[1] = {};
    return none;
}

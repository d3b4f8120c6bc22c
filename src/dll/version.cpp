// SPDX-License-Identifier: MIT
#include "dll/version.h"

NTSTATUS FspVersion(PUINT32 PVersion)
{
    *PVersion = fsp::dll::version;
    return STATUS_SUCCESS;
}

// SPDX-License-Identifier: MIT
#include "ntos/verifier.h"
#include <ntifs.h>

#include <sys/random.h>

extern "C" {

NTSTATUS NTAPI ExUuidCreate(UUID* Uuid)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (getrandom(Uuid, sizeof *Uuid, 0) != ssize_t(sizeof *Uuid))
        return STATUS_RETRY;
    // RFC 4122: random, version 4.
    Uuid->Data3 = UINT16((Uuid->Data3 & 0x0fff) | 0x4000);
    Uuid->Data4[0] = UINT8((Uuid->Data4[0] & 0x3f) | 0x80);
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI ExIsProcessorFeaturePresent(ULONG) { return FALSE; }

} // extern "C"

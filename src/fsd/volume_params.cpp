// SPDX-License-Identifier: MIT
#include "volume_params.h"
#include "name.h"

namespace fsp::fsd {

namespace {

constexpr UNICODE_STRING params_prefix = name::literal(FSP_L("\\VolumeParams="));
constexpr ULONG one_day_ms = 24 * 60 * 60 * 1000;

void clamp(UINT32& value, UINT32 minimum, UINT32 maximum, UINT32 otherwise)
{
    if (value < minimum || value > maximum)
        value = otherwise;
}

NTSTATUS sanitize_prefix(FSP_FSCTL_VOLUME_PARAMS* params)
{
    constexpr ULONG capacity = sizeof params->Prefix / sizeof(WCHAR);
    WCHAR* const prefix = params->Prefix;
    prefix[capacity - 1] = 0;
    ULONG length = 0;
    while (prefix[length])
        length++;
    while (length > 0 && prefix[length - 1] == '\\')
        prefix[--length] = 0;

    if (length < 2 || prefix[0] != '\\' || prefix[1] == '\\')
        return STATUS_INVALID_PARAMETER;
    for (ULONG i = 2; i < length; i++) {
        if (prefix[i] == '\\')
            return STATUS_SUCCESS;
    }
    return STATUS_INVALID_PARAMETER;
}

} // namespace

NTSTATUS decode_volume_params(const UNICODE_STRING& name, FSP_FSCTL_VOLUME_PARAMS* params) noexcept
{
    if (!name::starts_with(name, params_prefix, true))
        return STATUS_NOT_FOUND;

    const WCHAR* const text = name.Buffer + name::chars(params_prefix);
    const ULONG count = name::chars(name) - name::chars(params_prefix);
    if (count < sizeof(FSP_FSCTL_VOLUME_PARAMS_V0))
        return STATUS_INVALID_PARAMETER;

    RtlZeroMemory(params, sizeof *params);
    auto* const bytes = reinterpret_cast<UINT8*>(params);
    for (ULONG i = 0; i < count; i++) {
        if ((text[i] & 0xff00) != 0xf000)
            return STATUS_INVALID_PARAMETER;
        if (i < sizeof *params)
            bytes[i] = static_cast<UINT8>(text[i]);
    }
    return params->Version == 0 || params->Version == count ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS sanitize_volume_params(FSP_FSCTL_VOLUME_PARAMS* params, bool network) noexcept
{
    if (params->SectorSize == 0)
        params->SectorSize = 512;
    if (params->SectorsPerAllocationUnit == 0)
        params->SectorsPerAllocationUnit = 1;
    if (params->MaxComponentLength == 0)
        params->MaxComponentLength = 255;
    if (params->TransactTimeout == 0)
        params->TransactTimeout = one_day_ms;
    else
        clamp(params->TransactTimeout, FspFsctlTransactTimeoutMinimum, FspFsctlTransactTimeoutMaximum,
              FspFsctlTransactTimeoutDefault);
    if (params->IrpTimeout != FspFsctlIrpTimeoutDebug)
        clamp(params->IrpTimeout, FspFsctlIrpTimeoutMinimum, FspFsctlIrpTimeoutMaximum,
              FspFsctlIrpTimeoutDefault);
    clamp(params->IrpCapacity, FspFsctlIrpCapacityMinimum, FspFsctlIrpCapacityMaximum,
          FspFsctlIrpCapacityDefault);

    const bool v1 = params->Version >= sizeof(FSP_FSCTL_VOLUME_PARAMS);
    if (!v1 || !params->VolumeInfoTimeoutValid)
        params->VolumeInfoTimeout = params->FileInfoTimeout;
    if (!v1 || !params->DirInfoTimeoutValid)
        params->DirInfoTimeout = params->FileInfoTimeout;
    if (!v1 || !params->SecurityTimeoutValid)
        params->SecurityTimeout = params->FileInfoTimeout;
    if (!v1 || !params->StreamInfoTimeoutValid)
        params->StreamInfoTimeout = params->FileInfoTimeout;
    if (!v1 || !params->EaTimeoutValid)
        params->EaTimeout = params->FileInfoTimeout;
    params->VolumeInfoTimeoutValid = params->DirInfoTimeoutValid = params->SecurityTimeoutValid =
        params->StreamInfoTimeoutValid = params->EaTimeoutValid = 1;

    params->FileSystemName[sizeof params->FileSystemName / sizeof(WCHAR) - 1] = 0;
    params->AlwaysUseDoubleBuffering = 1;
    params->RejectIrpPriorToTransact0 = 1;
    return network ? sanitize_prefix(params) : STATUS_SUCCESS;
}

} // namespace fsp::fsd

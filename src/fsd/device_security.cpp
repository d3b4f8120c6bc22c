// SPDX-License-Identifier: MIT
#include "device_security.h"

namespace fsp::fsd {

NTSTATUS secure_device(PDEVICE_OBJECT device, DeviceAccess access) noexcept
{
    // IoCreateDeviceSecure comes from a library that is not everywhere; this is what it does. The generic
    // rights are those of files, mapped here because a stored descriptor holds specific ones.
    alignas(8) UINT8 memory[256];
    auto* const dacl = reinterpret_cast<PACL>(memory);
    NTSTATUS status = RtlCreateAcl(dacl, sizeof memory, ACL_REVISION);
    if (NT_SUCCESS(status))
        status = RtlAddAccessAllowedAce(dacl, ACL_REVISION, FILE_ALL_ACCESS, SeExports->SeLocalSystemSid);
    if (NT_SUCCESS(status))
        status = RtlAddAccessAllowedAce(dacl, ACL_REVISION, FILE_ALL_ACCESS, SeExports->SeAliasAdminsSid);
    if (NT_SUCCESS(status))
        status = RtlAddAccessAllowedAce(
            dacl, ACL_REVISION,
            access == DeviceAccess::control ? FILE_GENERIC_READ : FILE_GENERIC_READ | FILE_GENERIC_EXECUTE,
            SeExports->SeWorldSid);
    SECURITY_DESCRIPTOR descriptor;
    if (NT_SUCCESS(status))
        status = RtlCreateSecurityDescriptor(&descriptor, SECURITY_DESCRIPTOR_REVISION);
    if (NT_SUCCESS(status))
        status = RtlSetDaclSecurityDescriptor(&descriptor, TRUE, dacl, FALSE);
    if (!NT_SUCCESS(status))
        return status;
    descriptor.Control |= SE_DACL_PROTECTED;

    HANDLE handle = nullptr;
    status =
        ObOpenObjectByPointer(device, OBJ_KERNEL_HANDLE, nullptr, WRITE_DAC, nullptr, KernelMode, &handle);
    if (!NT_SUCCESS(status))
        return status;
    status = ZwSetSecurityObject(handle, DACL_SECURITY_INFORMATION, &descriptor);
    ZwClose(handle);
    return status;
}

} // namespace fsp::fsd

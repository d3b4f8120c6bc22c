// SPDX-License-Identifier: MIT
#include "provider.h"
#include "name.h"
#include "registry.h"
#include "volume.h"

namespace fsp::fsd {

namespace {

constexpr ULONG provider_limit = 16;
constexpr UINT32 extension_limit = 32768;

struct Providers
{
    FAST_MUTEX lock;
    FSP_FSEXT_PROVIDER* table[provider_limit];
    ULONG count;
};

constinit Providers providers{};

FSP_FSEXT_PROVIDER* registered(UINT32 code)
{
    FastMutexGuard guard(providers.lock);
    for (ULONG i = 0; i < providers.count; i++) {
        if (providers.table[i]->DeviceTransactCode == code)
            return providers.table[i];
    }
    return nullptr;
}

NTSTATUS add(FSP_FSEXT_PROVIDER* provider)
{
    const UINT32 code = provider->DeviceTransactCode;
    const bool file_system_code = DEVICE_TYPE_FROM_CTL_CODE(code) == FILE_DEVICE_FILE_SYSTEM;
    constexpr UINT32 function_bits = 0xC00 << 2; // where no code of ours is
    if (!file_system_code || (code & function_bits) != function_bits ||
        provider->DeviceExtensionSize > extension_limit)
        return STATUS_INVALID_PARAMETER;
    FastMutexGuard guard(providers.lock);
    for (ULONG i = 0; i < providers.count; i++) {
        if (providers.table[i]->DeviceTransactCode == code)
            return STATUS_OBJECT_NAME_COLLISION;
    }
    if (providers.count == provider_limit)
        return STATUS_TOO_LATE;
    provider->DeviceExtensionOffset = align_up<UINT32>(sizeof(Volume), 16);
    providers.table[providers.count++] = provider;
    return STATUS_SUCCESS;
}

/// Loads the driver whose service the registry names.
NTSTATUS load(UINT32 code)
{
    RegistryKey key;
    NTSTATUS status = key.open(name::literal(FSP_SETTINGS_KEY FSP_L("\\Fsext")), KEY_QUERY_VALUE);
    if (!NT_SUCCESS(status))
        return status;
    WCHAR digits[8];
    for (int i = 0; i < 8; i++) {
        const UINT32 digit = code >> (28 - 4 * i) & 15;
        digits[i] = static_cast<WCHAR>(digit < 10 ? '0' + digit : 'a' + digit - 10);
    }
    Buffer service;
    status = key.read(name::view(digits, sizeof digits), REG_SZ, &service);
    if (!NT_SUCCESS(status))
        return status == STATUS_OBJECT_TYPE_MISMATCH ? STATUS_OBJECT_NAME_NOT_FOUND : status;

    ULONG length = 0; // the data may lack its terminator
    while (length + sizeof(WCHAR) <= service.size() && service.as<WCHAR>()[length / sizeof(WCHAR)])
        length += sizeof(WCHAR);
    if (length == 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    static constexpr WCHAR services[] = FSP_L("\\Registry\\Machine\\System\\CurrentControlSet\\Services\\");
    constexpr ULONG prefix = sizeof services - sizeof(WCHAR);
    Buffer path;
    if (!path.allocate(prefix + length))
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(path.data(), services, prefix);
    RtlCopyMemory(path.data() + prefix, service.data(), length);
    UNICODE_STRING path_name = name::view(path.as<WCHAR>(), static_cast<USHORT>(path.size()));
    status = ZwLoadDriver(&path_name);
    return status == STATUS_IMAGE_ALREADY_LOADED ? STATUS_SUCCESS : status;
}

} // namespace

FSP_INIT void initialize_providers() noexcept
{
    ExInitializeFastMutex(&providers.lock);
    providers.count = 0;
}

NTSTATUS find_provider(UINT32 code, FSP_FSEXT_PROVIDER** provider) noexcept
{
    *provider = registered(code);
    if (*provider)
        return STATUS_SUCCESS;
    const NTSTATUS status = load(code);
    if (!NT_SUCCESS(status))
        return status;
    *provider = registered(code);
    return *provider ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
}

} // namespace fsp::fsd

using namespace fsp::fsd;

extern "C" {

FSP_DDI NTSTATUS NTAPI FspFsextProviderRegister(FSP_FSEXT_PROVIDER* Provider)
{
    CriticalRegion region;
    return add(Provider);
}

FSP_DDI NTSTATUS NTAPI FspFsextProviderTransact(PDEVICE_OBJECT DeviceObject, PFILE_OBJECT FileObject,
                                                FSP_FSCTL_TRANSACT_RSP* Response,
                                                FSP_FSCTL_TRANSACT_REQ** Request)
{
    if (Request)
        *Request = nullptr;
    if (!DeviceObject)
        DeviceObject = IoGetRelatedDeviceObject(FileObject);
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IO_STATUS_BLOCK io_status{};
    PVOID request = nullptr;
    // The IRP belongs to the thread: what ends the thread's requests ends this one.
    PIRP irp = IoBuildDeviceIoControlRequest(FSP_IOCTL_TRANSACT_INTERNAL, DeviceObject, Response,
                                             Response ? Response->Size : 0, Request ? &request : nullptr,
                                             Request ? sizeof request : 0, FALSE, &event, &io_status);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    IoGetNextIrpStackLocation(irp)->FileObject = FileObject;
    NTSTATUS status = IoCallDriver(DeviceObject, irp);
    if (status == STATUS_PENDING) {
        KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr);
        status = io_status.Status;
    }
    if (Request && NT_SUCCESS(status))
        *Request = static_cast<FSP_FSCTL_TRANSACT_REQ*>(request);
    return status;
}

} // extern "C"

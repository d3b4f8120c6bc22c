// SPDX-License-Identifier: MIT
#include "change.h"
#include "device_security.h"
#include "dispatch.h"
#include "name.h"
#include "provider.h"
#include "system.h"

namespace fsp::fsd {

constinit Driver driver{};

namespace {

constexpr WCHAR disk_name[] = FSP_L("\\Device\\WinFsp.Disk");
constexpr WCHAR net_name[] = FSP_L("\\Device\\WinFsp.Net");

struct ControlDevice
{
    DeviceHeader header;
};

/// A device name with the side-by-side suffix behind it.
struct DeviceName
{
    WCHAR buffer[96];
    UNICODE_STRING name;

    template<size_t n> explicit DeviceName(const WCHAR (&base)[n], const UNICODE_STRING& suffix)
    {
        RtlCopyMemory(buffer, base, (n - 1) * sizeof(WCHAR));
        copy_bytes(buffer + n - 1, suffix.Buffer, suffix.Length);
        name = name::view(buffer, static_cast<USHORT>((n - 1) * sizeof(WCHAR) + suffix.Length));
    }
};

/// "+ident" at the end of the driver object's name means a side-by-side instance.
FSP_INIT void find_suffix(const UNICODE_STRING& driver_name)
{
    constexpr USHORT max_chars = 33;
    USHORT i = name::chars(driver_name);
    while (i > 0 && driver_name.Buffer[i - 1] != '\\' && driver_name.Buffer[i - 1] != '+')
        i--;
    if (i == 0 || driver_name.Buffer[i - 1] != '+')
        return;
    const USHORT start = i - 1;
    const USHORT count = lesser<USHORT>(name::chars(driver_name) - start, max_chars);
    RtlCopyMemory(driver.name_suffix_buffer, driver_name.Buffer + start, count * sizeof(WCHAR));
    driver.name_suffix = name::view(driver.name_suffix_buffer, static_cast<USHORT>(count * sizeof(WCHAR)));
}

FSP_INIT NTSTATUS create_control(DeviceName&& device_name, DeviceKind kind, DEVICE_TYPE type,
                                 PDEVICE_OBJECT* created)
{
    PDEVICE_OBJECT device = nullptr;
    NTSTATUS status = IoCreateDevice(driver.object, sizeof(ControlDevice), &device_name.name, type,
                                     FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    static_cast<ControlDevice*>(device->DeviceExtension)->header.kind = kind;
    status = secure_device(device, DeviceAccess::control);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    *created = device;
    return STATUS_SUCCESS;
}

/// A side-by-side instance answers to the plain names too; only one instance can.
FSP_INIT NTSTATUS link_plain_names()
{
    if (driver.name_suffix.Length == 0)
        return STATUS_SUCCESS;
    DeviceName disk(disk_name, driver.name_suffix), net(net_name, driver.name_suffix);
    UNICODE_STRING plain_disk = name::literal(disk_name), plain_net = name::literal(net_name);
    NTSTATUS status = IoCreateSymbolicLink(&plain_disk, &disk.name);
    if (!NT_SUCCESS(status))
        return status;
    status = IoCreateSymbolicLink(&plain_net, &net.name);
    if (!NT_SUCCESS(status))
        IoDeleteSymbolicLink(&plain_disk);
    return status;
}

// ---- Once a second ------------------------------------------------------------------------------------

VOID NTAPI timer_work(PVOID)
{
    // Volumes are visited by position in a list that may change meanwhile: take references first.
    constexpr ULONG batch = 32;
    for (ULONG skip = 0;; skip += batch) {
        Volume* due[batch];
        ULONG count = 0;
        {
            FastMutexGuard guard(volumes.lock);
            ULONG position = 0;
            for (LIST_ENTRY* entry = volumes.head.Flink; entry != &volumes.head && count < batch;
                 entry = entry->Flink)
            {
                if (position++ < skip)
                    continue;
                due[count] = CONTAINING_RECORD(entry, Volume, list_link);
                due[count++]->reference();
            }
        }
        for (ULONG i = 0; i < count; i++) {
            CriticalRegion region;
            due[i]->expire();
            due[i]->dereference();
        }
        if (count < batch)
            break;
    }
    InterlockedExchange(&driver.timer_busy, 0);
    end_background_work();
}

VOID NTAPI timer_dpc(PKDPC, PVOID, PVOID, PVOID)
{
    if (InterlockedExchange(&driver.timer_busy, 1) != 0)
        return;
    begin_background_work();
    ExInitializeWorkItem(&driver.timer_item, timer_work, nullptr);
    // Not behind those who wait for locks: what expires may have them.
    ExQueueWorkItem(&driver.timer_item, CriticalWorkQueue);
}

FSP_INIT void start_timer()
{
    KeInitializeDpc(&driver.timer_dpc, timer_dpc, nullptr);
    KeInitializeTimer(&driver.timer);
    LARGE_INTEGER due;
    due.QuadPart = -10'000'000;
    KeSetTimerEx(&driver.timer, due, 1000, &driver.timer_dpc);
}

// ---- Dispatch -----------------------------------------------------------------------------------------

NTSTATUS control_dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CREATE:
        return control_create(device, irp);
    case IRP_MJ_CLEANUP:
        return control_cleanup(device, irp);
    case IRP_MJ_CLOSE:
        return control_close(device, irp);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        return control_file_system_control(device, irp);
    case IRP_MJ_DEVICE_CONTROL:
        return control_device_control(device, irp);
    default:
        return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

NTSTATUS NTAPI dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    CriticalRegion region;
    const auto* header = static_cast<const DeviceHeader*>(device->DeviceExtension);
    switch (header->kind) {
    case DeviceKind::volume:
        return volume_dispatch(*Volume::of(device), irp);
    case DeviceKind::disk_control:
    case DeviceKind::net_control:
        return control_dispatch(device, irp);
    case DeviceKind::virtual_disk:
        return disk_dispatch(device, irp);
    case DeviceKind::mup:
        return mup_dispatch(device, irp);
    }
    return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);
}

VOID NTAPI unload(PDRIVER_OBJECT)
{
    remove_control_devices();
    KeCancelTimer(&driver.timer);
    KeFlushQueuedDpcs();
    while (__atomic_load_n(&driver.background_work, __ATOMIC_ACQUIRE) != 0) {
        LARGE_INTEGER pause;
        pause.QuadPart = -10 * 10'000; // 10 ms
        KeDelayExecutionThread(KernelMode, FALSE, &pause);
    }
    finish_network();
    delete_memory_caches();
}

FSP_INIT NTSTATUS initialize(PDRIVER_OBJECT object)
{
    NTSTATUS status = create_control(DeviceName(disk_name, driver.name_suffix), DeviceKind::disk_control,
                                     FILE_DEVICE_DISK_FILE_SYSTEM, &driver.disk_control);
    if (!NT_SUCCESS(status))
        return status;
    status = create_control(DeviceName(net_name, driver.name_suffix), DeviceKind::net_control,
                            FILE_DEVICE_NETWORK_FILE_SYSTEM, &driver.net_control);
    if (!NT_SUCCESS(status))
        return status;
    status = link_plain_names();
    if (!NT_SUCCESS(status))
        return status;
    driver.linked = true;
    status = initialize_network();
    if (!NT_SUCCESS(status))
        return status;

    for (auto& entry : object->MajorFunction)
        entry = dispatch;
    object->DriverUnload = unload;
    initialize_fast_io(object);
    start_timer();
    return STATUS_SUCCESS;
}

} // namespace

void remove_control_devices() noexcept
{
    if (exchange(driver.linked, false) && driver.name_suffix.Length != 0) {
        UNICODE_STRING plain_disk = name::literal(disk_name), plain_net = name::literal(net_name);
        IoDeleteSymbolicLink(&plain_disk);
        IoDeleteSymbolicLink(&plain_net);
    }
    if (PDEVICE_OBJECT device = exchange<PDEVICE_OBJECT>(driver.disk_control, nullptr))
        IoDeleteDevice(device);
    if (PDEVICE_OBJECT device = exchange<PDEVICE_OBJECT>(driver.net_control, nullptr))
        IoDeleteDevice(device);
}

void begin_background_work() noexcept { InterlockedIncrement(&driver.background_work); }
void end_background_work() noexcept { InterlockedDecrement(&driver.background_work); }

ULONG processor_count() noexcept
{
#if defined(_WIN32)
    ULONG count = 0;
    for (KAFFINITY active = KeQueryActiveProcessors(); active; active &= active - 1)
        count++;
    return greater<ULONG>(count, 1);
#else
    return greater<ULONG>(KeQueryActiveProcessorCount(nullptr), 1);
#endif
}

NTSTATUS make_guid(GUID* guid) noexcept
{
    const NTSTATUS status = ExUuidCreate(guid);
    // Local only and no-address results are unique enough for a name on this machine.
    return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

NTSTATUS volume_dispatch(Volume& volume, PIRP irp) noexcept
{
    const UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    switch (major) {
    case IRP_MJ_CREATE:
        if (volume.deleted())
            return complete_irp(irp, STATUS_CANCELLED);
        return create(volume, irp).run(irp);
    case IRP_MJ_CLEANUP:
        return cleanup(volume, irp).run(irp);
    case IRP_MJ_CLOSE:
        return close(volume, irp).run(irp);
    case IRP_MJ_READ:
        return read(volume, irp).run(irp);
    case IRP_MJ_WRITE:
        return write(volume, irp).run(irp);
    case IRP_MJ_QUERY_INFORMATION:
        return query_information(volume, irp).run(irp);
    case IRP_MJ_SET_INFORMATION:
        return set_information(volume, irp).run(irp);
    case IRP_MJ_QUERY_EA:
        return query_ea(volume, irp).run(irp);
    case IRP_MJ_SET_EA:
        return set_ea(volume, irp).run(irp);
    case IRP_MJ_FLUSH_BUFFERS:
        return flush_buffers(volume, irp).run(irp);
    case IRP_MJ_QUERY_VOLUME_INFORMATION:
        return query_volume_information(volume, irp).run(irp);
    case IRP_MJ_SET_VOLUME_INFORMATION:
        return set_volume_information(volume, irp).run(irp);
    case IRP_MJ_DIRECTORY_CONTROL:
        return directory_control(volume, irp).run(irp);
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        return file_system_control(volume, irp).run(irp);
    case IRP_MJ_DEVICE_CONTROL:
        return device_control(volume, irp).run(irp);
    case IRP_MJ_LOCK_CONTROL:
        return lock_control(volume, irp).run(irp);
    case IRP_MJ_QUERY_SECURITY:
        return query_security(volume, irp).run(irp);
    case IRP_MJ_SET_SECURITY:
        return set_security(volume, irp).run(irp);
    default:
        return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

} // namespace fsp::fsd

using namespace fsp::fsd;

extern "C" FSP_INIT NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT object, PUNICODE_STRING registry_path)
{
#if defined(_WIN32)
    fsp_find_clock();
#endif
    driver.object = object;
    find_system_routines();
    initialize_memory_caches();
    initialize_providers();
    ExInitializeFastMutex(&volumes.lock);
    InitializeListHead(&volumes.head);
    find_suffix(object->DriverName);
    if (registry_path && registry_path->Length <= sizeof driver.service_name_buffer) {
        copy_bytes(driver.service_name_buffer, registry_path->Buffer, registry_path->Length);
        driver.service_name = name::view(driver.service_name_buffer, registry_path->Length);
    }

    const NTSTATUS status = initialize(object);
    if (!NT_SUCCESS(status)) {
        remove_control_devices();
        finish_network();
        delete_memory_caches();
    }
    return status;
}

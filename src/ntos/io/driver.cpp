// SPDX-License-Identifier: MIT
#include "ntos/io/driver.h"

#include "ntos/boot.h"
#include "ntos/io/device.h"
#include "ntos/ob/namespace.h"
#include "ntos/verifier.h"

#include <map>
#include <mutex>

namespace fsp::ntos {

namespace io {

namespace {

/// Texts that the driver object points to; behind it in the same block.
struct Driver
{
    DRIVER_OBJECT object;
    DRIVER_EXTENSION extension;
    std::u16string name, service, registry_path;
    UNICODE_STRING registry_path_view;
};

struct ClientExtension
{
    ClientExtension* next;
    PVOID identity;
};

std::mutex services_lock;
std::map<std::u16string, PDRIVER_INITIALIZE>& services()
{
    static auto* const all = new std::map<std::u16string, PDRIVER_INITIALIZE>;
    return *all;
}

void destroy_driver(void* body) { static_cast<Driver*>(body)->~Driver(); }

UNICODE_STRING string_of(std::u16string& text)
{
    const auto bytes = static_cast<USHORT>(text.size() * sizeof(WCHAR));
    return {bytes, static_cast<USHORT>(bytes + sizeof(WCHAR)), text.data()};
}

} // namespace

NTSTATUS NTAPI invalid_device_request(PDEVICE_OBJECT, PIRP irp)
{
    irp->IoStatus.Status = STATUS_INVALID_DEVICE_REQUEST;
    irp->IoStatus.Information = 0;
    IofCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_INVALID_DEVICE_REQUEST;
}

} // namespace io

namespace ob {

Type driver_type = {u"Driver",
                    {READ_CONTROL, READ_CONTROL, READ_CONTROL, STANDARD_RIGHTS_REQUIRED},
                    STANDARD_RIGHTS_REQUIRED,
                    -1,
                    nullptr,
                    io::destroy_driver,
                    nullptr};

} // namespace ob

NTSTATUS load_driver(const char16_t* name, PDRIVER_INITIALIZE entry, PDRIVER_OBJECT* driver)
{
    boot();
    if (driver != nullptr)
        *driver = nullptr;
    auto* d = ob::create<io::Driver>(&ob::driver_type);
    if (d == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    d->service = name;
    d->name = u"\\Driver\\" + d->service;
    d->registry_path = u"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\" + d->service;
    d->registry_path_view = io::string_of(d->registry_path);

    DRIVER_OBJECT& o = d->object;
    o.Type = IO_TYPE_DRIVER;
    o.Size = sizeof o;
    o.DriverExtension = &d->extension;
    o.DriverExtension->DriverObject = &o;
    o.DriverExtension->ServiceKeyName = io::string_of(d->service);
    o.DriverName = io::string_of(d->name);
    o.DriverInit = entry;
    for (auto& function : o.MajorFunction)
        function = io::invalid_device_request;

    NTSTATUS status = ob::insert_name(d->name, d);
    if (NT_SUCCESS(status)) {
        status = entry(&o, &d->registry_path_view);
        if (!NT_SUCCESS(status))
            ob::remove_name(d);
    }
    if (!NT_SUCCESS(status)) {
        ob::dereference(d);
        return status;
    }
    // Devices made by the entry point are open for business when it returns.
    for (PDEVICE_OBJECT device = o.DeviceObject; device != nullptr; device = device->NextDevice)
        device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    if (driver != nullptr)
        *driver = &o;
    return status;
}

NTSTATUS unload_driver(PDRIVER_OBJECT driver)
{
    if (driver->DriverUnload == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    driver->DriverUnload(driver);
    {
        std::lock_guard guard(io::device_lock);
        if (driver->DeviceObject != nullptr) {
            if (verifier::enabled)
                verifier::report("driver unloaded with device %p left",
                                 static_cast<void*>(driver->DeviceObject));
            return STATUS_DEVICE_BUSY;
        }
    }
    ob::remove_name(driver);
    ob::dereference(driver);
    return STATUS_SUCCESS;
}

void register_service(const char16_t* name, PDRIVER_INITIALIZE entry)
{
    std::lock_guard guard(io::services_lock);
    if (entry != nullptr)
        io::services()[name] = entry;
    else
        io::services().erase(name);
}

} // namespace fsp::ntos

extern "C" NTSTATUS NTAPI ZwLoadDriver(PUNICODE_STRING DriverServiceName)
{
    using namespace fsp::ntos;
    const std::u16string_view path = ob::view(*DriverServiceName);
    const std::u16string name(path.substr(path.rfind(u'\\') + 1));
    PDRIVER_INITIALIZE entry = nullptr;
    {
        std::lock_guard guard(io::services_lock);
        const auto found = io::services().find(name);
        if (found == io::services().end())
            return STATUS_OBJECT_NAME_NOT_FOUND;
        entry = found->second;
    }
    const NTSTATUS status = load_driver(name.c_str(), entry, nullptr);
    return status == STATUS_OBJECT_NAME_COLLISION ? STATUS_IMAGE_ALREADY_LOADED : status;
}

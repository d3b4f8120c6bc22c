// SPDX-License-Identifier: MIT
#include "test_driver.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace fsp::test {

TestDriver* TestDriver::current;

namespace {

ULONG wanted_flags;
DEVICE_TYPE wanted_type;

NTSTATUS NTAPI dispatch_any(PDEVICE_OBJECT device, PIRP irp)
{
    return TestDriver::current->dispatch(device, irp);
}
VOID NTAPI unload(PDRIVER_OBJECT driver)
{
    while (driver->DeviceObject != nullptr)
        IoDeleteDevice(driver->DeviceObject);
}

NTSTATUS NTAPI entry(PDRIVER_OBJECT driver, PUNICODE_STRING)
{
    for (auto& function : driver->MajorFunction)
        function = dispatch_any;
    driver->DriverUnload = unload;
    UNICODE_STRING name = string(u"\\Device\\IoTest");
    PDEVICE_OBJECT device = nullptr;
    const NTSTATUS status = IoCreateDevice(driver, 0, &name, wanted_type, 0, FALSE, &device);
    if (NT_SUCCESS(status))
        device->Flags |= wanted_flags;
    return status;
}

} // namespace

UNICODE_STRING string(const char16_t* text)
{
    const auto bytes = static_cast<USHORT>(std::char_traits<char16_t>::length(text) * sizeof(WCHAR));
    return {bytes, bytes, const_cast<PWSTR>(text)};
}

TestDriver::TestDriver(ULONG device_flags, DEVICE_TYPE type)
{
    current = this;
    wanted_flags = device_flags;
    wanted_type = type;
    EXPECT_EQ(ntos::load_driver(u"IoTest", entry, &object_), STATUS_SUCCESS);
    device_ = object_->DeviceObject;
}

TestDriver::~TestDriver()
{
    EXPECT_EQ(ntos::unload_driver(object_), STATUS_SUCCESS);
    current = nullptr;
}

NTSTATUS TestDriver::dispatch(PDEVICE_OBJECT device, PIRP irp)
{
    const UCHAR major = IoGetCurrentIrpStackLocation(irp)->MajorFunction;
    {
        std::lock_guard guard(lock_);
        seen_.push_back(major);
    }
    if (handlers_[major])
        return handlers_[major](device, irp);
    switch (major) {
    case IRP_MJ_CREATE:
        return complete(irp, STATUS_SUCCESS, FILE_OPENED);
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return complete(irp, STATUS_SUCCESS);
    default:
        return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

std::vector<int> TestDriver::seen()
{
    std::lock_guard guard(lock_);
    return seen_;
}

size_t TestDriver::count(int major)
{
    const auto all = seen();
    return static_cast<size_t>(std::count(all.begin(), all.end(), major));
}

Opened::Opened(const char16_t* name, ACCESS_MASK access, ULONG options, HANDLE root, ULONG disposition,
               ULONG share)
{
    UNICODE_STRING n = string(name);
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &n, OBJ_CASE_INSENSITIVE, root, nullptr);
    status = NtCreateFile(&handle, access, &attributes, &iosb, nullptr, 0, share, disposition, options,
                          nullptr, 0);
}

void Opened::close()
{
    if (handle == nullptr)
        return;
    EXPECT_EQ(NtClose(std::exchange(handle, nullptr)), STATUS_SUCCESS);
}

} // namespace fsp::test

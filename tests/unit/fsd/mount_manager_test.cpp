// SPDX-License-Identifier: MIT

/// Drive letters that the driver asks the Mount Manager for.

#include "registry_key.h"
#include "volume_fixture.h"

using namespace fsp::test;

namespace {

struct Asked
{
    ULONG code;
    std::vector<UCHAR> input;
};

/// Requests to the Mount Manager, in order.
std::vector<Asked> asked;
NTSTATUS create_point_status = STATUS_SUCCESS;

NTSTATUS NTAPI answer(PDEVICE_OBJECT, PIRP irp)
{
    const PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    NTSTATUS status = STATUS_SUCCESS;
    irp->IoStatus.Information = 0;
    if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        const auto& parameters = stack->Parameters.DeviceIoControl;
        const auto* const input = static_cast<const UCHAR*>(irp->AssociatedIrp.SystemBuffer);
        asked.push_back({parameters.IoControlCode, {input, input + parameters.InputBufferLength}});
        if (parameters.IoControlCode == IOCTL_MOUNTMGR_CREATE_POINT)
            status = create_point_status;
        if (asked.size() == 1 && parameters.OutputBufferLength >= sizeof(ULONG)) { // automatic mounting is on
            *static_cast<ULONG*>(irp->AssociatedIrp.SystemBuffer) = 1;
            irp->IoStatus.Information = sizeof(ULONG);
        }
    }
    irp->IoStatus.Status = status;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS NTAPI manager_driver(PDRIVER_OBJECT driver, PUNICODE_STRING)
{
    for (const UCHAR major : {IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL})
        driver->MajorFunction[major] = answer;
    UNICODE_STRING name = string(u"\\Device\\MountPointManager");
    PDEVICE_OBJECT device = nullptr;
    return IoCreateDevice(driver, 0, &name, FILE_DEVICE_NETWORK, 0, FALSE, &device);
}

NTSTATUS mount(const Volume& volume, std::u16string_view point)
{
    return control(volume.control_handle, FSP_FSCTL_MOUNTMGR, point.data(),
                   static_cast<ULONG>(point.size() * sizeof(WCHAR)), nullptr, 0);
}

bool contains(const std::vector<UCHAR>& bytes, std::u16string_view text)
{
    const auto* const from = reinterpret_cast<const UCHAR*>(text.data());
    return std::search(bytes.begin(), bytes.end(), from, from + text.size() * sizeof(WCHAR)) != bytes.end();
}

constexpr ULONG query_auto_mount = CTL_CODE('m', 15, METHOD_BUFFERED, FILE_ANY_ACCESS);
constexpr ULONG set_auto_mount = CTL_CODE('m', 16, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS);

class MountManager : public testing::Test
{
  public:
    void SetUp() override
    {
        static const NTSTATUS status = [] {
            fsp::ntos::boot();
            return fsp::ntos::load_driver(u"mountmgr", manager_driver, nullptr);
        }();
        ASSERT_EQ(status, STATUS_SUCCESS);
        asked.clear();
        create_point_status = STATUS_SUCCESS;
        allow(1);
        volume.start(Dispatch::queue);
    }
    static void allow(ULONG value)
    {
        settings_key().set(u"MountUseMountmgrFromFSD", REG_DWORD, &value, sizeof value);
    }
    Volume volume;
};

} // namespace

TEST_F(MountManager, IsAskedOnlyWhereTheRegistryAllowsIt)
{
    allow(2);
    EXPECT_EQ(mount(volume, u"X:"), STATUS_ACCESS_DENIED);
    settings_key().set(u"MountUseMountmgrFromFSD", REG_SZ, u"1", 4);
    EXPECT_EQ(mount(volume, u"X:"), STATUS_ACCESS_DENIED);
    EXPECT_TRUE(asked.empty());
}

TEST_F(MountManager, GivesADriveLetterAndForgetsIt)
{
    const GUID other{1, 2, 3, {4}};
    const Key devices(u"\\Registry\\Machine\\System\\MountedDevices");
    devices.set(u"\\DosDevices\\C:", REG_BINARY, &other, sizeof other);
    // The same id as the volume gets, which the Mount Manager would have stored.
    GUID id{};
    const BOOLEAN persistent = FALSE;
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_MOUNTDEV, &persistent, 1, &id, sizeof id),
              STATUS_SUCCESS);
    devices.set(u"\\DosDevices\\X:", REG_BINARY, &id, sizeof id);
    devices.set(u"\\??\\Volume{1}", REG_BINARY, &id, sizeof id);
    devices.set(u"longer", REG_BINARY, std::vector<char>(2000).data(), 2000);

    ASSERT_EQ(mount(volume, u"x:"), STATUS_SUCCESS);
    ASSERT_EQ(asked.size(), 5u);
    EXPECT_EQ(asked[0].code, query_auto_mount);
    EXPECT_EQ(asked[1].code, set_auto_mount);
    EXPECT_EQ(asked[1].input, std::vector<UCHAR>(4, 0));
    EXPECT_EQ(asked[2].code, IOCTL_MOUNTMGR_VOLUME_ARRIVAL_NOTIFICATION);
    EXPECT_TRUE(contains(asked[2].input, volume.name));
    EXPECT_EQ(asked[3].code, set_auto_mount);
    EXPECT_EQ(asked[3].input, (std::vector<UCHAR>{1, 0, 0, 0}));
    EXPECT_EQ(asked[4].code, IOCTL_MOUNTMGR_CREATE_POINT);
    EXPECT_TRUE(contains(asked[4].input, u"\\DosDevices\\X:")) << "a capital letter";
    EXPECT_TRUE(contains(asked[4].input, volume.name));
    EXPECT_TRUE(devices.has(u"\\DosDevices\\C:"));
    EXPECT_TRUE(devices.has(u"longer"));
    EXPECT_FALSE(devices.has(u"\\DosDevices\\X:"));
    EXPECT_FALSE(devices.has(u"\\??\\Volume{1}"));

    EXPECT_EQ(mount(volume, u"Y:"), STATUS_INVALID_PARAMETER) << "it has a letter";
    EXPECT_EQ(mount(volume, u""), STATUS_SUCCESS);
    ASSERT_EQ(asked.size(), 6u);
    EXPECT_EQ(asked[5].code, IOCTL_MOUNTMGR_DELETE_POINTS);
    EXPECT_TRUE(contains(asked[5].input, u"\\DosDevices\\X:"));
    EXPECT_EQ(mount(volume, u""), STATUS_INVALID_PARAMETER);
}

TEST_F(MountManager, IsToldOfFoldersByPath)
{
    ASSERT_EQ(mount(volume, u"C:\\folder"), STATUS_SUCCESS);
    EXPECT_EQ(asked.back().code, IOCTL_MOUNTMGR_VOLUME_MOUNT_POINT_CREATED);
    EXPECT_TRUE(contains(asked.back().input, u"\\DosDevices\\C:\\folder"));
    EXPECT_EQ(mount(volume, u""), STATUS_SUCCESS);
    EXPECT_EQ(asked.back().code, IOCTL_MOUNTMGR_VOLUME_MOUNT_POINT_DELETED);
}

TEST_F(MountManager, ARefusedLetterIsNotKept)
{
    create_point_status = STATUS_OBJECT_NAME_COLLISION;
    EXPECT_EQ(mount(volume, u"X:"), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(mount(volume, u""), STATUS_INVALID_PARAMETER);
    for (const std::u16string_view bad : {u"X", u"1:", u"\\X:", u"X\\"})
        EXPECT_EQ(mount(volume, bad), STATUS_INVALID_PARAMETER);
}

TEST_F(MountManager, LosesTheLetterWithTheVolume)
{
    ASSERT_EQ(mount(volume, u"X:"), STATUS_SUCCESS);
    volume.stop();
    ASSERT_GE(asked.size(), 2u);
    EXPECT_EQ(asked[asked.size() - 2].code, IOCTL_MOUNTMGR_DELETE_POINTS) << "by its name";
    EXPECT_TRUE(contains(asked[asked.size() - 2].input, u"\\DosDevices\\X:"));
    EXPECT_EQ(asked.back().code, IOCTL_MOUNTMGR_DELETE_POINTS) << "by the volume's id";
}

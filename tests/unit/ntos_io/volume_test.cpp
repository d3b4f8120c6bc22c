// SPDX-License-Identifier: MIT
#include "test_driver.h"

#include <gtest/gtest.h>

namespace fsp::test {
namespace {

PIO_STACK_LOCATION stack_of(PIRP irp) { return IoGetCurrentIrpStackLocation(irp); }

/// A disk, its volume device, and a control device registered as a file system.
class Volume : public testing::Test
{
  protected:
    Volume()
    {
        PDRIVER_OBJECT object = driver.object();
        EXPECT_EQ(IoCreateDevice(object, 0, nullptr, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &volume),
                  STATUS_SUCCESS);
        EXPECT_EQ(IoCreateDevice(object, 0, nullptr, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &control),
                  STATUS_SUCCESS);
        UNICODE_STRING name = string(u"\\Device\\IoTestDisk");
        EXPECT_EQ(IoCreateDevice(object, 0, &name, FILE_DEVICE_DISK, 0, FALSE, &disk), STATUS_SUCCESS);
        for (PDEVICE_OBJECT d : {volume, control, disk})
            d->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
        IoRegisterFileSystem(control);
        driver.on(IRP_MJ_FILE_SYSTEM_CONTROL, [this](PDEVICE_OBJECT, PIRP irp) {
            if (stack_of(irp)->MinorFunction != IRP_MN_MOUNT_VOLUME)
                return complete(irp, STATUS_INVALID_DEVICE_REQUEST);
            ++mounts;
            if (!mountable || stack_of(irp)->Parameters.MountVolume.DeviceObject != disk)
                return complete(irp, STATUS_UNRECOGNIZED_VOLUME);
            PVPB vpb = stack_of(irp)->Parameters.MountVolume.Vpb;
            vpb->DeviceObject = volume;
            ++vpb->ReferenceCount;
            return complete(irp, STATUS_SUCCESS);
        });
        driver.on(IRP_MJ_CREATE, [this](PDEVICE_OBJECT device, PIRP irp) {
            opened_on = device;
            if (device == volume)
                stack_of(irp)->FileObject->Vpb = disk->Vpb;
            return complete(irp, device == volume ? answer : STATUS_SUCCESS, FILE_OPENED);
        });
    }
    ~Volume() override { IoUnregisterFileSystem(control); }

    TestDriver driver;
    PDEVICE_OBJECT volume = nullptr, control = nullptr, disk = nullptr, opened_on = nullptr;
    NTSTATUS answer = STATUS_SUCCESS;
    bool mountable = true;
    int mounts = 0;
};

TEST_F(Volume, FirstOpenMountsItOnce)
{
    Opened a(u"\\Device\\IoTestDisk\\f");
    ASSERT_EQ(a.status, STATUS_SUCCESS);
    EXPECT_EQ(opened_on, volume);
    EXPECT_EQ(disk->Vpb->ReferenceCount, 2u) << "the file system's and the file's";
    Opened b(u"\\Device\\IoTestDisk\\g");
    EXPECT_EQ(mounts, 1);
    EXPECT_EQ(disk->Vpb->ReferenceCount, 3u);
    a.close();
    b.close();
    EXPECT_EQ(disk->Vpb->ReferenceCount, 1u);
    EXPECT_EQ(disk->ReferenceCount, 0);
}

TEST_F(Volume, UnrecognizedDiskCannotBeOpened)
{
    mountable = false;
    EXPECT_EQ(Opened(u"\\Device\\IoTestDisk\\f").status, STATUS_UNRECOGNIZED_VOLUME);
    EXPECT_EQ(disk->ReferenceCount, 0);
    ASSERT_NE(disk->Vpb, nullptr);
    EXPECT_EQ(disk->Vpb->ReferenceCount, 0u);
}

TEST_F(Volume, AttributeOpenOfTheDeviceDoesNotMount)
{
    Opened file(u"\\Device\\IoTestDisk", FILE_READ_ATTRIBUTES | SYNCHRONIZE, 0);
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(opened_on, disk);
    EXPECT_EQ(mounts, 0);
    FILE_FS_DEVICE_INFORMATION info{};
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtQueryVolumeInformationFile(file.handle, &iosb, &info, sizeof info, FileFsDeviceInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(info.DeviceType, DEVICE_TYPE{FILE_DEVICE_DISK});
}

TEST_F(Volume, FailedOpenGivesItsReferenceBack)
{
    Opened keep(u"\\Device\\IoTestDisk\\f");
    answer = STATUS_ACCESS_DENIED;
    EXPECT_EQ(Opened(u"\\Device\\IoTestDisk\\g").status, STATUS_ACCESS_DENIED);
    EXPECT_EQ(disk->Vpb->ReferenceCount, 2u);
    EXPECT_EQ(disk->ReferenceCount, 1);
}

TEST_F(Volume, DirectlyLinkedVpbNeedsNoMountRequest)
{
    KIRQL irql;
    IoAcquireVpbSpinLock(&irql);
    disk->Vpb->DeviceObject = volume;
    disk->Vpb->Flags |= VPB_MOUNTED;
    disk->Vpb->ReferenceCount = 1;
    IoReleaseVpbSpinLock(irql);
    Opened file(u"\\Device\\IoTestDisk\\f");
    EXPECT_EQ(file.status, STATUS_SUCCESS);
    EXPECT_EQ(opened_on, volume);
    EXPECT_EQ(mounts, 0);
}

TEST_F(Volume, VerifierTellsOfAnOpenWithoutItsVpb)
{
    ntos::verifier::enable();
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_CREATE,
              [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, FILE_OPENED); });
    Opened file(u"\\Device\\IoTestDisk\\f");
    EXPECT_TRUE(expect.found("without its VPB"));
}

TEST_F(Volume, VerifierTellsOfAMountedVpbThatIsFreed)
{
    ntos::verifier::enable();
    ntos::verifier::Expect expect;
    KIRQL irql;
    IoAcquireVpbSpinLock(&irql);
    disk->Vpb->DeviceObject = volume;
    disk->Vpb->Flags |= VPB_MOUNTED; // without a reference of the file system's own
    IoReleaseVpbSpinLock(irql);
    answer = STATUS_ACCESS_DENIED;
    Opened file(u"\\Device\\IoTestDisk\\f");
    EXPECT_EQ(file.status, STATUS_ACCESS_DENIED);
    EXPECT_TRUE(expect.found("VPB"));
    EXPECT_EQ(disk->Vpb, nullptr);
}

TEST(ShareAccess, ReaderThatSharesNothingExcludesOthers)
{
    SHARE_ACCESS share{};
    FILE_OBJECT first{}, second{};
    IoSetShareAccess(FILE_READ_DATA, 0, &first, &share);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &second, &share, TRUE),
              STATUS_SHARING_VIOLATION);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_ATTRIBUTES, 0, &second, &share, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(share.OpenCount, 1u);
    IoRemoveShareAccess(&first, &share);
    EXPECT_EQ(share.OpenCount, 0u);
    EXPECT_EQ(share.Readers, 0u);
    EXPECT_EQ(IoCheckShareAccess(FILE_WRITE_DATA, FILE_SHARE_READ, &second, &share, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(IoCheckShareAccess(FILE_READ_DATA, FILE_SHARE_READ, &first, &share, TRUE),
              STATUS_SHARING_VIOLATION)
        << "the first open writes";
}

} // namespace
} // namespace fsp::test

// SPDX-License-Identifier: MIT
// The rules for IRPs fire when a driver breaks them.
#include "test_driver.h"

#include <gtest/gtest.h>

namespace fsp::test {
namespace {

class Rules : public testing::Test
{
  protected:
    Rules() { ntos::verifier::enable(); }

    NTSTATUS flush()
    {
        IO_STATUS_BLOCK iosb{};
        return NtFlushBuffersFile(file.handle, &iosb);
    }

    TestDriver driver;
    Opened file{u"\\Device\\IoTest\\f"};
};

/// An IRP for two drivers that stays when it is completed.
struct OwnIrp
{
    OwnIrp()
    {
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
        IoSetCompletionRoutine(
            irp,
            [](PDEVICE_OBJECT, PIRP, PVOID) NTAPI -> NTSTATUS { return STATUS_MORE_PROCESSING_REQUIRED; },
            nullptr, TRUE, TRUE, TRUE);
    }
    OwnIrp(const OwnIrp&) = delete;
    ~OwnIrp() { IoFreeIrp(irp); }
    PIRP irp = IoAllocateIrp(2, FALSE);
};

TEST_F(Rules, KeptOnesReportNothing)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        IoMarkIrpPending(irp);
        complete(irp, STATUS_SUCCESS);
        return STATUS_PENDING;
    });
    EXPECT_EQ(flush(), STATUS_SUCCESS);
    EXPECT_TRUE(expect.found().empty());
}

TEST_F(Rules, CompletedTwice)
{
    ntos::verifier::Expect expect;
    PIRP mine = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(mine)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(
        mine, [](PDEVICE_OBJECT, PIRP, PVOID) NTAPI -> NTSTATUS { return STATUS_MORE_PROCESSING_REQUIRED; },
        nullptr, TRUE, TRUE, TRUE);
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        complete(irp, STATUS_SUCCESS);
        irp->CurrentLocation = static_cast<CCHAR>(irp->StackCount + 2);
        return complete(irp, STATUS_SUCCESS);
    });
    IoCallDriver(driver.device(), mine);
    EXPECT_TRUE(expect.found("completed twice"));
    IoFreeIrp(mine);
}

TEST_F(Rules, PendingReturnedWithoutMark)
{
    ntos::verifier::Expect expect;
    PIRP mine = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(mine)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP) { return STATUS_PENDING; });
    EXPECT_EQ(IoCallDriver(driver.device(), mine), STATUS_PENDING);
    EXPECT_TRUE(expect.found("not marked pending"));
    IoFreeIrp(mine);
}

TEST_F(Rules, MarkedPendingButNotReturned)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        IoMarkIrpPending(irp);
        return STATUS_SUCCESS;
    });
    PIRP mine = IoAllocateIrp(1, FALSE);
    IoGetNextIrpStackLocation(mine)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoCallDriver(driver.device(), mine);
    EXPECT_TRUE(expect.found("marked pending"));
    IoFreeIrp(mine);
}

TEST_F(Rules, CancelRoutineLeftAtCompletion)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        IoSetCancelRoutine(irp, [](PDEVICE_OBJECT, PIRP i) NTAPI { IoReleaseCancelSpinLock(i->CancelIrql); });
        return complete(irp, STATUS_SUCCESS);
    });
    flush();
    EXPECT_TRUE(expect.found("cancel routine"));
}

TEST_F(Rules, IrqlChangedByDispatch)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        complete(irp, STATUS_SUCCESS);
        KfRaiseIrql(APC_LEVEL);
        return STATUS_SUCCESS;
    });
    flush();
    KeLowerIrql(PASSIVE_LEVEL);
    EXPECT_TRUE(expect.found("changed IRQL"));
}

TEST_F(Rules, CriticalRegionLeftOpen)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        KeEnterCriticalRegion();
        return complete(irp, STATUS_SUCCESS);
    });
    flush();
    KeLeaveCriticalRegion();
    EXPECT_TRUE(expect.found("critical region"));
}

TEST_F(Rules, InformationBeyondTheBuffer)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_QUERY_INFORMATION,
              [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, 4096); });
    FILE_STANDARD_INFORMATION info{};
    IO_STATUS_BLOCK iosb{};
    NtQueryInformationFile(file.handle, &iosb, &info, sizeof info, FileStandardInformation);
    EXPECT_TRUE(expect.found("Information"));
}

TEST_F(Rules, NoStackLocationLeft)
{
    ntos::verifier::Expect expect;
    PIRP mine = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(mine);
    EXPECT_EQ(IoCallDriver(driver.device(), mine), STATUS_INVALID_PARAMETER);
    EXPECT_TRUE(expect.found("no stack location"));
    IoFreeIrp(mine);
}

TEST_F(Rules, ReturnedWithoutCompleting)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP) { return STATUS_SUCCESS; });
    IoCallDriver(driver.device(), mine.irp);
    EXPECT_TRUE(expect.found("without completing"));
}

TEST_F(Rules, StackLocationSkippedButNotPassedOn)
{
    ntos::verifier::Expect expect;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        IoSkipCurrentIrpStackLocation(irp);
        return complete(irp, STATUS_SUCCESS);
    });
    flush();
    EXPECT_TRUE(expect.found("above the stack location"));
}

TEST_F(Rules, NextStackLocationTakenButNobodyCalled)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        IoSetNextIrpStackLocation(irp);
        return complete(irp, STATUS_SUCCESS);
    });
    IoCallDriver(driver.device(), mine.irp);
    EXPECT_TRUE(expect.found("no driver was called with"));
}

TEST_F(Rules, CompletionRoutineCopiedAlong)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    driver.on(IRP_MJ_SHUTDOWN, [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS); });
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT device, PIRP irp) {
        *IoGetNextIrpStackLocation(irp) = *IoGetCurrentIrpStackLocation(irp);
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SHUTDOWN;
        IoCallDriver(device, irp);
        return complete(irp, STATUS_SUCCESS); // its own location's routine has kept the IRP from going on
    });
    IoCallDriver(driver.device(), mine.irp);
    EXPECT_TRUE(expect.found("copied together with its completion routine"));
}

TEST_F(Rules, CompletionRoutineForgetsPending)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    driver.on(IRP_MJ_SHUTDOWN, [](PDEVICE_OBJECT, PIRP irp) {
        IoMarkIrpPending(irp);
        complete(irp, STATUS_SUCCESS);
        return STATUS_PENDING;
    });
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT device, PIRP irp) {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_SHUTDOWN;
        IoSetCompletionRoutine(
            irp, [](PDEVICE_OBJECT, PIRP, PVOID) NTAPI -> NTSTATUS { return STATUS_SUCCESS; }, nullptr, TRUE,
            TRUE, TRUE);
        return IoCallDriver(device, irp);
    });
    IoCallDriver(driver.device(), mine.irp);
    EXPECT_TRUE(expect.found("did not mark IRP"));
}

TEST_F(Rules, CancelRoutineKeepsTheCancelSpinLock)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    IoSetCancelRoutine(mine.irp, [](PDEVICE_OBJECT, PIRP) NTAPI {});
    EXPECT_TRUE(IoCancelIrp(mine.irp));
    EXPECT_TRUE(expect.found("did not release the cancel spin lock"));
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST_F(Rules, CompletedWithTheCancelSpinLockHeld)
{
    ntos::verifier::Expect expect;
    OwnIrp mine;
    driver.on(IRP_MJ_FLUSH_BUFFERS, [](PDEVICE_OBJECT, PIRP irp) {
        KIRQL irql;
        IoAcquireCancelSpinLock(&irql);
        complete(irp, STATUS_SUCCESS);
        IoReleaseCancelSpinLock(irql);
        return STATUS_SUCCESS;
    });
    IoCallDriver(driver.device(), mine.irp);
    EXPECT_TRUE(expect.found("with the cancel spin lock held"));
}

TEST_F(Rules, CancelSpinLockReleasedByAStranger)
{
    ntos::verifier::Expect expect;
    IoReleaseCancelSpinLock(PASSIVE_LEVEL);
    EXPECT_TRUE(expect.found("does not hold it"));
}

TEST_F(Rules, DeviceDeletedTwice)
{
    PDEVICE_OBJECT device = nullptr;
    UNICODE_STRING name = string(u"\\Device\\IoTestTwice");
    ASSERT_EQ(IoCreateDevice(driver.object(), 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device),
              STATUS_SUCCESS);
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    Opened open(u"\\Device\\IoTestTwice\\f");
    ASSERT_EQ(open.status, STATUS_SUCCESS);
    ntos::verifier::Expect expect;
    IoDeleteDevice(device);
    IoDeleteDevice(device);
    EXPECT_TRUE(expect.found("deleted twice"));
}

TEST(Unload, WithADeviceLeft)
{
    ntos::verifier::enable();
    PDRIVER_OBJECT object = nullptr;
    ASSERT_EQ(ntos::load_driver(
                  u"IoTestLeaves",
                  [](PDRIVER_OBJECT driver, PUNICODE_STRING) NTAPI -> NTSTATUS {
                      driver->DriverUnload = [](PDRIVER_OBJECT) NTAPI {};
                      PDEVICE_OBJECT device = nullptr;
                      return IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
                  },
                  &object),
              STATUS_SUCCESS);
    ntos::verifier::Expect expect;
    EXPECT_EQ(ntos::unload_driver(object), STATUS_DEVICE_BUSY);
    EXPECT_TRUE(expect.found("unloaded with device"));
    IoDeleteDevice(object->DeviceObject);
    EXPECT_EQ(ntos::unload_driver(object), STATUS_SUCCESS);
}

/// Each routine tells of a caller above its documented IRQL, before it does anything.
TEST_F(Rules, RoutinesHaveTheirHighestIrql)
{
    ntos::verifier::Expect expect;
    FILE_LOCK lock;
    OPLOCK oplock{};
    SHARE_ACCESS share{};
    FILE_OBJECT object{};
    SECTION_OBJECT_POINTERS sections{};
    object.SectionObjectPointer = &sections;
    KIRQL irql;
    KeRaiseIrql(APC_LEVEL, &irql);
    FsRtlInitializeFileLock(&lock, nullptr, nullptr);
    FsRtlInitializeOplock(&oplock);
    EXPECT_TRUE(expect.found().empty()) << "allowed at APC_LEVEL";
    SeSinglePrivilegeCheck(LUID{SE_BACKUP_PRIVILEGE, 0}, KernelMode);
    EXPECT_TRUE(expect.found("SeSinglePrivilegeCheck called at IRQL 1"));
    ZwClose(nullptr);
    EXPECT_TRUE(expect.found("ZwClose called at IRQL 1"));
    KfRaiseIrql(DISPATCH_LEVEL);
    CcFlushCache(&sections, nullptr, 0, nullptr);
    EXPECT_TRUE(expect.found("CcFlushCache called at IRQL 2"));
    CcPurgeCacheSection(&sections, nullptr, 0, FALSE);
    EXPECT_TRUE(expect.found("CcPurgeCacheSection called at IRQL 2"));
    FsRtlFastUnlockAll(&lock, &object, PsGetCurrentProcess(), nullptr);
    EXPECT_TRUE(expect.found("FsRtlFastUnlockAll called at IRQL 2"));
    FsRtlOplockIsFastIoPossible(&oplock);
    EXPECT_TRUE(expect.found("FsRtlOplockIsFastIoPossible called at IRQL 2"));
    MmCanFileBeTruncated(&sections, nullptr);
    EXPECT_TRUE(expect.found("MmCanFileBeTruncated called at IRQL 2"));
    IoSetShareAccess(FILE_READ_DATA, 0, &object, &share);
    EXPECT_TRUE(expect.found("IoSetShareAccess called at IRQL 2"));
    KeLowerIrql(irql);
    FsRtlUninitializeFileLock(&lock);
    FsRtlUninitializeOplock(&oplock);
}

} // namespace
} // namespace fsp::test

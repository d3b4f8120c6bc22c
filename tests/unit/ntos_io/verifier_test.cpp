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

} // namespace
} // namespace fsp::test

// SPDX-License-Identifier: MIT
#include "test_driver.h"

#include "ntos/thread.h"

#include <atomic>
#include <gtest/gtest.h>
#include <thread>

namespace fsp::test {
namespace {

PIO_STACK_LOCATION stack_of(PIRP irp) { return IoGetCurrentIrpStackLocation(irp); }

/// Fills the caller's buffer with 'x' wherever it is.
NTSTATUS answer_read(PDEVICE_OBJECT device, PIRP irp)
{
    const ULONG length = stack_of(irp)->Parameters.Read.Length;
    void* buffer = irp->UserBuffer;
    if ((device->Flags & DO_BUFFERED_IO) != 0)
        buffer = irp->AssociatedIrp.SystemBuffer;
    else if ((device->Flags & DO_DIRECT_IO) != 0)
        buffer = MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
    std::memset(buffer, 'x', length / 2);
    return complete(irp, STATUS_SUCCESS, length / 2);
}

class Transfer : public testing::TestWithParam<ULONG>
{};

TEST_P(Transfer, ReadReachesTheCallersBuffer)
{
    TestDriver driver(GetParam());
    driver.on(IRP_MJ_READ, answer_read);
    Opened file(u"\\Device\\IoTest\\f");
    char buffer[16] = "...............";
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER offset{};
    ASSERT_EQ(NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, buffer, 8, &offset, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(iosb.Information, 4u);
    EXPECT_STREQ(buffer, "xxxx...........");
}

INSTANTIATE_TEST_SUITE_P(Io, Transfer, testing::Values(0u, ULONG{DO_BUFFERED_IO}, ULONG{DO_DIRECT_IO}));

TEST(Read, MissingRightIsRefusedBeforeTheDriver)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f", FILE_WRITE_DATA | SYNCHRONIZE);
    char c = 0;
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, nullptr, nullptr),
              STATUS_ACCESS_DENIED);
    EXPECT_EQ(driver.count(IRP_MJ_READ), 0u);
}

TEST(Write, AppendOnlyHandleWritesAtTheEnd)
{
    TestDriver driver;
    LARGE_INTEGER seen{};
    driver.on(IRP_MJ_WRITE, [&](PDEVICE_OBJECT, PIRP irp) {
        seen = stack_of(irp)->Parameters.Write.ByteOffset;
        return complete(irp, STATUS_SUCCESS, 1);
    });
    Opened file(u"\\Device\\IoTest\\f", FILE_APPEND_DATA | SYNCHRONIZE);
    char c = 0;
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER offset{};
    EXPECT_EQ(NtWriteFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, &offset, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(seen.LowPart, FILE_WRITE_TO_END_OF_FILE);
    EXPECT_EQ(seen.HighPart, -1);
}

TEST(Read, AsynchronousHandleNeedsAnOffset)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA, 0);
    char c = 0;
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, nullptr, nullptr),
              STATUS_INVALID_PARAMETER);
}

/// Holds one IRP until it is told what to do with it.
struct Holder
{
    std::atomic<PIRP> irp{nullptr};
    static Holder* current;

    Holder() { current = this; }

    NTSTATUS hold(PIRP i)
    {
        KIRQL irql;
        IoAcquireCancelSpinLock(&irql);
        IoSetCancelRoutine(i, cancel);
        IoMarkIrpPending(i);
        irp = i;
        IoReleaseCancelSpinLock(irql);
        return STATUS_PENDING;
    }

    static VOID NTAPI cancel(PDEVICE_OBJECT, PIRP i)
    {
        IoReleaseCancelSpinLock(i->CancelIrql);
        current->irp = nullptr;
        complete(i, STATUS_CANCELLED);
    }

    void finish(NTSTATUS status, ULONG_PTR information)
    {
        PIRP i = irp.exchange(nullptr);
        IoSetCancelRoutine(i, nullptr);
        complete(i, status, information);
    }
};
Holder* Holder::current;

TEST(Read, PendingOnAnAsynchronousHandleSignalsTheEvent)
{
    TestDriver driver;
    Holder holder;
    driver.on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) { return holder.hold(irp); });
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA, 0);
    HANDLE event = nullptr;
    ASSERT_EQ(NtCreateEvent(&event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, TRUE), STATUS_SUCCESS);
    char c = 0;
    IO_STATUS_BLOCK iosb{};
    LARGE_INTEGER offset{}, now{};
    ASSERT_EQ(NtReadFile(file.handle, event, nullptr, nullptr, &iosb, &c, 1, &offset, nullptr),
              STATUS_PENDING);
    EXPECT_EQ(NtWaitForSingleObject(event, FALSE, &now), STATUS_TIMEOUT);
    std::thread other([&] { holder.finish(STATUS_SUCCESS, 1); });
    EXPECT_EQ(NtWaitForSingleObject(event, FALSE, nullptr), STATUS_SUCCESS);
    other.join();
    EXPECT_EQ(iosb.Status, STATUS_SUCCESS);
    EXPECT_EQ(iosb.Information, 1u);
    NtClose(event);
}

TEST(Read, CancelIoFileEndsThePendingRead)
{
    TestDriver driver;
    Holder holder;
    driver.on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) { return holder.hold(irp); });
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA, 0);
    Opened other(u"\\Device\\IoTest\\g", FILE_READ_DATA, 0);
    char c = 0;
    IO_STATUS_BLOCK iosb{}, cancelled{};
    LARGE_INTEGER offset{};
    ASSERT_EQ(NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, &offset, nullptr),
              STATUS_PENDING);
    EXPECT_EQ(NtCancelIoFile(other.handle, &cancelled), STATUS_SUCCESS);
    EXPECT_NE(holder.irp.load(), nullptr) << "another file's requests stay";
    EXPECT_EQ(NtCancelIoFileEx(file.handle, &cancelled, &cancelled), STATUS_NOT_FOUND);
    EXPECT_EQ(NtCancelIoFileEx(file.handle, &iosb, &cancelled), STATUS_SUCCESS);
    EXPECT_EQ(iosb.Status, STATUS_CANCELLED);
    EXPECT_EQ(holder.irp.load(), nullptr);
}

TEST(Read, SynchronousWaitIsEndedByCancellingTheThread)
{
    TestDriver driver;
    Holder holder;
    std::atomic<bool> held{false};
    driver.on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) {
        const NTSTATUS status = holder.hold(irp);
        held = true;
        held.notify_all();
        return status;
    });
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA | SYNCHRONIZE);
    PETHREAD thread = nullptr;
    NTSTATUS status = STATUS_SUCCESS;
    std::atomic<bool> known{false};
    std::thread reader([&] {
        thread = PsGetCurrentThread();
        known = true;
        known.notify_all();
        char c = 0;
        IO_STATUS_BLOCK iosb{};
        status = NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, nullptr, nullptr);
    });
    known.wait(false);
    held.wait(false);
    ntos::cancel_thread_io(thread);
    reader.join();
    EXPECT_EQ(status, STATUS_CANCELLED);
}

TEST(Control, BufferedCopiesInAndOut)
{
    TestDriver driver;
    driver.on(IRP_MJ_DEVICE_CONTROL, [](PDEVICE_OBJECT, PIRP irp) {
        auto* buffer = static_cast<char*>(irp->AssociatedIrp.SystemBuffer);
        EXPECT_EQ(std::string(buffer, 3), "abc");
        std::memcpy(buffer, "0123456", 7);
        return complete(irp, STATUS_BUFFER_OVERFLOW, 5);
    });
    Opened file(u"\\Device\\IoTest\\f");
    char in[] = "abc", out[8] = ".......";
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtDeviceIoControlFile(file.handle, nullptr, nullptr, nullptr, &iosb,
                                    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS),
                                    in, 3, out, 7),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_STREQ(out, "01234..");
    EXPECT_EQ(iosb.Information, 5u);
}

TEST(Control, ErrorCopiesNothingBack)
{
    TestDriver driver;
    driver.on(IRP_MJ_DEVICE_CONTROL, [](PDEVICE_OBJECT, PIRP irp) {
        std::memcpy(irp->AssociatedIrp.SystemBuffer, "xxx", 3);
        return complete(irp, STATUS_ACCESS_DENIED, 3);
    });
    Opened file(u"\\Device\\IoTest\\f");
    char out[4] = "...";
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtDeviceIoControlFile(file.handle, nullptr, nullptr, nullptr, &iosb,
                                    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS),
                                    nullptr, 0, out, 3),
              STATUS_ACCESS_DENIED);
    EXPECT_STREQ(out, "...");
}

TEST(Control, AccessBitsOfTheCodeAreChecked)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_ATTRIBUTES | SYNCHRONIZE);
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtDeviceIoControlFile(file.handle, nullptr, nullptr, nullptr, &iosb,
                                    CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_WRITE_ACCESS),
                                    nullptr, 0, nullptr, 0),
              STATUS_ACCESS_DENIED);
}

TEST(Information, ShortBufferAndUnknownClassAreRefusedBeforeTheDriver)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f");
    char buffer[256];
    IO_STATUS_BLOCK iosb{};
    EXPECT_EQ(NtQueryInformationFile(file.handle, &iosb, buffer, 8, FileBasicInformation),
              STATUS_INFO_LENGTH_MISMATCH);
    EXPECT_EQ(NtQueryInformationFile(file.handle, &iosb, buffer, 256, FileEndOfFileInformation),
              STATUS_INVALID_INFO_CLASS);
    EXPECT_EQ(driver.count(IRP_MJ_QUERY_INFORMATION), 0u);
}

TEST(Information, PositionModeAndAccessAreTheIoManagersOwn)
{
    TestDriver driver;
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA | SYNCHRONIZE,
                FILE_SYNCHRONOUS_IO_NONALERT | FILE_WRITE_THROUGH);
    IO_STATUS_BLOCK iosb{};
    FILE_POSITION_INFORMATION position{};
    position.CurrentByteOffset.QuadPart = 77;
    EXPECT_EQ(NtSetInformationFile(file.handle, &iosb, &position, sizeof position, FilePositionInformation),
              STATUS_SUCCESS);
    position = {};
    EXPECT_EQ(NtQueryInformationFile(file.handle, &iosb, &position, sizeof position, FilePositionInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(position.CurrentByteOffset.QuadPart, 77);
    FILE_MODE_INFORMATION mode{};
    EXPECT_EQ(NtQueryInformationFile(file.handle, &iosb, &mode, sizeof mode, FileModeInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(mode.Mode, ULONG{FILE_SYNCHRONOUS_IO_NONALERT | FILE_WRITE_THROUGH});
    FILE_ACCESS_INFORMATION access{};
    EXPECT_EQ(NtQueryInformationFile(file.handle, &iosb, &access, sizeof access, FileAccessInformation),
              STATUS_SUCCESS);
    EXPECT_EQ(access.AccessFlags, ULONG{FILE_READ_DATA | SYNCHRONIZE});
    EXPECT_EQ(driver.seen(), std::vector<int>{IRP_MJ_CREATE});
}

TEST(Irp, CompletionRoutinesRunUpwardsAndMayKeepTheIrp)
{
    TestDriver driver;
    driver.on(IRP_MJ_FLUSH_BUFFERS,
              [](PDEVICE_OBJECT, PIRP irp) { return complete(irp, STATUS_SUCCESS, 9); });
    PIRP irp = IoAllocateIrp(2, FALSE);
    int calls = 0;
    IoSetNextIrpStackLocation(irp);
    IoGetCurrentIrpStackLocation(irp)->DeviceObject = driver.device();
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_FLUSH_BUFFERS;
    IoSetCompletionRoutine(
        irp,
        [](PDEVICE_OBJECT device, PIRP i, PVOID context) NTAPI -> NTSTATUS {
            EXPECT_EQ(device, TestDriver::current->device());
            EXPECT_EQ(i->IoStatus.Information, 9u);
            ++*static_cast<int*>(context);
            return STATUS_MORE_PROCESSING_REQUIRED;
        },
        &calls, TRUE, TRUE, TRUE);
    EXPECT_EQ(IoCallDriver(driver.device(), irp), STATUS_SUCCESS);
    EXPECT_EQ(calls, 1);
    IoFreeIrp(irp);
}

TEST(Irp, BuiltControlRequestSignalsItsEvent)
{
    TestDriver driver;
    PIRP held = nullptr;
    driver.on(IRP_MJ_DEVICE_CONTROL, [&](PDEVICE_OBJECT, PIRP irp) {
        IoMarkIrpPending(irp);
        held = irp;
        return STATUS_PENDING;
    });
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IO_STATUS_BLOCK iosb{};
    int out = 0;
    PIRP irp =
        IoBuildDeviceIoControlRequest(CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS),
                                      driver.device(), nullptr, 0, &out, sizeof out, FALSE, &event, &iosb);
    ASSERT_NE(irp, nullptr);
    ASSERT_EQ(IoCallDriver(driver.device(), irp), STATUS_PENDING);
    *static_cast<int*>(held->AssociatedIrp.SystemBuffer) = 5;
    std::thread other([&] { complete(held, STATUS_SUCCESS, sizeof out); });
    KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr);
    other.join();
    EXPECT_EQ(iosb.Status, STATUS_SUCCESS);
    EXPECT_EQ(out, 5);
}

TEST(File, OperationsOnASynchronousHandleExcludeEachOther)
{
    TestDriver driver;
    std::atomic<int> inside{0}, worst{0};
    driver.on(IRP_MJ_READ, [&](PDEVICE_OBJECT, PIRP irp) {
        const int now = ++inside;
        if (now > worst)
            worst = now;
        sched_yield();
        --inside;
        return complete(irp, STATUS_SUCCESS, 0);
    });
    Opened file(u"\\Device\\IoTest\\f", FILE_READ_DATA | SYNCHRONIZE);
    auto work = [&] {
        char c = 0;
        for (int i = 0; i < 500; ++i) {
            IO_STATUS_BLOCK iosb{};
            EXPECT_EQ(NtReadFile(file.handle, nullptr, nullptr, nullptr, &iosb, &c, 1, nullptr, nullptr),
                      STATUS_SUCCESS);
        }
    };
    std::thread a(work), b(work), c(work);
    a.join();
    b.join();
    c.join();
    EXPECT_EQ(worst.load(), 1);
}

} // namespace
} // namespace fsp::test

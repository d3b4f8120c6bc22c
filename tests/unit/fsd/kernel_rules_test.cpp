// SPDX-License-Identifier: MIT

/// What a real kernel asks of a volume driver beyond the semantics of files.

#include "volume_fixture.h"

#include <ntos/thread.h>

using namespace fsp::test;

namespace {

/// A file object's VPB as the driver set it.
PVPB vpb_of(HANDLE file)
{
    PVOID object = nullptr;
    EXPECT_EQ(ObReferenceObjectByHandle(file, 0, *IoFileObjectType, KernelMode, &object, nullptr),
              STATUS_SUCCESS);
    const PVPB vpb = static_cast<PFILE_OBJECT>(object)->Vpb;
    ObDereferenceObject(object);
    return vpb;
}

} // namespace

TEST(KernelRules, TheEndOfADispatcherThreadEndsItsWait)
{
    Volume volume;
    volume.params.TransactTimeout = 10'000;
    volume.start(Dispatch::none);
    std::atomic<PKTHREAD> victim{nullptr};
    NTSTATUS status = STATUS_SUCCESS;
    ULONGLONG waited = 0;
    std::thread dispatcher([&] {
        victim = KeGetCurrentThread();
        const ULONGLONG before = KeQueryInterruptTime();
        std::vector<UINT64> out;
        ULONG size = 0;
        status = volume.transact(out, &size);
        waited = KeQueryInterruptTime() - before;
    });
    while (!victim)
        std::this_thread::yield();
    fsp::ntos::terminate_thread(reinterpret_cast<PETHREAD>(victim.load()));
    dispatcher.join();
    EXPECT_EQ(status, STATUS_CANCELLED);
    EXPECT_LT(waited, 50'000'000ull) << "100 ns units";
}

TEST(KernelRules, EveryOpenGivesItsVpbReferenceBack)
{
    Volume volume;
    volume.files[u"\\a"];
    volume.start(Dispatch::queue);
    HANDLE first = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &first), STATUS_SUCCESS);
    const PVPB vpb = vpb_of(first);
    ASSERT_NE(vpb, nullptr);
    const ULONG before = vpb->ReferenceCount;
    for (int i = 0; i < 3; i++) {
        HANDLE file = nullptr;
        ASSERT_EQ(volume.open(u"\\a", &file), STATUS_SUCCESS);
        EXPECT_EQ(vpb_of(file), vpb);
        NtClose(file);
        EXPECT_EQ(volume.open(u"\\missing", &file), STATUS_OBJECT_NAME_NOT_FOUND);
        ASSERT_EQ(volume.open(u"", &file), STATUS_SUCCESS);
        EXPECT_EQ(vpb_of(file), vpb);
        NtClose(file);
    }
    EXPECT_EQ(vpb->ReferenceCount, before);
    NtClose(first);
}

TEST(KernelRules, TheDiskTakesOpensForAttributesAndQueriesOfTheMountManager)
{
    Volume volume;
    volume.start(Dispatch::queue);
    HANDLE disk = nullptr;
    ASSERT_EQ(open_name(volume.name, FILE_READ_ATTRIBUTES | SYNCHRONIZE, FILE_OPEN,
                        FILE_SYNCHRONOUS_IO_NONALERT, FILE_SHARE_READ | FILE_SHARE_WRITE, &disk),
              STATUS_SUCCESS);
    IO_STATUS_BLOCK io{};
    char buffer[512];
    for (const ULONG code : {0x004d0008u, 0x00070000u})
        EXPECT_EQ(NtDeviceIoControlFile(disk, nullptr, nullptr, nullptr, &io, code, nullptr, 0, buffer,
                                        sizeof buffer),
                  STATUS_UNRECOGNIZED_VOLUME)
            << std::hex << code;
    EXPECT_EQ(
        NtFsControlFile(disk, nullptr, nullptr, nullptr, &io, 0x000900a8, nullptr, 0, buffer, sizeof buffer),
        STATUS_INVALID_DEVICE_REQUEST);
    NtClose(disk);
    EXPECT_TRUE(volume.kinds_seen().empty());
}

TEST(KernelRules, ARefusedTruncationLosesNoCachedByte)
{
    Volume volume;
    volume.params.FileInfoTimeout = 0xffffffff;
    volume.files[u"\\a"].size = 4096;
    volume.handler = [&](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
        volume.serve_default(request, response);
        if (request.Kind == FspFsctlTransactSetInformationKind)
            response.IoStatus.Status = static_cast<UINT32>(STATUS_ACCESS_DENIED);
        if (request.Kind == FspFsctlTransactReadKind || request.Kind == FspFsctlTransactWriteKind)
            response.IoStatus.Information =
                request.Kind == FspFsctlTransactReadKind ? request.Req.Read.Length : request.Req.Write.Length;
        if (request.Kind == FspFsctlTransactReadKind)
            memset(reinterpret_cast<void*>(request.Req.Read.Address), 0, request.Req.Read.Length);
        return true;
    };
    volume.start(Dispatch::queue);
    HANDLE file = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &file, FILE_OPEN, FILE_READ_DATA | FILE_WRITE_DATA | SYNCHRONIZE),
              STATUS_SUCCESS);
    std::vector<char> written(4096, 'x'), read(4096);
    IO_STATUS_BLOCK io{};
    LARGE_INTEGER start{};
    ASSERT_EQ(NtWriteFile(file, nullptr, nullptr, nullptr, &io, written.data(), 4096, &start, nullptr),
              STATUS_SUCCESS);
    FILE_END_OF_FILE_INFORMATION end{};
    end.EndOfFile.QuadPart = 100;
    EXPECT_EQ(NtSetInformationFile(file, &io, &end, sizeof end, FileEndOfFileInformation),
              STATUS_ACCESS_DENIED);
    ASSERT_EQ(NtReadFile(file, nullptr, nullptr, nullptr, &io, read.data(), 4096, &start, nullptr),
              STATUS_SUCCESS);
    EXPECT_EQ(read, written);
    NtClose(file);
}

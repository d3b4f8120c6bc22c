// SPDX-License-Identifier: MIT
#include <atomic>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include "request_builder.h"

namespace {

using test::RequestBuilder;

std::atomic<int> stopped_normally, stopped_otherwise;

class Dispatcher : public testing::Test
{
  protected:
    Dispatcher()
    {
        fake::reset();
        stopped_normally = stopped_otherwise = 0;
        operations.DispatcherStopped = [](FSP_FILE_SYSTEM*, BOOLEAN normally) {
            ++(normally ? stopped_normally : stopped_otherwise);
        };
        static WCHAR device[] = u"WinFsp.Disk";
        params.Version = sizeof params;
        EXPECT_EQ(FspFileSystemCreate(device, &params, &operations, &fs), STATUS_SUCCESS);
    }
    ~Dispatcher() override
    {
        FspFileSystemStopDispatcher(fs);
        FspFileSystemDelete(fs);
    }

    const FSP_FSCTL_TRANSACT_RSP* response(const fake::Bytes& bytes)
    {
        return reinterpret_cast<const FSP_FSCTL_TRANSACT_RSP*>(bytes.data());
    }

    FSP_FSCTL_VOLUME_PARAMS params = {};
    FSP_FILE_SYSTEM_INTERFACE operations = {};
    FSP_FILE_SYSTEM* fs = nullptr;
};

TEST_F(Dispatcher, CreatesTheVolumeFromItsParameters)
{
    const std::u16string& path = fake::transport().opened_path;
    const std::u16string prefix = u"\\Device\\WinFsp.Disk\\VolumeParams=";
    ASSERT_EQ(path.size(), prefix.size() + sizeof params);
    EXPECT_EQ(path.substr(0, prefix.size()), prefix);
    EXPECT_EQ(path[prefix.size()], 0xF000 | (sizeof params & 0xff));
    EXPECT_EQ(path[prefix.size() + 1], 0xF000 | (sizeof params >> 8));
    EXPECT_EQ(std::u16string(fs->VolumeName), u"\\Device\\Volume{1}");
    EXPECT_EQ(fs->Version, 0);
}

TEST_F(Dispatcher, RefusesBothContextFlags)
{
    FSP_FILE_SYSTEM* other = fs;
    static WCHAR device[] = u"WinFsp.Disk";
    params.UmFileContextIsFullContext = params.UmFileContextIsUserContext2 = 1;
    EXPECT_EQ(FspFileSystemCreate(device, &params, nullptr, &other), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(other, nullptr);
}

TEST_F(Dispatcher, AnswersRequests)
{
    operations.Read = [](FSP_FILE_SYSTEM*, PVOID, PVOID, UINT64, ULONG, PULONG transferred) {
        const auto* context = FspFileSystemGetOperationContext();
        *transferred = static_cast<ULONG>(context->Request->Hint);
        return STATUS_SUCCESS;
    };
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 3), STATUS_SUCCESS);
    EXPECT_EQ(FspFileSystemStartDispatcher(fs, 3), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(fs->DispatcherThreadCount, 3u);
    for (UINT64 hint = 10; hint != 20; ++hint) {
        const fake::Bytes bytes =
            fake::transport().ask(RequestBuilder(FspFsctlTransactReadKind, hint).bytes());
        EXPECT_EQ(response(bytes)->Kind, static_cast<UINT32>(FspFsctlTransactReadKind));
        EXPECT_EQ(response(bytes)->IoStatus.Status, 0u);
        EXPECT_EQ(response(bytes)->IoStatus.Information, hint);
    }
    EXPECT_EQ(FspFileSystemGetOperationContext(), nullptr);
}

TEST_F(Dispatcher, AnswersUnknownKindsAndMissingHandlers)
{
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    for (const UINT32 kind : {0u, 17u, 18u, 22u, 1000u}) {
        const fake::Bytes bytes = fake::transport().ask(RequestBuilder(kind, kind + 1).bytes());
        EXPECT_EQ(response(bytes)->IoStatus.Status, static_cast<UINT32>(STATUS_INVALID_DEVICE_REQUEST));
    }
}

TEST_F(Dispatcher, PadsResponsesAndReplacesTooLargeOnes)
{
    FspFileSystemSetOperation(
        fs, FspFsctlTransactReadKind,
        [](FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response) {
            response->Size = static_cast<UINT16>(request->Req.Read.Length);
            return STATUS_SUCCESS;
        });
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    RequestBuilder request(FspFsctlTransactReadKind, 1);
    request.request()->Req.Read.Length = 131;
    EXPECT_EQ(fake::transport().ask(request.bytes()).size(), 136u);
    request.request()->Hint = 2;
    request.request()->Req.Read.Length = 16385;
    const fake::Bytes bytes = fake::transport().ask(request.bytes());
    EXPECT_EQ(bytes.size(), 128u);
    EXPECT_EQ(response(bytes)->IoStatus.Status, static_cast<UINT32>(STATUS_INVALID_DEVICE_REQUEST));
}

TEST_F(Dispatcher, AGuardThatFailsIsTheAnswer)
{
    static std::atomic<int> left;
    left = 0;
    FspFileSystemSetOperationGuard(
        fs,
        [](FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ*, FSP_FSCTL_TRANSACT_RSP*) { return STATUS_TOO_LATE; },
        [](FSP_FILE_SYSTEM*, FSP_FSCTL_TRANSACT_REQ*, FSP_FSCTL_TRANSACT_RSP*) {
            ++left;
            return STATUS_SUCCESS;
        });
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    const fake::Bytes bytes = fake::transport().ask(RequestBuilder(FspFsctlTransactCloseKind, 1).bytes());
    EXPECT_EQ(response(bytes)->IoStatus.Status, static_cast<UINT32>(STATUS_TOO_LATE));
    EXPECT_EQ(left, 0);
}

TEST_F(Dispatcher, PendingRequestsAreAnsweredLater)
{
    operations.Read = [](FSP_FILE_SYSTEM*, PVOID, PVOID, UINT64, ULONG, PULONG) { return STATUS_PENDING; };
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    {
        const std::lock_guard lock(fake::transport().mutex);
        fake::transport().requests.push_back(RequestBuilder(FspFsctlTransactReadKind, 5).bytes());
    }
    fake::transport().changed.notify_all();
    fake::transport().ask(RequestBuilder(FspFsctlTransactCloseKind, 6).bytes());

    FSP_FSCTL_TRANSACT_RSP late = {};
    late.Size = sizeof late;
    late.Kind = FspFsctlTransactReadKind;
    late.Hint = 5;
    late.IoStatus.Information = 77;
    FspFileSystemSendResponse(fs, &late);
    fake::Bytes bytes;
    fake::transport().wait_for_response(5, &bytes);
    EXPECT_EQ(response(bytes)->IoStatus.Information, 77u);
}

TEST_F(Dispatcher, StopsInOrder)
{
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 4), STATUS_SUCCESS);
    EXPECT_NE(fake::transport().inline_dispatch, nullptr);
    EXPECT_EQ(fake::transport().inline_concurrency, 4u);
    FspFileSystemStopDispatcher(fs);

    std::vector<ULONG> stops;
    for (const ULONG code : fake::transport().codes)
        if (code == FSP_FSCTL_STOP || (code == FSP_FSCTL_STOP0 && (stops.empty() || stops.back() != code)))
            stops.push_back(code);
    EXPECT_EQ(stops, (std::vector<ULONG>{FSP_FSCTL_STOP0, FSP_FSCTL_STOP}));
    EXPECT_EQ(stopped_normally, 1);
    EXPECT_EQ(stopped_otherwise, 0);
    EXPECT_EQ(fake::transport().inline_dispatch, nullptr);
    EXPECT_EQ(fs->DispatcherThread, nullptr);
    EXPECT_EQ(fs->DispatcherStopping, 0);
    // Once from StartDispatcher and once from each thread.
    EXPECT_EQ(fake::transport().transact0, 5);
}

TEST_F(Dispatcher, TellsWhenSomebodyElseStoppedTheVolume)
{
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    FspFsctlStop(fs->VolumeHandle);
    while (stopped_otherwise == 0)
        std::this_thread::yield();
    NTSTATUS result = STATUS_SUCCESS;
    FspFileSystemGetDispatcherResult(fs, &result);
    EXPECT_EQ(result, STATUS_CANCELLED);
    EXPECT_EQ(stopped_normally, 0);
}

// ---- Inline dispatch

TEST_F(Dispatcher, RunsRequestsInlineAndNested)
{
    static FSP_FSCTL_TRANSACT_RSP* inner;
    operations.Read = [](FSP_FILE_SYSTEM* fs, PVOID, PVOID, UINT64, ULONG, PULONG transferred) {
        const auto* context = FspFileSystemGetOperationContext();
        if (context->Request->Hint == 1) {
            RequestBuilder nested(FspFsctlTransactReadKind, 2);
            EXPECT_TRUE(fake::transport().inline_dispatch(fs, nested.request(), &inner));
            EXPECT_EQ(inner->Hint, 2u);
            EXPECT_EQ(FspFileSystemGetOperationContext(), context);
        }
        *transferred = static_cast<ULONG>(context->Request->Hint * 100);
        return STATUS_SUCCESS;
    };
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    RequestBuilder request(FspFsctlTransactReadKind, 1);
    FSP_FSCTL_TRANSACT_RSP* outer = nullptr;
    ASSERT_EQ(fake::transport().inline_context, fs);
    EXPECT_TRUE(fake::transport().inline_dispatch(fs, request.request(), &outer));
    EXPECT_EQ(outer->Hint, 1u);
    EXPECT_EQ(outer->IoStatus.Information, 100u);
    EXPECT_NE(outer, inner);
    EXPECT_EQ(inner->IoStatus.Information, 200u);
    EXPECT_EQ(FspFileSystemGetOperationContext(), nullptr);
}

TEST_F(Dispatcher, InlinePendingHasNoResponse)
{
    operations.Read = [](FSP_FILE_SYSTEM*, PVOID, PVOID, UINT64, ULONG, PULONG) { return STATUS_PENDING; };
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    RequestBuilder request(FspFsctlTransactReadKind, 1);
    FSP_FSCTL_TRANSACT_RSP* response = nullptr;
    EXPECT_FALSE(fake::transport().inline_dispatch(fs, request.request(), &response));
}

TEST_F(Dispatcher, InlineCanBeSwitchedOff)
{
    setenv("OPENFSP_INLINE", "0", 1);
    ASSERT_EQ(FspFileSystemStartDispatcher(fs, 2), STATUS_SUCCESS);
    unsetenv("OPENFSP_INLINE");
    EXPECT_EQ(fake::transport().inline_dispatch, nullptr);
}

// ---- Mount points and notification

TEST_F(Dispatcher, MountsOnce)
{
    WCHAR path[] = u"/mnt/x", drive[] = u"X:";
    EXPECT_EQ(FspFileSystemSetMountPoint(fs, drive), STATUS_NOT_SUPPORTED);
    EXPECT_EQ(FspFileSystemSetMountPoint(fs, nullptr), STATUS_NOT_SUPPORTED);
    EXPECT_EQ(FspFileSystemMountPoint(fs), nullptr);
    EXPECT_EQ(FspFileSystemSetMountPoint(fs, path), STATUS_SUCCESS);
    EXPECT_EQ(fake::transport().mounted_at, u"/mnt/x");
    EXPECT_EQ(std::u16string(FspFileSystemMountPoint(fs)), u"/mnt/x");
    EXPECT_EQ(FspFileSystemSetMountPoint(fs, path), STATUS_INVALID_PARAMETER);
    FspFileSystemRemoveMountPoint(fs);
    EXPECT_TRUE(fake::transport().unmounted);
    EXPECT_EQ(FspFileSystemMountPoint(fs), nullptr);
}

TEST_F(Dispatcher, PreflightKnowsWhatCanBeMounted)
{
    WCHAR device[] = u"WinFsp.Disk", good[] = u"/", missing[] = u"/no/such/folder",
          file[] = u"/proc/self/exe";
    EXPECT_EQ(FspFileSystemPreflight(device, nullptr), STATUS_SUCCESS);
    EXPECT_EQ(FspFileSystemPreflight(device, good), STATUS_SUCCESS);
    EXPECT_EQ(FspFileSystemPreflight(device, missing), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(FspFileSystemPreflight(device, file), STATUS_NOT_A_DIRECTORY);
}

TEST_F(Dispatcher, NotificationWaitsForRenames)
{
    EXPECT_EQ(FspFileSystemNotifyBegin(fs, 0), STATUS_SUCCESS);
    EXPECT_EQ(FspFileSystemNotifyEnd(fs), STATUS_SUCCESS);
    ASSERT_EQ(fake::transport().notifications.size(), 2u);
    EXPECT_EQ(fake::transport().notifications[0].size(), 0u);
    EXPECT_LT(fake::transport().notifications[1].size(), sizeof(FSP_FSCTL_NOTIFY_INFO));

    fake::transport().notify_status = STATUS_CANT_WAIT;
    fake::transport().notifications.clear();
    EXPECT_EQ(FspFileSystemNotifyBegin(fs, 0), STATUS_CANT_WAIT);
    EXPECT_EQ(fake::transport().notifications.size(), 1u);
    EXPECT_EQ(FspFileSystemNotifyBegin(fs, 25), STATUS_CANT_WAIT);
    EXPECT_EQ(fake::transport().notifications.size(), 1u + 4u); // at 0, 10, 20 and 25 ms
}

} // namespace

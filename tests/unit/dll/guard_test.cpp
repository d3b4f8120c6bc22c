// SPDX-License-Identifier: MIT
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "dll/srw_lock.h"
#include "request_builder.h"

namespace {

using fsp::dll::try_acquire_exclusive;
using test::RequestBuilder;

enum class Held
{
    nothing,
    shared,
    exclusive,
};

/// What the guard holds while a request runs.
Held held(FSP_FILE_SYSTEM& fs, FSP_FSCTL_TRANSACT_REQ* request)
{
    FspFileSystemOpEnter(&fs, request, nullptr);
    Held result = Held::nothing;
    if (try_acquire_exclusive(fs.OpGuardLock)) {
        fsp::dll::release_exclusive(fs.OpGuardLock);
    } else {
        // A second reader gets in beside a reader only.
        std::atomic<bool> in = false;
        std::thread reader([&] {
            fsp::dll::acquire_shared(fs.OpGuardLock);
            in = true;
            fsp::dll::release_shared(fs.OpGuardLock);
        });
        for (int i = 0; i != 50 && !in; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        result = in ? Held::shared : Held::exclusive;
        FspFileSystemOpLeave(&fs, request, nullptr);
        reader.join();
        return result;
    }
    FspFileSystemOpLeave(&fs, request, nullptr);
    return result;
}

class Guard : public testing::Test
{
  protected:
    Held held(RequestBuilder& request) { return ::held(fs.object, request.request()); }
    Held held(UINT32 kind)
    {
        RequestBuilder request(kind);
        request.request()->Req.Context = {1, 0};
        return held(request);
    }
    Held create(UINT32 disposition)
    {
        RequestBuilder request(FspFsctlTransactCreateKind);
        request.request()->Req.Create.CreateOptions = disposition << 24;
        return held(request);
    }
    Held set_information(UINT32 file_information_class)
    {
        RequestBuilder request(FspFsctlTransactSetInformationKind);
        request.request()->Req.SetInformation.FileInformationClass = file_information_class;
        return held(request);
    }

    test::FileSystem fs;
};

TEST_F(Guard, FineProtectsTheNameSpace)
{
    EXPECT_EQ(create(FILE_OPEN), Held::shared);
    for (const UINT32 disposition :
         {FILE_SUPERSEDE, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE, FILE_OVERWRITE_IF})
        EXPECT_EQ(create(disposition), Held::exclusive);
    EXPECT_EQ(held(FspFsctlTransactOverwriteKind), Held::exclusive);
    EXPECT_EQ(held(FspFsctlTransactSetVolumeInformationKind), Held::exclusive);
    EXPECT_EQ(held(FspFsctlTransactQueryVolumeInformationKind), Held::shared);
    EXPECT_EQ(held(FspFsctlTransactQueryDirectoryKind), Held::shared);
    EXPECT_EQ(set_information(10), Held::exclusive);
    EXPECT_EQ(set_information(65), Held::exclusive);
    EXPECT_EQ(set_information(13), Held::shared);
    EXPECT_EQ(set_information(64), Held::shared);
    EXPECT_EQ(set_information(4), Held::nothing);
    for (const UINT32 kind :
         {FspFsctlTransactCleanupKind, FspFsctlTransactCloseKind, FspFsctlTransactReadKind,
          FspFsctlTransactWriteKind, FspFsctlTransactFlushBuffersKind})
        EXPECT_EQ(held(kind), Held::nothing);
}

TEST_F(Guard, FineProtectsRemovalAndTheFlushOfAVolume)
{
    RequestBuilder cleanup(FspFsctlTransactCleanupKind);
    cleanup.request()->Req.Cleanup.Delete = 1;
    EXPECT_EQ(held(cleanup), Held::exclusive);
    RequestBuilder flush(FspFsctlTransactFlushBuffersKind);
    EXPECT_EQ(held(flush), Held::exclusive);
}

TEST_F(Guard, CoarseRunsOneOperationAtATime)
{
    FspFileSystemSetOperationGuardStrategy(&fs.object, FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE);
    EXPECT_EQ(create(FILE_OPEN), Held::exclusive);
    EXPECT_EQ(held(FspFsctlTransactReadKind), Held::exclusive);
}

TEST(SrwLock, ExcludesWritersFromEverybody)
{
    SRWLOCK lock = SRWLOCK_INIT;
    int value = 0, copy = 0; // equal whenever nobody writes
    std::atomic<int> torn = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t != 6; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i != 20000; ++i) {
                if ((i + t) % 4 == 0) {
                    const fsp::dll::ExclusiveHold hold(lock);
                    ++value;
                    ++copy;
                } else {
                    const fsp::dll::SharedHold hold(lock);
                    torn += value != copy;
                }
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(value, 6 * 5000);
}

} // namespace

// SPDX-License-Identifier: MIT
#include "volume_fixture.h"

using namespace fsp::test;

namespace {

class Open : public testing::TestWithParam<Dispatch>
{
  protected:
    Volume volume;
    void start() { volume.start(GetParam()); }
};

constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
constexpr ULONG synchronous = FILE_SYNCHRONOUS_IO_NONALERT;

} // namespace

INSTANTIATE_TEST_SUITE_P(Dispatch, Open, testing::Values(Dispatch::queue, Dispatch::in_line),
                         [](const auto& info) { return info.param == Dispatch::queue ? "Queue" : "InLine"; });

TEST_P(Open, CreateThenCleanupThenCloseReachUserMode)
{
    start();
    HANDLE file = nullptr;
    ULONG_PTR information = 0;
    ASSERT_EQ(volume.open(u"\\a", &file, FILE_CREATE, FILE_READ_DATA | SYNCHRONIZE, synchronous, share_all,
                          &information),
              STATUS_SUCCESS);
    EXPECT_EQ(information, ULONG_PTR{FILE_CREATED});
    NtClose(file);
    EXPECT_EQ(volume.wait_for(FspFsctlTransactCloseKind, 1),
              (std::vector<UINT32>{FspFsctlTransactCreateKind, FspFsctlTransactCleanupKind,
                                   FspFsctlTransactCloseKind}));
}

TEST_P(Open, MissingFileFailsWithoutClose)
{
    start();
    HANDLE file = nullptr;
    EXPECT_EQ(volume.open(u"\\missing", &file), STATUS_OBJECT_NAME_NOT_FOUND);
    volume.stop();
    EXPECT_EQ(volume.kinds_seen(), std::vector<UINT32>{FspFsctlTransactCreateKind});
}

TEST_P(Open, InvalidNamesNeverReachUserMode)
{
    start();
    HANDLE file = nullptr;
    EXPECT_EQ(volume.open(u"\\a*b", &file), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(volume.open(u"\\a\\\\b", &file), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(volume.open(u"\\", &file, FILE_CREATE), STATUS_ACCESS_DENIED);
    EXPECT_EQ(volume.open(u"\\", &file, FILE_OPEN, DELETE | SYNCHRONIZE, FILE_DELETE_ON_CLOSE | synchronous),
              STATUS_CANNOT_DELETE);
    EXPECT_TRUE(volume.kinds_seen().empty());
}

TEST_P(Open, SharingViolationPostsClose)
{
    volume.files[u"\\a"];
    start();
    HANDLE first = nullptr, second = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &first, FILE_OPEN, FILE_READ_DATA | SYNCHRONIZE, synchronous, 0),
              STATUS_SUCCESS);
    EXPECT_EQ(volume.open(u"\\a", &second), STATUS_SHARING_VIOLATION);
    NtClose(first);
    EXPECT_EQ(volume.open(u"\\a", &second), STATUS_SUCCESS);
    NtClose(second);
    const auto kinds = volume.wait_for(FspFsctlTransactCloseKind, 3);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCreateKind}), 3);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCloseKind}), 3);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCleanupKind}), 2);
}

namespace {

/// Opens name the contexts in this order; the last one again and again. Notes which contexts are closed.
struct Contexts
{
    std::vector<UINT64> given;
    std::vector<UINT64> closed{};
    size_t opens = 0;
    std::condition_variable closes{};

    Volume::Handler handler(Volume& volume)
    {
        return [this, &volume](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
            volume.serve_default(request, response);
            std::lock_guard lock(volume.mutex);
            if (request.Kind == FspFsctlTransactCreateKind) {
                response.Rsp.Create.Opened.UserContext = given[std::min(opens, given.size() - 1)];
                opens++;
            } else if (request.Kind == FspFsctlTransactCloseKind) {
                closed.push_back(request.Req.Close.UserContext);
                closes.notify_all();
            }
            return true;
        };
    }
    /// Waits until that many have been closed; nothing of this is used afterwards if those are all.
    std::vector<UINT64> closed_in_the_end(Volume& volume, size_t count)
    {
        std::unique_lock lock(volume.mutex);
        closes.wait_for(lock, std::chrono::seconds(10), [&] { return closed.size() >= count; });
        return closed;
    }
};

} // namespace

// The file that an answer speaks of was deleted, and another made under its name, before the answer arrived.
TEST_P(Open, AnswerAboutAFileThatIsGoneIsAskedForAgain)
{
    volume.files[u"\\a"];
    Contexts contexts{{1, 2, 1}};
    volume.handler = contexts.handler(volume);
    start();
    HANDLE first = nullptr, second = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &first), STATUS_SUCCESS);
    ASSERT_EQ(volume.open(u"\\a", &second), STATUS_SUCCESS);
    volume.wait_for(FspFsctlTransactCloseKind, 1);
    NtClose(first);
    NtClose(second);
    EXPECT_EQ(contexts.closed_in_the_end(volume, 3), (std::vector<UINT64>{2, 1, 1}));
    EXPECT_EQ(contexts.opens, 3u);
}

TEST_P(Open, NewFileOfTheSameNameIsNotTakenForTheOldOne)
{
    volume.files[u"\\a"];
    Contexts contexts{{1, 2}};
    volume.handler = contexts.handler(volume);
    start();
    HANDLE first = nullptr, second = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &first), STATUS_SUCCESS);
    ASSERT_EQ(volume.open(u"\\a", &second), STATUS_SUCCESS);
    volume.wait_for(FspFsctlTransactCloseKind, 1);
    NtClose(first);
    volume.wait_for(FspFsctlTransactCloseKind, 2);
    NtClose(second);
    EXPECT_EQ(contexts.closed_in_the_end(volume, 3), (std::vector<UINT64>{2, 1, 2}));
}

TEST_P(Open, DeleteOnCloseRemovesTheFileAtCleanup)
{
    volume.files[u"\\a"];
    start();
    HANDLE file = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &file, FILE_OPEN, DELETE | SYNCHRONIZE, synchronous | FILE_DELETE_ON_CLOSE),
              STATUS_SUCCESS);
    NtClose(file);
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(Open, DeletePendingFileCannotBeOpened)
{
    volume.files[u"\\a"];
    start();
    HANDLE first = nullptr, deleter = nullptr, file = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &first), STATUS_SUCCESS);
    ASSERT_EQ(
        volume.open(u"\\a", &deleter, FILE_OPEN, DELETE | SYNCHRONIZE, synchronous | FILE_DELETE_ON_CLOSE),
        STATUS_SUCCESS);
    NtClose(deleter);
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_DELETE_PENDING);
    NtClose(first);
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(Open, OverwriteIsASecondRequest)
{
    volume.files[u"\\a"].size = 10;
    start();
    HANDLE file = nullptr;
    ULONG_PTR information = 0;
    ASSERT_EQ(volume.open(u"\\a", &file, FILE_OVERWRITE_IF, FILE_WRITE_DATA | SYNCHRONIZE, synchronous,
                          share_all, &information),
              STATUS_SUCCESS);
    EXPECT_EQ(information, ULONG_PTR{FILE_OVERWRITTEN});
    NtClose(file);
    volume.stop();
    const auto kinds = volume.kinds_seen();
    ASSERT_GE(kinds.size(), 2u);
    EXPECT_EQ(kinds[1], UINT32{FspFsctlTransactOverwriteKind});
}

TEST_P(Open, StreamOpensItsMainFileFirst)
{
    volume.files[u"\\a"];
    volume.files[u"\\a:s"];
    start();
    HANDLE stream = nullptr;
    ASSERT_EQ(volume.open(u"\\a:s", &stream), STATUS_SUCCESS);
    NtClose(stream);
    const auto kinds = volume.wait_for(FspFsctlTransactCloseKind, 2);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCreateKind}), 2);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCleanupKind}), 2);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCloseKind}), 2);
}

TEST_P(Open, StreamOfAMissingFileFails)
{
    start();
    HANDLE stream = nullptr;
    EXPECT_EQ(volume.open(u"\\a:s", &stream), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_P(Open, RelativeNamesAreComposed)
{
    volume.files[u"\\d"].directory = true;
    volume.files[u"\\d\\f"];
    start();
    HANDLE directory = nullptr, file = nullptr;
    ASSERT_EQ(volume.open(u"\\d", &directory), STATUS_SUCCESS);
    const std::u16string text = u"f";
    UNICODE_STRING name{2, 2, const_cast<WCHAR*>(text.data())};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, 0, directory, nullptr);
    IO_STATUS_BLOCK io{};
    EXPECT_EQ(NtOpenFile(&file, FILE_READ_DATA | SYNCHRONIZE, &attributes, &io, share_all, synchronous),
              STATUS_SUCCESS);
    NtClose(file);
    NtClose(directory);
}

TEST_P(Open, ManyThreadsOpenAndClose)
{
    for (char16_t c = u'a'; c <= u'h'; c++)
        volume.files[std::u16string(u"\\") + c];
    start();
    std::vector<std::thread> threads;
    std::atomic<int> failures{0};
    for (int t = 0; t < 4; t++)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 500; i++) {
                HANDLE file = nullptr;
                if (!NT_SUCCESS(volume.open(std::u16string(u"\\") + static_cast<char16_t>(u'a' + (t + i) % 8),
                                            &file)))
                    failures++;
                else
                    NtClose(file);
            }
        });
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(failures, 0);
    const auto kinds = volume.wait_for(FspFsctlTransactCloseKind, 2000);
    EXPECT_EQ(std::count(kinds.begin(), kinds.end(), UINT32{FspFsctlTransactCloseKind}), 2000);
}

TEST(InLine, PendingAnswerMayComeThroughTransact)
{
    Volume volume;
    volume.files[u"\\a"];
    std::atomic<UINT64> hint{0};
    FSP_FSCTL_TRANSACT_RSP later{};
    volume.handler = [&](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
        volume.serve_default(request, response);
        if (request.Kind != FspFsctlTransactCreateKind)
            return true;
        later = response;
        hint = request.Hint;
        return false;
    };
    volume.start(Dispatch::in_line);
    std::thread answerer([&] {
        while (!hint)
            std::this_thread::yield();
        EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_TRANSACT, &later, sizeof later, nullptr, 0),
                  STATUS_SUCCESS);
    });
    HANDLE file = nullptr;
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_SUCCESS);
    answerer.join();
    NtClose(file);
}

/// Memory of a file system is gone after it; whoever runs in it must have left by then.
TEST(InLine, TheEndOfAFileSystemWaitsForCallsThatRunInIt)
{
    Volume volume;
    volume.files[u"\\a"];
    std::atomic<bool> entered{false}, left{false};
    volume.handler = [&](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
        volume.serve_default(request, response);
        entered = true;
        std::this_thread::sleep_for(std::chrono::milliseconds(50)); // longer than it takes to forget it
        left = true;
        return true;
    };
    volume.start(Dispatch::in_line);
    std::thread application([&] {
        HANDLE file = nullptr;
        if (NT_SUCCESS(volume.open(u"\\a", &file)))
            NtClose(file);
    });
    while (!entered)
        std::this_thread::yield();
    volume.die();
    EXPECT_TRUE(left);
    application.join();
}

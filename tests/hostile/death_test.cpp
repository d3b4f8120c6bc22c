// SPDX-License-Identifier: MIT
//
// File systems that stop answering, and what still must end.
#include "file_system.h"
#include "replies.h"
#include "watchdog.h"

namespace hostile {
namespace {

using namespace fsp::test;

constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// A volume whose requests the test takes and answers itself, one at a time.
class ByHand : public testing::Test
{
  protected:
    void SetUp() override { start(0); }
    /// @param file_info_timeout in ms; ~0: data is cached
    void start(UINT32 file_info_timeout)
    {
        volume.params.FileInfoTimeout = file_info_timeout;
        volume.params.ExtendedAttributes = 1;
        volume.params.TransactTimeout = FspFsctlTransactTimeoutMinimum;
        volume.start(Dispatch::none);
    }

    /// The next request, as a file system's only thread would get it; answers the previous one.
    const FSP_FSCTL_TRANSACT_REQ* next()
    {
        ULONG size = 0;
        while (size == 0) {
            const NTSTATUS status = volume.transact(buffer, &size, answer.data(), answer_size);
            answer_size = 0;
            if (!NT_SUCCESS(status))
                return nullptr;
        }
        return reinterpret_cast<const FSP_FSCTL_TRANSACT_REQ*>(buffer.data());
    }
    void reply()
    {
        const auto& request = *reinterpret_cast<const FSP_FSCTL_TRANSACT_REQ*>(buffer.data());
        std::fill(answer.begin(), answer.end(), 0);
        auto& response = *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(answer.data());
        honest_reply(request, chance, response);
        // The first of its chances is a reparse point; this one is none.
        if (request.Kind == FspFsctlTransactCreateKind)
            while (response.IoStatus.Status == static_cast<UINT32>(STATUS_REPARSE)) {
                std::fill(answer.begin(), answer.end(), 0);
                honest_reply(request, chance, response);
            }
        answer_size = response.Size;
    }
    /// Serves until a request of this kind is there, unanswered.
    bool serve_until(UINT32 kind)
    {
        while (const auto* request = next()) {
            if (request->Kind == kind)
                return true;
            reply();
        }
        return false;
    }

    /// Serves until the flag is cleared by whoever makes requests; up to a second longer.
    void serve_while(const std::atomic<bool>& busy)
    {
        while (busy) {
            ULONG size = 0;
            const NTSTATUS status = volume.transact(buffer, &size, answer.data(), answer_size);
            answer_size = 0;
            if (!NT_SUCCESS(status))
                return;
            if (size != 0)
                reply();
        }
    }

    Watchdog watchdog{60};
    Chance chance{1};
    Volume volume;
    std::vector<UINT64> buffer;
    std::vector<UINT64> answer = std::vector<UINT64>(8192);
    ULONG answer_size = 0;
};

/// The end of a volume waits for the work of NOTIFY, that waits for a rename, and that for an answer.
TEST_F(ByHand, AnUnansweredRenameAndANotificationDoNotKeepAVolume)
{
    std::thread application([&] {
        HANDLE file = nullptr;
        ASSERT_EQ(open_name(volume.name + u"\\a", FILE_ALL_ACCESS, FILE_OPEN, FILE_SYNCHRONOUS_IO_NONALERT,
                            share_all, &file),
                  STATUS_SUCCESS);
        struct
        {
            ULONG flags = 0;
            HANDLE root = nullptr;
            ULONG length = 2;
            WCHAR name[2] = {'b', 0};
        } rename;
        IO_STATUS_BLOCK io{};
        EXPECT_EQ(NtSetInformationFile(file, &io, &rename, sizeof rename, FileRenameInformation),
                  STATUS_CANCELLED);
        NtClose(file);
    });
    ASSERT_TRUE(serve_until(FspFsctlTransactSetInformationKind));
    // Size, Filter, Action, "\\x"
    const UINT32 record[] = {16, FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, 'x' << 16 | '\\'};
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_NOTIFY, record, sizeof record, nullptr, 0),
              STATUS_SUCCESS);
    std::this_thread::sleep_for(std::chrono::milliseconds(20)); // until the work waits; nothing tells
    NtClose(std::exchange(volume.control_handle, nullptr));
    application.join();
}

/// A stream's handle ends with two cleanups. The second must not wait on the thread that has brought the
/// answer to the first: here it is the file system's only one, and the owner of the lock waits for that.
TEST_F(ByHand, TheCleanupOfAStreamDoesNotHoldTheFileSystemsThread)
{
    HANDLE stream = nullptr, file = nullptr;
    std::atomic<bool> opening{true};
    std::thread opener([&] {
        EXPECT_EQ(open_name(volume.name + u"\\a:s", FILE_READ_DATA | SYNCHRONIZE, FILE_OPEN,
                            FILE_SYNCHRONOUS_IO_NONALERT, share_all, &stream),
                  STATUS_SUCCESS);
        EXPECT_EQ(open_name(volume.name + u"\\a", FILE_READ_DATA | FILE_READ_EA | SYNCHRONIZE, FILE_OPEN,
                            FILE_SYNCHRONOUS_IO_NONALERT, share_all, &file),
                  STATUS_SUCCESS);
        opening = false;
    });
    serve_while(opening);
    opener.join();

    std::thread closer([&] { NtClose(stream); });
    ASSERT_TRUE(serve_until(FspFsctlTransactCleanupKind));
    // Waits for the node that the first cleanup holds, and gets it before the second does.
    std::thread reader([&] {
        UINT64 out[16];
        IO_STATUS_BLOCK io{};
        EXPECT_EQ(NtQueryEaFile(file, &io, out, sizeof out, FALSE, nullptr, 0, nullptr, TRUE),
                  STATUS_SUCCESS);
    });
    // Nothing tells when it waits; should it come late the test is merely about nothing.
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    reply();
    ASSERT_TRUE(serve_until(FspFsctlTransactQueryEaKind)); // with the bug this never returned
    reply();
    std::thread rest([&] {
        while (next())
            reply();
    });
    closer.join();
    reader.join();
    NtClose(file);
    control(volume.control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    rest.join();
}

class CachedByHand : public ByHand
{
    void SetUp() override { start(~0u); }
};

/// Requests that wait for a file on worker threads leave one to the request that has the file, and needs one
/// to go on.
TEST_F(CachedByHand, ManyWaitForAFileAndItsOwnerGoesOn)
{
    HANDLE file = nullptr;
    std::atomic<bool> opening{true};
    std::thread opener([&] {
        EXPECT_EQ(open_name(volume.name + u"\\a", FILE_WRITE_DATA, FILE_OPEN, 0, share_all, &file),
                  STATUS_SUCCESS);
        opening = false;
    });
    serve_while(opening);
    opener.join();

    // More than there are worker threads of any kind.
    struct Write
    {
        HANDLE done = nullptr;
        IO_STATUS_BLOCK io{};
        char byte = 'w';
    };
    std::vector<Write> writes(100);
    for (Write& w : writes) {
        ASSERT_EQ(NtCreateEvent(&w.done, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE),
                  STATUS_SUCCESS);
        LARGE_INTEGER at{};
        at.QuadPart = &w == writes.data() ? 12345 : 0; // the first one makes the file larger
        EXPECT_EQ(NtWriteFile(file, w.done, nullptr, nullptr, &w.io, &w.byte, 1, &at, nullptr),
                  STATUS_PENDING);
    }
    ASSERT_TRUE(serve_until(FspFsctlTransactSetInformationKind));
    reply();
    auto& response = *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(answer.data());
    response.Rsp.SetInformation.FileInfo.FileSize = response.Rsp.SetInformation.FileInfo.AllocationSize =
        12346;

    std::atomic<bool> writing{true};
    std::thread waiter([&] {
        for (Write& w : writes) {
            NtWaitForSingleObject(w.done, FALSE, nullptr);
            EXPECT_EQ(w.io.Status, STATUS_SUCCESS);
            NtClose(w.done);
        }
        writing = false;
    });
    serve_while(writing);
    waiter.join();
    std::thread rest([&] {
        while (next())
            reply();
    });
    NtClose(file);
    control(volume.control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    rest.join();
}

/// What fills the space between the requests of a batch is nobody's old memory.
TEST_F(ByHand, NothingIsBetweenTheRequestsOfABatch)
{
    std::vector<std::thread> openers;
    for (const char16_t* path : {u"\\a", u"\\ab", u"\\abc", u"\\abcd"})
        openers.emplace_back([this, path] {
            HANDLE file = nullptr;
            open_name(volume.name + path, FILE_READ_DATA, FILE_OPEN, 0, share_all, &file);
        });
    size_t seen = 0;
    while (seen < openers.size()) {
        std::vector<UINT64> out(FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN / sizeof(UINT64));
        IO_STATUS_BLOCK io{};
        ASSERT_EQ(NtDeviceIoControlFile(volume.control_handle, nullptr, nullptr, nullptr, &io,
                                        FSP_IOCTL_TRANSACT_BATCH, nullptr, 0, out.data(),
                                        FSP_FSCTL_TRANSACT_BATCH_BUFFER_SIZEMIN),
                  STATUS_SUCCESS);
        const auto* bytes = reinterpret_cast<const UINT8*>(out.data());
        for (size_t at = 0; at < io.Information; seen++) {
            const size_t end = at + reinterpret_cast<const FSP_FSCTL_TRANSACT_REQ*>(bytes + at)->Size;
            at = (end + 7) & ~size_t{7};
            for (size_t gap = end; gap < at && at < io.Information; gap++)
                EXPECT_EQ(bytes[gap], 0);
        }
    }
    control(volume.control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    for (auto& opener : openers)
        opener.join();
}

} // namespace
} // namespace hostile

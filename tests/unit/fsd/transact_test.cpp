// SPDX-License-Identifier: MIT
#include "volume_fixture.h"

using namespace fsp::test;

TEST(Transact, BufferLengthsAreChecked)
{
    Volume volume;
    volume.start(Dispatch::none);
    std::vector<UINT64> buffer(16384 / 8);
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_TRANSACT, buffer.data(), 127, nullptr, 0),
              STATUS_INVALID_PARAMETER);
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_TRANSACT, nullptr, 0, buffer.data(), 16319),
              STATUS_BUFFER_TOO_SMALL);
}

TEST(Transact, PlainHandlesOwnNoVolume)
{
    load_fsd();
    HANDLE device = nullptr;
    ASSERT_EQ(
        open_name(u"\\Device\\WinFsp.Disk", FILE_READ_ATTRIBUTES, FILE_OPEN, 0, FILE_SHARE_READ, &device),
        STATUS_SUCCESS);
    EXPECT_EQ(control(device, FSP_FSCTL_TRANSACT, nullptr, 0, nullptr, 0), STATUS_INVALID_DEVICE_REQUEST);
    NtClose(device);
}

TEST(Transact, OpensBeforeTransact0AreCancelled)
{
    Volume volume;
    load_fsd();
    ASSERT_EQ(open_name(params_path(volume.params, u"\\Device\\WinFsp.Disk"), FILE_READ_ATTRIBUTES, FILE_OPEN,
                        0, FILE_SHARE_READ, &volume.control_handle),
              STATUS_SUCCESS);
    WCHAR text[256]{};
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_VOLUME_NAME, nullptr, 0, text, sizeof text),
              STATUS_SUCCESS);
    volume.name = text;
    HANDLE file = nullptr;
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_CANCELLED);
}

TEST(Transact, StaleAndMalformedResponsesAreHarmless)
{
    Volume volume;
    volume.start(Dispatch::none);
    FSP_FSCTL_TRANSACT_RSP response{};
    response.Size = sizeof response;
    response.Hint = 12345;
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_TRANSACT, &response, sizeof response, nullptr, 0),
              STATUS_SUCCESS);
    response.Size = 0xffff;
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_TRANSACT, &response, sizeof response, nullptr, 0),
              STATUS_SUCCESS);
}

TEST(Transact, StopCancelsProcessingAndPending)
{
    Volume volume;
    volume.start(Dispatch::none);
    NTSTATUS first = STATUS_PENDING, second = STATUS_PENDING;
    std::thread a([&] {
        HANDLE file = nullptr;
        first = volume.open(u"\\a", &file);
    });
    std::vector<UINT64> request;
    ULONG size = 0;
    ASSERT_EQ(volume.transact(request, &size), STATUS_SUCCESS);
    EXPECT_GE(size, sizeof(FSP_FSCTL_TRANSACT_REQ));
    std::thread b([&] {
        HANDLE file = nullptr;
        second = volume.open(u"\\b", &file);
    });
    control(volume.control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    a.join();
    b.join();
    EXPECT_EQ(first, STATUS_CANCELLED);
    EXPECT_EQ(second, STATUS_CANCELLED);
    EXPECT_EQ(volume.transact(request, &size), STATUS_CANCELLED);
}

TEST(Transact, AnswerStatusPendingIsAnInternalError)
{
    Volume volume;
    volume.handler = [&](const FSP_FSCTL_TRANSACT_REQ&, FSP_FSCTL_TRANSACT_RSP& response) {
        response.IoStatus.Status = STATUS_PENDING;
        return true;
    };
    volume.start(Dispatch::queue);
    HANDLE file = nullptr;
    EXPECT_EQ(volume.open(u"\\a", &file), STATUS_INTERNAL_ERROR);
}

TEST(Transact, BatchHandsOutSeveralRequests)
{
    Volume volume;
    volume.start(Dispatch::none);
    std::vector<std::thread> openers;
    for (int i = 0; i < 3; i++)
        openers.emplace_back([&, i] {
            HANDLE file = nullptr;
            volume.open(std::u16string(u"\\") + static_cast<char16_t>(u'a' + i), &file);
        });
    ULONG seen = 0;
    while (seen < 3) {
        std::vector<UINT64> buffer(65536 / 8);
        ULONG size = 0;
        ASSERT_EQ(
            control(volume.control_handle, FSP_FSCTL_TRANSACT_BATCH, nullptr, 0, buffer.data(), 65536, &size),
            STATUS_SUCCESS);
        for (ULONG at = 0; at < size; seen++) {
            const auto* request = reinterpret_cast<const FSP_FSCTL_TRANSACT_REQ*>(
                reinterpret_cast<const char*>(buffer.data()) + at);
            EXPECT_EQ(request->Kind, UINT32{FspFsctlTransactCreateKind});
            at += (request->Size + 7u) & ~7u;
        }
    }
    control(volume.control_handle, FSP_FSCTL_STOP, nullptr, 0, nullptr, 0);
    for (auto& thread : openers)
        thread.join();
}

TEST(Transact, VolumeListNamesRunningVolumes)
{
    Volume volume;
    volume.start(Dispatch::none);
    std::vector<WCHAR> list(4096);
    ULONG size = 0;
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_VOLUME_LIST, nullptr, 0, list.data(), 8192, &size),
              STATUS_SUCCESS);
    EXPECT_NE(std::u16string(list.data(), size / 2).find(volume.name), std::u16string::npos);
    control(volume.control_handle, FSP_FSCTL_STOP0, nullptr, 0, nullptr, 0);
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_VOLUME_LIST, nullptr, 0, list.data(), 8192, &size),
              STATUS_SUCCESS);
    EXPECT_EQ(std::u16string(list.data(), size / 2).find(volume.name), std::u16string::npos);
}

TEST(Transact, MountdevIsStableAndKeepsItsPersistence)
{
    Volume volume;
    volume.start(Dispatch::none);
    GUID first{}, second{};
    const BOOLEAN persistent = TRUE;
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_MOUNTDEV, &persistent, 1, &first, sizeof first),
              STATUS_SUCCESS);
    ASSERT_EQ(control(volume.control_handle, FSP_FSCTL_MOUNTDEV, &persistent, 1, &second, sizeof second),
              STATUS_SUCCESS);
    EXPECT_EQ(memcmp(&first, &second, sizeof first), 0);
    EXPECT_EQ(control(volume.control_handle, FSP_FSCTL_MOUNTDEV, nullptr, 0, &second, sizeof second),
              STATUS_ACCESS_DENIED);
}

TEST(Transact, FilesOutliveTheirVolume)
{
    Volume volume;
    volume.files[u"\\a"];
    volume.start(Dispatch::queue);
    HANDLE file = nullptr, other = nullptr;
    ASSERT_EQ(volume.open(u"\\a", &file), STATUS_SUCCESS);
    volume.stop();
    EXPECT_EQ(volume.open(u"\\a", &other), STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_EQ(NtClose(file), STATUS_SUCCESS);
}

// SPDX-License-Identifier: MIT

/// Files that are reparse points from the start, as the subsystem for Linux makes them.

#include "../fsd/volume_fixture.h"

using namespace fsp::test;

namespace {

constexpr GUID atomic_create_type{
    0x4720bd83, 0x52ac, 0x4104, {0xa1, 0x30, 0xd1, 0xec, 0x6a, 0x8c, 0xc8, 0xe5}};
constexpr USHORT reparse_point = 0x2, best_effort = 0x100;

struct AtomicCreate
{
    USHORT Size, InFlags, OutFlags, ReparseBufferLength;
    void* ReparseBuffer;
};

/// IO_REPARSE_TAG_LX_FIFO, which has no data.
struct Fifo
{
    ULONG tag = 0x80000024;
    USHORT length = 0, reserved = 0;
};

class AtomicCreateTest : public testing::Test
{
  public:
    AtomicCreateTest()
    {
        volume.params.WslFeatures = 1;
        volume.params.ReparsePoints = 1;
        volume.handler = [this](const FSP_FSCTL_TRANSACT_REQ& request, FSP_FSCTL_TRANSACT_RSP& response) {
            if (request.Kind == FspFsctlTransactCreateKind) {
                sent.assign(request.Buffer + request.Req.Create.Ea.Offset,
                            request.Buffer + request.Req.Create.Ea.Offset + request.Req.Create.Ea.Size);
                sent_as_reparse_point = request.Req.Create.EaIsReparsePoint;
            }
            volume.serve_default(request, response);
            return true;
        };
    }

    /// @param out  what the driver says it did
    NTSTATUS create(USHORT flags, const void* reparse, USHORT reparse_size, ULONG disposition = FILE_CREATE,
                    USHORT* out = nullptr)
    {
        sent.clear();
        sent_as_reparse_point = false;
        PECP_LIST list = nullptr;
        PVOID context = nullptr;
        EXPECT_EQ(FsRtlAllocateExtraCreateParameterList(0, &list), STATUS_SUCCESS);
        EXPECT_EQ(FsRtlAllocateExtraCreateParameter(&atomic_create_type, sizeof(AtomicCreate), 0, nullptr,
                                                    0x74736574, &context),
                  STATUS_SUCCESS);
        auto* const atomic = static_cast<AtomicCreate*>(context);
        *atomic = {sizeof(AtomicCreate), flags, 0, reparse_size, const_cast<void*>(reparse)};
        EXPECT_EQ(FsRtlInsertExtraCreateParameter(list, context), STATUS_SUCCESS);

        IO_DRIVER_CREATE_CONTEXT driver_context;
        IoInitializeDriverCreateContext(&driver_context);
        driver_context.ExtraCreateParameter = list;
        const std::u16string path = volume.name + u"\\new";
        UNICODE_STRING name{static_cast<USHORT>(path.size() * 2), static_cast<USHORT>(path.size() * 2),
                            const_cast<WCHAR*>(path.data())};
        OBJECT_ATTRIBUTES attributes;
        InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr,
                                   nullptr);
        HANDLE file = nullptr;
        IO_STATUS_BLOCK io{};
        const NTSTATUS status =
            IoCreateFileEx(&file, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &io, nullptr, 0,
                           FILE_SHARE_READ, disposition, FILE_SYNCHRONOUS_IO_NONALERT, nullptr, 0,
                           CreateFileTypeNone, nullptr, 0, &driver_context);
        if (NT_SUCCESS(status))
            ZwClose(file);
        if (out)
            *out = atomic->OutFlags;
        FsRtlFreeExtraCreateParameterList(list);
        return status;
    }

    Volume volume;
    std::vector<UCHAR> sent;
    bool sent_as_reparse_point = false;
    Fifo fifo;
};

} // namespace

TEST_F(AtomicCreateTest, TheReparsePointComesWithTheFile)
{
    volume.start(Dispatch::queue);
    USHORT done = 0;
    ASSERT_EQ(create(reparse_point, &fifo, sizeof fifo, FILE_CREATE, &done), STATUS_SUCCESS);
    EXPECT_EQ(done, reparse_point);
    EXPECT_TRUE(sent_as_reparse_point);
    ASSERT_EQ(sent.size(), sizeof fifo);
    EXPECT_EQ(memcmp(sent.data(), &fifo, sizeof fifo), 0);
}

TEST_F(AtomicCreateTest, WhatDoesNotFitIsRefused)
{
    volume.start(Dispatch::queue);
    EXPECT_EQ(create(reparse_point, &fifo, sizeof fifo, FILE_OPEN), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create(reparse_point, &fifo, sizeof fifo, FILE_OVERWRITE_IF), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create(0, &fifo, sizeof fifo), STATUS_INVALID_PARAMETER);
    EXPECT_EQ(create(reparse_point, &fifo, sizeof fifo - 1), STATUS_IO_REPARSE_DATA_INVALID);
    EXPECT_EQ(create(reparse_point, nullptr, 8), STATUS_IO_REPARSE_DATA_INVALID);
    fifo.tag = 0;
    EXPECT_EQ(create(reparse_point, &fifo, sizeof fifo), STATUS_IO_REPARSE_TAG_INVALID);
    EXPECT_EQ(volume.kinds_seen(), std::vector<UINT32>());
}

TEST_F(AtomicCreateTest, BestEffortAloneIsAPlainFile)
{
    volume.start(Dispatch::queue);
    USHORT done = 0xffff;
    ASSERT_EQ(create(best_effort, nullptr, 0, FILE_OPEN_IF, &done), STATUS_SUCCESS);
    EXPECT_EQ(done, 0);
    EXPECT_FALSE(sent_as_reparse_point);
}

TEST_F(AtomicCreateTest, OtherVolumesDoNotKnowIt)
{
    volume.params.WslFeatures = 0;
    volume.start(Dispatch::queue);
    USHORT done = 0xffff;
    ASSERT_EQ(create(reparse_point, &fifo, sizeof fifo, FILE_CREATE, &done), STATUS_SUCCESS);
    EXPECT_EQ(done, 0);
    EXPECT_TRUE(sent.empty());
}

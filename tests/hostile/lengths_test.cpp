// SPDX-License-Identifier: MIT
//
// Lengths and counts at the ends of their ranges.
#include "file_system.h"
#include "watchdog.h"

#include "fsd/directory_records.h"
#include "fsd/ea_records.h"
#include "fsd/notify_records.h"

#include <winfsp/ntfsctl.h>

namespace hostile {
namespace {

using fsp::test::control;

constexpr ULONG near_end[] = {0x80000000, 0xfffffff0, 0xfffffff8, 0xfffffffc, 0xfffffffe, 0xffffffff};

TEST(Lengths, NotifyNear4GiBIsRefusedUnread)
{
    FileSystem file_system(honest, 4);
    UINT64 nothing = 0;
    for (const ULONG length : near_end)
        EXPECT_EQ(control(file_system.handle(), FSP_FSCTL_NOTIFY, &nothing, length, nullptr, 0),
                  STATUS_INVALID_PARAMETER);
}

TEST(Lengths, BuffersOfUserModeNear4GiBAreErrors)
{
    FileSystem file_system(honest, 4);
    HANDLE directory = nullptr;
    ASSERT_EQ(fsp::test::open_name(file_system.volume() + u"\\d", FILE_ALL_ACCESS, FILE_OPEN,
                                   FILE_SYNCHRONOUS_IO_NONALERT, 7, &directory),
              STATUS_SUCCESS);
    // A page at the end of what is mapped would do, but any short buffer has unmapped memory within 2 GiB.
    UINT64 buffer[64];
    IO_STATUS_BLOCK io{};
    for (const ULONG length : near_end) {
        EXPECT_FALSE(NT_SUCCESS(NtQueryDirectoryFile(directory, nullptr, nullptr, nullptr, &io, buffer,
                                                     length, FileNamesInformation, FALSE, nullptr, TRUE)));
        EXPECT_FALSE(
            NT_SUCCESS(NtFsControlFile(directory, nullptr, nullptr, nullptr, &io, FSP_FSCTL_TRANSACT_INTERNAL,
                                       buffer, length, buffer, length)));
        EXPECT_FALSE(NT_SUCCESS(NtFsControlFile(file_system.handle(), nullptr, nullptr, nullptr, &io,
                                                FSP_FSCTL_TRANSACT_BATCH, nullptr, 0, buffer, length)));
    }
    NtClose(directory);
}

/// Records whose Size says anything, in buffers that are cut anywhere: the readers' own arithmetic.
TEST(Lengths, RecordsOfEverySizeStayInTheirBuffer)
{
    for (unsigned size = 0; size <= 0xffff; size += size < 300 || size > 0xff00 ? 1 : 97)
        for (const unsigned room : {0u, 1u, 2u, 3u, 11u, 12u, 13u, 103u, 104u, 105u, 106u, 130u}) {
            // Exactly that long, so that a read behind it is seen.
            std::vector<UINT64> words(room / 8 + 1);
            auto* bytes = reinterpret_cast<UINT8*>(words.data()) + (words.size() * 8 - room) / 8 * 8;
            const unsigned exact =
                static_cast<unsigned>(reinterpret_cast<UINT8*>(words.data() + words.size()) - bytes);
            const unsigned length = room < exact ? room : exact;
            if (length >= 2)
                *reinterpret_cast<UINT16*>(bytes) = static_cast<UINT16>(size);
            fsp::fsd::NotifyRecords notes(bytes, length);
            fsp::fsd::NotifyRecord note;
            while (notes.next(note) == fsp::fsd::NotifyRecords::Step::Record)
                EXPECT_LE(note.name_length, length);
            fsp::fsd::DirectoryRecords entries(bytes, length);
            fsp::fsd::DirectoryEntry entry;
            while (entries.next(entry) == fsp::fsd::DirectoryRecords::Step::Entry)
                EXPECT_LE(entry.name_length, length);
        }
}

TEST(Lengths, AListOfAttributeNamesIsNoLongerThanASetCanBe)
{
    // Thousands of different names would be compared with each other.
    std::vector<UINT32> list(0x10000 / 4 + 3);
    std::vector<UINT8> out(64);
    ULONG written = 0, bad = 0;
    EXPECT_EQ(fsp::fsd::ea::query_list(nullptr, 0, list.data(), 0x10000, {}, out.data(), 64, &written, &bad),
              STATUS_EA_LIST_INCONSISTENT);
}

TEST(Lengths, AChainOfAttributesEndsAtAnOddStep)
{
    alignas(8) UINT8 set[64]{13, 0, 0, 0, 0, 1, 4, 0, 'A', 0, 1, 2, 3};
    ULONG length = 0;
    EXPECT_NE(fsp::fsd::ea::find(set, sizeof set, "A", 1, &length), nullptr);
    EXPECT_EQ(fsp::fsd::ea::find(set, sizeof set, "B", 1, &length), nullptr);
}

TEST(Lengths, FileSizesThatNoFileHasAreCutToTheLargest)
{
    fsp::test::Volume volume;
    volume.params.SectorSize = 0xffff;
    volume.params.SectorsPerAllocationUnit = 0xffff; // their product fits only without a sign
    volume.params.FileInfoTimeout = 0xffffffff;
    for (const UINT64 size : {UINT64{1} << 63, ~UINT64{0}, (UINT64{1} << 63) - 1}) {
        const std::u16string name = u"\\f" + std::u16string(1, static_cast<char16_t>(u'a' + size % 7));
        volume.files[name].size = size;
    }
    volume.start(fsp::test::Dispatch::queue);
    for (const auto& [name, entry] : volume.files) {
        if (entry.directory)
            continue;
        HANDLE file = nullptr;
        ASSERT_EQ(volume.open(name, &file, FILE_OPEN, FILE_ALL_ACCESS), STATUS_SUCCESS);
        FILE_STANDARD_INFORMATION standard{};
        IO_STATUS_BLOCK io{};
        EXPECT_EQ(NtQueryInformationFile(file, &io, &standard, sizeof standard, FileStandardInformation),
                  STATUS_SUCCESS);
        EXPECT_GT(standard.EndOfFile.QuadPart, 0);
        EXPECT_GE(standard.AllocationSize.QuadPart, standard.EndOfFile.QuadPart);
        char byte = 0;
        LARGE_INTEGER end{};
        end.QuadPart = MAXLONGLONG - 1;
        NtReadFile(file, nullptr, nullptr, nullptr, &io, &byte, 1, &end, nullptr); // any status
        NtClose(file);
    }
}

} // namespace
} // namespace hostile

// SPDX-License-Identifier: MIT
#include "records.h"

#include "fsd/directory_records.h"
#include "fsd/stream_records.h"
#include <gtest/gtest.h>

using namespace fsp::fsd;

namespace {
std::u16string name_of(const DirectoryEntry& entry) { return {entry.name, entry.name_length / 2}; }
} // namespace

TEST(DirectoryRecords, EndRecordSaysComplete)
{
    build::Bytes bytes;
    build::directory_entry(bytes, u"a");
    build::directory_entry(bytes, u"bcd");
    build::directory_end(bytes);
    DirectoryRecords records(bytes.data(), static_cast<ULONG>(bytes.size()));
    DirectoryEntry entry{};
    ASSERT_EQ(records.next(entry), DirectoryRecords::Step::Entry);
    EXPECT_EQ(name_of(entry), u"a");
    ASSERT_EQ(records.next(entry), DirectoryRecords::Step::Entry);
    EXPECT_EQ(name_of(entry), u"bcd");
    EXPECT_EQ(records.next(entry), DirectoryRecords::Step::Complete);
}

TEST(DirectoryRecords, MissingEndRecordSaysMoreToCome)
{
    build::Bytes bytes;
    build::directory_entry(bytes, u"a");
    DirectoryRecords records(bytes.data(), static_cast<ULONG>(bytes.size()));
    DirectoryEntry entry{};
    ASSERT_EQ(records.next(entry), DirectoryRecords::Step::Entry);
    EXPECT_EQ(records.next(entry), DirectoryRecords::Step::End);
}

TEST(DirectoryRecords, RecordBeyondTheAnswerIsNotRead)
{
    build::Bytes bytes;
    build::directory_entry(bytes, u"abcdef");
    for (ULONG size = 0; size < bytes.size(); ++size) {
        build::Bytes cut(bytes.begin(), bytes.begin() + size);
        DirectoryRecords records(cut.data(), size);
        DirectoryEntry entry{};
        EXPECT_NE(records.next(entry), DirectoryRecords::Step::Entry) << size;
    }
}

TEST(DirectoryWriter, ChainsRecordsOnMultiplesOf8)
{
    build::Bytes bytes;
    build::directory_entry(bytes, u"a", 5);
    build::directory_entry(bytes, u"bc", 6, FILE_ATTRIBUTE_REPARSE_POINT, 7, 0xA000000C);
    alignas(8) unsigned char out[512];
    std::memset(out, 0xcc, sizeof out);
    DirectoryWriter writer(FileIdBothDirectoryInformation, true, out, sizeof out);
    DirectoryRecords records(bytes.data(), static_cast<ULONG>(bytes.size()));
    DirectoryEntry entry{};
    while (records.next(entry) == DirectoryRecords::Step::Entry)
        ASSERT_EQ(writer.append(entry), DirectoryWriter::Outcome::Added);

    const auto* first = reinterpret_cast<FILE_ID_BOTH_DIR_INFORMATION*>(out);
    EXPECT_EQ(first->NextEntryOffset, 112u);
    EXPECT_EQ(first->FileAttributes, FILE_ATTRIBUTE_NORMAL);
    EXPECT_EQ(first->EndOfFile.QuadPart, 5);
    EXPECT_EQ(first->FileId.QuadPart, 1);
    EXPECT_EQ(first->EaSize, 0u);
    // Bytes between the records come from nowhere else than from us.
    for (ULONG i = 106; i < 112; ++i)
        EXPECT_EQ(out[i], 0) << i;
    const auto* second = reinterpret_cast<FILE_ID_BOTH_DIR_INFORMATION*>(out + 112);
    EXPECT_EQ(second->NextEntryOffset, 0u);
    EXPECT_EQ(second->EaSize, 0xA000000C);
    EXPECT_EQ(second->FileNameLength, 4u);
    EXPECT_EQ(writer.written(), 112u + 104 + 4);
}

TEST(DirectoryWriter, FirstNameIsCutLaterOnesAreLeftOut)
{
    build::Bytes bytes;
    build::directory_entry(bytes, u"abcd");
    DirectoryEntry entry{};
    DirectoryRecords(bytes.data(), static_cast<ULONG>(bytes.size())).next(entry);
    alignas(8) unsigned char out[64];

    DirectoryWriter tiny(FileNamesInformation, true, out, 11);
    EXPECT_EQ(tiny.append(entry), DirectoryWriter::Outcome::TooSmall);

    DirectoryWriter cut(FileNamesInformation, true, out, 15);
    EXPECT_EQ(cut.append(entry), DirectoryWriter::Outcome::Truncated);
    EXPECT_EQ(cut.written(), 14u);
    EXPECT_EQ(reinterpret_cast<FILE_NAMES_INFORMATION*>(out)->FileNameLength, 8u);

    DirectoryWriter one(FileNamesInformation, true, out, 24 + 12 + 6);
    EXPECT_EQ(one.append(entry), DirectoryWriter::Outcome::Added);
    EXPECT_EQ(one.append(entry), DirectoryWriter::Outcome::Full);
    EXPECT_EQ(one.written(), 20u);
    EXPECT_EQ(reinterpret_cast<FILE_NAMES_INFORMATION*>(out)->NextEntryOffset, 0u);
}

TEST(DirectoryRequest, LengthStaysBetweenTheLimits)
{
    EXPECT_EQ(directory_request_ratio(1, FileNamesInformation, 616, 65520), 616u);
    EXPECT_EQ(directory_request_ratio(0xffffffff, FileNamesInformation, 616, 65520), 65520u);
    const ULONG wanted = directory_request_ratio(4096, FileBothDirectoryInformation, 616, 65520);
    EXPECT_EQ(wanted, (4096u * 152 / (94 + 48) + 7) / 8 * 8);
}

TEST(Streams, NamesGetColonAndType)
{
    build::Bytes bytes;
    build::stream(bytes, u"", 3);
    build::stream(bytes, u"x", 4);
    build::directory_end(bytes);
    alignas(8) unsigned char out[256];
    ULONG written = 0;
    EXPECT_EQ(pack_streams(bytes.data(), static_cast<ULONG>(bytes.size()), out, sizeof out, &written),
              STATUS_SUCCESS);
    const auto* first = reinterpret_cast<FILE_STREAM_INFORMATION*>(out);
    EXPECT_EQ(std::u16string(first->StreamName, first->StreamNameLength / 2), u"::$DATA");
    ASSERT_EQ(first->NextEntryOffset, 40u);
    const auto* second = reinterpret_cast<FILE_STREAM_INFORMATION*>(out + 40);
    EXPECT_EQ(std::u16string(second->StreamName, second->StreamNameLength / 2), u":x:$DATA");
    EXPECT_EQ(second->StreamSize.QuadPart, 4);
    EXPECT_EQ(written, 40u + 24 + 16);
}

TEST(Streams, TooSmallAndCut)
{
    build::Bytes bytes;
    build::stream(bytes, u"stream", 3);
    alignas(8) unsigned char out[256];
    ULONG written = 1;
    EXPECT_EQ(pack_streams(bytes.data(), static_cast<ULONG>(bytes.size()), out, 23, &written),
              STATUS_BUFFER_TOO_SMALL);
    EXPECT_EQ(written, 0u);
    EXPECT_EQ(pack_streams(bytes.data(), static_cast<ULONG>(bytes.size()), out, 31, &written),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(written, 30u);
    EXPECT_EQ(reinterpret_cast<FILE_STREAM_INFORMATION*>(out)->StreamNameLength, 26u);
    EXPECT_EQ(pack_streams(nullptr, 0, out, 0, &written), STATUS_SUCCESS);
    EXPECT_EQ(written, 0u);
}

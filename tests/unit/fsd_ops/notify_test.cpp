// SPDX-License-Identifier: MIT
#include "records.h"

#include "fsd/notify_records.h"
#include <gtest/gtest.h>

using namespace fsp::fsd;

TEST(NotifyRecords, TrailingBackslashIsRemoved)
{
    build::Bytes bytes;
    build::notify(bytes, 1, 2, u"\\dir\\");
    build::notify(bytes, 3, 4, u"\\");
    NotifyRecords records(bytes.data(), static_cast<ULONG>(bytes.size()));
    NotifyRecord r{};
    ASSERT_EQ(records.next(r), NotifyRecords::Step::Record);
    EXPECT_EQ(std::u16string(r.name, r.name_length / 2), u"\\dir");
    EXPECT_EQ(r.filter, 1u);
    EXPECT_EQ(r.action, 2u);
    ASSERT_EQ(records.next(r), NotifyRecords::Step::Record);
    EXPECT_EQ(std::u16string(r.name, r.name_length / 2), u"\\");
    EXPECT_EQ(records.next(r), NotifyRecords::Step::End);
}

TEST(NotifyRecords, ShortRecordEndsTheSession)
{
    build::Bytes bytes;
    build::notify(bytes, 1, 2, u"\\a");
    build::align(bytes, 8);
    bytes.insert(bytes.end(), {0, 0});
    NotifyRecords records(bytes.data(), static_cast<ULONG>(bytes.size()));
    NotifyRecord r{};
    ASSERT_EQ(records.next(r), NotifyRecords::Step::Record);
    EXPECT_EQ(records.next(r), NotifyRecords::Step::EndOfSession);
}

TEST(NotifyRecords, RecordBeyondTheBufferIsNotRead)
{
    build::Bytes bytes;
    build::notify(bytes, 1, 2, u"\\abc");
    for (ULONG size = 2; size < bytes.size(); ++size) {
        build::Bytes cut(bytes.begin(), bytes.begin() + size);
        NotifyRecords records(cut.data(), size);
        NotifyRecord r{};
        EXPECT_EQ(records.next(r), NotifyRecords::Step::End) << size;
    }
}

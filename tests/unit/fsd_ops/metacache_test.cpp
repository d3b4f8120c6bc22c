// SPDX-License-Identifier: MIT
#include "fsd/metacache.h"
#include "fsd/statistics.h"
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace fsp::fsd;

namespace {

class MetaCacheTest : public testing::Test
{
  protected:
    void start(ULONG timeout = 0xffffffff, ULONG capacity = 3, ULONG limit = 4096, bool expires = true)
    {
        cache.init(timeout, capacity, limit, expires);
        started = true;
    }
    ~MetaCacheTest() override
    {
        if (started)
            cache.fini();
    }
    void store(MetaCacheSlot& slot, const std::string& text)
    {
        cache.store(slot, cache.change_number(slot), text.data(), static_cast<ULONG>(text.size()));
    }
    std::string text(MetaCacheSlot& slot)
    {
        MetaCacheView view = cache.find(slot);
        return view ? std::string(reinterpret_cast<const char*>(view.data()), view.size()) : "(none)";
    }

    MetaCache cache;
    bool started = false;
    MetaCacheSlot a, b, c, d;
};

TEST_F(MetaCacheTest, FindsWhatWasStored)
{
    start();
    store(a, "hello");
    EXPECT_EQ(text(a), "hello");
    EXPECT_EQ(text(b), "(none)");
}

TEST_F(MetaCacheTest, FullCacheEvictsTheOldest)
{
    start();
    store(a, "a");
    store(b, "b");
    store(c, "c");
    store(d, "d");
    EXPECT_EQ(text(a), "(none)");
    EXPECT_EQ(text(b), "b");
    EXPECT_EQ(text(d), "d");
    EXPECT_EQ(cache.count(), 3u);
}

TEST_F(MetaCacheTest, TimeoutZeroCachesNothing)
{
    start(0);
    store(a, "a");
    EXPECT_EQ(text(a), "(none)");
}

TEST_F(MetaCacheTest, LargeItemIsNotCached)
{
    start(1000, 3, 100);
    store(a, std::string(100, 'x'));
    EXPECT_EQ(text(a), "(none)");
    store(a, std::string(20, 'x'));
    EXPECT_NE(text(a), "(none)");
}

TEST_F(MetaCacheTest, AnswerOlderThanAnInvalidationIsNotStored)
{
    start();
    const ULONG change = cache.change_number(a);
    cache.invalidate(a);
    cache.store(a, change, "old", 3);
    EXPECT_EQ(text(a), "(none)");
}

TEST_F(MetaCacheTest, ReplaceMakesAnswersUnderWayStale)
{
    start();
    const ULONG change = cache.change_number(a);
    cache.replace(a, "new", 3);
    cache.store(a, change, "old", 3);
    EXPECT_EQ(text(a), "new");
}

TEST_F(MetaCacheTest, ViewOutlivesInvalidation)
{
    start();
    store(a, "kept");
    MetaCacheView view = cache.find(a);
    cache.invalidate(a);
    ASSERT_TRUE(view);
    EXPECT_EQ(std::memcmp(view.data(), "kept", 4), 0);
    EXPECT_EQ(text(a), "(none)");
}

TEST_F(MetaCacheTest, ExpiresByTimer)
{
    start(1000);
    store(a, "a");
    cache.expire(KeQueryInterruptTime());
    EXPECT_EQ(text(a), "a");
    cache.expire(KeQueryInterruptTime() + 20'000'000);
    EXPECT_EQ(cache.count(), 0u);
}

TEST_F(MetaCacheTest, UnlimitedAndUnexpiringItemsStay)
{
    start(0xffffffff);
    store(a, "a");
    cache.expire(~UINT64{0} - 1);
    EXPECT_EQ(text(a), "a");
    cache.fini();

    MetaCache eas;
    eas.init(1, 3, 4096, false);
    MetaCacheSlot slot;
    eas.store(slot, eas.change_number(slot), "x", 1);
    eas.expire(~UINT64{0});
    EXPECT_TRUE(eas.find(slot));
    eas.fini();
}

TEST(Statistics, CountsPerProcessorAndCopiesWhatFits)
{
    Statistics statistics;
    ASSERT_EQ(statistics.init(4), STATUS_SUCCESS);
    statistics.count_read(Statistics::Transfer::Paging, 10);
    statistics.count_write(Statistics::Transfer::NonCached, 20);
    statistics.count_create(STATUS_SUCCESS);
    statistics.count_create(STATUS_ACCESS_DENIED);

    const ULONG record = Statistics::record_size();
    EXPECT_EQ(record % 64, 0u);
    std::vector<unsigned char> out(4 * record);
    ULONG written = 0;
    EXPECT_EQ(statistics.copy(out.data(), 4 * record, &written), STATUS_SUCCESS);
    EXPECT_EQ(written, 4 * record);
    ULONG reads = 0, writes = 0, hits = 0, failed = 0;
    for (ULONG i = 0; i < 4; ++i) {
        const auto* base = reinterpret_cast<const FILESYSTEM_STATISTICS*>(&out[i * record]);
        const auto* fat = reinterpret_cast<const FAT_STATISTICS*>(base + 1);
        EXPECT_EQ(base->FileSystemType, 2);
        EXPECT_EQ(base->SizeOfCompleteStructure, record);
        reads += base->UserFileReadBytes;
        writes += fat->NonCachedWriteBytes;
        hits += fat->CreateHits;
        failed += fat->FailedCreates;
    }
    EXPECT_EQ(reads, 10u);
    EXPECT_EQ(writes, 20u);
    EXPECT_EQ(hits, 2u);
    EXPECT_EQ(failed, 1u);

    EXPECT_EQ(statistics.copy(out.data(), record, &written), STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(written, record);
    EXPECT_EQ(statistics.copy(out.data(), 8, &written), STATUS_BUFFER_TOO_SMALL);
}

} // namespace

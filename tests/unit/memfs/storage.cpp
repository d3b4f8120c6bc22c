// SPDX-License-Identifier: MIT
#include "memfs/storage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace {

using memfs::Storage;
using Bytes = std::vector<unsigned char>;

Bytes read(const Storage& storage, std::uint64_t offset, std::size_t length)
{
    Bytes result(length, 0xEE);
    storage.read(offset, result.data(), length);
    return result;
}

TEST(Storage, WhatWasNeverWrittenReadsAsZeros)
{
    Storage storage;
    EXPECT_EQ(read(storage, 12345, 10), Bytes(10, 0));
    ASSERT_TRUE(storage.write(100, "x", 1));
    EXPECT_EQ(read(storage, 99, 3), (Bytes{0, 'x', 0}));
}

TEST(Storage, HoleCostsNothing)
{
    Storage storage;
    ASSERT_TRUE(storage.write(std::uint64_t{6} << 30, "x", 1));
    ASSERT_TRUE(storage.write(std::uint64_t{1} << 59, "y", 1));
    EXPECT_LE(storage.resident(), 2 * Storage::chunk_size);
    EXPECT_EQ(read(storage, std::uint64_t{6} << 30, 1), Bytes{'x'});
    EXPECT_EQ(read(storage, std::uint64_t{1} << 59, 1), Bytes{'y'});
}

TEST(Storage, SmallFileHoldsLittleMemory)
{
    Storage storage;
    ASSERT_TRUE(storage.write(0, "hello", 5));
    EXPECT_LE(storage.resident(), 64U);
}

TEST(Storage, ShrinkingGivesMemoryBack)
{
    Storage storage;
    const Bytes data(10 * Storage::chunk_size, 7);
    ASSERT_TRUE(storage.write(0, data.data(), data.size()));
    storage.truncate(Storage::chunk_size + 1);
    EXPECT_EQ(storage.resident(), 2 * Storage::chunk_size);
    storage.truncate(0);
    EXPECT_EQ(storage.resident(), 0U);
}

TEST(Storage, WhatWasCutOffReadsAsZerosAfterGrowing)
{
    for (const std::size_t size : {200UL, 100'000UL}) {
        Storage storage;
        const Bytes data(size, 7);
        ASSERT_TRUE(storage.write(0, data.data(), data.size()));
        storage.truncate(size / 2);
        EXPECT_EQ(read(storage, size / 2, size / 2), Bytes(size / 2, 0));
        EXPECT_EQ(read(storage, 0, size / 2), Bytes(size / 2, 7));
    }
}

TEST(Storage, ClearedRangesGiveTheirMemoryBack)
{
    Storage storage;
    const Bytes data(10 * Storage::chunk_size, 7);
    ASSERT_TRUE(storage.write(0, data.data(), data.size()));
    storage.clear(1, 9 * Storage::chunk_size + 1);
    EXPECT_EQ(storage.resident(), 2 * Storage::chunk_size);
    std::uint64_t start = 0, end = 0;
    ASSERT_TRUE(storage.next_held(Storage::chunk_size, &start, &end));
    EXPECT_EQ(start, 9 * Storage::chunk_size);
    EXPECT_EQ(end, 10 * Storage::chunk_size);
    EXPECT_FALSE(storage.next_held(10 * Storage::chunk_size, &start, &end));
    // A hole of a size that no walk from chunk to chunk would ever get over.
    storage.clear(0, std::uint64_t{1} << 62);
    ASSERT_TRUE(storage.write(std::uint64_t{1} << 59, data.data(), 1));
    ASSERT_TRUE(storage.next_held(0, &start, &end));
    EXPECT_EQ(start, std::uint64_t{1} << 59);
}

TEST(Storage, AgreesWithAnArrayUnderRandomOperations)
{
    std::mt19937 random(1);
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random);
    };
    for (const std::size_t extent : {1000UL, 200'000UL, 5'000'000UL}) {
        Storage storage;
        Bytes model;
        for (int step = 0; step != 400; ++step) {
            const std::size_t offset = below(extent), length = 1 + below(step % 5 == 0 ? 150'000 : 300);
            switch (below(5)) {
            case 0: {
                Bytes data(length);
                std::generate(data.begin(), data.end(), [&] { return static_cast<unsigned char>(random()); });
                model.resize(std::max(model.size(), offset + length));
                std::copy(data.begin(), data.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
                ASSERT_TRUE(storage.write(offset, data.data(), length));
                break;
            }
            case 1:
                model.resize(std::min(model.size(), offset));
                storage.truncate(offset);
                break;
            case 2:
                for (std::size_t i = offset; i < std::min(offset + length, model.size()); ++i)
                    model[i] = 0;
                storage.clear(offset, offset + length);
                break;
            case 3: { // holes hold nothing
                std::uint64_t start = 0, end = 0;
                const bool held = storage.next_held(offset, &start, &end);
                const std::size_t stop = held ? start : model.size();
                for (std::size_t i = offset; i < std::min(stop, model.size()); ++i)
                    ASSERT_EQ(model[i], 0);
                ASSERT_TRUE(!held || (start >= offset && end > start));
                break;
            }
            default: {
                Bytes expected(length, 0);
                if (offset < model.size())
                    std::memcpy(expected.data(), model.data() + offset,
                                std::min(length, model.size() - offset));
                ASSERT_EQ(read(storage, offset, length), expected);
            }
            }
        }
    }
}

} // namespace

// SPDX-License-Identifier: MIT
#include "records.h"

#include "fsd/ea_records.h"
#include <gtest/gtest.h>

namespace ea = fsp::fsd::ea;

namespace {

std::vector<std::string> names(const unsigned char* out, ULONG size)
{
    std::vector<std::string> result;
    for (ULONG at = 0; at < size;) {
        const auto* r = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(out + at);
        result.emplace_back(r->EaName, r->EaNameLength);
        if (!r->NextEntryOffset)
            break;
        EXPECT_EQ(r->NextEntryOffset % 4, 0u);
        at += r->NextEntryOffset;
    }
    return result;
}

build::Bytes three()
{
    build::Bytes set;
    build::ea(set, "One", "1");
    build::ea(set, "Two", "22");
    build::ea(set, "Three", "333");
    return set;
}

struct Output
{
    alignas(8) unsigned char bytes[256];
    ULONG written = 0;
    std::vector<std::string> names() const { return ::names(bytes, written); }
};

} // namespace

TEST(EaName, RejectsWhatFatRejects)
{
    EXPECT_TRUE(ea::name_valid("$LXUID", 6));
    EXPECT_TRUE(ea::name_valid("user.x", 6));
    EXPECT_FALSE(ea::name_valid("", 0));
    EXPECT_FALSE(ea::name_valid("a:b", 3));
    EXPECT_FALSE(ea::name_valid("a+b", 3));
    EXPECT_FALSE(ea::name_valid("a\tb", 3));
    EXPECT_TRUE(ea::name_valid(std::string(254, 'a').data(), 254));
    EXPECT_FALSE(ea::name_valid(std::string(255, 'a').data(), 255));
}

TEST(EaSet, AcceptsAChainAndNamesTheFirstBadEntry)
{
    build::Bytes set = three();
    ULONG bad = 1;
    EXPECT_EQ(ea::validate(set.data(), static_cast<ULONG>(set.size()), &bad), STATUS_SUCCESS);

    build::Bytes invalid;
    build::ea(invalid, "One", "1");
    build::ea(invalid, "T*o", "2");
    EXPECT_EQ(ea::validate(invalid.data(), static_cast<ULONG>(invalid.size()), &bad), STATUS_INVALID_EA_NAME);
    EXPECT_EQ(bad, 16u);
}

TEST(EaSet, RejectsEveryTruncation)
{
    build::Bytes set = three();
    for (ULONG size = 0; size < set.size(); ++size) {
        build::Bytes cut(set.begin(), set.begin() + size);
        ULONG bad;
        EXPECT_EQ(ea::validate(cut.data(), size, &bad), STATUS_EA_LIST_INCONSISTENT) << size;
    }
}

TEST(EaSet, RejectsAStepThatIsNotTheRecordsSize)
{
    for (ULONG step : {1u, 4u, 12u, 20u, 0xfffffffcu}) {
        build::Bytes set = three();
        std::memcpy(set.data(), &step, sizeof step);
        ULONG bad;
        EXPECT_EQ(ea::validate(set.data(), static_cast<ULONG>(set.size()), &bad), STATUS_EA_LIST_INCONSISTENT)
            << step;
    }
}

TEST(EaAnswer, LastEntryMayPointToTheEnd)
{
    build::Bytes set;
    build::ea(set, "Only", "value", true);
    EXPECT_EQ(ea::validate_answer(set.data(), static_cast<ULONG>(set.size())), STATUS_SUCCESS);
}

TEST(EaQueryList, ReturnsRequestedOrderUpperCaseAndEmptyForMissing)
{
    build::Bytes set = three(), list;
    build::get_ea(list, "three", false);
    build::get_ea(list, "nope", false);
    build::get_ea(list, "THREE", false);
    build::get_ea(list, "one", true);
    Output out;
    ULONG bad;
    EXPECT_EQ(ea::query_list(set.data(), static_cast<ULONG>(set.size()), list.data(),
                             static_cast<ULONG>(list.size()), {}, out.bytes, sizeof out.bytes, &out.written,
                             &bad),
              STATUS_SUCCESS);
    EXPECT_EQ(out.names(), (std::vector<std::string>{"THREE", "NOPE", "ONE"}));
    EXPECT_EQ(reinterpret_cast<FILE_FULL_EA_INFORMATION*>(out.bytes)->EaValueLength, 3);
}

TEST(EaQueryList, PreservesCaseOnDemand)
{
    build::Bytes set = three(), list;
    build::get_ea(list, "two", true);
    Output out;
    ULONG bad;
    EXPECT_EQ(ea::query_list(set.data(), static_cast<ULONG>(set.size()), list.data(),
                             static_cast<ULONG>(list.size()), {.preserve_case = true}, out.bytes,
                             sizeof out.bytes, &out.written, &bad),
              STATUS_SUCCESS);
    EXPECT_EQ(out.names(), (std::vector<std::string>{"Two"}));
}

TEST(EaQueryList, ReturnsNothingWhenAllDoesNotFit)
{
    build::Bytes set = three(), list;
    build::get_ea(list, "one", false);
    build::get_ea(list, "two", true);
    Output out;
    ULONG bad;
    EXPECT_EQ(ea::query_list(set.data(), static_cast<ULONG>(set.size()), list.data(),
                             static_cast<ULONG>(list.size()), {}, out.bytes, 20, &out.written, &bad),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(out.written, 0u);
}

TEST(EaQueryList, InvalidNameGivesItsOffset)
{
    build::Bytes set = three(), list;
    build::get_ea(list, "one", false);
    build::get_ea(list, "a|b", true);
    Output out;
    ULONG bad;
    EXPECT_EQ(ea::query_list(set.data(), static_cast<ULONG>(set.size()), list.data(),
                             static_cast<ULONG>(list.size()), {}, out.bytes, sizeof out.bytes, &out.written,
                             &bad),
              STATUS_INVALID_EA_NAME);
    EXPECT_EQ(bad, 12u);
}

TEST(EaQueryScan, ContinuesAndEnds)
{
    build::Bytes set = three();
    const auto size = static_cast<ULONG>(set.size());
    Output out;
    ULONG index = 1;
    EXPECT_EQ(ea::query_scan(set.data(), size, false, &index, {}, out.bytes, 14, &out.written),
              STATUS_BUFFER_OVERFLOW);
    EXPECT_EQ(out.names(), std::vector<std::string>{"ONE"});
    EXPECT_EQ(index, 2u);
    EXPECT_EQ(ea::query_scan(set.data(), size, false, &index, {}, out.bytes, sizeof out.bytes, &out.written),
              STATUS_SUCCESS);
    EXPECT_EQ(out.names(), (std::vector<std::string>{"TWO", "THREE"}));
    EXPECT_EQ(ea::query_scan(set.data(), size, false, &index, {}, out.bytes, sizeof out.bytes, &out.written),
              STATUS_NO_MORE_EAS);
}

TEST(EaQueryScan, IndexErrors)
{
    build::Bytes set = three();
    const auto size = static_cast<ULONG>(set.size());
    Output out;
    const auto scan = [&](ULONG index) {
        return ea::query_scan(set.data(), size, true, &index, {}, out.bytes, sizeof out.bytes, &out.written);
    };
    EXPECT_EQ(scan(0), STATUS_NONEXISTENT_EA_ENTRY);
    EXPECT_EQ(scan(3), STATUS_SUCCESS);
    EXPECT_EQ(scan(4), STATUS_NO_MORE_EAS);
    EXPECT_EQ(scan(5), STATUS_NONEXISTENT_EA_ENTRY);
    ULONG index = 1;
    EXPECT_EQ(ea::query_scan(nullptr, 0, false, &index, {}, out.bytes, sizeof out.bytes, &out.written),
              STATUS_NO_EAS_ON_FILE);
    EXPECT_EQ(ea::query_scan(set.data(), size, false, &index, {}, out.bytes, 8, &out.written),
              STATUS_BUFFER_TOO_SMALL);
}

TEST(EaFind, ComparesWithoutCase)
{
    build::Bytes set = three();
    ULONG length = 0;
    const UCHAR* value = ea::find(set.data(), static_cast<ULONG>(set.size()), "tWO", 3, &length);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(value), length), "22");
    EXPECT_EQ(ea::find(set.data(), static_cast<ULONG>(set.size()), "Tw", 2, &length), nullptr);
}

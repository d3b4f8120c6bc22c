// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <winfsp/winfsp.h>

namespace {

struct SingleEa
{
    alignas(4) UINT8 bytes[300] = {};

    SingleEa(const std::string& name, const std::string& value)
    {
        auto* ea = get();
        ea->EaNameLength = static_cast<UCHAR>(name.size());
        ea->EaValueLength = static_cast<USHORT>(value.size());
        std::memcpy(ea->EaName, name.data(), name.size());
        std::memcpy(ea->EaName + name.size() + 1, value.data(), value.size());
    }
    PFILE_FULL_EA_INFORMATION get() { return reinterpret_cast<PFILE_FULL_EA_INFORMATION>(bytes); }
};

using Pairs = std::vector<std::pair<std::string, std::string>>;

NTSTATUS collect(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION ea)
{
    static_cast<Pairs*>(context)->emplace_back(
        std::string(ea->EaName, ea->EaNameLength),
        std::string(ea->EaName + ea->EaNameLength + 1, ea->EaValueLength));
    return STATUS_SUCCESS;
}

NTSTATUS fail(FSP_FILE_SYSTEM*, PVOID context, PFILE_FULL_EA_INFORMATION)
{
    ++*static_cast<int*>(context);
    return STATUS_EA_TOO_LARGE;
}

class EaList : public testing::Test
{
  protected:
    bool add(const std::string& name, const std::string& value)
    {
        return FspFileSystemAddEa(SingleEa(name, value).get(), list(), sizeof bytes_, &used_);
    }
    void finish() { FspFileSystemAddEa(nullptr, list(), sizeof bytes_, &used_); }
    PFILE_FULL_EA_INFORMATION list() { return reinterpret_cast<PFILE_FULL_EA_INFORMATION>(bytes_); }

    alignas(4) UINT8 bytes_[64] = {};
    ULONG used_ = 0;
};

TEST_F(EaList, EntriesStartOnMultiplesOfFour)
{
    ASSERT_TRUE(add("A", "12"));
    EXPECT_EQ(used_, 12u);
    ASSERT_TRUE(add("BC", "3"));
    EXPECT_EQ(used_, 24u);
    ASSERT_TRUE(add("D", "4"));
    EXPECT_EQ(used_, 35u);
    finish();
    EXPECT_EQ(list()->NextEntryOffset, 12u);

    Pairs pairs;
    EXPECT_EQ(FspFileSystemEnumerateEa(nullptr, collect, &pairs, list(), used_), STATUS_SUCCESS);
    EXPECT_EQ(pairs, (Pairs{{"A", "12"}, {"BC", "3"}, {"D", "4"}}));
}

TEST_F(EaList, RefusesWhatDoesNotFit)
{
    ASSERT_TRUE(add("A", std::string(50, 'x')));
    const ULONG used = used_;
    EXPECT_FALSE(add("B", "1"));
    EXPECT_EQ(used_, used);
    finish();
    EXPECT_EQ(list()->NextEntryOffset, 0u);
}

TEST_F(EaList, FinishingAnEmptyListDoesNothing)
{
    finish();
    EXPECT_EQ(used_, 0u);
    int calls = 0;
    EXPECT_EQ(FspFileSystemEnumerateEa(nullptr, fail, &calls, list(), 0), STATUS_SUCCESS);
    EXPECT_EQ(calls, 0);
}

TEST_F(EaList, EnumerationStopsAtTheFirstFailure)
{
    add("A", "1");
    add("B", "2");
    finish();
    int calls = 0;
    EXPECT_EQ(FspFileSystemEnumerateEa(nullptr, fail, &calls, list(), used_), STATUS_EA_TOO_LARGE);
    EXPECT_EQ(calls, 1);
}

TEST(EaPackedSize, IsFiveAndNameAndValue)
{
    EXPECT_EQ(FspFileSystemGetEaPackedSize(SingleEa("abc", "12345").get()), 13u);
}

} // namespace

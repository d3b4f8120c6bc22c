// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <winfsp/winfsp.h>

namespace {

struct Entry
{
    alignas(8) UINT8 bytes[sizeof(FSP_FSCTL_DIR_INFO) + 256 * sizeof(WCHAR)] = {};

    explicit Entry(const std::u16string& name)
    {
        info()->Size = static_cast<UINT16>(sizeof(FSP_FSCTL_DIR_INFO) + name.size() * sizeof(WCHAR));
        std::memcpy(info()->FileNameBuf, name.data(), name.size() * sizeof(WCHAR));
    }
    FSP_FSCTL_DIR_INFO* info() { return reinterpret_cast<FSP_FSCTL_DIR_INFO*>(bytes); }
};

struct Listing
{
    std::vector<std::u16string> names;
    bool ended = false;
};

Listing parse(const UINT8* bytes, ULONG size)
{
    Listing listing;
    for (ULONG at = 0; at + 2 <= size;) {
        const auto* info = reinterpret_cast<const FSP_FSCTL_DIR_INFO*>(bytes + at);
        if (info->Size == 0) {
            listing.ended = true;
            break;
        }
        listing.names.emplace_back(info->FileNameBuf, (info->Size - sizeof *info) / sizeof(WCHAR));
        at += (info->Size + 7) / 8 * 8;
    }
    return listing;
}

class DirectoryBuffer : public testing::Test
{
  protected:
    ~DirectoryBuffer() override { FspFileSystemDeleteDirectoryBuffer(&buffer_); }

    void fill(const std::vector<std::u16string>& names)
    {
        NTSTATUS status = STATUS_UNSUCCESSFUL;
        ASSERT_TRUE(FspFileSystemAcquireDirectoryBuffer(&buffer_, TRUE, &status));
        for (const auto& name : names)
            ASSERT_TRUE(FspFileSystemFillDirectoryBuffer(&buffer_, Entry(name).info(), &status));
        FspFileSystemReleaseDirectoryBuffer(&buffer_);
    }

    Listing read(const WCHAR* marker = nullptr, ULONG length = 65536)
    {
        std::vector<UINT8> out(length);
        ULONG used = 0;
        FspFileSystemReadDirectoryBuffer(&buffer_, const_cast<PWSTR>(marker), out.data(), length, &used);
        return parse(out.data(), used);
    }

    PVOID buffer_ = nullptr;
};

using Names = std::vector<std::u16string>;

TEST_F(DirectoryBuffer, SortsDotsFirstThenOrdinally)
{
    fill({u"b", u"..", u"a", u"B", u".", u"ab", u"-"});
    const Listing listing = read();
    EXPECT_EQ(listing.names, (Names{u".", u"..", u"-", u"B", u"a", u"ab", u"b"}));
    EXPECT_TRUE(listing.ended);
}

TEST_F(DirectoryBuffer, ContinuesAfterAMarkerThatNeedNotExist)
{
    fill({u".", u"..", u"a", u"c", u"e"});
    EXPECT_EQ(read(u"c").names, (Names{u"e"}));
    EXPECT_EQ(read(u"b").names, (Names{u"c", u"e"}));
    EXPECT_EQ(read(u".").names, (Names{u"..", u"a", u"c", u"e"}));
    EXPECT_TRUE(read(u"z").names.empty());
    EXPECT_TRUE(read(u"z").ended);
}

TEST_F(DirectoryBuffer, OmitsTheEndMarkerWhenTheOutputIsFull)
{
    fill({u"a", u"b", u"c"});
    const Listing listing = read(nullptr, 2 * 112 + 50);
    EXPECT_EQ(listing.names, (Names{u"a", u"b"}));
    EXPECT_FALSE(listing.ended);
}

TEST_F(DirectoryBuffer, WithoutABufferOnlyTheEndIsReported)
{
    const Listing listing = read();
    EXPECT_TRUE(listing.names.empty());
    EXPECT_TRUE(listing.ended);
}

TEST_F(DirectoryBuffer, IsUsedAsItIsUnlessReset)
{
    fill({u"a"});
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    EXPECT_FALSE(FspFileSystemAcquireDirectoryBuffer(&buffer_, FALSE, &status));
    EXPECT_EQ(status, STATUS_SUCCESS);
    EXPECT_EQ(read().names, (Names{u"a"}));
    fill({u"b"});
    EXPECT_EQ(read().names, (Names{u"b"}));
}

TEST_F(DirectoryBuffer, RefusesANullEntry)
{
    NTSTATUS status = STATUS_SUCCESS;
    ASSERT_TRUE(FspFileSystemAcquireDirectoryBufferEx(&buffer_, FALSE, 300000, nullptr));
    EXPECT_FALSE(FspFileSystemFillDirectoryBuffer(&buffer_, nullptr, &status));
    EXPECT_EQ(status, STATUS_INVALID_PARAMETER);
    FspFileSystemReleaseDirectoryBuffer(&buffer_);
}

TEST_F(DirectoryBuffer, HoldsManyEntries)
{
    Names names;
    for (int i = 0; i != 20000; ++i) {
        const std::string digits = std::to_string(100000 + i * 7919 % 20000);
        names.emplace_back(digits.begin(), digits.end());
    }
    fill(names);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(read(nullptr, 4 << 20).names, names);
}

TEST(AddDirInfo, ChangesNothingIfItDoesNotFit)
{
    UINT8 out[112] = {};
    ULONG used = 0;
    Entry entry(u"ab");
    EXPECT_TRUE(FspFileSystemAddDirInfo(entry.info(), out, sizeof out, &used));
    EXPECT_EQ(used, 112u);
    EXPECT_FALSE(FspFileSystemAddDirInfo(nullptr, out, sizeof out, &used));
    EXPECT_FALSE(FspFileSystemAddDirInfo(entry.info(), out, sizeof out, &used));
    EXPECT_EQ(used, 112u);
}

} // namespace

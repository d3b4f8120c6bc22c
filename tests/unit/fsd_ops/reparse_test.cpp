// SPDX-License-Identifier: MIT
#include "fsd/reparse.h"
#include <cstring>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace fsp::fsd;

namespace {

std::vector<unsigned char> symlink(const std::u16string& target, ULONG flags)
{
    std::vector<unsigned char> bytes(20 + target.size() * 4);
    const ULONG tag = 0xA000000C;
    const auto data = static_cast<USHORT>(bytes.size() - 8);
    const auto length = static_cast<USHORT>(target.size() * 2);
    const USHORT names[4] = {0, length, length, length};
    std::memcpy(&bytes[0], &tag, 4);
    std::memcpy(&bytes[4], &data, 2);
    std::memcpy(&bytes[8], names, 8);
    std::memcpy(&bytes[16], &flags, 4);
    std::memcpy(&bytes[20], target.data(), length);
    std::memcpy(&bytes[20 + length], target.data(), length);
    return bytes;
}

NTSTATUS validate(const std::vector<unsigned char>& bytes)
{
    return validate_reparse_buffer(bytes.data(), static_cast<ULONG>(bytes.size()));
}

} // namespace

TEST(ReparseBuffer, SymbolicLinkKeepsTargetAndFlag)
{
    const auto bytes = symlink(u"..\\x", 1);
    ASSERT_EQ(validate(bytes), STATUS_SUCCESS);
    UNICODE_STRING target;
    bool relative = false;
    ASSERT_TRUE(symlink_target(bytes.data(), static_cast<ULONG>(bytes.size()), &target, &relative));
    EXPECT_TRUE(relative);
    EXPECT_EQ(std::u16string(target.Buffer, target.Length / 2), u"..\\x");
}

TEST(ReparseBuffer, EveryTruncationIsRefused)
{
    const auto bytes = symlink(u"\\??\\C:\\x", 0);
    for (size_t size = 0; size < bytes.size(); ++size)
        EXPECT_EQ(validate({bytes.begin(), bytes.begin() + static_cast<long>(size)}),
                  STATUS_IO_REPARSE_DATA_INVALID)
            << size;
}

TEST(ReparseBuffer, NameOutsideIsRefused)
{
    auto bytes = symlink(u"abc", 0);
    const USHORT far = 0xfffe;
    std::memcpy(&bytes[8], &far, 2);
    EXPECT_EQ(validate(bytes), STATUS_IO_REPARSE_DATA_INVALID);
    bytes = symlink(u"abc", 0);
    std::memcpy(&bytes[10], &far, 2);
    EXPECT_EQ(validate(bytes), STATUS_IO_REPARSE_DATA_INVALID);
}

TEST(ReparseBuffer, ReservedTagsAreRefused)
{
    for (ULONG tag : {0u, 1u}) {
        std::vector<unsigned char> bytes(8);
        std::memcpy(&bytes[0], &tag, 4);
        EXPECT_EQ(validate(bytes), STATUS_IO_REPARSE_TAG_INVALID);
    }
}

TEST(ReparseBuffer, ForeignTagNeedsGuid)
{
    const ULONG tag = 0x00000123;
    std::vector<unsigned char> plain(8), with_guid(24);
    std::memcpy(&plain[0], &tag, 4);
    std::memcpy(&with_guid[0], &tag, 4);
    EXPECT_EQ(validate(plain), STATUS_IO_REPARSE_DATA_INVALID);
    EXPECT_EQ(validate(with_guid), STATUS_SUCCESS);
}

// SPDX-License-Identifier: MIT
#include <cstring>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include <winfsp/winfsp.h>

namespace {

struct Link
{
    std::u16string target;
    ULONG flags = SYMLINK_FLAG_RELATIVE;
    ULONG tag = IO_REPARSE_TAG_SYMLINK;
    NTSTATUS status = STATUS_SUCCESS;
};

/// The reparse points of a volume, by name.
using Links = std::map<std::u16string, Link>;

NTSTATUS get(FSP_FILE_SYSTEM*, PVOID context, PWSTR name, BOOLEAN, PVOID buffer, PSIZE_T size)
{
    const auto& links = *static_cast<Links*>(context);
    const auto found = links.find(name);
    if (found == links.end())
        return STATUS_NOT_A_REPARSE_POINT;
    const Link& link = found->second;
    if (!NT_SUCCESS(link.status) || buffer == nullptr)
        return link.status;

    auto* data = static_cast<REPARSE_DATA_BUFFER*>(buffer);
    const bool symlink = link.tag == IO_REPARSE_TAG_SYMLINK;
    const size_t path = symlink ? 20 : 16, bytes = link.target.size() * sizeof(WCHAR);
    if (*size < path + bytes)
        return STATUS_BUFFER_TOO_SMALL;
    std::memset(data, 0, path);
    data->ReparseTag = link.tag;
    data->ReparseDataLength = static_cast<USHORT>(path - 8 + bytes);
    auto& names = data->SymbolicLinkReparseBuffer; // the lengths lie alike in mount points
    names.SubstituteNameLength = static_cast<USHORT>(bytes);
    if (symlink)
        names.Flags = link.flags;
    std::memcpy(static_cast<UINT8*>(buffer) + path, link.target.data(), bytes);
    *size = path + bytes;
    return STATUS_SUCCESS;
}

struct Resolved
{
    NTSTATUS status;
    ULONG_PTR information = 0;
    std::u16string path;
    ULONG flags = 0;
    USHORT reserved = 0;
};

Resolved resolve(Links links, std::u16string name, UINT32 index = 0, bool last = true,
                 SIZE_T capacity = 16256)
{
    alignas(8) static UINT8 buffer[16256];
    IO_STATUS_BLOCK io = {};
    SIZE_T size = capacity;
    Resolved result;
    result.status =
        FspFileSystemResolveReparsePoints(nullptr, get, &links, name.data(), index, last, &io, buffer, &size);
    result.information = io.Information;
    if (result.status != STATUS_REPARSE)
        return result;
    const auto* data = reinterpret_cast<const REPARSE_DATA_BUFFER*>(buffer);
    const auto& link = data->SymbolicLinkReparseBuffer;
    result.flags = link.Flags;
    result.reserved = data->Reserved;
    result.path.assign(link.PathBuffer, link.SubstituteNameLength / sizeof(WCHAR));
    return result;
}

TEST(ResolveReparsePoints, ReplacesTheComponentByARelativeTarget)
{
    const Resolved r = resolve({{u"\\a\\l", {u"t"}}}, u"\\a\\l\\b");
    EXPECT_EQ(r.status, STATUS_REPARSE);
    EXPECT_EQ(r.information, IO_REPARSE_TAG_SYMLINK);
    EXPECT_EQ(r.path, u"\\a\\t\\b");
    EXPECT_EQ(r.flags, static_cast<ULONG>(SYMLINK_FLAG_RELATIVE));
}

TEST(ResolveReparsePoints, ReplacesThePathByARootedTarget)
{
    EXPECT_EQ(resolve({{u"\\a\\l", {u"\\x\\y"}}}, u"\\a\\l\\b").path, u"\\x\\y\\b");
}

TEST(ResolveReparsePoints, StopsAtAnAbsoluteTarget)
{
    const Resolved r = resolve({{u"\\l", {u"\\??\\C:\\x", 0}}, {u"\\??", {u"no"}}}, u"\\l\\..\\b");
    EXPECT_EQ(r.path, u"\\??\\C:\\x\\..\\b");
    EXPECT_EQ(r.flags, 0u);
}

TEST(ResolveReparsePoints, FollowsLinksInTargets)
{
    EXPECT_EQ(resolve({{u"\\l", {u"m"}}, {u"\\m", {u"d\\n"}}, {u"\\d\\n", {u"..\\f"}}}, u"\\l").path, u"\\f");
}

TEST(ResolveReparsePoints, RemovesDots)
{
    const Links links = {{u"\\a\\l", {u"..\\..\\.\\b\\."}}};
    EXPECT_EQ(resolve(links, u"\\a\\l").path, u"\\b");
    EXPECT_EQ(resolve(links, u"\\a\\l\\c").path, u"\\b\\c");
}

TEST(ResolveReparsePoints, LeavesTheLastComponentAloneUnlessAsked)
{
    const Links links = {{u"\\l", {u"m"}}, {u"\\m\\f", {u"no"}}};
    EXPECT_EQ(resolve(links, u"\\l\\f", 0, false).path, u"\\m\\f");
    EXPECT_EQ(resolve(links, u"\\l\\f:s", 0, false).path, u"\\m\\f:s");
    EXPECT_EQ(resolve(links, u"\\l\\f:s", 0, true).path, u"\\m\\no:s");
}

TEST(ResolveReparsePoints, BeginsAtTheIndex)
{
    EXPECT_EQ(resolve({{u"\\a", {u"no"}}, {u"\\a\\l", {u"t"}}}, u"\\a\\l", 3).path, u"\\a\\t");
}

TEST(ResolveReparsePoints, AMissingLastComponentIsNoError)
{
    const Link missing = {u"", 0, 0, STATUS_OBJECT_NAME_NOT_FOUND};
    EXPECT_EQ(resolve({{u"\\l", {u"m"}}, {u"\\m", missing}}, u"\\l").path, u"\\m");
    EXPECT_EQ(resolve({{u"\\l", {u"m"}}, {u"\\m", missing}}, u"\\l\\x").status, STATUS_OBJECT_NAME_NOT_FOUND);
    const Link denied = {u"", 0, 0, STATUS_ACCESS_DENIED};
    EXPECT_EQ(resolve({{u"\\l", {u"m"}}, {u"\\m", denied}}, u"\\l\\x").status, STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST(ResolveReparsePoints, ReturnsOtherReparsePointsAsTheyAre)
{
    const Resolved r = resolve({{u"\\j", {u"\\??\\V\\", 0, IO_REPARSE_TAG_MOUNT_POINT}}}, u"\\j\\ab\\c");
    EXPECT_EQ(r.status, STATUS_REPARSE);
    EXPECT_EQ(r.information, IO_REPARSE_TAG_MOUNT_POINT);
    EXPECT_EQ(r.reserved, 5 * sizeof(WCHAR));
}

TEST(ResolveReparsePoints, GivesUpAfter31Links)
{
    Links links;
    const auto name = [](int i) { return u"l" + std::u16string(static_cast<size_t>(i), u'x'); };
    for (int i = 0; i != 32; ++i)
        links[u"\\" + name(i)] = {name(i + 1)};
    EXPECT_EQ(resolve(links, u"\\" + name(0)).status, STATUS_REPARSE_POINT_NOT_RESOLVED);
    EXPECT_EQ(resolve(links, u"\\" + name(1)).path, u"\\" + name(32));
    EXPECT_EQ(resolve({{u"\\l", {u"l"}}}, u"\\l").status, STATUS_REPARSE_POINT_NOT_RESOLVED);
}

TEST(ResolveReparsePoints, FailsIfTheResultDoesNotFit)
{
    EXPECT_EQ(resolve({{u"\\l", {u"\\abcdefghij"}}}, u"\\l\\klmnop", 0, true, 44).status,
              STATUS_REPARSE_POINT_NOT_RESOLVED);
}

TEST(FindReparsePoint, FindsTheFirstButNotTheLast)
{
    Links links = {{u"\\a\\l", {u"t"}}, {u"\\a\\l\\m", {u"t"}}};
    std::u16string name = u"\\a\\l\\m\\x";
    UINT32 index = 0;
    EXPECT_TRUE(FspFileSystemFindReparsePoint(nullptr, get, &links, name.data(), &index));
    EXPECT_EQ(index, 3u);
    EXPECT_EQ(name, u"\\a\\l\\m\\x");
    name = u"\\a\\l";
    EXPECT_FALSE(FspFileSystemFindReparsePoint(nullptr, get, &links, name.data(), &index));
    name = u"\\a\\l:s";
    EXPECT_FALSE(FspFileSystemFindReparsePoint(nullptr, get, &links, name.data(), nullptr));
    name = u"\\";
    EXPECT_FALSE(FspFileSystemFindReparsePoint(nullptr, get, &links, name.data(), nullptr));
}

TEST(CanReplaceReparsePoint, NeedsTheSameOwner)
{
    struct Data
    {
        ULONG tag;
        USHORT length, reserved;
        GUID guid;
    };
    Data a = {0x1234, 0, 0, {1, 2, 3, {4}}}, b = a;
    const auto can = [&](size_t a_size, size_t b_size) {
        return FspFileSystemCanReplaceReparsePoint(&a, a_size, &b, b_size);
    };
    EXPECT_EQ(can(24, 24), STATUS_SUCCESS);
    EXPECT_EQ(can(3, 24), STATUS_IO_REPARSE_DATA_INVALID);
    EXPECT_EQ(can(24, 23), STATUS_REPARSE_ATTRIBUTE_CONFLICT);
    b.guid.Data1 = 9;
    EXPECT_EQ(can(24, 24), STATUS_REPARSE_ATTRIBUTE_CONFLICT);
    b.tag = 0x1235;
    EXPECT_EQ(can(24, 24), STATUS_IO_REPARSE_TAG_MISMATCH);
    a.tag = b.tag = IO_REPARSE_TAG_SYMLINK;
    EXPECT_EQ(can(8, 8), STATUS_SUCCESS);
}

} // namespace

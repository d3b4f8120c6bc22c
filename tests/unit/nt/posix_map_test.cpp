// SPDX-License-Identifier: MIT
#include "nt/posix_map.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include <winfsp/winfsp.h>

#include "sddl.h"

using namespace fsp::nt;
using fsp::test::sd;
using fsp::test::text_of;

namespace {

std::string sid_text(UINT32 id)
{
    WCHAR text[max_sid_text];
    const SidBuffer sid = posix::sid_of_id(id);
    format_sid(sid.get(), text);
    return to_narrow(text);
}

UINT32 id_of(WideView text) { return posix::id_of_sid(fsp::test::sid(text).get()); }

template<class Function> auto tag(Function* function)
{
    return reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void (*)()>(function));
}

} // namespace

TEST(PosixIdentity, EveryNumberComesBackAndIsNobodyElses)
{
    for (UINT32 id = 0; id < 0x120000; ++id)
        ASSERT_EQ(posix::id_of_sid(posix::sid_of_id(id).get()), id) << std::hex << id;
    for (const UINT32 id : {0x30000u, 0xFEFFFFFFu, 0xFF000000u, 0xFFFFFFFEu, 0x7FFFFFFFu})
        EXPECT_EQ(posix::id_of_sid(posix::sid_of_id(id).get()), id);
}

TEST(PosixIdentity, NobodyIsTheUnmappedSid)
{
    EXPECT_EQ(sid_text(65534), "S-1-0-65534");
    EXPECT_EQ(sid_text(0xFFFFFFFF), "S-1-0-65534");
    EXPECT_EQ(id_of(u"S-1-0-65534"), 65534u);
}

TEST(PosixIdentity, TableOfRules)
{
    EXPECT_EQ(sid_text(0), "S-1-5-0");
    EXPECT_EQ(sid_text(18), "S-1-5-18");
    EXPECT_EQ(sid_text(544), "S-1-5-32-544");
    EXPECT_EQ(sid_text(1000), "S-1-5-1000");
    EXPECT_EQ(sid_text(0x4000A), "S-1-5-64-10");
    EXPECT_EQ(sid_text(0x62000), "S-1-16-8192");
    EXPECT_EQ(sid_text(1001), "S-1-22-1-1001");
    EXPECT_EQ(sid_text(0x30001), "S-1-22-1-196609");
    EXPECT_EQ(sid_text(0x100000), "S-1-22-1-1048576");
    EXPECT_EQ(id_of(u"S-1-5-5-0-1"), 65534u);
    EXPECT_EQ(id_of(u"S-1-5-21-1-2-3-1000"), 65534u);
    EXPECT_EQ(id_of(u"S-1-5-80-1-2-3-4-5"), 65534u);
    EXPECT_EQ(id_of(u"S-1-22-2-100"), 100u);
}

TEST(PosixIdentity, NoUserIsEverybody)
{
    for (UINT32 id = 0; id < 0x20000; ++id) {
        const SidBuffer sid = posix::sid_of_id(id);
        ASSERT_FALSE(equal_sid(sid.get(), sids::everyone) ||
                     equal_sid(sid.get(), sids::authenticated_users) || sid_authority(sid.get()) == 3)
            << id;
    }
}

TEST(PosixIdentity, PublicTableKeepsWellKnownSids)
{
    for (const WCHAR* text :
         {u"S-1-5-18", u"S-1-5-32-544", u"S-1-5-11", u"S-1-1-0", u"S-1-3-0", u"S-1-3-4", u"S-1-5-64-10",
          u"S-1-5-80-0", u"S-1-5-83-0", u"S-1-16-8192", u"S-1-16-28672", u"S-1-0-0", u"S-1-0-65534"})
    {
        const SidBuffer sid = fsp::test::sid(text);
        UINT32 uid;
        ASSERT_EQ(FspPosixMapSidToUid(sid.psid(), &uid), STATUS_SUCCESS);
        PSID back;
        ASSERT_EQ(FspPosixMapUidToSid(uid, &back), STATUS_SUCCESS);
        EXPECT_TRUE(RtlEqualSid(back, sid.psid())) << to_narrow(text);
        FspDeleteSid(back, tag(FspPosixMapUidToSid));
    }
}

TEST(PosixIdentity, OverridesComeFirstBothWays)
{
    const SidBuffer sid = fsp::test::sid(u"S-1-5-21-1-2-3-500");
    UINT32 ids[] = {1001};
    PSID sids[] = {sid.psid()};
    ASSERT_EQ(FspPosixSetUidMap(ids, sids, 1), STATUS_SUCCESS);
    EXPECT_EQ(sid_text(1001), "S-1-5-21-1-2-3-500");
    EXPECT_EQ(id_of(u"S-1-5-21-1-2-3-500"), 1001u);
    ASSERT_EQ(FspPosixSetUidMap(ids, sids, 0), STATUS_SUCCESS);
    EXPECT_EQ(sid_text(1001), "S-1-22-1-1001");
}

TEST(PosixIdentity, InvalidSidIsAnError)
{
    UINT32 uid = 1;
    SidBuffer bad{5, {}};
    EXPECT_EQ(FspPosixMapSidToUid(bad.psid(), &uid), STATUS_INVALID_SID);
    EXPECT_EQ(uid, 0xFFFFFFFFu);
}

TEST(PosixPermissions, MasksOfModes)
{
    struct Case
    {
        UINT32 mode;
        std::vector<ACCESS_MASK>
            masks; // owner allow, owner deny, group allow, group deny, others allow; 0: absent
    };
    for (const Case& c : std::vector<Case>{{0, {0x1F0198, 0, 0x120088, 0, 0x120088}},
                                           {0644, {0x1F019F, 0, 0x120089, 0, 0x120089}},
                                           {0577, {0x1F01B9, 6, 0x1201AF, 0, 0x1201AF}},
                                           {0207, {0x1F019E, 0x21, 0x120088, 0x127, 0x1201AF}},
                                           {0007, {0x1F0198, 0x27, 0x120088, 0x127, 0x1201AF}},
                                           {040755, {0x1F01FF, 0, 0x1200A9, 0, 0x1200A9}},
                                           {041777, {0x1F01FF, 0, 0x1201AF, 0, 0x1201AF}},
                                           {040057, {0x1F0198, 0x67, 0x1200A9, 0x146, 0x1201EF}}})
    {
        alignas(4) UCHAR buffer[posix::max_descriptor_size];
        const ULONG size = posix::permissions_to_descriptor(18, 544, c.mode, buffer);
        ASSERT_TRUE(RtlValidRelativeSecurityDescriptor(buffer, size, OWNER_SECURITY_INFORMATION));
        std::string expected = "O:SYG:BAD:P";
        char ace[64];
        const char* who[] = {"SY", "SY", "BA", "BA", "WD"};
        for (int i = 0; i < 5; ++i) {
            if (!c.masks[i])
                continue;
            std::snprintf(ace, sizeof ace, "(%c;;0x%x;;;%s)", i % 2 ? 'D' : 'A', c.masks[i], who[i]);
            expected += ace;
        }
        // Compared through a parse, because some masks have names.
        EXPECT_EQ(text_of(buffer), text_of(sd(to_wide(expected)).get())) << std::oct << c.mode;
    }
}

TEST(PosixPermissions, EveryModeComesBack)
{
    for (const UINT32 directory : {0u, 0040000u}) {
        for (UINT32 mode = 0; mode < 01000; ++mode) {
            alignas(4) UCHAR buffer[posix::max_descriptor_size];
            posix::permissions_to_descriptor(1001, 100, directory | mode, buffer);
            const posix::Permissions back = posix::descriptor_to_permissions(buffer);
            EXPECT_EQ(back.uid, 1001u);
            EXPECT_EQ(back.gid, 100u);
            ASSERT_EQ(back.mode & 0777, mode) << std::oct << mode;
        }
    }
}

TEST(PosixPermissions, StickyDirectoryComesBack)
{
    for (const UINT32 mode : {01777u, 01775u, 01722u}) {
        alignas(4) UCHAR buffer[posix::max_descriptor_size];
        posix::permissions_to_descriptor(1001, 100, 0040000 | mode, buffer);
        EXPECT_EQ(posix::descriptor_to_permissions(buffer).mode, mode) << std::oct << mode;
        posix::permissions_to_descriptor(1001, 100, 0040000 | (mode & 0777), buffer);
        EXPECT_EQ(posix::descriptor_to_permissions(buffer).mode, mode & 0777) << std::oct << mode;
    }
}

TEST(PosixPermissions, SameOwnerAndGroupMayShareBits)
{
    alignas(4) UCHAR buffer[posix::max_descriptor_size];
    posix::set_distinct_same_owner_group(false);
    posix::permissions_to_descriptor(18, 18, 0640, buffer);
    posix::set_distinct_same_owner_group(true);
    EXPECT_EQ(posix::descriptor_to_permissions(buffer).mode, 0440u);
    posix::permissions_to_descriptor(18, 18, 0444, buffer);
    EXPECT_EQ(posix::descriptor_to_permissions(buffer).mode, 0444u);
}

TEST(PosixPermissions, MergeKeepsWhatExists)
{
    const std::pair<const WCHAR*, const char*> cases[] = {
        {u"", "O:SYG:BA"}, {u"O:WD", "O:WDG:BA"}, {u"D:(A;;FA;;;SY)", "O:SYG:BAD:P(A;;FA;;;SY)"}};
    for (const auto& [existing, expected] : cases) {
        PSECURITY_DESCRIPTOR out;
        ASSERT_EQ(FspPosixMergePermissionsToSecurityDescriptor(18, 544, 0755, sd(existing).get(), &out),
                  STATUS_SUCCESS);
        EXPECT_EQ(text_of(out), expected);
        free(out);
    }
}

TEST(PosixPermissions, WalkOfDacls)
{
    const auto mode = [](const WCHAR* text) { return posix::descriptor_to_permissions(sd(text).get()).mode; };
    EXPECT_EQ(mode(u"O:SYG:BA"), 0777u);
    EXPECT_EQ(mode(u"O:SYG:BAD:"), 0u);
    EXPECT_EQ(mode(u"O:SYG:BAD:(A;;GA;;;WD)"), 0777u);
    EXPECT_EQ(mode(u"O:SYG:BAD:(D;;FW;;;BA)(A;;FA;;;AU)"), 0757u);
    EXPECT_EQ(mode(u"O:SYG:BAD:(A;OICIIO;FA;;;WD)"), 0u);
    EXPECT_EQ(mode(u"O:SYG:BAD:(A;;0x2;;;WD)"), 0u); // writing needs appending as well
    EXPECT_EQ(mode(u"O:SYG:SYD:(A;;FR;;;SY)"), 0440u);
}

TEST(PosixPermissions, MissingOwnerIsAnErrorUnlessOptional)
{
    UINT32 uid = 18, gid = 7, mode = 5;
    const auto descriptor = sd(u"G:BAD:(A;;FR;;;SY)");
    EXPECT_EQ(FspPosixMapSecurityDescriptorToPermissions(descriptor.get(), &uid, &gid, &mode),
              STATUS_INVALID_SID);
    uid = 18;
    auto* const optional = reinterpret_cast<PUINT32>(reinterpret_cast<UINT_PTR>(&uid) | 1);
    EXPECT_EQ(FspPosixMapSecurityDescriptorToPermissions(descriptor.get(), optional, &gid, &mode),
              STATUS_SUCCESS);
    EXPECT_EQ(uid, 18u);
    EXPECT_EQ(gid, 544u);
    EXPECT_EQ(mode, 0400u);
}

TEST(PosixPath, PublicPathsTranslate)
{
    PWSTR wide;
    ASSERT_EQ(FspPosixMapPosixToWindowsPathEx("/a:b\\c\x01", &wide, TRUE), STATUS_SUCCESS);
    EXPECT_EQ(WideView(wide), WideView(u"\\a\uF03Ab\uF05Cc\uF001"));
    char* narrow;
    ASSERT_EQ(FspPosixMapWindowsToPosixPathEx(wide, &narrow, TRUE), STATUS_SUCCESS);
    EXPECT_STREQ(narrow, "/a:b\\c\x01");
    FspPosixDeletePath(wide);
    FspPosixDeletePath(narrow);
    WCHAR slash[] = u"\\\uF02F";
    ASSERT_EQ(FspPosixMapWindowsToPosixPathEx(slash, &narrow, TRUE), STATUS_SUCCESS);
    EXPECT_STREQ(narrow, "/\xEF\x80\xAF");
    FspPosixDeletePath(narrow);
    ASSERT_EQ(FspPosixMapWindowsToPosixPathEx(slash, &narrow, FALSE), STATUS_SUCCESS);
    EXPECT_STREQ(narrow, "\\\xEF\x80\xAF");
    FspPosixDeletePath(narrow);
}

TEST(PosixPath, EncodeAndDecodeInPlace)
{
    WCHAR path[] = u"\\a\uF03Ab\uF041";
    FspPosixEncodeWindowsPath(path, 6);
    EXPECT_EQ(WideView(path), WideView(u"/a:bA"));
    FspPosixDecodeWindowsPath(path, 5);
    EXPECT_EQ(WideView(path), WideView(u"\\a\uF03AbA"));
}

TEST(PosixPath, EveryNameOfAMountSurvives)
{
    std::mt19937 random(3);
    const std::string pool = "ab.. :\\*\x01\xEF\x80\x81\xAE\xA0\xBA\xAF\xED\xB0\xC3\xA9\xF0\x9F\xFF";
    for (int i = 0; i < 50000; ++i) {
        std::string name;
        for (unsigned n = random() % 10 + 1; n; --n)
            name += pool[random() % pool.size()];
        if (name == "." || name == "..")
            continue;
        WCHAR wide[64];
        const TextResult there = posix::mount_name_to_windows(name, wide, 64);
        ASSERT_TRUE(there.fits);
        for (size_t k = 0; k < there.written; ++k)
            ASSERT_FALSE(posix::is_reserved(wide[k]));
        ASSERT_TRUE(wide[there.written - 1] != u'.' && wide[there.written - 1] != u' ');
        char back[64];
        const TextResult here = posix::windows_name_to_mount({wide, there.written}, back, 64);
        ASSERT_EQ(std::string(back, here.written), name);
        ASSERT_EQ(posix::mount_name_to_windows(name, nullptr, 0).length, there.written);
    }
}

TEST(PosixPath, PathsOfAMountKeepDirections)
{
    WCHAR wide[32];
    const TextResult result = posix::mount_path_to_windows("../a:b/./c.", wide, 32);
    EXPECT_EQ(WideView(wide, result.written), WideView(u"..\\a\uF03Ab\\.\\c\uF02E"));
    char back[32];
    const TextResult here = posix::windows_path_to_mount({wide, result.written}, back, 32);
    EXPECT_EQ(std::string(back, here.written), "../a:b/./c.");
}

TEST(Path, PrefixSuffixCombine)
{
    WCHAR root[] = u"\\";
    PWSTR a, b;
    WCHAR path[] = u"\\one\\\\two\\three";
    FspPathSuffix(path, &a, &b, root);
    EXPECT_EQ(WideView(a), WideView(u"\\one\\\\two"));
    EXPECT_EQ(WideView(b), WideView(u"three"));
    FspPathCombine(path, b);
    EXPECT_EQ(WideView(path), WideView(u"\\one\\\\two\\three"));
    FspPathPrefix(path, &a, &b, root);
    EXPECT_EQ(a, root);
    EXPECT_EQ(WideView(b), WideView(u"one\\\\two\\three"));
    FspPathCombine(path, b);
    WCHAR top[] = u"\\file";
    FspPathSuffix(top, &a, &b, root);
    EXPECT_EQ(a, root);
    EXPECT_EQ(WideView(b), WideView(u"file"));
    WCHAR plain[] = u"file";
    FspPathSuffix(plain, &a, &b, root);
    EXPECT_EQ(a, plain);
    EXPECT_EQ(*b, 0);
    FspPathPrefix(plain, &a, &b, root);
    EXPECT_EQ(a, plain);
    EXPECT_EQ(*b, 0);
    WCHAR two[] = u"one\\\\two";
    FspPathPrefix(two, &a, &b, root);
    EXPECT_EQ(WideView(a), WideView(u"one"));
    EXPECT_EQ(WideView(b), WideView(u"two"));
}

// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <random>
#include <vector>

#include "sddl.h"

using fsp::test::string;

namespace {

bool matches(const WCHAR* expression, const WCHAR* name, bool ignore_case = true)
{
    UNICODE_STRING e = string(expression), n = string(name);
    return FsRtlIsNameInExpression(&e, &n, ignore_case, nullptr);
}

} // namespace

TEST(NameExpression, StarsAndQuestionMarks)
{
    EXPECT_TRUE(matches(u"*", u"anything"));
    EXPECT_TRUE(matches(u"*.TXT", u"a.b.txt"));
    EXPECT_FALSE(matches(u"*.TXT", u"a.txtx"));
    EXPECT_TRUE(matches(u"A?C", u"abc"));
    EXPECT_FALSE(matches(u"A?C", u"ac"));
    EXPECT_TRUE(matches(u"A*C*E", u"abcde"));
    EXPECT_TRUE(matches(u"*A*", u"bab"));
    EXPECT_FALSE(matches(u"*A*", u"bbb"));
    EXPECT_FALSE(matches(u"?", u""));
    EXPECT_TRUE(matches(u"", u""));
}

TEST(NameExpression, CaseCountsUnlessIgnored)
{
    EXPECT_TRUE(matches(u"ABC", u"abc"));
    EXPECT_FALSE(matches(u"ABC", u"abc", false));
    EXPECT_TRUE(matches(u"a*", u"abc", false));
}

TEST(NameExpression, DosStarStopsAtTheLastDot)
{
    EXPECT_TRUE(matches(u"<.TXT", u"a.b.txt"));
    EXPECT_TRUE(matches(u"<", u"nodot"));
    EXPECT_FALSE(matches(u"<", u"a.b"));
    EXPECT_TRUE(matches(u"<.", u"a."));
    EXPECT_TRUE(matches(u"<\"*", u"a.b.c"));
    EXPECT_TRUE(matches(u"<\"*", u"nodot"));
}

TEST(NameExpression, DosQuestionMarkAndDotVanishAtTheEnd)
{
    EXPECT_TRUE(matches(u"A>>>", u"ab"));
    EXPECT_TRUE(matches(u">>>>>>>>\">>>", u"name.ext"));
    EXPECT_TRUE(matches(u">>>>>>>>\">>>", u"name"));
    EXPECT_FALSE(matches(u">>\">>>", u"name"));
    EXPECT_TRUE(matches(u"NAME\"", u"name"));
    EXPECT_TRUE(matches(u"NAME\"", u"name."));
}

TEST(NameExpression, ManyStarsTakeLittleTime)
{
    std::u16string expression, name(250, u'a');
    for (int i = 0; i < 120; ++i)
        expression += u"*A";
    expression += u"B";
    const auto start = std::chrono::steady_clock::now();
    EXPECT_FALSE(matches(expression.c_str(), name.c_str()));
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(FileName, WildCardsOfTheLastComponent)
{
    for (const WCHAR* wild : {u"a*", u"?", u"a<", u"\\x\\a>", u"a\""}) {
        UNICODE_STRING name = string(wild);
        EXPECT_TRUE(FsRtlDoesNameContainWildCards(&name));
    }
    UNICODE_STRING name = string(u"\\a*\\b");
    EXPECT_FALSE(FsRtlDoesNameContainWildCards(&name));
}

TEST(FileName, DissectTakesTheFirstComponent)
{
    UNICODE_STRING first, rest;
    FsRtlDissectName(string(u"\\a\\b\\c"), &first, &rest);
    EXPECT_EQ(fsp::nt::view(first), fsp::nt::WideView(u"a"));
    EXPECT_EQ(fsp::nt::view(rest), fsp::nt::WideView(u"b\\c"));
    FsRtlDissectName(string(u"a"), &first, &rest);
    EXPECT_EQ(fsp::nt::view(first), fsp::nt::WideView(u"a"));
    EXPECT_EQ(rest.Length, 0);
    FsRtlDissectName(string(u"\\"), &first, &rest);
    EXPECT_EQ(first.Length, 0);
}

TEST(FileName, LegalCharacters)
{
    for (const char c : {'\0', '\x01', '"', '*', '/', ':', '<', '>', '?', '\\', '|'})
        EXPECT_FALSE(FsRtlIsAnsiCharacterLegalNtfs(c, FALSE)) << c;
    for (const char c : {'*', '?', '<', '>', '"'})
        EXPECT_TRUE(FsRtlIsAnsiCharacterLegalNtfs(c, TRUE)) << c;
    for (const char c : {' ', '+', '[', '.', 'a', '\x7F'})
        EXPECT_TRUE(FsRtlIsAnsiCharacterLegalNtfs(c, FALSE)) << c;
    EXPECT_FALSE(FsRtlIsAnsiCharacterLegalFat('+', FALSE));
    EXPECT_FALSE(FsRtlIsUnicodeCharacterWild(u'\u2A2A'));
}

namespace {

std::vector<UCHAR> ea(std::initializer_list<std::pair<std::string, std::string>> entries)
{
    std::vector<UCHAR> out;
    size_t last = 0;
    for (const auto& [name, value] : entries) {
        if (!out.empty()) {
            out.resize((out.size() + 3) & ~size_t{3});
            reinterpret_cast<FILE_FULL_EA_INFORMATION*>(out.data() + last)->NextEntryOffset =
                static_cast<ULONG>(out.size() - last);
        }
        last = out.size();
        out.resize(last + 8);
        auto* entry = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(out.data() + last);
        entry->EaNameLength = static_cast<UCHAR>(name.size());
        entry->EaValueLength = static_cast<USHORT>(value.size());
        out.insert(out.end(), name.begin(), name.end());
        out.push_back(0);
        out.insert(out.end(), value.begin(), value.end());
    }
    out.shrink_to_fit();
    return out;
}

NTSTATUS check(std::vector<UCHAR>& list, ULONG* offset = nullptr)
{
    return IoCheckEaBufferValidity(reinterpret_cast<PFILE_FULL_EA_INFORMATION>(list.data()),
                                   static_cast<ULONG>(list.size()), offset);
}

} // namespace

TEST(EaBuffer, GoodListPasses)
{
    auto list = ea({{"ONE", "value"}, {"TWO", ""}, {"THREE", "x"}});
    EXPECT_EQ(check(list), STATUS_SUCCESS);
}

TEST(EaBuffer, FaultIsReportedWithItsOffset)
{
    ULONG offset = 77;
    auto list = ea({{"ONE", "value"}, {"TWO", "y"}});
    list.pop_back();
    EXPECT_EQ(check(list, &offset), STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQ(offset, 20u);
    list = ea({{"ONE", "value"}, {"TWO", "y"}});
    list[0] = 16; // overlaps
    EXPECT_EQ(check(list, &offset), STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQ(offset, 0u);
    list.clear();
    EXPECT_EQ(check(list, &offset), STATUS_EA_LIST_INCONSISTENT);
}

TEST(EaBuffer, HostileBytesStayInside)
{
    std::mt19937 random(5);
    const auto good = ea({{"ONE", "value"}, {"TWO", ""}, {"THREE", "x"}});
    for (int i = 0; i < 20000; ++i) {
        std::vector<UCHAR> list(good.begin(), good.begin() + static_cast<long>(random() % (good.size() + 1)));
        list.shrink_to_fit();
        for (unsigned n = random() % 4; n && !list.empty(); --n)
            list[random() % list.size()] = static_cast<UCHAR>(random());
        check(list);
    }
}

namespace {

struct Reparse
{
    alignas(8) UCHAR bytes[512] = {};
    ULONG size = 0;
    REPARSE_DATA_BUFFER* get() { return reinterpret_cast<REPARSE_DATA_BUFFER*>(bytes); }
    NTSTATUS check() { return FsRtlValidateReparsePointBuffer(size, get()); }

    static Reparse symlink(fsp::nt::WideView substitute, fsp::nt::WideView print)
    {
        Reparse out;
        auto& link = out.get()->SymbolicLinkReparseBuffer;
        out.get()->ReparseTag = IO_REPARSE_TAG_SYMLINK;
        link.SubstituteNameLength = static_cast<USHORT>(substitute.size() * 2);
        link.PrintNameOffset = link.SubstituteNameLength;
        link.PrintNameLength = static_cast<USHORT>(print.size() * 2);
        std::memcpy(link.PathBuffer, substitute.data(), substitute.size() * 2);
        out.get()->ReparseDataLength =
            static_cast<USHORT>(12 + link.SubstituteNameLength + link.PrintNameLength);
        out.size = 8u + out.get()->ReparseDataLength;
        return out;
    }
};

} // namespace

TEST(ReparseBuffer, SymbolicLinkNamesMustLieInside)
{
    Reparse link = Reparse::symlink(u"\\??\\C:\\x", u"C:\\x");
    EXPECT_EQ(link.check(), STATUS_SUCCESS);
    link.get()->SymbolicLinkReparseBuffer.PrintNameLength += 2;
    EXPECT_EQ(link.check(), STATUS_IO_REPARSE_DATA_INVALID);
    link = Reparse::symlink(u"x", u"x");
    link.get()->SymbolicLinkReparseBuffer.SubstituteNameOffset = 0xFFFE;
    EXPECT_EQ(link.check(), STATUS_IO_REPARSE_DATA_INVALID);
    link = Reparse::symlink(u"x", u"x");
    link.get()->ReparseDataLength = 4;
    link.size = 12;
    EXPECT_EQ(link.check(), STATUS_IO_REPARSE_DATA_INVALID);
}

TEST(ReparseBuffer, SizeAndTagAreChecked)
{
    Reparse data;
    data.get()->ReparseTag = IO_REPARSE_TAG_NFS;
    data.get()->ReparseDataLength = 16;
    data.size = 24;
    EXPECT_EQ(data.check(), STATUS_SUCCESS);
    data.size = 25;
    EXPECT_EQ(data.check(), STATUS_IO_REPARSE_DATA_INVALID);
    data.size = 4;
    EXPECT_EQ(data.check(), STATUS_IO_REPARSE_DATA_INVALID);
    data.size = 24;
    data.get()->ReparseTag = 0x80000000;
    EXPECT_EQ(data.check(), STATUS_SUCCESS); // above the reserved range
    data.get()->ReparseTag = 0x800F0014;
    EXPECT_EQ(data.check(), STATUS_IO_REPARSE_TAG_INVALID);
    // A private tag carries a GUID.
    data.get()->ReparseTag = 0x00001234;
    EXPECT_EQ(data.check(), STATUS_IO_REPARSE_DATA_INVALID);
    data.bytes[8] = 1;
    data.get()->ReparseDataLength = 0;
    EXPECT_EQ(data.check(), STATUS_SUCCESS);
}

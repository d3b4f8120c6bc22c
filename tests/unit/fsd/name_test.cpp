// SPDX-License-Identifier: MIT
#include "fsd/name.h"

#include <gtest/gtest.h>
#include <string>

using namespace fsp::fsd;

namespace {

name::View view(const std::u16string& text)
{
    return name::view(text.data(), static_cast<USHORT>(text.size() * 2));
}

bool valid(const std::u16string& path, bool streams = false, USHORT max = 255, name::Parsed* parsed = nullptr)
{
    return name::valid_path(view(path), max, streams, parsed);
}

} // namespace

TEST(Name, RootAndOrdinaryPathsAreValid)
{
    EXPECT_TRUE(valid(u"\\"));
    EXPECT_TRUE(valid(u"\\a"));
    EXPECT_TRUE(valid(u"\\a\\b.c"));
    EXPECT_TRUE(valid(u"\\a\\b\\")); // the caller strips one trailing backslash
    EXPECT_TRUE(valid(u"\\\u00e4\xd800"));
}

TEST(Name, EmptyPathsAndComponentsAreInvalid)
{
    EXPECT_FALSE(valid(u""));
    EXPECT_FALSE(valid(u"\\\\a"));
    EXPECT_FALSE(valid(u"\\a\\\\b"));
}

TEST(Name, OddLengthIsInvalid)
{
    const std::u16string text = u"\\ab";
    EXPECT_FALSE(name::valid_path(name::view(text.data(), 5), 255, false));
}

TEST(Name, IllegalCharactersAreThoseOfNtfs)
{
    for (char16_t c = 1; c < 0x80; c++) {
        const bool illegal =
            c < 0x20 || std::u16string_view(u"\"*/<>?|:").find(c) != std::u16string_view::npos;
        if (c == '\\')
            continue;
        EXPECT_EQ(valid(std::u16string(u"\\x") + c + u"y"), !illegal) << static_cast<int>(c);
    }
    EXPECT_FALSE(valid(std::u16string(u"\\x\0y", 4)));
}

TEST(Name, ComponentLengthCountsCharactersAndIncludesTheStream)
{
    EXPECT_TRUE(valid(u"\\abcd\\abcd", false, 4));
    EXPECT_FALSE(valid(u"\\abcde", false, 4));
    EXPECT_TRUE(valid(u"\\ab:c", true, 4));
    EXPECT_FALSE(valid(u"\\ab:cd", true, 4));
}

TEST(Name, ColonsNeedNamedStreams)
{
    EXPECT_FALSE(valid(u"\\a:b"));
    name::Parsed parsed;
    EXPECT_TRUE(valid(u"\\a:b", true, 255, &parsed));
    EXPECT_EQ(parsed.main_length, 4);
    EXPECT_EQ(parsed.stream_length, 2);
    EXPECT_FALSE(parsed.data_type);
}

TEST(Name, StreamSuffixRules)
{
    EXPECT_FALSE(valid(u"\\a:", true));
    EXPECT_FALSE(valid(u"\\a:b\\c", true));
    EXPECT_FALSE(valid(u"\\a:b:", true));
    EXPECT_FALSE(valid(u"\\a:b:$INDEX", true));
    EXPECT_FALSE(valid(u"\\a:b:$DATA:", true));
    EXPECT_FALSE(valid(u"\\a:b\\c:d", true));
    EXPECT_TRUE(valid(u"\\a:b*?", true)); // stream names are wider

    name::Parsed parsed;
    EXPECT_TRUE(valid(u"\\a::$data", true, 255, &parsed));
    EXPECT_FALSE(parsed.has_stream());
    EXPECT_TRUE(parsed.data_type);
    EXPECT_EQ(parsed.length(), 4);
    EXPECT_TRUE(valid(u"\\a:b:$DATA", true, 255, &parsed));
    EXPECT_EQ(parsed.length(), 8);
}

TEST(Name, PatternsHaveWildcardsButNoPath)
{
    EXPECT_TRUE(name::valid_pattern(view(u"*.t?t"), 255));
    EXPECT_FALSE(name::valid_pattern(view(u"a\\b"), 255));
    EXPECT_FALSE(name::valid_pattern(view(u"a:b"), 255));
    EXPECT_FALSE(name::valid_pattern(view(u"abc"), 2));
    EXPECT_TRUE(name::has_wildcards(view(u"a<b")));
    EXPECT_FALSE(name::has_wildcards(view(u"ab")));
}

TEST(Name, ComparisonFollowsTheCaseRule)
{
    EXPECT_TRUE(name::equal(view(u"\\Abc"), view(u"\\aBC"), false));
    EXPECT_FALSE(name::equal(view(u"\\Abc"), view(u"\\aBC"), true));
    EXPECT_LT(name::compare(view(u"a"), view(u"ab"), true), 0);
}

TEST(Name, DescendantsAreBelowAndNeighboursAreNot)
{
    EXPECT_TRUE(name::is_below(view(u"\\a\\b"), view(u"\\a"), true));
    EXPECT_TRUE(name::is_below(view(u"\\a:s"), view(u"\\a"), true));
    EXPECT_TRUE(name::is_below(view(u"\\a"), view(u"\\"), true));
    EXPECT_FALSE(name::is_below(view(u"\\a"), view(u"\\a"), true));
    EXPECT_FALSE(name::is_below(view(u"\\ab"), view(u"\\a"), true));
}

TEST(Name, LastComponentIsSplitOff)
{
    name::View parent, last;
    const std::u16string path = u"\\a\\b:s", top = u"\\a";
    name::split_last(view(path), &parent, &last);
    EXPECT_TRUE(name::equal(parent, view(u"\\a"), true));
    EXPECT_TRUE(name::equal(last, view(u"b:s"), true));
    name::split_last(view(top), &parent, &last);
    EXPECT_TRUE(name::is_root(parent));
    EXPECT_TRUE(name::equal(last, view(u"a"), true));
}

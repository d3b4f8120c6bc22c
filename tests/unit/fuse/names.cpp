// SPDX-License-Identifier: MIT
#include <cerrno>

#include <gtest/gtest.h>

#include "frontends/fuse/ea_names.h"
#include "frontends/fuse/names.h"

using namespace fsp::fuse;

namespace {

std::u16string nt(std::string_view name)
{
    Name out;
    EXPECT_EQ(to_nt_name(name, Name::capacity, &out), 0) << name;
    return std::u16string(out.view());
}

std::string linux_name(std::u16string_view name)
{
    std::string out;
    append_linux_name(name, &out);
    return out;
}

TEST(Names, PlainNamesStayAsTheyAre)
{
    EXPECT_EQ(nt("hello.txt"), u"hello.txt");
    EXPECT_EQ(nt("CON"), u"CON");
    EXPECT_EQ(nt("dots..."), u"dots...");
    EXPECT_EQ(nt("blank "), u"blank ");
}

TEST(Names, ReservedCharactersGoToThePrivateUseArea)
{
    EXPECT_EQ(nt("a:b"), u"a\uF03Ab");
    EXPECT_EQ(nt("\\"), u"\uF05C");
    EXPECT_EQ(nt("\x01\x1F"), u"\uF001\uF01F");
    EXPECT_EQ(nt("<>\"|?*"), u"\uF03C\uF03E\uF022\uF07C\uF03F\uF02A");
}

TEST(Names, EveryByteSurvivesTheWayThereAndBack)
{
    const std::string cases[] = {
        "plain",
        "a:b*c?",
        "\xC3\xA4\xC3\xB6",
        "\xF0\x9F\x98\x80 emoji",
        "e\xCC\x81",
        "\xFF\xFE",
        "a\xC3",
        "\xED\xA0\x80",
        "\xEF\x80\xBA",
        "\xEF\x82\x80",
        "\xEF\x83\xBF",
        "mix\xEF\x80\xBA:\xFF",
        "\x7F",
        std::string(255, 'x'),
    };
    for (const std::string& name : cases)
        EXPECT_EQ(linux_name(nt(name)), name);
    for (unsigned a = 1; a < 256; ++a)
        for (unsigned b = 1; b < 256; ++b) {
            const std::string name{char(a), char(b)};
            if (name.find('/') != std::string::npos)
                continue;
            ASSERT_EQ(linux_name(nt(name)), name) << a << " " << b;
        }
}

TEST(Names, DifferentNamesNeverMeet)
{
    EXPECT_NE(nt(":"), nt("\xEF\x80\xBA")); // the character that stands for the colon
    EXPECT_NE(nt("\xFF"), nt("\xEF\x83\xBF"));
}

TEST(Names, LimitCountsUtf16Units)
{
    Name out;
    std::string emoji;
    for (int i = 0; i < 127; ++i)
        emoji += "\xF0\x9F\x98\x80";
    EXPECT_EQ(to_nt_name(emoji + "x", 255, &out), 0);
    EXPECT_EQ(out.length, 255);
    EXPECT_EQ(to_nt_name(emoji + "xy", 255, &out), ENAMETOOLONG);
    EXPECT_EQ(to_nt_name(std::string(256, 'x'), 255, &out), ENAMETOOLONG);
    EXPECT_EQ(to_nt_name(std::string(13, 'x'), 12, &out), ENAMETOOLONG);
}

TEST(Names, LinksExchangeSlashes)
{
    EXPECT_EQ(to_nt_link("../a/b"), u"..\\a\\b");
    EXPECT_EQ(to_nt_link("/abs"), u"\\abs");
    for (const std::string text :
         {"../a/b", "/abs/x", "back\\slash", "a:b", "trailing/", "\xFF/\xEF\x80\xBA"})
        EXPECT_EQ(to_linux_link(to_nt_link(text)), text);
    std::string longest;
    for (int i = 0; i < 1365; ++i)
        longest += "\xE2\x82\xAC";
    EXPECT_EQ(to_linux_link(to_nt_link(longest)), longest);
}

TEST(EaNames, SmallLettersAreCapitalsInNt)
{
    EXPECT_EQ(to_ea_name("comment"), "COMMENT");
    EXPECT_EQ(from_ea_name("COMMENT"), "comment");
    EXPECT_EQ(from_ea_name("Comment"), "comment");
}

TEST(EaNames, NothingMeetsAndEverythingComesBack)
{
    EXPECT_NE(to_ea_name("foo"), to_ea_name("Foo"));
    for (const std::string name : {"foo", "Foo", "FOO", "a.b", "a:b", "%41", "$lxmod", "$LXMOD", "with space",
                                   "\xC3\xA4", "a/b", "x%00"})
        EXPECT_EQ(from_ea_name(to_ea_name(name)), name);
}

TEST(EaNames, EasOfTheLinuxSubsystemAreNotShown)
{
    EXPECT_EQ(from_ea_name("$LXMOD"), "");
    EXPECT_NE(from_ea_name("$FOO"), "");
    EXPECT_NE(to_ea_name("$lxmod").substr(0, 3), "$LX");
}

TEST(EaNames, TooLongIsRefused)
{
    EXPECT_EQ(to_ea_name(std::string(254, 'a')).size(), 254u);
    EXPECT_EQ(to_ea_name(std::string(255, 'a')), "");
    EXPECT_EQ(to_ea_name(std::string(100, 'A')), "");
}

} // namespace

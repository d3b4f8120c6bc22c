// SPDX-License-Identifier: MIT
//
// Names: what is a name, how names are compared, relative names, streams.
#include "frame/test.h"

namespace conformance {
namespace {

File open_relative(File& directory, std::u16string_view name, ULONG disposition = FILE_OPEN,
                   ULONG options = 0)
{
    return File(name, FILE_READ_ATTRIBUTES | DELETE, disposition, options, share_all, 0, directory.handle());
}

TEST(Name, ReservedCharactersAreRefused)
{
    for (const char16_t* name :
         {u"a*b", u"a?b", u"a<b", u"a>b", u"a|b", u"a\"b", u"a/b", u"a\x01", u"a\x1f", u"\x01"})
    {
        CHECK_EQ(create(name).status(), STATUS_OBJECT_NAME_INVALID) << std::u16string(name);
        CHECK_EQ(open(name, FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_INVALID)
            << std::u16string(name);
        CHECK_EQ(open(std::u16string(name) + u"\\x", FILE_READ_ATTRIBUTES).status(),
                 STATUS_OBJECT_NAME_INVALID)
            << std::u16string(name);
    }
}

TEST(Name, EveryOtherCharacterIsTaken)
{
    for (char16_t c = 0x20; c != 0x7F; ++c)
        if (std::u16string_view(u"*?<>|\"/\\:").find(c) == std::u16string_view::npos && c != u' ' &&
            c != u'.')
        {
            const std::u16string name{u'a', c};
            CHECK_EQ(File(path(name), FILE_READ_ATTRIBUTES, FILE_OPEN_IF).status(), STATUS_SUCCESS) << name;
        }
    for (const char16_t* name :
         {u"\x7f", u"\xe9", u"\u65e5\u672c", u"\xd83d\xde00", u"\xd83d", u"\xf02a", u"\xfffd"})
    {
        CHECK_EQ(create(name).status(), STATUS_SUCCESS) << std::u16string(name);
        CHECK(exists(name)) << std::u16string(name);
    }
}

TEST(Name, TrailingDotsAndSpacesAreKept)
{
    const std::vector<std::u16string> all{u"a", u"a ", u"a.", u"a. ."};
    for (const std::u16string& name : all)
        make(name);
    CHECK_EQ(names(), all);
}

TEST(Name, EmptyComponentsAreRefused)
{
    make_directory(u"d");
    CHECK_EQ(create(u"d\\\\f").status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(open(u"d\\\\", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_INVALID);
}

TEST(Name, TrailingBackslashMeansADirectory)
{
    make(u"f");
    make_directory(u"d");
    CHECK_EQ(open(u"d\\", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"d\\", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f\\", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(create(u"n\\").status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(create(u"n\\", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    CHECK(exists(u"n"));
    CHECK_EQ(create(u"n2\\\\", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(),
             STATUS_OBJECT_NAME_INVALID);
}

TEST(Name, ComponentsHaveALongestLength)
{
    for (const char16_t c : {u'a', u'\x3042'}) { // characters count, not bytes
        CHECK_EQ(create(std::u16string(254, c)).status(), STATUS_SUCCESS);
        CHECK_EQ(create(std::u16string(255, c)).status(), STATUS_SUCCESS);
        CHECK_EQ(create(std::u16string(256, c)).status(), STATUS_OBJECT_NAME_INVALID);
        CHECK_EQ(open(std::u16string(256, c) + u"\\x", FILE_READ_ATTRIBUTES).status(),
                 STATUS_OBJECT_NAME_INVALID);
    }
}

TEST(Name, OneDoubledBackslashAfterTheVolumeIsForgiven)
{
    if (!is_ours() || is_network())
        SKIP("a matter of the device's raw name");
    CHECK_EQ(File(root() + u"\\" + path({}).substr(root().size()), FILE_READ_ATTRIBUTES, FILE_OPEN).status(),
             STATUS_SUCCESS);
    CHECK_EQ(
        File(root() + u"\\\\" + path({}).substr(root().size()), FILE_READ_ATTRIBUTES, FILE_OPEN).status(),
        STATUS_OBJECT_NAME_INVALID);
}

TEST(Name, IsComparedByTheRuleOfTheVolume)
{
    make(u"Name");
    CHECK(exists(u"Name"));
    CHECK_EQ(exists(u"nAME"), ignores_case());
    CHECK_EQ(create(u"NAME").status(), ignores_case() ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS);
    make_directory(u"Stra\xdf"
                   u"e");
    CHECK_EQ(exists(u"STRA\xdf"
                    u"E"),
             ignores_case());
    CHECK_FALSE(exists(u"STRASSE"));
    make(u"\xe4");
    CHECK_EQ(exists(u"\xc4"), ignores_case());
}

TEST(Name, IsKeptAsItWasMade)
{
    make(u"MixedCase");
    CHECK_EQ(names(), std::vector<std::u16string>{u"MixedCase"});
    alignas(8) std::uint8_t buffer[1024];
    File file = open(ignores_case() ? u"mIXEDcASE" : u"MixedCase", FILE_READ_ATTRIBUTES);
    REQUIRE_EQ(file.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_EQ(name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)), name_on_volume(u"MixedCase"));
    REQUIRE_EQ(file.query(FileNormalizedNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_EQ(name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)), name_on_volume(u"MixedCase"));
}

TEST(Name, RelativeToADirectoryHandle)
{
    make_directory(u"d");
    make(u"d\\inside");
    make_directory(u"d\\e");
    make(u"d\\e\\deep");
    File directory = open(u"d", FILE_LIST_DIRECTORY);
    CHECK_EQ(open_relative(directory, u"inside").status(), STATUS_SUCCESS);
    CHECK_EQ(open_relative(directory, u"e\\deep").status(), STATUS_SUCCESS);
    CHECK_EQ(open_relative(directory, u"e\\").status(), STATUS_SUCCESS);
    CHECK_EQ(open_relative(directory, u"none").status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(open_relative(directory, u"none\\x").status(), STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK_EQ(open_relative(directory, u"new", FILE_CREATE).status(), STATUS_SUCCESS);
    CHECK(exists(u"d\\new"));
    CHECK_EQ(open_relative(directory, u"\\inside").status(), STATUS_INVALID_PARAMETER);
    CHECK_EQ(open_relative(directory, u"a*b").status(), STATUS_OBJECT_NAME_INVALID);
}

TEST(Name, EmptyRelativeNameOpensTheSameFile)
{
    make(u"f", "x");
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(File(u"", FILE_READ_DATA, FILE_OPEN, 0, share_all, 0, file.handle()).read(0, 9), "x");
    File directory = open(u"", FILE_LIST_DIRECTORY);
    CHECK_EQ(File(u"", FILE_LIST_DIRECTORY, FILE_OPEN, 0, share_all, 0, directory.handle()).list().size(), 3);
}

TEST(Name, RelativeToAFileIsNotFound)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(open_relative(file, u"x").status(), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST(Name, RelativeNameIsThatOfTheRenamedDirectory)
{
    make_directory(u"d");
    make(u"d\\f");
    File directory = open(u"d", FILE_LIST_DIRECTORY | DELETE);
    REQUIRE_EQ(directory.rename(path(u"e"), false), STATUS_SUCCESS);
    CHECK_EQ(open_relative(directory, u"f").status(), STATUS_SUCCESS);
    CHECK_EQ(open_relative(directory, u"g", FILE_CREATE).status(), STATUS_SUCCESS);
    CHECK(exists(u"e\\g"));
}

TEST(Name, StreamSyntax)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:s", "stream");
    CHECK_EQ(open(u"f::$DATA", FILE_READ_DATA).read(0, 9), "main");
    CHECK_EQ(open(u"f:s:$DATA", FILE_READ_DATA).read(0, 9), "stream");
    CHECK_EQ(open(u"f:s:$data", FILE_READ_DATA).read(0, 9), "stream");
    for (const char16_t* bad :
         {u"f:", u"f:s:", u"f:s:$UNKNOWN", u"f:s:$DATA:", u"f:a:b", u"f:a:b:c", u"f:a\\b"})
        CHECK_EQ(create(bad).status(), STATUS_OBJECT_NAME_INVALID) << std::u16string(bad);
    make_directory(u"d");
    CHECK_EQ(create(u"d:s\\x").status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(create(u"d:s").status(), STATUS_SUCCESS);
}

TEST(Name, StreamsAreNoDirectories)
{
    need(FILE_NAMED_STREAMS);
    make_directory(u"d");
    make(u"d:s");
    CHECK_EQ(File(path(u"d:s"), FILE_READ_DATA, FILE_OPEN, FILE_DIRECTORY_FILE).status(),
             STATUS_NOT_A_DIRECTORY);
    CHECK_EQ(File(path(u"d:t"), FILE_READ_DATA, FILE_CREATE, FILE_DIRECTORY_FILE).status(),
             STATUS_NOT_A_DIRECTORY);
    CHECK_EQ(File(path(u"d::$DATA"), FILE_READ_DATA, FILE_OPEN, FILE_DIRECTORY_FILE).status(),
             STATUS_NOT_A_DIRECTORY);
    File stream = open(u"d:s", FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE);
    REQUIRE_EQ(stream.status(), STATUS_SUCCESS);
    CHECK_FALSE(stream.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).Directory);
}

TEST(Name, StreamRelativeToItsFile)
{
    need(FILE_NAMED_STREAMS);
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    File stream(u":s", FILE_WRITE_DATA, FILE_CREATE, 0, share_all, 0, file.handle());
    CHECK_EQ(stream.status(), STATUS_SUCCESS);
    CHECK(exists(u"f:s"));
}

TEST(Name, StreamNamesAreComparedByTheRuleOfTheVolume)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:Stream");
    CHECK_EQ(exists(u"f:sTREAM"), ignores_case());
    CHECK_EQ(exists(u"F:Stream"), ignores_case());
}

} // namespace
} // namespace conformance

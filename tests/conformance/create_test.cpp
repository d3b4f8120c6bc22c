// SPDX-License-Identifier: MIT
#include "frame/test.h"

namespace conformance {
namespace {

TEST(Create, DispositionsOnAMissingFile)
{
    CHECK_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OPEN).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    const ULONG makes[] = {FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF, FILE_SUPERSEDE};
    std::u16string name = u"m";
    for (const ULONG disposition : makes) {
        name += u"m";
        File file(path(name), FILE_READ_DATA, disposition);
        CHECK_EQ(file.status(), STATUS_SUCCESS) << disposition;
        CHECK_EQ(file.information(), static_cast<ULONG_PTR>(FILE_CREATED)) << disposition;
    }
}

TEST(Create, DispositionsOnAnExistingFile)
{
    make(u"a", "contents");
    CHECK_EQ(File(path(u"a"), FILE_READ_DATA, FILE_CREATE).status(), STATUS_OBJECT_NAME_COLLISION);
    const struct
    {
        ULONG disposition;
        ULONG_PTR information;
        std::size_t size;
    } rows[] = {{FILE_OPEN, FILE_OPENED, 8},
                {FILE_OPEN_IF, FILE_OPENED, 8},
                {FILE_OVERWRITE, FILE_OVERWRITTEN, 0},
                {FILE_OVERWRITE_IF, FILE_OVERWRITTEN, 0},
                {FILE_SUPERSEDE, FILE_SUPERSEDED, 0}};
    for (const auto& row : rows) {
        File(path(u"a"), FILE_WRITE_DATA, FILE_OVERWRITE).write(0, "contents");
        File file(path(u"a"), FILE_READ_DATA | DELETE, row.disposition);
        CHECK_EQ(file.status(), STATUS_SUCCESS) << row.disposition;
        CHECK_EQ(file.information(), row.information) << row.disposition;
        CHECK_EQ(file.read(0, 100).size(), row.size) << row.disposition;
    }
}

TEST(Create, DirectoryAndFileOptionsAreKept)
{
    CHECK_EQ(create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    make(u"f");
    CHECK_EQ(open(u"d", FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE).status(), STATUS_FILE_IS_A_DIRECTORY);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(), STATUS_NOT_A_DIRECTORY);
    CHECK_EQ(open(u"d\\", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f\\", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(open(u"none\\x", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_PATH_NOT_FOUND);
    CHECK_EQ(create(u"d\\x").status(), STATUS_SUCCESS);
}

TEST(Create, InvalidNamesAreRefused)
{
    for (const char16_t* name :
         {u"a*b", u"a?b", u"a<b", u"a>b", u"a|b", u"a\"b", u"a\\\\b", u"a/b", u"a\x01", u"a:b:c", u"a::"})
        CHECK_EQ(create(name).status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(create(std::u16string(256, u'a')).status(), STATUS_OBJECT_NAME_INVALID);
    CHECK_EQ(create(std::u16string(255, u'a')).status(), STATUS_SUCCESS);
}

TEST(Create, NamesAreComparedByTheRuleOfTheVolume)
{
    make(u"Name");
    CHECK_EQ(exists(u"nAME"), ignores_case());
    CHECK(exists(u"Name"));
}

TEST(Create, RelativeToADirectoryHandle)
{
    File directory = create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File file(u"inside", FILE_ALL_ACCESS, FILE_CREATE, 0, share_all, 0, directory.handle());
    CHECK_EQ(file.status(), STATUS_SUCCESS);
    CHECK(exists(u"d\\inside"));
    CHECK_EQ(File(u"\\inside", FILE_ALL_ACCESS, FILE_OPEN, 0, share_all, 0, directory.handle()).status(),
             STATUS_INVALID_PARAMETER);
}

TEST(Create, RootRefusesToBeReplacedOrDeleted)
{
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY, FILE_OPEN).status(), STATUS_SUCCESS);
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE).status(),
             STATUS_ACCESS_DENIED);
    CHECK_EQ(File(root(), DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
}

TEST(Create, ShareModesAreEnforced)
{
    make(u"f");
    File reader(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ);
    REQUIRE_EQ(reader.status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(File(path(u"f"), DELETE, FILE_OPEN).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, 0).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
    reader.close();
    CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN).status(), STATUS_SUCCESS);
}

TEST(Create, AccessIsGrantedPerHandle)
{
    make(u"f", "x");
    File reader = open(u"f", FILE_READ_DATA);
    CHECK_EQ(reader.write(0, "y"), STATUS_ACCESS_DENIED);
    File writer = open(u"f", FILE_WRITE_DATA);
    writer.read(0, 1);
    CHECK_EQ(writer.status(), STATUS_ACCESS_DENIED);
}

TEST(Create, ReadOnlyFileCannotBeOpenedForWriting)
{
    File(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SUCCESS);
}

TEST(Create, OverwriteKeepsHiddenAndSystem)
{
    File(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_HIDDEN);
    CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(
        File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF, 0, share_all, FILE_ATTRIBUTE_HIDDEN).status(),
        STATUS_SUCCESS);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
#include "volume.h"

namespace conformance {
namespace {

class Create : public Volume
{};

TEST_F(Create, DispositionsOnAMissingFile)
{
    EXPECT_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OPEN).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    EXPECT_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    const ULONG makes[] = {FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF, FILE_SUPERSEDE};
    std::u16string name = u"m";
    for (const ULONG disposition : makes) {
        name += u"m";
        File file(path(name), FILE_READ_DATA, disposition);
        EXPECT_EQ(file.status(), STATUS_SUCCESS) << disposition;
        EXPECT_EQ(file.information(), static_cast<ULONG_PTR>(FILE_CREATED)) << disposition;
    }
}

TEST_F(Create, DispositionsOnAnExistingFile)
{
    make(u"a", "contents");
    EXPECT_EQ(File(path(u"a"), FILE_READ_DATA, FILE_CREATE).status(), STATUS_OBJECT_NAME_COLLISION);
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
        EXPECT_EQ(file.status(), STATUS_SUCCESS) << row.disposition;
        EXPECT_EQ(file.information(), row.information) << row.disposition;
        EXPECT_EQ(file.read(0, 100).size(), row.size) << row.disposition;
    }
}

TEST_F(Create, DirectoryAndFileOptionsAreKept)
{
    EXPECT_EQ(create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    make(u"f");
    EXPECT_EQ(open(u"d", FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE).status(), STATUS_FILE_IS_A_DIRECTORY);
    EXPECT_EQ(open(u"f", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(), STATUS_NOT_A_DIRECTORY);
    EXPECT_EQ(open(u"d\\", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    EXPECT_EQ(open(u"f\\", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(open(u"none\\x", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_PATH_NOT_FOUND);
    EXPECT_EQ(create(u"d\\x").status(), STATUS_SUCCESS);
}

TEST_F(Create, InvalidNamesAreRefused)
{
    for (const char16_t* name :
         {u"a*b", u"a?b", u"a<b", u"a>b", u"a|b", u"a\"b", u"a\\\\b", u"a/b", u"a\x01", u"a:b:c", u"a::"})
        EXPECT_EQ(create(name).status(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(create(std::u16string(256, u'a')).status(), STATUS_OBJECT_NAME_INVALID);
    EXPECT_EQ(create(std::u16string(255, u'a')).status(), STATUS_SUCCESS);
}

TEST_F(Create, NamesAreComparedByTheRuleOfTheVolume)
{
    make(u"Name");
    EXPECT_EQ(exists(u"nAME"), ignores_case());
    EXPECT_TRUE(exists(u"Name"));
}

TEST_F(Create, RelativeToADirectoryHandle)
{
    File directory = create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File file(u"inside", FILE_ALL_ACCESS, FILE_CREATE, 0, share_all, 0, directory.handle());
    EXPECT_EQ(file.status(), STATUS_SUCCESS);
    EXPECT_TRUE(exists(u"d\\inside"));
    EXPECT_EQ(File(u"\\inside", FILE_ALL_ACCESS, FILE_OPEN, 0, share_all, 0, directory.handle()).status(),
              STATUS_INVALID_PARAMETER);
}

TEST_F(Create, RootRefusesToBeReplacedOrDeleted)
{
    EXPECT_EQ(open(u"", FILE_LIST_DIRECTORY).status(), STATUS_SUCCESS);
    EXPECT_EQ(create(u"", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open(u"", DELETE, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
}

TEST_F(Create, ShareModesAreEnforced)
{
    make(u"f");
    File reader(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ);
    ASSERT_EQ(reader.status(), STATUS_SUCCESS);
    EXPECT_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
    EXPECT_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN).status(), STATUS_SHARING_VIOLATION);
    EXPECT_EQ(File(path(u"f"), DELETE, FILE_OPEN).status(), STATUS_SHARING_VIOLATION);
    EXPECT_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, 0).status(), STATUS_SHARING_VIOLATION);
    EXPECT_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
    reader.close();
    EXPECT_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OPEN).status(), STATUS_SUCCESS);
}

TEST_F(Create, AccessIsGrantedPerHandle)
{
    make(u"f", "x");
    File reader = open(u"f", FILE_READ_DATA);
    EXPECT_EQ(reader.write(0, "y"), STATUS_ACCESS_DENIED);
    File writer = open(u"f", FILE_WRITE_DATA);
    writer.read(0, 1);
    EXPECT_EQ(writer.status(), STATUS_ACCESS_DENIED);
}

TEST_F(Create, ReadOnlyFileCannotBeOpenedForWriting)
{
    File(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_READONLY);
    EXPECT_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_ACCESS_DENIED);
    EXPECT_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SUCCESS);
}

TEST_F(Create, OverwriteKeepsHiddenAndSystem)
{
    File(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_HIDDEN);
    EXPECT_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF).status(), STATUS_ACCESS_DENIED);
    EXPECT_EQ(
        File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF, 0, share_all, FILE_ATTRIBUTE_HIDDEN).status(),
        STATUS_SUCCESS);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
#include "volume.h"

namespace conformance {
namespace {

class Delete : public Volume
{};
class Rename : public Volume
{};

TEST_F(Delete, NameGoesWithTheLastHandle)
{
    make(u"f", "x");
    File first = open(u"f", FILE_READ_DATA | DELETE);
    File second = open(u"f", FILE_READ_DATA);
    ASSERT_EQ(first.dispose(true), STATUS_SUCCESS);
    EXPECT_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    EXPECT_TRUE(second.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    first.close();
    EXPECT_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    EXPECT_EQ(second.read(0, 1), "x");
    second.close();
    EXPECT_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_F(Delete, CanBeTakenBack)
{
    make(u"f");
    File file = open(u"f", DELETE);
    ASSERT_EQ(file.dispose(true), STATUS_SUCCESS);
    ASSERT_EQ(file.dispose(false), STATUS_SUCCESS);
    file.close();
    EXPECT_TRUE(exists(u"f"));
}

TEST_F(Delete, PosixSemanticsRemovesNameWhileOpen)
{
    make(u"f", "old");
    File keeper = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA);
    File remover = open(u"f", DELETE);
    ASSERT_EQ(remover.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS), STATUS_SUCCESS);
    remover.close();
    EXPECT_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    make(u"f", "new");
    EXPECT_EQ(keeper.read(0, 3), "old");
    EXPECT_EQ(keeper.write(3, "er"), STATUS_SUCCESS);
    EXPECT_EQ(keeper.read(0, 5), "older");
    EXPECT_EQ(open(u"f", FILE_READ_DATA).read(0, 5), "new");
}

TEST_F(Delete, OnClose)
{
    File file = create(u"f", FILE_ALL_ACCESS, FILE_DELETE_ON_CLOSE);
    ASSERT_EQ(file.status(), STATUS_SUCCESS);
    EXPECT_TRUE(exists(u"f"));
    file.close();
    EXPECT_FALSE(exists(u"f"));
}

TEST_F(Delete, DirectoryMustBeEmpty)
{
    File directory = create(u"d", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    make(u"d\\f");
    EXPECT_EQ(directory.dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    EXPECT_EQ(directory.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE),
              STATUS_SUCCESS);
    directory.close();
    EXPECT_FALSE(exists(u"d"));
}

TEST_F(Delete, ReadOnlyFileIsKept)
{
    File file(path(u"f"), DELETE, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_READONLY);
    EXPECT_EQ(file.dispose(true), STATUS_CANNOT_DELETE);
    EXPECT_EQ(file.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE),
              STATUS_SUCCESS);
}

TEST_F(Delete, RootCannotBeDeleted) { EXPECT_EQ(open(u"", DELETE).dispose(true), STATUS_CANNOT_DELETE); }

TEST_F(Rename, MovesAFileWithItsContents)
{
    make(u"a", "data");
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File file = open(u"a", DELETE | FILE_READ_DATA);
    ASSERT_EQ(file.rename(path(u"d\\b"), false), STATUS_SUCCESS);
    EXPECT_EQ(file.read(0, 4), "data");
    EXPECT_FALSE(exists(u"a"));
    EXPECT_TRUE(exists(u"d\\b"));
}

TEST_F(Rename, ReplacesOnlyIfAsked)
{
    make(u"a", "new");
    make(u"b", "old");
    EXPECT_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_OBJECT_NAME_COLLISION);
    EXPECT_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_SUCCESS);
    EXPECT_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST_F(Rename, OverAnOpenFileNeedsPosixSemantics)
{
    make(u"a", "new");
    make(u"b", "old");
    File target = open(u"b", FILE_READ_DATA);
    EXPECT_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_ACCESS_DENIED);
    EXPECT_EQ(
        open(u"a", DELETE).rename_ex(path(u"b"), FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS),
        STATUS_SUCCESS);
    EXPECT_EQ(target.read(0, 3), "old");
    EXPECT_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST_F(Rename, DirectoryWithOpenFilesBelowStays)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File inside = create(u"d\\f");
    EXPECT_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_ACCESS_DENIED);
    inside.close();
    EXPECT_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_SUCCESS);
    EXPECT_TRUE(exists(u"e\\f"));
}

TEST_F(Rename, PosixSemanticsMovesADirectoryUnderOpenFiles)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    make(u"d\\f", "x");
    File inside = open(u"d\\f", FILE_READ_DATA);
    ASSERT_EQ(open(u"d", DELETE).rename_ex(path(u"e"), FILE_RENAME_POSIX_SEMANTICS), STATUS_SUCCESS);
    EXPECT_EQ(inside.read(0, 1), "x");
    EXPECT_TRUE(exists(u"e\\f"));
    EXPECT_FALSE(exists(u"d\\f"));
}

TEST_F(Rename, RelativeToADirectory)
{
    make(u"a");
    File directory = create(u"d", FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_DIRECTORY_FILE);
    EXPECT_EQ(open(u"a", DELETE).rename(u"b", false, directory.handle()), STATUS_SUCCESS);
    EXPECT_TRUE(exists(u"d\\b"));
}

TEST_F(Rename, CaseOnly)
{
    make(u"name");
    ASSERT_EQ(open(u"name", DELETE).rename(path(u"NAME"), false), STATUS_SUCCESS);
    EXPECT_EQ(open(u"", FILE_LIST_DIRECTORY).list(), std::vector<std::u16string>{u"NAME"});
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
#include "frame/test.h"

namespace conformance {
namespace {

TEST(Delete, NameGoesWithTheLastHandle)
{
    make(u"f", "x");
    File first = open(u"f", FILE_READ_DATA | DELETE);
    File second = open(u"f", FILE_READ_DATA);
    REQUIRE_EQ(first.dispose(true), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    CHECK(second.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    first.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    CHECK_EQ(second.read(0, 1), "x");
    second.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(Delete, CanBeTakenBack)
{
    make(u"f");
    File file = open(u"f", DELETE);
    REQUIRE_EQ(file.dispose(true), STATUS_SUCCESS);
    REQUIRE_EQ(file.dispose(false), STATUS_SUCCESS);
    file.close();
    CHECK(exists(u"f"));
}

TEST(Delete, PosixSemanticsRemovesNameWhileOpen)
{
    make(u"f", "old");
    File keeper = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA);
    File remover = open(u"f", DELETE);
    REQUIRE_EQ(remover.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS),
               STATUS_SUCCESS);
    remover.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    make(u"f", "new");
    CHECK_EQ(keeper.read(0, 3), "old");
    CHECK_EQ(keeper.write(3, "er"), STATUS_SUCCESS);
    CHECK_EQ(keeper.read(0, 5), "older");
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 5), "new");
}

TEST(Delete, OnClose)
{
    File file = create(u"f", FILE_ALL_ACCESS, FILE_DELETE_ON_CLOSE);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK(exists(u"f"));
    file.close();
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, DirectoryMustBeEmpty)
{
    File directory = create(u"d", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    make(u"d\\f");
    CHECK_EQ(directory.dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(directory.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE),
             STATUS_SUCCESS);
    directory.close();
    CHECK_FALSE(exists(u"d"));
}

TEST(Delete, ReadOnlyFileIsKept)
{
    File file(path(u"f"), DELETE, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(file.dispose(true), STATUS_CANNOT_DELETE);
    CHECK_EQ(file.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE),
             STATUS_SUCCESS);
}

TEST(Delete, RootCannotBeDeleted)
{
    CHECK_EQ(File(root(), DELETE, FILE_OPEN).dispose(true), STATUS_CANNOT_DELETE);
}

TEST(Rename, MovesAFileWithItsContents)
{
    make(u"a", "data");
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File file = open(u"a", DELETE | FILE_READ_DATA);
    REQUIRE_EQ(file.rename(path(u"d\\b"), false), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 4), "data");
    CHECK_FALSE(exists(u"a"));
    CHECK(exists(u"d\\b"));
}

TEST(Rename, ReplacesOnlyIfAsked)
{
    make(u"a", "new");
    make(u"b", "old");
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_SUCCESS);
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST(Rename, OverAnOpenFileNeedsPosixSemantics)
{
    make(u"a", "new");
    make(u"b", "old");
    File target = open(u"b", FILE_READ_DATA);
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_ACCESS_DENIED);
    CHECK_EQ(
        open(u"a", DELETE).rename_ex(path(u"b"), FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS),
        STATUS_SUCCESS);
    CHECK_EQ(target.read(0, 3), "old");
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST(Rename, DirectoryWithOpenFilesBelowStays)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    File inside = create(u"d\\f");
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_ACCESS_DENIED);
    inside.close();
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_SUCCESS);
    CHECK(exists(u"e\\f"));
}

TEST(Rename, PosixSemanticsMovesADirectoryUnderOpenFiles)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    make(u"d\\f", "x");
    File inside = open(u"d\\f", FILE_READ_DATA);
    REQUIRE_EQ(open(u"d", DELETE).rename_ex(path(u"e"), FILE_RENAME_POSIX_SEMANTICS), STATUS_SUCCESS);
    CHECK_EQ(inside.read(0, 1), "x");
    CHECK(exists(u"e\\f"));
    CHECK_FALSE(exists(u"d\\f"));
}

TEST(Rename, RelativeToADirectory)
{
    make(u"a");
    File directory = create(u"d", FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_DIRECTORY_FILE);
    CHECK_EQ(open(u"a", DELETE).rename(u"b", false, directory.handle()), STATUS_SUCCESS);
    CHECK(exists(u"d\\b"));
}

TEST(Rename, CaseOnly)
{
    make(u"name");
    REQUIRE_EQ(open(u"name", DELETE).rename(path(u"NAME"), false), STATUS_SUCCESS);
    CHECK_EQ(names(), std::vector<std::u16string>{u"NAME"});
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
//
// Deletion. [MS-FSA] 2.1.5.15.3 (FileDispositionInformation), 2.1.5.5 (close)
#include "frame/view.h"

namespace conformance {
namespace {

constexpr ULONG posix = FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS;

void set_attributes(File&& file, ULONG attributes)
{
    FILE_BASIC_INFORMATION basic{};
    basic.FileAttributes = attributes;
    REQUIRE_EQ(file.set(FileBasicInformation, &basic, sizeof basic), STATUS_SUCCESS);
}

TEST(Delete, NameGoesWithTheLastHandle)
{
    make(u"f", "x");
    File first = open(u"f", FILE_READ_DATA | DELETE);
    File second = open(u"f", FILE_READ_DATA);
    REQUIRE_EQ(first.dispose(true), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    CHECK(second.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    CHECK_EQ(names(), std::vector<std::u16string>{u"f"});
    first.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    CHECK_EQ(second.read(0, 1), "x");
    second.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(names(), std::vector<std::u16string>{});
}

TEST(Delete, CanBeTakenBack)
{
    make(u"f");
    File file = open(u"f", DELETE);
    REQUIRE_EQ(file.dispose(true), STATUS_SUCCESS);
    REQUIRE_EQ(file.dispose(false), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    file.close();
    CHECK(exists(u"f"));
}

TEST(Delete, CanBeTakenBackThroughAnyHandleWithTheRight)
{
    make(u"f");
    File first = open(u"f", DELETE), second = open(u"f", DELETE);
    REQUIRE_EQ(first.dispose(true), STATUS_SUCCESS);
    REQUIRE_EQ(second.dispose(false), STATUS_SUCCESS);
    first.close();
    second.close();
    CHECK(exists(u"f"));
}

TEST(Delete, TwiceIsNotFoundTheSecondTime)
{
    make(u"f");
    make_directory(u"d");
    for (const char16_t* name : {u"f", u"d"}) {
        CHECK_EQ(open(name, DELETE).dispose(true), STATUS_SUCCESS);
        CHECK_EQ(open(name, DELETE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    }
}

TEST(Delete, NameCanBeUsedAgainAtOnce)
{
    for (int i = 0; i != 20; ++i) {
        File file = create(u"f");
        REQUIRE_EQ(file.status(), STATUS_SUCCESS) << i;
        REQUIRE_EQ(file.dispose(true), STATUS_SUCCESS) << i;
    }
}

TEST(Delete, OnCloseHappensWithThatHandle)
{
    File file = create(u"f", FILE_ALL_ACCESS, FILE_DELETE_ON_CLOSE);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK(exists(u"f"));
    CHECK_FALSE(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    file.close();
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, OnCloseWithOtherHandlesMarksTheFile)
{
    make(u"f", "x");
    File other = open(u"f", FILE_READ_DATA);
    open(u"f", DELETE, FILE_DELETE_ON_CLOSE).close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING);
    CHECK_EQ(other.read(0, 9), "x");
    other.close();
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, OnCloseOfADirectoryWithChildrenDeletesNothing)
{
    make_directory(u"d");
    make(u"d\\f");
    File directory = open(u"d", DELETE, FILE_DELETE_ON_CLOSE);
    CHECK_EQ(directory.status(), STATUS_SUCCESS);
    directory.close();
    CHECK(exists(u"d\\f"));
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    open(u"d", DELETE, FILE_DELETE_ON_CLOSE).close();
    CHECK_FALSE(exists(u"d"));
}

TEST(Delete, OnCloseOfATemporaryFile)
{
    File file(path(u"f"), FILE_WRITE_DATA | DELETE, FILE_CREATE, FILE_DELETE_ON_CLOSE, share_all,
              FILE_ATTRIBUTE_TEMPORARY);
    CHECK_EQ(file.write(0, "x"), STATUS_SUCCESS);
    file.close();
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, DirectoryMustBeEmpty)
{
    File directory = create(u"d", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    make(u"d\\f");
    CHECK_EQ(directory.dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    CHECK_FALSE(directory.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    directory.close();
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"d"));
}

TEST_DIFFERENCE(
    Delete, RefusalIsRememberedByTheHandle,
    "a handle that was refused deletion is refused again without asking the file system, until the mark is "
    "cleared or FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE is given; the reference does so, too")
{
    File directory = create(u"d", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    make(u"d\\f");
    CHECK_EQ(directory.dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(directory.dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    CHECK_EQ(directory.dispose(false), STATUS_SUCCESS);
    CHECK_EQ(directory.dispose(true), STATUS_SUCCESS);
}

TEST(Delete, PendingDirectoryTakesNoNewChildren)
{
    make_directory(u"d");
    File directory = open(u"d", FILE_LIST_DIRECTORY | DELETE);
    REQUIRE_EQ(directory.dispose(true), STATUS_SUCCESS);
    CHECK_EQ(create(u"d\\f").status(), STATUS_DELETE_PENDING);
    directory.close();
    CHECK_FALSE(exists(u"d"));
}

TEST(Delete, TriesAgainWhenTheFileIsNoLongerReadOnly)
{
    // Once the file system has to be asked, once the driver may know the attributes.
    for (const bool knows : {false, true}) {
        make(u"f", "x", FILE_ATTRIBUTE_READONLY);
        File file = open(u"f", DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
        FILE_BASIC_INFORMATION basic{};
        basic.FileAttributes = FILE_ATTRIBUTE_READONLY;
        if (knows)
            (void)file.get<FILE_BASIC_INFORMATION>(FileBasicInformation);
        else
            CHECK_EQ(file.set(FileBasicInformation, &basic, sizeof basic), STATUS_SUCCESS);
        CHECK_EQ(file.dispose(true), STATUS_CANNOT_DELETE);
        basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
        CHECK_EQ(file.set(FileBasicInformation, &basic, sizeof basic), STATUS_SUCCESS);
        CHECK_EQ(file.dispose(true), STATUS_SUCCESS);
        file.close();
        CHECK_FALSE(exists(u"f"));
    }
}

TEST(Delete, ReadOnlyFileIsKept)
{
    make(u"f", "x", FILE_ATTRIBUTE_READONLY);
    File file = open(u"f", DELETE | FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    CHECK_EQ(file.dispose(true), STATUS_CANNOT_DELETE);
    CHECK_FALSE(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
    file.close();
    CHECK(exists(u"f"));
    set_attributes(open(u"f", FILE_WRITE_ATTRIBUTES), FILE_ATTRIBUTE_NORMAL);
    CHECK_EQ(open(u"f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, ReadOnlyDirectoryIsKept)
{
    make_directory(u"d");
    set_attributes(open(u"d", FILE_WRITE_ATTRIBUTES), FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_CANNOT_DELETE);
    set_attributes(open(u"d", FILE_WRITE_ATTRIBUTES), FILE_ATTRIBUTE_NORMAL);
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS);
}

TEST(Delete, ReadOnlyCanBeIgnored)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"f", "x", FILE_ATTRIBUTE_READONLY);
    File file = open(u"f", DELETE);
    CHECK_EQ(file.dispose_ex(posix), STATUS_CANNOT_DELETE);
    CHECK_EQ(file.dispose_ex(posix | FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE), STATUS_SUCCESS);
    file.close();
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, RootCannotBeDeleted)
{
    File directory(root(), DELETE, FILE_OPEN);
    CHECK_EQ(directory.dispose(true), STATUS_CANNOT_DELETE);
}

TEST(Delete, PosixSemanticsRemovesNameWhileOpen)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"f", "old");
    File keeper = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA);
    File remover = open(u"f", DELETE);
    REQUIRE_EQ(remover.dispose_ex(posix), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_DELETE_PENDING); // until this handle is closed
    CHECK_EQ(names(), std::vector<std::u16string>{u"f"});
    remover.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    make(u"f", "new");
    CHECK_EQ(keeper.read(0, 3), "old");
    CHECK_EQ(keeper.write(3, "er"), STATUS_SUCCESS);
    CHECK_EQ(keeper.read(0, 5), "older");
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 5), "new");
}

TEST(Delete, PosixDeletedFileCannotBeTakenBackOrRenamed)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"f");
    File keeper = open(u"f", DELETE | FILE_READ_ATTRIBUTES);
    REQUIRE_EQ(open(u"f", DELETE).dispose_ex(posix), STATUS_SUCCESS);
    CHECK_EQ(keeper.dispose_ex(FILE_DISPOSITION_DO_NOT_DELETE), STATUS_FILE_DELETED);
    CHECK_EQ(keeper.dispose_ex(posix), STATUS_FILE_DELETED);
    CHECK_EQ(keeper.dispose(true), STATUS_FILE_DELETED);
    CHECK_EQ(keeper.rename(path(u"g"), false), STATUS_ACCESS_DENIED);
    CHECK(keeper.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).DeletePending);
}

TEST(Delete, PosixSemanticsCanBeTakenBackBeforeTheClose)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"f");
    File file = open(u"f", DELETE);
    REQUIRE_EQ(file.dispose_ex(posix), STATUS_SUCCESS);
    REQUIRE_EQ(file.dispose_ex(FILE_DISPOSITION_DO_NOT_DELETE), STATUS_SUCCESS);
    file.close();
    CHECK(exists(u"f"));
}

TEST(Delete, PosixSemanticsOnADirectoryNeedsItEmpty)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make_directory(u"d");
    make(u"d\\f");
    CHECK_EQ(open(u"d", DELETE).dispose_ex(posix), STATUS_DIRECTORY_NOT_EMPTY);
    File inside = open(u"d\\f", FILE_READ_DATA);
    REQUIRE_EQ(open(u"d\\f", DELETE).dispose_ex(posix), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", DELETE).dispose_ex(posix), STATUS_SUCCESS); // although a file that was in it is open
    CHECK_FALSE(exists(u"d"));
}

TEST(Delete, UnknownDispositionFlagsAreRefusedOrIgnored)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"f");
    File file = open(u"f", DELETE);
    CHECK_EQ(file.dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK),
             STATUS_SUCCESS);
    CHECK_EQ(file.dispose_ex(FILE_DISPOSITION_DO_NOT_DELETE), STATUS_SUCCESS);
}

TEST_DIFFERENCE(Delete, OnCloseCannotBeSetLater,
                "FILE_DISPOSITION_ON_CLOSE is STATUS_NOT_SUPPORTED: delete on close belongs to the open here")
{
    make(u"f");
    CHECK_EQ(open(u"f", DELETE).dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_ON_CLOSE),
             STATUS_NOT_SUPPORTED);
}

TEST(Delete, FileWithASectionLosesItsName)
{
    File file = create(u"f");
    REQUIRE_EQ(file.write(0, std::string(4096, 'm')), STATUS_SUCCESS);
    View section(file, PAGE_READONLY);
    REQUIRE_EQ(section.mapped, STATUS_SUCCESS);
    section.unmap();
    file.close();
    REQUIRE_EQ(open(u"f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f"));
    make(u"f", "new");
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), "new");
}

TEST(Delete, MappedFileIsKept)
{
    File file = create(u"f");
    REQUIRE_EQ(file.write(0, std::string(4096, 'm')), STATUS_SUCCESS);
    {
        View view(file, PAGE_READWRITE);
        view.close_section();
        file.close();
        CHECK_EQ(open(u"f", DELETE).dispose(true), STATUS_CANNOT_DELETE);
        CHECK_EQ(view.data()[100], 'm');
    }
    CHECK_EQ(open(u"f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f"));
}

TEST(Delete, CachedFilesAndTheirDirectoryGoAtOnce)
{
    for (const ULONG option : {0, FILE_DELETE_ON_CLOSE}) {
        make_directory(u"d");
        for (const char16_t* name : {u"d\\a", u"d\\b", u"d\\c"}) {
            File file = create(name);
            REQUIRE_EQ(file.set_end_of_file(1 << 20), STATUS_SUCCESS);
            View view(file, PAGE_READWRITE);
            view.close_section();
            for (int i = 0; i < 1 << 20; i += 65536)
                view.data()[i] = 'x';
        }
        for (const char16_t* name : {u"d\\a", u"d\\b", u"d\\c"}) {
            File file = open(name, DELETE, static_cast<ULONG>(option));
            if (option == 0) {
                CHECK_EQ(file.dispose(true), STATUS_SUCCESS);
            }
        }
        CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS);
        CHECK_FALSE(exists(u"d"));
    }
}

TEST(Delete, DisposeTellsTheLengthThatItNeeds)
{
    make(u"f");
    File file = open(u"f", DELETE);
    FILE_DISPOSITION_INFORMATION info{TRUE};
    CHECK_EQ(file.set(FileDispositionInformation, &info, 0), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.set(FileDispositionInformationEx, &info, 1), STATUS_INFO_LENGTH_MISMATCH);
    file.close();
    CHECK(exists(u"f"));
}

TEST(Delete, FileTakesItsStreamsAlong)
{
    need(FILE_NAMED_STREAMS);
    make(u"f");
    make(u"f:s", "x");
    REQUIRE_EQ(open(u"f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f:s"));
    make(u"f");
    CHECK_FALSE(exists(u"f:s"));
    make_directory(u"d");
    make(u"d:s");
    make(u"d\\f");
    make(u"d\\f:s");
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_DIRECTORY_NOT_EMPTY);
    REQUIRE_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS); // a stream is no child
    CHECK_FALSE(exists(u"d"));
}

TEST(Delete, StreamLeavesTheFile)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:s");
    make(u"f:t");
    File stream = open(u"f:s", DELETE);
    REQUIRE_EQ(stream.dispose(true), STATUS_SUCCESS);
    CHECK_EQ(open(u"f:s", FILE_READ_DATA).status(), STATUS_DELETE_PENDING);
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), "main");
    stream.close();
    CHECK_FALSE(exists(u"f:s"));
    CHECK(exists(u"f:t"));
    CHECK_EQ(create(u"f:u", FILE_WRITE_DATA | DELETE, FILE_DELETE_ON_CLOSE).status(), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f:u"));
}

TEST(Delete, StreamsOfAPendingFileCannotBeOpened)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s");
    make_directory(u"d");
    make(u"d:s");
    for (const char16_t* name : {u"f", u"d"}) {
        File file = open(name, DELETE);
        REQUIRE_EQ(file.dispose(true), STATUS_SUCCESS);
        CHECK_EQ(open(std::u16string(name) + u":s", FILE_READ_DATA).status(), STATUS_DELETE_PENDING);
    }
}

TEST(Delete, ByNameOnly)
{
    make(u"f");
    const std::u16string full = path(u"f");
    UNICODE_STRING name = text(full);
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.ObjectName = &name;
    object.Attributes = OBJ_CASE_INSENSITIVE;
    CHECK_EQ(NtDeleteFile(&object), STATUS_SUCCESS);
    CHECK_EQ(NtDeleteFile(&object), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(Cleanup, HandleIsOfNoUseAfterIt)
{
    make(u"f", "x");
    File file = open(u"f", FILE_READ_DATA);
    const HANDLE handle = file.handle();
    file.close();
    IO_STATUS_BLOCK block{};
    FILE_BASIC_INFORMATION basic{};
    CHECK_EQ(NtQueryInformationFile(handle, &block, &basic, sizeof basic, FileBasicInformation),
             STATUS_INVALID_HANDLE);
}

TEST(Cleanup, SectionKeepsTheFileUsableAfterTheLastHandle)
{
    File file = create(u"f");
    REQUIRE_EQ(file.write(0, std::string(4096, 'a')), STATUS_SUCCESS);
    {
        View view(file, PAGE_READWRITE);
        view.close_section();
        file.close();
        view.data()[0] = 'b'; // written back although no handle is left
    }
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 2), "ba");
}

TEST(Cleanup, WhatAViewWroteIsThereForTheNextReader)
{
    for (int i = 0; i != 300; ++i) { // also while it is just being written back
        File file(path(u"f"), FILE_ALL_ACCESS, FILE_OVERWRITE_IF);
        REQUIRE_EQ(file.write(0, std::string(8192, 'a')), STATUS_SUCCESS);
        {
            View view(file, PAGE_READWRITE);
            view.close_section();
            view.data()[0] = 'b';
            file.close();
        }
        REQUIRE_EQ(open(u"f", FILE_READ_DATA).read(0, 2), "ba") << i;
    }
}

TEST(Cleanup, WritingSetsTimeAndArchiveAttribute)
{
    make(u"f", "x");
    set_attributes(open(u"f", FILE_WRITE_ATTRIBUTES), FILE_ATTRIBUTE_NORMAL);
    const auto before = open(u"f", FILE_READ_ATTRIBUTES).get<FILE_BASIC_INFORMATION>(FileBasicInformation);
    CHECK_EQ(before.FileAttributes, FILE_ATTRIBUTE_NORMAL);
    open(u"f", FILE_WRITE_DATA).write(0, "y");
    const auto after = open(u"f", FILE_READ_ATTRIBUTES).get<FILE_BASIC_INFORMATION>(FileBasicInformation);
    CHECK_EQ(after.FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    CHECK_GE(after.LastWriteTime.QuadPart, before.LastWriteTime.QuadPart);
    CHECK_EQ(after.CreationTime.QuadPart, before.CreationTime.QuadPart);
}

TEST(Cleanup, TimesThatWereSetThroughTheHandleStay)
{
    File file = create(u"f");
    FILE_BASIC_INFORMATION basic{};
    basic.LastWriteTime.QuadPart = 130'000'000'000'000'000;
    REQUIRE_EQ(file.write(0, "x"), STATUS_SUCCESS);
    REQUIRE_EQ(file.set(FileBasicInformation, &basic, sizeof basic), STATUS_SUCCESS);
    file.close();
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES)
                 .get<FILE_BASIC_INFORMATION>(FileBasicInformation)
                 .LastWriteTime.QuadPart,
             130'000'000'000'000'000);
}

TEST(Cleanup, ReadingChangesNoAttributes)
{
    make(u"f", "x");
    set_attributes(open(u"f", FILE_WRITE_ATTRIBUTES), FILE_ATTRIBUTE_NORMAL);
    open(u"f", FILE_READ_DATA).read(0, 1);
    CHECK_EQ(
        open(u"f", FILE_READ_ATTRIBUTES).get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes,
        FILE_ATTRIBUTE_NORMAL);
}

} // namespace
} // namespace conformance

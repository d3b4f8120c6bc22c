// SPDX-License-Identifier: MIT
//
// Which dispositions do what to what is there. [MS-FSA] 2.1.5.1
#include "frame/test.h"

namespace conformance {
namespace {

constexpr ULONG dispositions[] = {FILE_SUPERSEDE, FILE_OPEN,      FILE_CREATE,
                                  FILE_OPEN_IF,   FILE_OVERWRITE, FILE_OVERWRITE_IF};

bool overwrites(ULONG disposition)
{
    return disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF;
}

TEST(Create, DispositionsOnAMissingFile)
{
    CHECK_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OPEN).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"a"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    std::u16string name = u"m";
    for (const ULONG disposition : {FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF, FILE_SUPERSEDE}) {
        name += u"m";
        File file(path(name), FILE_READ_DATA, disposition);
        CHECK_EQ(file.status(), STATUS_SUCCESS) << disposition;
        CHECK_EQ(file.information(), FILE_CREATED) << disposition;
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

TEST(Create, DispositionsOnADirectory)
{
    make_directory(u"d");
    make(u"d\\inside");
    for (const ULONG disposition : dispositions) {
        const bool opens = disposition == FILE_OPEN || disposition == FILE_OPEN_IF;
        const NTSTATUS as_file =
            File(path(u"d"), FILE_READ_ATTRIBUTES, disposition, FILE_NON_DIRECTORY_FILE).status();
        CHECK_EQ(as_file, STATUS_FILE_IS_A_DIRECTORY) << disposition;
        const NTSTATUS as_directory =
            File(path(u"d"), FILE_READ_ATTRIBUTES, disposition, FILE_DIRECTORY_FILE).status();
        CHECK_EQ(as_directory, opens                        ? STATUS_SUCCESS
                               : disposition == FILE_CREATE ? STATUS_OBJECT_NAME_COLLISION
                                                            : STATUS_INVALID_PARAMETER)
            << disposition;
        CHECK_EQ(File(path(u"d"), FILE_READ_ATTRIBUTES, disposition).status(),
                 opens ? STATUS_SUCCESS : STATUS_OBJECT_NAME_COLLISION)
            << disposition;
    }
    CHECK_EQ(names(u"d"), std::vector<std::u16string>{u"inside"});
}

TEST(Create, DirectoryIsMadeByCreateAndOpenIf)
{
    File created(path(u"c"), FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE);
    CHECK_EQ(created.status(), STATUS_SUCCESS);
    CHECK_EQ(created.information(), FILE_CREATED);
    File opened(path(u"o"), FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES, FILE_OPEN_IF, FILE_DIRECTORY_FILE);
    CHECK_EQ(opened.status(), STATUS_SUCCESS);
    CHECK_EQ(opened.information(), FILE_CREATED);
    CHECK((opened.get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes &
           FILE_ATTRIBUTE_DIRECTORY) != 0);
}

TEST(Create, DispositionsOnANamedStream)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:s", "stream");
    CHECK_EQ(File(path(u"f:s"), FILE_READ_DATA, FILE_CREATE).status(), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(File(path(u"f:t"), FILE_READ_DATA, FILE_OPEN).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"f:t"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"f:s"), FILE_READ_DATA, FILE_OPEN).read(0, 9), "stream");
    File overwritten(path(u"f:s"), FILE_READ_DATA, FILE_OVERWRITE);
    CHECK_EQ(overwritten.status(), STATUS_SUCCESS);
    CHECK_EQ(overwritten.read(0, 9), "");
    File made(path(u"f:t"), FILE_READ_DATA, FILE_OVERWRITE_IF);
    CHECK_EQ(made.information(), FILE_CREATED);
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), "main");
}

TEST(Create, StreamOfAMissingFileMakesTheFile)
{
    need(FILE_NAMED_STREAMS);
    CHECK_EQ(File(path(u"f:s"), FILE_READ_DATA, FILE_OPEN).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"f:s"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_FALSE(exists(u"f"));
    std::u16string name = u"f";
    for (const ULONG disposition : {FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF, FILE_SUPERSEDE}) {
        name += u"f";
        File stream(path(name + u":s"), FILE_WRITE_DATA, disposition);
        CHECK_EQ(stream.status(), STATUS_SUCCESS) << disposition;
        CHECK_EQ(stream.information(), FILE_CREATED) << disposition;
        CHECK(exists(name)) << disposition;
    }
}

TEST(Create, DeletePendingFileCannotBeOpenedOrReplaced)
{
    for (const bool directory : {false, true}) {
        File file = create(u"x", DELETE, directory ? FILE_DIRECTORY_FILE : 0);
        REQUIRE_EQ(file.dispose(true), STATUS_SUCCESS);
        for (const ULONG disposition : dispositions)
            if (!directory || !overwrites(disposition)) {
                CHECK_EQ(File(path(u"x"), FILE_READ_ATTRIBUTES, disposition).status(), STATUS_DELETE_PENDING)
                    << disposition;
            }
    }
}

TEST(Create, ReadOnlyFileCannotBeOverwritten)
{
    make(u"f", "x", FILE_ATTRIBUTE_READONLY);
    for (const ULONG disposition : dispositions) {
        const NTSTATUS status = File(path(u"f"), FILE_READ_ATTRIBUTES, disposition).status();
        CHECK_EQ(status, disposition == FILE_CREATE ? STATUS_OBJECT_NAME_COLLISION
                         : overwrites(disposition)  ? STATUS_ACCESS_DENIED
                                                    : STATUS_SUCCESS)
            << disposition;
    }
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), "x");
}

TEST(Create, ReadOnlyFileCannotBeOpenedForWriting)
{
    File creator(path(u"f"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(creator.write(0, "x"), STATUS_SUCCESS); // who makes the file may write it
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_APPEND_DATA).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_READ_DATA | FILE_WRITE_ATTRIBUTES | FILE_WRITE_EA).status(), STATUS_SUCCESS);
}

TEST(Create, OverwriteNeedsHiddenAndSystemToBeNamed)
{
    constexpr ULONG both = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_SYSTEM;
    for (const ULONG has : {FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM, static_cast<int>(both)})
        for (const ULONG disposition : {FILE_OVERWRITE, FILE_OVERWRITE_IF, FILE_SUPERSEDE})
            for (const ULONG given :
                 {0, FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_SYSTEM, static_cast<int>(both)})
            {
                File(path(u"f"), DELETE, FILE_OPEN).dispose(true);
                make(u"f", "x", has);
                const bool allowed = (has & ~given) == 0;
                CHECK_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, disposition, 0, share_all, given).status(),
                         allowed ? STATUS_SUCCESS : STATUS_ACCESS_DENIED)
                    << has << disposition << given;
                CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), allowed ? "" : "x")
                    << has << disposition << given;
            }
}

TEST(Create, OverwriteAddsAttributesAndSupersedeReplacesThem)
{
    const auto attributes = [](File& file) {
        return file.get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes;
    };
    make(u"f", "x", FILE_ATTRIBUTE_HIDDEN);
    constexpr ULONG given = FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_TEMPORARY;
    File overwritten(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OVERWRITE, 0, share_all, given);
    CHECK_EQ(attributes(overwritten), given | FILE_ATTRIBUTE_ARCHIVE);
    overwritten.close();
    File again(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OVERWRITE, 0, share_all, FILE_ATTRIBUTE_HIDDEN);
    CHECK_EQ(attributes(again) & FILE_ATTRIBUTE_HIDDEN, FILE_ATTRIBUTE_HIDDEN);
    again.close();
    File superseded(path(u"f"), FILE_READ_ATTRIBUTES, FILE_SUPERSEDE, 0, share_all, FILE_ATTRIBUTE_HIDDEN);
    CHECK_EQ(attributes(superseded), FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
}

TEST(Create, NewFilesGetTheArchiveAttribute)
{
    for (const ULONG given :
         {0, FILE_ATTRIBUTE_NORMAL, FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FILE_ATTRIBUTE_HIDDEN})
        for (const ULONG disposition : {FILE_CREATE, FILE_OVERWRITE_IF}) {
            File file(path(u"f"), FILE_READ_ATTRIBUTES | DELETE, disposition, 0, share_all, given);
            REQUIRE_EQ(file.status(), STATUS_SUCCESS) << given;
            CHECK_EQ(file.get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes,
                     (given & ~ULONG{FILE_ATTRIBUTE_NORMAL}) | FILE_ATTRIBUTE_ARCHIVE)
                << given;
            if (given == FILE_ATTRIBUTE_READONLY) {
                FILE_BASIC_INFORMATION basic{};
                basic.FileAttributes = FILE_ATTRIBUTE_NORMAL;
                open(u"f", FILE_WRITE_ATTRIBUTES).set(FileBasicInformation, &basic, sizeof basic);
            }
            CHECK_EQ(file.dispose(true), STATUS_SUCCESS);
        }
    make_directory(u"d");
    CHECK_EQ(
        open(u"d", FILE_READ_ATTRIBUTES).get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes,
        FILE_ATTRIBUTE_DIRECTORY);
}

TEST(Create, OverwriteDeletesClosedStreamsAndDetachesOpenOnes)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:closed", "x");
    make(u"f:open", "y");
    File stream = open(u"f:open", FILE_READ_DATA);
    REQUIRE_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f:closed", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    for (const ULONG disposition : {FILE_OPEN, FILE_CREATE, FILE_OPEN_IF})
        CHECK_EQ(File(path(u"f:open"), FILE_READ_DATA, disposition).status(), STATUS_DELETE_PENDING)
            << disposition;
    CHECK_EQ(stream.read(0, 1), "y");
    stream.close();
    CHECK_EQ(open(u"f:open", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    make(u"f:closed", "new");
    CHECK_EQ(open(u"f:closed", FILE_READ_DATA).read(0, 9), "new");
}

TEST(Create, OverwriteOfAStreamLeavesTheFile)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:s", "stream");
    make(u"f:t", "other");
    REQUIRE_EQ(File(path(u"f:s"), FILE_WRITE_DATA, FILE_OVERWRITE).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 9), "main");
    CHECK_EQ(open(u"f:t", FILE_READ_DATA).read(0, 9), "other");
}

TEST(Create, OverwriteIsCheckedAgainstSharing)
{
    make(u"f", "x");
    File reader(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_SUPERSEDE).status(), STATUS_SHARING_VIOLATION);
    CHECK_EQ(reader.read(0, 9), "x");
    reader.close();
    // The right that is checked is not kept: it does not stand in the way of others afterwards.
    File overwritten(path(u"f"), FILE_READ_DATA, FILE_OVERWRITE, 0, share_all);
    REQUIRE_EQ(overwritten.status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
    CHECK_EQ(overwritten.write(0, "y"), STATUS_ACCESS_DENIED);
}

TEST(Create, AllocationSizeIsSetAside)
{
    File file(
        Open{.path = path(u"f"), .access = FILE_WRITE_DATA, .disposition = FILE_CREATE, .allocation = 65536});
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    const auto allocation = [](File& of) {
        return of.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).AllocationSize.QuadPart;
    };
    CHECK_EQ(allocation(file), 65536);
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 0);
    File other = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(allocation(other), 65536);
    file.close();
    other.close();
    other = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(allocation(other), 0); // what was not used is given back
    other.close();
    File overwritten(Open{.path = path(u"f"),
                          .access = FILE_READ_ATTRIBUTES,
                          .disposition = FILE_OVERWRITE,
                          .allocation = 32768});
    CHECK_EQ(allocation(overwritten), 32768);
}

TEST(Create, ParentMustBeADirectoryThatExists)
{
    make(u"f");
    for (const ULONG disposition : {FILE_OPEN, FILE_CREATE, FILE_OPEN_IF, FILE_OVERWRITE_IF}) {
        CHECK_EQ(File(path(u"none\\x"), FILE_READ_ATTRIBUTES, disposition).status(),
                 STATUS_OBJECT_PATH_NOT_FOUND)
            << disposition;
        CHECK_EQ(File(path(u"f\\x"), FILE_READ_ATTRIBUTES, disposition).status(),
                 STATUS_OBJECT_PATH_NOT_FOUND)
            << disposition;
        CHECK_EQ(File(path(u"f\\x\\y"), FILE_READ_ATTRIBUTES, disposition).status(),
                 STATUS_OBJECT_PATH_NOT_FOUND)
            << disposition;
    }
}

TEST(Create, ReadOnlyDirectoryTakesNewFiles)
{
    REQUIRE_EQ(File(path(u"d"), FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE, share_all,
                    FILE_ATTRIBUTE_READONLY)
                   .status(),
               STATUS_SUCCESS);
    make(u"d\\f");
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"d\\f"));
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_CANNOT_DELETE);
}

TEST(Create, RootRefusesToBeReplacedOrDeleted)
{
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY, FILE_OPEN).status(), STATUS_SUCCESS);
    CHECK_EQ(File(root(), DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
    CHECK_FALSE(NT_SUCCESS(File(root(), FILE_READ_ATTRIBUTES, FILE_OVERWRITE).status()));
    CHECK_FALSE(NT_SUCCESS(File(root(), FILE_READ_ATTRIBUTES, FILE_SUPERSEDE).status()));
}

TEST_DIFFERENCE(Create, RootIsNotThereToBeCreated,
                "the root answers FILE_CREATE with STATUS_ACCESS_DENIED, as the reference does, not with "
                "STATUS_OBJECT_NAME_COLLISION")
{
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE).status(),
             STATUS_ACCESS_DENIED);
}

TEST(Create, SecondOpenSeesTheSameFile)
{
    make(u"f", "x");
    File first = open(u"f", FILE_READ_ATTRIBUTES), second = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(first.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart,
             second.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart);
    make(u"g");
    CHECK_NE(first.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart,
             open(u"g", FILE_READ_ATTRIBUTES)
                 .get<FILE_INTERNAL_INFORMATION>(FileInternalInformation)
                 .IndexNumber.QuadPart);
}

TEST(Create, VolumeCanBeOpenedWithoutAFile)
{
    std::u16string device = root();
    device.pop_back();
    if (is_network())
        SKIP("the share itself is the root");
    // With less access it would be the disk below the file system.
    File volume(device, FILE_READ_DATA, FILE_OPEN);
    if (volume.status() == STATUS_ACCESS_DENIED)
        SKIP("needs an administrator");
    REQUIRE_EQ(volume.status(), STATUS_SUCCESS);
    FILE_FS_SIZE_INFORMATION size{};
    IO_STATUS_BLOCK block{};
    CHECK_EQ(NtQueryVolumeInformationFile(volume.handle(), &block, &size, sizeof size, FileFsSizeInformation),
             STATUS_SUCCESS);
    FILE_BASIC_INFORMATION basic{};
    CHECK_FALSE(NT_SUCCESS(volume.query(FileBasicInformation, &basic, sizeof basic)));
}

} // namespace
} // namespace conformance

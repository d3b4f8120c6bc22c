// SPDX-License-Identifier: MIT
//
// Options of a create, and combinations that are refused.
#include "frame/test.h"

namespace conformance {
namespace {

/// A create exactly as given, unlike File: nothing is added.
NTSTATUS raw_create(std::u16string_view path, ACCESS_MASK access, ULONG attributes, ULONG share,
                    ULONG disposition, ULONG options)
{
    UNICODE_STRING name = text(path);
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.ObjectName = &name;
    object.Attributes = OBJ_CASE_INSENSITIVE;
    IO_STATUS_BLOCK block{};
    HANDLE handle = nullptr;
    const NTSTATUS status = NtCreateFile(&handle, access, &object, &block, nullptr, attributes, share,
                                         disposition, options, nullptr, 0);
    if (NT_SUCCESS(status))
        NtClose(handle);
    return status;
}

TEST(CreateOption, FileAndDirectoryExcludeEachOther)
{
    make(u"f");
    for (const ULONG disposition : {FILE_OPEN, FILE_CREATE, FILE_OPEN_IF})
        CHECK_EQ(
            File(path(u"f"), FILE_READ_ATTRIBUTES, disposition, FILE_DIRECTORY_FILE | FILE_NON_DIRECTORY_FILE)
                .status(),
            STATUS_INVALID_PARAMETER)
            << disposition;
}

TEST(CreateOption, DirectoryAndFileOptionsAreKept)
{
    make_directory(u"d");
    make(u"f");
    CHECK_EQ(open(u"d", FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE).status(), STATUS_FILE_IS_A_DIRECTORY);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(), STATUS_NOT_A_DIRECTORY);
    CHECK_EQ(open(u"d", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OPEN_IF, FILE_DIRECTORY_FILE).status(),
             STATUS_NOT_A_DIRECTORY);
    CHECK_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, FILE_CREATE, FILE_DIRECTORY_FILE).status(),
             STATUS_OBJECT_NAME_COLLISION);
}

TEST(CreateOption, DirectoryOptionForbidsOverwriting)
{
    for (const ULONG disposition : {FILE_SUPERSEDE, FILE_OVERWRITE, FILE_OVERWRITE_IF})
        CHECK_EQ(File(path(u"d"), FILE_READ_ATTRIBUTES, disposition, FILE_DIRECTORY_FILE).status(),
                 STATUS_INVALID_PARAMETER)
            << disposition;
}

TEST(CreateOption, NewDirectoryCannotBeTemporary)
{
    for (const ULONG disposition : {FILE_CREATE, FILE_OPEN_IF})
        CHECK_EQ(File(path(u"d"), FILE_LIST_DIRECTORY, disposition, FILE_DIRECTORY_FILE, share_all,
                      FILE_ATTRIBUTE_TEMPORARY)
                     .status(),
                 STATUS_INVALID_PARAMETER)
            << disposition;
}

TEST(CreateOption, OutOfRangeParametersAreRefused)
{
    constexpr ACCESS_MASK access = FILE_READ_DATA | SYNCHRONIZE;
    constexpr ULONG options = FILE_SYNCHRONOUS_IO_NONALERT;
    CHECK_EQ(raw_create(path(u"f"), access, 0, 8, FILE_CREATE, options), STATUS_INVALID_PARAMETER);
    CHECK_EQ(raw_create(path(u"f"), access, 0, share_all, FILE_MAXIMUM_DISPOSITION + 1, options),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(raw_create(path(u"f"), access, 0, share_all, FILE_CREATE, options | 0x01000000),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(raw_create(path(u"f"), access, 0x80000000, share_all, FILE_CREATE, options),
             STATUS_INVALID_PARAMETER);
    CHECK_FALSE(exists(u"f"));
}

TEST(CreateOption, SynchronousHandlesNeedSynchronizeAccess)
{
    for (const ULONG option : {FILE_SYNCHRONOUS_IO_ALERT, FILE_SYNCHRONOUS_IO_NONALERT})
        CHECK_EQ(raw_create(path(u"f"), FILE_READ_DATA, 0, share_all, FILE_CREATE, option),
                 STATUS_INVALID_PARAMETER);
    CHECK_EQ(raw_create(path(u"f"), FILE_READ_DATA | SYNCHRONIZE, 0, share_all, FILE_CREATE,
                        FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(raw_create(path(u"f"), FILE_READ_DATA, 0, share_all, FILE_CREATE, 0), STATUS_SUCCESS);
}

TEST(CreateOption, DeleteOnCloseNeedsDeleteAccess)
{
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_CREATE, FILE_DELETE_ON_CLOSE).status(),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA | DELETE, FILE_CREATE, FILE_DELETE_ON_CLOSE).status(),
             STATUS_SUCCESS);
}

TEST(CreateOption, DeleteOnCloseOfAReadOnlyFileIsRefused)
{
    CHECK_EQ(File(path(u"n"), DELETE, FILE_CREATE, FILE_DELETE_ON_CLOSE, share_all, FILE_ATTRIBUTE_READONLY)
                 .status(),
             STATUS_CANNOT_DELETE);
    make(u"f", {}, FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(open(u"f", DELETE, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
    CHECK(exists(u"f"));
}

TEST(CreateOption, UnbufferedAppendIsRefused)
{
    CHECK_EQ(File(path(u"f"), FILE_APPEND_DATA, FILE_CREATE, FILE_NO_INTERMEDIATE_BUFFERING).status(),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(File(path(u"f"), FILE_APPEND_DATA | FILE_WRITE_DATA, FILE_CREATE, FILE_NO_INTERMEDIATE_BUFFERING)
                 .status(),
             STATUS_SUCCESS);
}

TEST(CreateOption, AccessHintsAndWriteThroughAreTaken)
{
    for (const ULONG option :
         {FILE_WRITE_THROUGH, FILE_SEQUENTIAL_ONLY, FILE_RANDOM_ACCESS, FILE_NO_COMPRESSION,
          FILE_NO_INTERMEDIATE_BUFFERING, FILE_OPEN_FOR_BACKUP_INTENT, FILE_NO_EA_KNOWLEDGE,
          FILE_OPEN_NO_RECALL, FILE_OPEN_REPARSE_POINT, FILE_COMPLETE_IF_OPLOCKED})
    {
        File file(path(u"f"), FILE_READ_DATA | FILE_WRITE_DATA, FILE_OVERWRITE_IF,
                  static_cast<ULONG>(option));
        CHECK_EQ(file.status(), STATUS_SUCCESS) << option;
        CHECK_EQ(file.write(0, std::string(512, 'x')), STATUS_SUCCESS) << option;
        CHECK_EQ(file.read(0, 512), std::string(512, 'x')) << option;
    }
}

TEST(CreateOption, ModeIsReported)
{
    make(u"f");
    File file = open(u"f", FILE_READ_DATA, FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY);
    CHECK_EQ(file.get<FILE_MODE_INFORMATION>(FileModeInformation).Mode,
             FILE_WRITE_THROUGH | FILE_SEQUENTIAL_ONLY | FILE_SYNCHRONOUS_IO_NONALERT);
}

TEST_DIFFERENCE(CreateOption, FilesCannotBeOpenedByTheirId,
                "a file system on this platform need not be able to find a file by its number")
{
    make(u"f");
    const auto id = open(u"f", FILE_READ_ATTRIBUTES).get<FILE_INTERNAL_INFORMATION>(FileInternalInformation);
    File directory = open(u"", FILE_LIST_DIRECTORY);
    const std::u16string_view name(reinterpret_cast<const char16_t*>(&id.IndexNumber), 4);
    CHECK_EQ(File(name, FILE_READ_DATA, FILE_OPEN, FILE_OPEN_BY_FILE_ID, share_all, 0, directory.handle())
                 .status(),
             STATUS_NOT_IMPLEMENTED);
}

} // namespace
} // namespace conformance

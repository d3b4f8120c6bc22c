// SPDX-License-Identifier: MIT
//
// Renames and links. [MS-FSA] 2.1.5.15.11 (FileRenameInformation), 2.1.5.15.6 (FileLinkInformation)
#include "frame/host.h"
#include "frame/identity.h"
#include "frame/view.h"

#include <cstring>

namespace conformance {
namespace {

constexpr ULONG replace = FILE_RENAME_REPLACE_IF_EXISTS;
constexpr ULONG posix_replace = FILE_RENAME_REPLACE_IF_EXISTS | FILE_RENAME_POSIX_SEMANTICS;

TEST(Rename, MovesAFileWithItsContents)
{
    make(u"a", "data");
    make_directory(u"d");
    File file = open(u"a", DELETE | FILE_READ_DATA | FILE_READ_ATTRIBUTES);
    const auto id = file.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart;
    REQUIRE_EQ(file.rename(path(u"d\\b"), false), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 4), "data");
    CHECK_FALSE(exists(u"a"));
    File moved = open(u"d\\b", FILE_READ_ATTRIBUTES);
    CHECK_EQ(moved.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart, id);
    alignas(8) std::uint8_t buffer[1024];
    REQUIRE_EQ(file.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_EQ(name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)), name_on_volume(u"d\\b"));
}

TEST(Rename, MovesADirectoryWithAllThatIsInIt)
{
    make_directory(u"d");
    make_directory(u"d\\e");
    make(u"d\\e\\f", "x");
    make_directory(u"other");
    REQUIRE_EQ(open(u"d", DELETE).rename(path(u"other\\moved"), false), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"d"));
    CHECK_EQ(open(u"other\\moved\\e\\f", FILE_READ_DATA).read(0, 9), "x");
}

TEST(Rename, ReplacesOnlyIfAsked)
{
    make(u"a", "new");
    make(u"b", "old");
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "old");
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_SUCCESS);
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
    CHECK_EQ(names(), std::vector<std::u16string>{u"b"});
}

TEST(Rename, NeverReplacesADirectory)
{
    make(u"f");
    make_directory(u"d");
    make_directory(u"e");
    CHECK_EQ(open(u"f", DELETE).rename(path(u"d"), true), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"e", DELETE).rename(path(u"d"), true), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"e", DELETE).rename(path(u"d"), false), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(names(), (std::vector<std::u16string>{u"d", u"e", u"f"}));
}

TEST(Rename, NeverReplacesADirectoryWithCachedFiles)
{
    make(u"f");
    make_directory(u"d");
    make(u"d\\a", "in the cache when it is closed");
    CHECK_EQ(open(u"f", DELETE).rename(path(u"d"), false), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(open(u"f", DELETE).rename(path(u"d"), true), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"d\\a", FILE_READ_DATA).read(0, 6), "in the");
}

TEST(Rename, DirectoryReplacesAFile)
{
    make_directory(u"d");
    make(u"f", "x");
    CHECK_EQ(open(u"d", DELETE).rename(path(u"f"), true), STATUS_SUCCESS);
    CHECK(open(u"f", FILE_READ_ATTRIBUTES).get<FILE_STANDARD_INFORMATION>(FileStandardInformation).Directory);
}

TEST(Rename, OverAReadOnlyFileIsRefused)
{
    make(u"a", "new");
    make(u"b", "old", FILE_ATTRIBUTE_READONLY);
    CHECK_FALSE(NT_SUCCESS(open(u"a", DELETE).rename(path(u"b"), true)));
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "old");
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    CHECK_FALSE(NT_SUCCESS(open(u"a", DELETE).rename_ex(path(u"b"), replace)));
    CHECK_EQ(open(u"a", DELETE).rename_ex(path(u"b"), replace | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE),
             STATUS_SUCCESS);
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST(Rename, OfAReadOnlyFileIsAllowed)
{
    make(u"a", "x", FILE_ATTRIBUTE_READONLY);
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_SUCCESS);
    CHECK(exists(u"b"));
}

TEST(Rename, NeedsDeleteAccessToWhatItReplaces)
{
    need(FILE_PERSISTENT_ACLS);
    const auto keep = host::descriptor(u"D:P(A;;FRFW;;;WD)");
    const auto no_delete_child = host::descriptor(u"D:P(A;;0x1201bf;;;WD)");
    File(path(u"d"), FILE_LIST_DIRECTORY, FILE_CREATE, FILE_DIRECTORY_FILE, share_all, 0, nullptr,
         const_cast<std::uint8_t*>(no_delete_child.data()));
    File(path(u"d\\b"), FILE_WRITE_DATA, FILE_CREATE, 0, share_all, 0, nullptr,
         const_cast<std::uint8_t*>(keep.data()));
    make(u"a");
    const Without none({SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE});
    CHECK_EQ(open(u"a", DELETE).rename(path(u"d\\b"), true), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"a", DELETE).rename(path(u"d\\c"), true), STATUS_SUCCESS);
}

TEST(Rename, OverAnOpenFileNeedsPosixSemantics)
{
    make(u"a", "new");
    make(u"b", "old");
    File target = open(u"b", FILE_READ_DATA);
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_ACCESS_DENIED);
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    CHECK_EQ(open(u"a", DELETE).rename_ex(path(u"b"), posix_replace), STATUS_SUCCESS);
    CHECK_EQ(target.read(0, 3), "old");
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "new");
}

TEST(Rename, PosixSemanticsStillAskSharing)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"a", "new");
    make(u"b", "old");
    {
        File target(path(u"b"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ | FILE_SHARE_WRITE);
        CHECK_EQ(open(u"a", DELETE).rename_ex(path(u"b"), posix_replace), STATUS_SHARING_VIOLATION);
    }
    File target(path(u"b"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0);
    CHECK_EQ(open(u"a", DELETE).rename_ex(path(u"b"), posix_replace), STATUS_SUCCESS);
}

TEST(Rename, OrphanOfAPosixReplaceWorksOn)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make(u"a", "new");
    make(u"b", "old");
    File orphan = open(u"b", FILE_READ_DATA | FILE_WRITE_DATA | DELETE);
    REQUIRE_EQ(open(u"a", DELETE).rename_ex(path(u"b"), posix_replace), STATUS_SUCCESS);
    CHECK_EQ(orphan.write(0, "ghost"), STATUS_SUCCESS);
    CHECK_EQ(orphan.read(0, 9), "ghost");
    CHECK_FALSE(NT_SUCCESS(orphan.rename(path(u"c"), false)));
    orphan.close();
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 9), "new");
}

TEST(Rename, OverADeletePendingFile)
{
    make(u"a");
    make(u"b");
    File pending = open(u"b", DELETE);
    REQUIRE_EQ(pending.dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(NT_SUCCESS(open(u"a", DELETE).rename(path(u"b"), true)));
    pending.close();
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_SUCCESS);
}

TEST(Rename, FileThatOthersHaveOpen)
{
    make(u"a", "x");
    File other = open(u"a", FILE_READ_ATTRIBUTES | FILE_READ_DATA);
    REQUIRE_EQ(open(u"a", DELETE).rename(path(u"b"), false), STATUS_SUCCESS);
    CHECK_EQ(other.read(0, 9), "x");
    CHECK(exists(u"b"));
    alignas(8) std::uint8_t buffer[1024];
    REQUIRE_EQ(other.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_EQ(name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)), name_on_volume(u"b"));
}

TEST(Rename, DirectoryWithOpenFilesBelowStays)
{
    make_directory(u"d");
    make_directory(u"d\\e");
    File inside = create(u"d\\e\\f");
    CHECK_EQ(open(u"d", DELETE).rename(path(u"x"), false), STATUS_ACCESS_DENIED);
    inside.close();
    CHECK_EQ(open(u"d", DELETE).rename(path(u"x"), false), STATUS_SUCCESS);
    CHECK(exists(u"x\\e\\f"));
}

TEST(Rename, DirectoryWithOpenFilesBehindCachedOnesStays)
{
    make_directory(u"d");
    make(u"d\\a", "in the cache when it is closed");
    const File file = create(u"d\\b");
    make(u"d\\c", "in the cache when it is closed");
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_ACCESS_DENIED);
    CHECK(exists(u"d\\b"));
}

TEST(Rename, OpenSubdirectoryKeepsADirectory)
{
    make_directory(u"d");
    make_directory(u"d\\e");
    File inside = open(u"d\\e", FILE_LIST_DIRECTORY);
    CHECK_EQ(open(u"d", DELETE).rename(path(u"x"), false), STATUS_ACCESS_DENIED);
}

TEST(Rename, PosixSemanticsMovesADirectoryUnderOpenFiles)
{
    need(FILE_SUPPORTS_POSIX_UNLINK_RENAME);
    make_directory(u"d");
    make(u"d\\f", "x");
    File inside = open(u"d\\f", FILE_READ_DATA);
    REQUIRE_EQ(open(u"d", DELETE).rename_ex(path(u"e"), FILE_RENAME_POSIX_SEMANTICS), STATUS_SUCCESS);
    CHECK_EQ(inside.read(0, 1), "x");
    CHECK(exists(u"e\\f"));
    CHECK_FALSE(exists(u"d\\f"));
}

TEST(Rename, DirectoryCannotMoveBelowItself)
{
    make_directory(u"d");
    make_directory(u"d\\e");
    CHECK_FALSE(NT_SUCCESS(open(u"d", DELETE).rename(path(u"d\\x"), false)));
    CHECK_FALSE(NT_SUCCESS(open(u"d", DELETE).rename(path(u"d\\e\\x"), false)));
    CHECK(exists(u"d\\e"));
}

TEST(Rename, SimpleNameStaysInTheDirectory)
{
    make_directory(u"d");
    make(u"d\\a");
    REQUIRE_EQ(open(u"d\\a", DELETE).rename(u"b", false), STATUS_SUCCESS);
    CHECK(exists(u"d\\b"));
    REQUIRE_EQ(open(u"d\\b", DELETE).rename(u"c\\", false),
               STATUS_SUCCESS); // one backslash too many is forgiven
    CHECK(exists(u"d\\c"));
}

TEST(Rename, RelativeToADirectory)
{
    make(u"a");
    File directory = create(u"d", FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_DIRECTORY_FILE);
    CHECK_EQ(open(u"a", DELETE).rename(u"b", false, directory.handle()), STATUS_SUCCESS);
    CHECK(exists(u"d\\b"));
    make_directory(u"d\\e");
    CHECK_EQ(open(u"d\\b", DELETE).rename(u"e\\c", false, directory.handle()), STATUS_SUCCESS);
    CHECK(exists(u"d\\e\\c"));
}

TEST(Rename, TargetWithATrailingBackslash)
{
    make(u"a");
    make_directory(u"d");
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b\\"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e\\"), false), STATUS_SUCCESS);
    CHECK_EQ(names(), (std::vector<std::u16string>{u"b", u"e"}));
}

TEST(Rename, IntoAMissingDirectory)
{
    make(u"a");
    CHECK_EQ(open(u"a", DELETE).rename(path(u"none\\b"), false), STATUS_OBJECT_PATH_NOT_FOUND);
    make(u"f");
    CHECK_FALSE(NT_SUCCESS(open(u"a", DELETE).rename(path(u"f\\b"), false)));
    CHECK(exists(u"a"));
}

TEST(Rename, InvalidNamesAreRefused)
{
    make(u"a");
    File file = open(u"a", DELETE);
    for (const char16_t* name : {u"b*", u"b?", u"b|c", u"b:c", u"b<"})
        CHECK_FALSE(NT_SUCCESS(file.rename(path(name), true))) << std::u16string(name);
    CHECK_FALSE(NT_SUCCESS(file.rename(path(std::u16string(256, u'x')), true)));
    CHECK_FALSE(NT_SUCCESS(file.rename(u"", true)));
    CHECK(exists(u"a"));
}

TEST(Rename, ToItselfIsNoChange)
{
    make(u"a", "x");
    make_directory(u"d");
    for (const bool over : {false, true}) {
        CHECK_EQ(open(u"a", DELETE).rename(path(u"a"), over), STATUS_SUCCESS);
        CHECK_EQ(open(u"d", DELETE).rename(path(u"d"), over), STATUS_SUCCESS);
    }
    CHECK_EQ(open(u"a", FILE_READ_DATA).read(0, 9), "x");
}

TEST(Rename, CaseOnly)
{
    make(u"name", "x");
    make_directory(u"dir");
    make(u"dir\\inside");
    REQUIRE_EQ(open(u"name", DELETE).rename(path(u"NAME"), false), STATUS_SUCCESS);
    REQUIRE_EQ(open(u"dir", DELETE).rename(path(u"DIR"), false), STATUS_SUCCESS);
    CHECK_EQ(names(), (std::vector<std::u16string>{u"DIR", u"NAME"}));
    CHECK_EQ(open(u"NAME", FILE_READ_DATA).read(0, 9), "x");
    CHECK(exists(u"DIR\\inside"));
    if (ignores_case()) {
        make(u"other");
        CHECK_EQ(open(u"other", DELETE).rename(path(u"name"), false), STATUS_OBJECT_NAME_COLLISION);
    }
}

TEST(Rename, OfAMappedFileKeepsTheView)
{
    File file = create(u"a");
    REQUIRE_EQ(file.write(0, std::string(8192, 'm')), STATUS_SUCCESS);
    View view(file, PAGE_READWRITE);
    CHECK_EQ(file.rename(path(u"b"), false), STATUS_SUCCESS);
    view.data()[1] = 'x';
    file.close();
    view.close_section();
    view.unmap();
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 3), "mxm");
}

TEST(Rename, OverAFileWithASection)
{
    make(u"a", "new");
    File file = create(u"b");
    REQUIRE_EQ(file.write(0, std::string(4096, 'o')), STATUS_SUCCESS);
    View section(file, PAGE_READONLY);
    REQUIRE_EQ(section.mapped, STATUS_SUCCESS);
    section.unmap();
    file.close();
    CHECK_EQ(open(u"a", DELETE).rename(path(u"b"), true), STATUS_SUCCESS);
    section.close_section();
    CHECK_EQ(open(u"b", FILE_READ_DATA).read(0, 9), "new");
}

TEST(Rename, ThereAndBackWithSectionsBelow)
{
    make_directory(u"d");
    make_directory(u"d\\e");
    std::vector<View> sections;
    std::vector<std::u16string> made;
    for (int i = 0; i != 20; ++i) {
        const std::u16string name =
            (i % 2 != 0 ? u"e\\" : u"") + std::u16string(static_cast<std::size_t>(i + 1), u'n');
        made.push_back(name);
        File file = create(u"d\\" + name);
        REQUIRE_EQ(file.write(0, std::string(4096, static_cast<char>('a' + i))), STATUS_SUCCESS);
        sections.emplace_back(file, PAGE_READONLY);
        REQUIRE_EQ(sections.back().mapped, STATUS_SUCCESS);
        sections.back().unmap();
    }
    for (int i = 0; i != 10; ++i) {
        REQUIRE_EQ(open(u"d", DELETE).rename(path(u"a-longer-name"), false), STATUS_SUCCESS) << i;
        REQUIRE_EQ(open(u"a-longer-name", DELETE).rename(path(u"d"), false), STATUS_SUCCESS) << i;
    }
    for (std::size_t i = 0; i != made.size(); ++i)
        CHECK_EQ(open(u"d\\" + made[i], FILE_READ_DATA).read(4000, 1),
                 std::string(1, static_cast<char>('a' + i)));
}

TEST(Rename, CachedDataGoesWithTheFile)
{
    make_directory(u"d");
    for (const char16_t* name : {u"d\\a", u"d\\b"}) {
        File file = create(name);
        REQUIRE_EQ(file.write(0, std::string(200'000, static_cast<char>(name[2]))), STATUS_SUCCESS);
    }
    REQUIRE_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"e\\a", FILE_READ_DATA).read(0, 200'000), std::string(200'000, 'a'));
    REQUIRE_EQ(open(u"e", DELETE).rename(path(u"d"), false), STATUS_SUCCESS);
    REQUIRE_EQ(open(u"d\\a", DELETE).rename(path(u"d\\b"), true), STATUS_SUCCESS);
    CHECK_EQ(open(u"d\\b", FILE_READ_DATA).read(0, 200'000), std::string(200'000, 'a'));
    REQUIRE_EQ(open(u"d", DELETE).rename(path(u"f"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"f\\b", FILE_READ_DATA).read(199'990, 10), std::string(10, 'a'));
}

TEST(Rename, RootCannotMove) { CHECK_FALSE(NT_SUCCESS(File(root(), DELETE, FILE_OPEN).rename(u"x", false))); }

TEST_DIFFERENCE(Rename, StreamsCannotBeRenamed, "the protocol to the file system has no request for it")
{
    make(u"f:s");
    CHECK_EQ(open(u"f:s", DELETE).rename(u":t", false), STATUS_INVALID_PARAMETER);
    CHECK(exists(u"f:s"));
}

TEST(Rename, FileWithOpenStreams)
{
    need(FILE_NAMED_STREAMS);
    make(u"f:s", "x");
    {
        File stream = open(u"f:s", FILE_READ_DATA);
        CHECK_EQ(open(u"f", DELETE).rename(path(u"g"), false), STATUS_ACCESS_DENIED);
    }
    CHECK_EQ(open(u"f", DELETE).rename(path(u"g"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"g:s", FILE_READ_DATA).read(0, 9), "x");
}

TEST_DIFFERENCE(Link, HardLinksAreRefused,
                "a file has one name here; a file system may keep links of its own")
{
    make(u"a");
    const std::u16string to = path(u"b");
    std::vector<std::uint8_t> buffer(sizeof(FILE_LINK_INFORMATION) + 2 * to.size());
    auto* link = reinterpret_cast<FILE_LINK_INFORMATION*>(buffer.data());
    link->FileNameLength = static_cast<ULONG>(2 * to.size());
    std::memcpy(link->FileName, to.data(), 2 * to.size());
    File file = open(u"a", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    CHECK_EQ(file.set(FileLinkInformation, buffer.data(), static_cast<ULONG>(buffer.size())),
             STATUS_NOT_SUPPORTED);
    CHECK_FALSE(exists(u"b"));
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).NumberOfLinks, 1);
    std::uint8_t links[256];
    CHECK_EQ(file.query(FileHardLinkInformation, links, sizeof links), STATUS_NOT_SUPPORTED);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
//
// Who may open what: descriptors, privileges, MAXIMUM_ALLOWED, traverse rights. [MS-FSA] 2.1.5.1.2.1
#include "frame/host.h"
#include "frame/identity.h"
#include "frame/test.h"

namespace conformance {
namespace {

File create_with(const std::u16string& path, std::u16string_view sddl, ULONG options = 0,
                 ACCESS_MASK access = FILE_READ_ATTRIBUTES)
{
    auto descriptor = host::descriptor(sddl);
    REQUIRE(!descriptor.empty());
    File file(path, access, FILE_CREATE, options, share_all, 0, nullptr, descriptor.data());
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    return file;
}

/// What the handle was granted.
ACCESS_MASK granted(File& file)
{
    return file.get<FILE_ACCESS_INFORMATION>(FileAccessInformation).AccessFlags;
}

/// Opens for these rights and no other, not even SYNCHRONIZE.
File open_for(const std::u16string& path, ACCESS_MASK access)
{
    return File(Open{.path = path, .access = access, .asynchronous = true});
}

constexpr char16_t only_delete[] = u"D:P(A;;SD;;;WD)";
constexpr char16_t everything[] = u"D:P(A;OICI;FA;;;WD)";

TEST(Access, IsGrantedPerHandle)
{
    make(u"f", "x");
    File reader = open(u"f", FILE_READ_DATA);
    CHECK_EQ(reader.write(0, "y"), STATUS_ACCESS_DENIED);
    File writer = open(u"f", FILE_WRITE_DATA);
    writer.read(0, 1);
    CHECK_EQ(writer.status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.dispose(true), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.rename(path(u"g"), false), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.set_end_of_file(0), STATUS_ACCESS_DENIED);
    FILE_BASIC_INFORMATION basic{};
    CHECK_EQ(reader.set(FileBasicInformation, &basic, sizeof basic), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_READ_DATA).query(FileBasicInformation, &basic, sizeof basic),
             STATUS_ACCESS_DENIED);
    IO_STATUS_BLOCK block{};
    std::uint8_t buffer[64];
    ULONG length = 0;
    CHECK_EQ(NtQueryEaFile(reader.handle(), &block, buffer, sizeof buffer, FALSE, nullptr, 0, nullptr, TRUE),
             STATUS_ACCESS_DENIED);
    CHECK_EQ(NtSetEaFile(reader.handle(), &block, buffer, 0), STATUS_ACCESS_DENIED);
    CHECK_EQ(
        NtQuerySecurityObject(reader.handle(), DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &length),
        STATUS_ACCESS_DENIED);
    CHECK_EQ(
        NtSetSecurityObject(reader.handle(), DACL_SECURITY_INFORMATION, host::descriptor(everything).data()),
        STATUS_ACCESS_DENIED);
}

TEST(Access, ExecuteIsNotRead)
{
    make(u"f", "x");
    File file = open(u"f", FILE_EXECUTE);
    file.read(0, 1);
    CHECK_EQ(file.status(), STATUS_ACCESS_DENIED);
}

TEST(Access, DescriptorDecides)
{
    need(FILE_PERSISTENT_ACLS);
    const struct
    {
        const char16_t* sddl;
        ACCESS_MASK allowed, refused;
    } rows[] = {{u"D:P(A;;FR;;;WD)", FILE_GENERIC_READ, FILE_WRITE_DATA},
                {u"D:P(A;;FW;;;WD)", FILE_GENERIC_WRITE, FILE_READ_DATA},
                {u"D:P(A;;FX;;;WD)", FILE_GENERIC_EXECUTE, FILE_READ_DATA},
                {u"D:P(D;;WD;;;WD)(A;;FA;;;WD)", FILE_READ_DATA | FILE_WRITE_DATA, 0},
                {u"D:P(D;;0x2;;;WD)(A;;FA;;;WD)", FILE_READ_DATA | DELETE, FILE_WRITE_DATA},
                {u"D:P(A;;0x2;;;WD)(D;;0x2;;;WD)", FILE_WRITE_DATA, FILE_READ_DATA},
                {u"D:P(A;;FA;;;SY)", READ_CONTROL | WRITE_DAC, FILE_READ_DATA}}; // the owner's own rights
    std::u16string name = u"f";
    for (const auto& row : rows) {
        name += u'f';
        create_with(path(name), row.sddl);
        CHECK_EQ(open_for(path(name), row.allowed).status(), STATUS_SUCCESS) << std::u16string(row.sddl);
        if (row.refused != 0) {
            CHECK_EQ(open_for(path(name), row.refused).status(), STATUS_ACCESS_DENIED)
                << std::u16string(row.sddl);
            CHECK_EQ(open_for(path(name), row.allowed | row.refused).status(), STATUS_ACCESS_DENIED)
                << std::u16string(row.sddl);
        }
    }
}

TEST(Access, NoDaclAllowsEverythingAndAnEmptyOneNothing)
{
    need(FILE_PERSISTENT_ACLS);
    make(u"f", "x");
    SECURITY_DESCRIPTOR open_to_all{};
    REQUIRE_EQ(RtlCreateSecurityDescriptor(&open_to_all, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    REQUIRE_EQ(RtlSetDaclSecurityDescriptor(&open_to_all, TRUE, nullptr, FALSE), STATUS_SUCCESS);
    REQUIRE_EQ(NtSetSecurityObject(open(u"f", WRITE_DAC).handle(), DACL_SECURITY_INFORMATION, &open_to_all),
               STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_ALL_ACCESS).status(), STATUS_SUCCESS);
    REQUIRE_EQ(NtSetSecurityObject(open(u"f", WRITE_DAC).handle(), DACL_SECURITY_INFORMATION,
                                   host::descriptor(u"D:P").data()),
               STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, CreatorGetsWhatItAsksForWhateverTheDescriptorSays)
{
    need(FILE_PERSISTENT_ACLS);
    File file = create_with(path(u"f"), u"D:P", 0, FILE_READ_DATA | FILE_WRITE_DATA);
    CHECK_EQ(file.write(0, "x"), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, MaximumAllowedIsWhatTheDescriptorGrants)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"r"), u"D:P(A;;FR;;;WD)");
    create_with(path(u"a"), everything);
    File reader = open(u"r", MAXIMUM_ALLOWED);
    REQUIRE_EQ(reader.status(), STATUS_SUCCESS);
    // Beside the descriptor: the owner's READ_CONTROL and WRITE_DAC, and what the directory adds.
    CHECK_EQ(granted(reader) & FILE_GENERIC_READ, FILE_GENERIC_READ);
    CHECK_EQ(granted(reader) & (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES),
             0);
    File all = open(u"a", MAXIMUM_ALLOWED);
    CHECK_EQ(granted(all), FILE_ALL_ACCESS);
}

TEST(Access, MaximumAllowedLeavesWritingOutOfReadOnlyFiles)
{
    make(u"f", "x", FILE_ATTRIBUTE_READONLY);
    File file = open(u"f", MAXIMUM_ALLOWED);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(granted(file) & (FILE_WRITE_DATA | FILE_APPEND_DATA), 0);
    CHECK_EQ(granted(file) & FILE_READ_DATA, FILE_READ_DATA);
}

TEST(Access, GenericRightsAreMapped)
{
    make(u"f");
    File reader = open(u"f", GENERIC_READ), writer = open(u"f", GENERIC_WRITE),
         runner = open(u"f", GENERIC_EXECUTE), all = open(u"f", GENERIC_ALL);
    CHECK_EQ(granted(reader), FILE_GENERIC_READ);
    CHECK_EQ(granted(writer), FILE_GENERIC_WRITE);
    CHECK_EQ(granted(runner), FILE_GENERIC_EXECUTE);
    CHECK_EQ(granted(all), FILE_ALL_ACCESS);
}

TEST(Access, OverwriteNeedsTheRightToWrite)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"r"), u"D:P(A;;FR;;;WD)");
    CHECK_EQ(File(path(u"r"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(File(path(u"r"), FILE_READ_DATA, FILE_OPEN_IF).status(), STATUS_SUCCESS);
    create_with(path(u"w"), u"D:P(A;;FW;;;WD)");
    File writer(path(u"w"), SYNCHRONIZE, FILE_OVERWRITE);
    CHECK_EQ(writer.status(), STATUS_SUCCESS);
    CHECK_EQ(writer.write(0, "x"), STATUS_ACCESS_DENIED); // needed for the open, not asked for
}

TEST(Access, CreatingNeedsARightOnTheDirectory)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"files"), u"D:P(A;;0x1200a3;;;WD)", FILE_DIRECTORY_FILE); // add file, no subdirectory
    create_with(path(u"directories"), u"D:P(A;;0x1200a5;;;WD)",
                FILE_DIRECTORY_FILE); // and the other way round
    const Without none({SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE});
    CHECK_EQ(create(u"files\\f").status(), STATUS_SUCCESS);
    CHECK_EQ(create(u"files\\d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(create(u"directories\\f").status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(create(u"directories\\d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE).status(), STATUS_SUCCESS);
    CHECK_EQ(File(path(u"directories\\f"), FILE_READ_DATA, FILE_OPEN_IF).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, StreamNeedsTheRightToWriteTheFile)
{
    need(FILE_PERSISTENT_ACLS | FILE_NAMED_STREAMS);
    create_with(path(u"r"), u"D:P(A;;FR;;;WD)");
    CHECK_EQ(create(u"r:s", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
    create_with(path(u"w"), u"D:P(A;;FRFW;;;WD)");
    CHECK_EQ(create(u"w:s", FILE_READ_DATA).status(), STATUS_SUCCESS);
    CHECK_EQ(open(u"w:s", FILE_EXECUTE).status(),
             STATUS_ACCESS_DENIED); // the file's descriptor is the stream's
}

TEST(Access, DeleteChildOnTheDirectoryStandsForDelete)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;;FA;;;WD)", FILE_DIRECTORY_FILE);
    create_with(path(u"d\\f"), u"D:P(D;;FA;;;WD)");
    CHECK_EQ(open(u"d\\f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open_for(path(u"d\\f"), DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"d\\f"));
    create_with(path(u"k"), u"D:P(A;;0x1201bf;;;WD)", FILE_DIRECTORY_FILE); // all but delete child
    create_with(path(u"k\\f"), u"D:P(A;;FR;;;WD)");
    CHECK_EQ(open_for(path(u"k\\f"), DELETE).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, ListingTheDirectoryStandsForReadingAttributes)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"l"), u"D:P(A;;FA;;;WD)", FILE_DIRECTORY_FILE);
    create_with(path(u"l\\f"), only_delete);
    CHECK_EQ(open_for(path(u"l\\f"), FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    create_with(path(u"n"), u"D:P(A;;0x1201be;;;WD)", FILE_DIRECTORY_FILE); // no listing
    create_with(path(u"n\\f"), u"D:P(A;;0x10000;;;WD)");
    CHECK_EQ(open_for(path(u"n\\f"), FILE_READ_ATTRIBUTES).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, TraverseRightIsAskedWithoutThePrivilege)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;;0x1f01df;;;WD)", FILE_DIRECTORY_FILE); // no traverse
    make_directory(u"d\\e");
    make(u"d\\e\\f");
    CHECK_EQ(open(u"d\\e\\f", FILE_READ_DATA).status(), STATUS_SUCCESS);
    {
        const Without traverse({SE_CHANGE_NOTIFY_PRIVILEGE});
        CHECK_EQ(open(u"d\\e\\f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
        CHECK_EQ(create(u"d\\e\\g").status(), STATUS_ACCESS_DENIED);
        CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).status(), STATUS_SUCCESS);
    }
    CHECK_EQ(create(u"d\\e\\g").status(), STATUS_SUCCESS);
}

TEST(Access, BackupIntentReadsEverythingWithThePrivilege)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_BACKUP_PRIVILEGE);
    create_with(path(u"f"), only_delete, 0, FILE_WRITE_DATA).write(0, "secret");
    const Without restore({SE_RESTORE_PRIVILEGE});
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_OPEN_FOR_BACKUP_INTENT).read(0, 9), "secret");
    CHECK_EQ(open(u"f", FILE_WRITE_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_ACCESS_DENIED);
    const Without backup({SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE});
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, BackupIntentWritesEverythingWithTheRestorePrivilege)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_RESTORE_PRIVILEGE);
    create_with(path(u"d"), only_delete, FILE_DIRECTORY_FILE);
    create_with(path(u"f"), only_delete);
    {
        const Without backup({SE_BACKUP_PRIVILEGE});
        CHECK_EQ(create(u"d\\f").status(), STATUS_ACCESS_DENIED);
        CHECK_EQ(create(u"d\\f", FILE_WRITE_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_SUCCESS);
        CHECK_EQ(open(u"f", FILE_WRITE_DATA | WRITE_DAC, FILE_OPEN_FOR_BACKUP_INTENT).status(),
                 STATUS_SUCCESS);
        CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_ACCESS_DENIED);
    }
    const Without both({SE_BACKUP_PRIVILEGE, SE_RESTORE_PRIVILEGE});
    CHECK_EQ(create(u"d\\g", FILE_WRITE_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_WRITE_DATA, FILE_OPEN_FOR_BACKUP_INTENT).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, AuditListNeedsThePrivilege)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_SECURITY_PRIVILEGE);
    make(u"f");
    CHECK_EQ(open(u"f", ACCESS_SYSTEM_SECURITY).status(), STATUS_SUCCESS);
    const Without none({SE_SECURITY_PRIVILEGE});
    CHECK_EQ(open(u"f", ACCESS_SYSTEM_SECURITY).status(), STATUS_PRIVILEGE_NOT_HELD);
}

TEST(Access, TakeOwnershipPrivilegeGrantsWriteOwner)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_TAKE_OWNERSHIP_PRIVILEGE);
    create_with(path(u"f"), u"D:P(A;;FR;;;WD)");
    CHECK_EQ(open(u"f", WRITE_OWNER).status(), STATUS_SUCCESS);
    const Without none({SE_TAKE_OWNERSHIP_PRIVILEGE});
    CHECK_EQ(open(u"f", WRITE_OWNER).status(), STATUS_ACCESS_DENIED);
}

TEST(Access, OpenForNothingNeedsNothing)
{
    make(u"f");
    CHECK_EQ(open_for(path(u"f"), SYNCHRONIZE).status(), STATUS_SUCCESS);
}

} // namespace
} // namespace conformance

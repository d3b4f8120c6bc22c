// SPDX-License-Identifier: MIT
//
// Security descriptors: reading, changing, inheriting. [MS-FSA] 2.1.5.14, 2.1.5.17; [MS-DTYP] 2.5.3.4
#include "frame/host.h"
#include "frame/identity.h"
#include "frame/test.h"

namespace conformance {
namespace {

constexpr SECURITY_INFORMATION all_parts =
    OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;

struct Answer
{
    NTSTATUS status;
    std::vector<std::uint8_t> bytes;
    ULONG needed;
};

Answer query(File& file, SECURITY_INFORMATION parts, ULONG size = 4096)
{
    Answer answer{0, std::vector<std::uint8_t>(size), 0};
    answer.status = NtQuerySecurityObject(file.handle(), parts, size != 0 ? answer.bytes.data() : nullptr,
                                          size, &answer.needed);
    return answer;
}

std::u16string sddl_of(File& file, SECURITY_INFORMATION parts)
{
    const Answer answer = query(file, parts);
    REQUIRE_EQ(answer.status, STATUS_SUCCESS);
    return host::sddl(answer.bytes.data(), parts);
}

NTSTATUS set(File& file, SECURITY_INFORMATION parts, std::u16string_view sddl)
{
    auto descriptor = host::descriptor(sddl);
    REQUIRE(!descriptor.empty());
    return NtSetSecurityObject(file.handle(), parts, descriptor.data());
}

File create_with(const std::u16string& path, std::u16string_view sddl, ULONG options = 0)
{
    auto descriptor = host::descriptor(sddl);
    REQUIRE(!descriptor.empty());
    File file(path, FILE_ALL_ACCESS, FILE_CREATE, options, share_all, 0, nullptr, descriptor.data());
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    return file;
}

TEST(Security, LengthIsToldForAShortBuffer)
{
    make(u"f");
    File file = open(u"f", READ_CONTROL);
    const Answer whole = query(file, all_parts);
    REQUIRE_EQ(whole.status, STATUS_SUCCESS);
    for (const ULONG size : {ULONG{0}, ULONG{8}, whole.needed - 1}) {
        const Answer cut = query(file, all_parts, size);
        CHECK_EQ(cut.status, STATUS_BUFFER_TOO_SMALL) << size;
        CHECK_EQ(cut.needed, whole.needed) << size;
    }
    CHECK_EQ(query(file, all_parts, whole.needed).status, STATUS_SUCCESS);
}

TEST(Security, OnlyTheAskedPartsAreReturned)
{
    make(u"f");
    File file = open(u"f", READ_CONTROL);
    const struct
    {
        SECURITY_INFORMATION parts;
        bool owner, group, dacl;
    } rows[] = {{OWNER_SECURITY_INFORMATION, true, false, false},
                {GROUP_SECURITY_INFORMATION, false, true, false},
                {DACL_SECURITY_INFORMATION, false, false, true},
                {OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION, true, true, false},
                {all_parts, true, true, true}};
    for (const auto& row : rows) {
        const Answer answer = query(file, row.parts);
        REQUIRE_EQ(answer.status, STATUS_SUCCESS);
        const auto& head = *reinterpret_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(answer.bytes.data());
        CHECK_EQ(head.Owner != 0, row.owner) << row.parts;
        CHECK_EQ(head.Group != 0, row.group) << row.parts;
        CHECK_EQ(head.Dacl != 0, row.dacl) << row.parts;
        CHECK_EQ(head.Sacl, 0) << row.parts;
        CHECK((head.Control & SE_SELF_RELATIVE) != 0) << row.parts;
    }
}

TEST(Security, DaclIsReplacedWithGenericRightsMapped)
{
    need(FILE_PERSISTENT_ACLS);
    File file = create_with(path(u"f"), u"D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;GA;;;WD)");
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;WD)");
    const std::u16string owner = sddl_of(file, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION);
    REQUIRE_EQ(set(file, DACL_SECURITY_INFORMATION, u"D:P(A;;GA;;;SY)(A;;GR;;;BA)"), STATUS_SUCCESS);
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;SY)(A;;FR;;;BA)");
    CHECK_EQ(sddl_of(file, OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION), owner);
}

TEST(Security, ChangeIsSeenThroughOtherHandlesAndLater)
{
    need(FILE_PERSISTENT_ACLS);
    File file = create_with(path(u"f"), u"D:P(A;;FA;;;WD)");
    File other = open(u"f", READ_CONTROL);
    sddl_of(other, DACL_SECURITY_INFORMATION);
    REQUIRE_EQ(set(file, DACL_SECURITY_INFORMATION, u"D:P(A;;FR;;;WD)"), STATUS_SUCCESS);
    CHECK_EQ(sddl_of(other, DACL_SECURITY_INFORMATION), u"D:P(A;;FR;;;WD)");
    file.close();
    other.close();
    other = open(u"f", READ_CONTROL);
    CHECK_EQ(sddl_of(other, DACL_SECURITY_INFORMATION), u"D:P(A;;FR;;;WD)");
    CHECK_EQ(open(u"f", FILE_WRITE_DATA).status(), STATUS_ACCESS_DENIED);
}

TEST(Security, GroupAndOwnerAreReplaced)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_RESTORE_PRIVILEGE);
    File file = create_with(path(u"f"), u"D:P(A;;FA;;;WD)");
    REQUIRE_EQ(set(file, OWNER_SECURITY_INFORMATION, u"O:BA"), STATUS_SUCCESS);
    REQUIRE_EQ(set(file, GROUP_SECURITY_INFORMATION, u"G:BU"), STATUS_SUCCESS);
    CHECK_EQ(sddl_of(file, all_parts), u"O:BAG:BUD:P(A;;FA;;;WD)");
}

TEST(Security, SettingNeedsTheRightOfThePart)
{
    need(FILE_PERSISTENT_ACLS);
    make(u"f");
    File reader = open(u"f", READ_CONTROL), dac = open(u"f", WRITE_DAC), owner = open(u"f", WRITE_OWNER);
    CHECK_EQ(set(reader, DACL_SECURITY_INFORMATION, u"D:P(A;;FA;;;WD)"), STATUS_ACCESS_DENIED);
    CHECK_EQ(set(dac, OWNER_SECURITY_INFORMATION, u"O:BA"), STATUS_ACCESS_DENIED);
    CHECK_EQ(set(owner, DACL_SECURITY_INFORMATION, u"D:P(A;;FA;;;WD)"), STATUS_ACCESS_DENIED);
    CHECK_EQ(query(dac, DACL_SECURITY_INFORMATION).status, STATUS_ACCESS_DENIED);
    CHECK_EQ(query(reader, SACL_SECURITY_INFORMATION).status, STATUS_ACCESS_DENIED);
}

TEST(Security, AuditListThroughItsPrivilege)
{
    need(FILE_PERSISTENT_ACLS);
    need_privilege(SE_SECURITY_PRIVILEGE);
    make(u"f");
    File file = open(u"f", ACCESS_SYSTEM_SECURITY | READ_CONTROL);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    REQUIRE_EQ(set(file, SACL_SECURITY_INFORMATION, u"S:(AU;SA;FA;;;WD)"), STATUS_SUCCESS);
    CHECK_EQ(sddl_of(file, SACL_SECURITY_INFORMATION), u"S:(AU;SA;FA;;;WD)");
    CHECK_FALSE(sddl_of(file, DACL_SECURITY_INFORMATION).starts_with(u"S:"));
}

TEST(Security, InvalidDescriptorsAreRefused)
{
    make(u"f");
    File file = open(u"f", WRITE_DAC | WRITE_OWNER);
    alignas(void*) std::uint8_t bad[sizeof(SECURITY_DESCRIPTOR)]{};
    CHECK_FALSE(NT_SUCCESS(NtSetSecurityObject(file.handle(), DACL_SECURITY_INFORMATION, bad)));
    auto descriptor = host::descriptor(u"D:P(A;;FA;;;WD)");
    CHECK_FALSE(NT_SUCCESS(NtSetSecurityObject(file.handle(), OWNER_SECURITY_INFORMATION, descriptor.data())))
        << "there is no owner in it";
}

TEST(Security, GivenAtCreateInEitherForm)
{
    need(FILE_PERSISTENT_ACLS);
    File file = create_with(path(u"f"), u"D:P(A;;FA;;;SY)(A;;FR;;;WD)");
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;SY)(A;;FR;;;WD)");
    File directory = create_with(path(u"d"), u"D:P(A;OICI;FA;;;WD)", FILE_DIRECTORY_FILE);
    CHECK_EQ(sddl_of(directory, DACL_SECURITY_INFORMATION), u"D:P(A;OICI;FA;;;WD)");

    auto relative = host::descriptor(u"D:P(A;;FR;;;WD)");
    SECURITY_DESCRIPTOR absolute{};
    REQUIRE_EQ(RtlCreateSecurityDescriptor(&absolute, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    const auto& head = *reinterpret_cast<SECURITY_DESCRIPTOR_RELATIVE*>(relative.data());
    REQUIRE_EQ(RtlSetDaclSecurityDescriptor(&absolute, TRUE,
                                            reinterpret_cast<PACL>(relative.data() + head.Dacl), FALSE),
               STATUS_SUCCESS);
    absolute.Control |= SE_DACL_PROTECTED;
    File second(path(u"g"), READ_CONTROL, FILE_CREATE, 0, share_all, 0, nullptr, &absolute);
    CHECK_EQ(sddl_of(second, DACL_SECURITY_INFORMATION), u"D:P(A;;FR;;;WD)");
}

TEST(Security, ChildrenInheritWhatIsForThem)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;OICI;FA;;;WD)(A;OI;FR;;;BA)(A;CI;FX;;;BU)(A;;FW;;;SY)",
                FILE_DIRECTORY_FILE);
    File file = create(u"d\\f"), directory = create(u"d\\e", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:(A;;FA;;;WD)(A;;FR;;;BA)");
    CHECK_EQ(sddl_of(directory, DACL_SECURITY_INFORMATION),
             u"D:(A;OICI;FA;;;WD)(A;OIIO;FR;;;BA)(A;CI;FX;;;BU)");
    File deep = create(u"d\\e\\g");
    CHECK_EQ(sddl_of(deep, DACL_SECURITY_INFORMATION), u"D:(A;;FA;;;WD)(A;;FR;;;BA)");
}

TEST(Security, NoPropagateEndsInheritance)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;OICINP;FA;;;WD)(A;OICI;FA;;;SY)", FILE_DIRECTORY_FILE);
    File directory = create(u"d\\e", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    CHECK_EQ(sddl_of(directory, DACL_SECURITY_INFORMATION), u"D:(A;;FA;;;WD)(A;OICI;FA;;;SY)");
}

TEST(Security, CreatorOwnerBecomesTheCreator)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;OICI;FA;;;WD)(A;OICIIO;FR;;;CO)", FILE_DIRECTORY_FILE);
    File file = create(u"d\\f");
    const std::u16string owner = sddl_of(file, OWNER_SECURITY_INFORMATION).substr(2);
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:(A;;FA;;;WD)(A;;FR;;;" + owner + u")");
}

TEST(Security, ExplicitDescriptorStopsInheritanceIfProtected)
{
    need(FILE_PERSISTENT_ACLS);
    create_with(path(u"d"), u"D:P(A;OICI;FA;;;WD)", FILE_DIRECTORY_FILE);
    File file = create_with(path(u"d\\f"), u"D:P(A;;FR;;;BA)");
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:P(A;;FR;;;BA)");
}

TEST(Security, StreamsShareTheDescriptorOfTheFile)
{
    need(FILE_PERSISTENT_ACLS | FILE_NAMED_STREAMS);
    File file = create_with(path(u"f"), u"D:P(A;;FA;;;WD)");
    make(u"f:s");
    File stream = open(u"f:s", READ_CONTROL | WRITE_DAC);
    CHECK_EQ(sddl_of(stream, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;WD)");
    REQUIRE_EQ(set(stream, DACL_SECURITY_INFORMATION, u"D:P(A;;FR;;;WD)"), STATUS_SUCCESS);
    CHECK_EQ(sddl_of(file, DACL_SECURITY_INFORMATION), u"D:P(A;;FR;;;WD)");
    File by_stream = create_with(path(u"g:s"), u"D:P(A;;FA;;;BA)");
    File made = File(path(u"g"), READ_CONTROL, FILE_OPEN);
    CHECK_EQ(sddl_of(made, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;BA)");
}

TEST(Security, ManyOpenFilesKeepTheirs)
{
    need(FILE_PERSISTENT_ACLS);
    std::vector<File> files;
    for (int i = 0; i != 200; ++i) { // more than the driver caches
        const std::string digits = std::to_string(i);
        files.push_back(create_with(path(std::u16string(digits.begin(), digits.end())),
                                    i % 2 == 0 ? u"D:P(A;;FA;;;WD)" : u"D:P(A;;FR;;;WD)"));
    }
    for (int round = 0; round != 2; ++round)
        for (std::size_t i = 0; i != files.size(); ++i)
            CHECK_EQ(sddl_of(files[i], DACL_SECURITY_INFORMATION),
                     i % 2 == 0 ? u"D:P(A;;FA;;;WD)" : u"D:P(A;;FR;;;WD)");
}

} // namespace
} // namespace conformance

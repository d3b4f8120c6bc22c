// SPDX-License-Identifier: MIT
#include "nt/object_security.h"

#include <gtest/gtest.h>

#include "sddl.h"

using namespace fsp::nt;
using fsp::test::sd;
using fsp::test::text_of;

namespace {

struct Creator
{
    SidBuffer user = fsp::test::sid(u"S-1-22-1-1001"), group = fsp::test::sid(u"S-1-22-1-100");
    fsp::test::Descriptor defaults = sd(u"D:(A;;FA;;;SY)");
    SID_AND_ATTRIBUTES groups[2] = {{group.psid(), SE_GROUP_ENABLED},
                                    {sids::administrators.psid(), SE_GROUP_ENABLED}};
    TokenView token;

    Creator()
    {
        token.user = {user.psid(), 0};
        token.groups = groups;
        token.group_count = 2;
        token.primary_group = group.get();
        BOOLEAN present, defaulted;
        PACL acl;
        RtlGetDaclSecurityDescriptor(defaults.get(), &present, &acl, &defaulted);
        token.default_dacl = acl;
    }
};

std::string create(const Creator& who, const WCHAR* parent, const WCHAR* wish, bool container,
                   ULONG flags = 0)
{
    const auto above = parent ? sd(parent) : nullptr, asked = wish ? sd(wish) : nullptr;
    void* out;
    const NTSTATUS status = create_object_security(above.get(), asked.get(), container, flags, who.token,
                                                   file_generic_mapping, &out);
    if (status != STATUS_SUCCESS)
        return "status " + std::to_string(static_cast<unsigned>(status));
    const fsp::test::Descriptor result(out);
    EXPECT_TRUE(RtlValidSecurityDescriptor(out));
    return text_of(out);
}

const std::string me = "O:S-1-22-1-1001G:S-1-22-1-100";

} // namespace

TEST(CreateSecurity, WithoutAnythingUsesTheTokensDefaults)
{
    EXPECT_EQ(create({}, nullptr, nullptr, false), me + "D:(A;;FA;;;SY)");
    EXPECT_EQ(create({}, u"O:BAG:BAD:(A;;FA;;;WD)", nullptr, false), me + "D:(A;;FA;;;SY)");
}

TEST(CreateSecurity, FilesInheritObjectAces)
{
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)(A;CI;FA;;;BU)(A;OIIO;FX;;;BA)(A;OINP;FW;;;AU)", nullptr, false),
              me + "D:(A;;FR;;;WD)(A;;FX;;;BA)(A;;FW;;;AU)");
}

TEST(CreateSecurity, DirectoriesInheritContainerAcesAndPassObjectAcesOn)
{
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)(A;CI;FA;;;BU)(A;OI;FX;;;BA)(A;CINP;FW;;;AU)(A;OINP;FA;;;SY)",
                     nullptr, true),
              me + "D:(A;OICI;FR;;;WD)(A;CI;FA;;;BU)(A;OIIO;FX;;;BA)(A;;FW;;;AU)");
}

TEST(CreateSecurity, CreatorOwnerBecomesOwnerAndStaysInheritable)
{
    EXPECT_EQ(create({}, u"D:(A;OICIIO;FA;;;CO)(A;OICIIO;FR;;;CG)", nullptr, true),
              me + "D:(A;;FA;;;S-1-22-1-1001)(A;OICIIO;FA;;;CO)(A;;FR;;;S-1-22-1-100)(A;OICIIO;FR;;;CG)");
    EXPECT_EQ(create({}, u"D:(A;OICIIO;FA;;;CO)", nullptr, false), me + "D:(A;;FA;;;S-1-22-1-1001)");
}

TEST(CreateSecurity, GenericRightsAreMappedAndInheritedUnmapped)
{
    EXPECT_EQ(create({}, u"D:(A;OICIIO;GA;;;WD)", nullptr, true), me + "D:(A;;FA;;;WD)(A;OICIIO;GA;;;WD)");
    EXPECT_EQ(create({}, u"D:(A;OI;GR;;;WD)", nullptr, false), me + "D:(A;;FR;;;WD)");
}

TEST(CreateSecurity, ExplicitDaclStandsAloneWithoutAutoInherit)
{
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)", u"D:P(A;;GA;;;BU)", false), me + "D:P(A;;FA;;;BU)");
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)", u"D:(A;;FA;;;BU)", false), me + "D:(A;;FA;;;BU)");
}

TEST(CreateSecurity, AutoInheritAddsTheParentsUnlessProtected)
{
    EXPECT_EQ(
        create({}, u"D:(A;OICI;FR;;;WD)", u"D:(A;;FA;;;BU)(A;ID;FA;;;BA)", false, SEF_DACL_AUTO_INHERIT),
        me + "D:AI(A;;FA;;;BU)(A;ID;FR;;;WD)");
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)", u"D:P(A;;FA;;;BU)", false, SEF_DACL_AUTO_INHERIT),
              me + "D:PAI(A;;FA;;;BU)");
    EXPECT_EQ(create({}, u"D:(A;OICI;FR;;;WD)", nullptr, true, SEF_DACL_AUTO_INHERIT),
              me + "D:AI(A;OICIID;FR;;;WD)");
}

TEST(CreateSecurity, OwnerMustBeOnesOwn)
{
    EXPECT_EQ(create({}, nullptr, u"O:SY", false),
              "status " + std::to_string(static_cast<unsigned>(STATUS_INVALID_OWNER)));
    // Membership is not enough, the group must be one that may own.
    EXPECT_EQ(create({}, nullptr, u"O:BA", false),
              "status " + std::to_string(static_cast<unsigned>(STATUS_INVALID_OWNER)));
    Creator administrator;
    administrator.groups[1].Attributes |= SE_GROUP_OWNER;
    EXPECT_EQ(create(administrator, nullptr, u"O:BAG:SY", false), "O:BAG:SYD:(A;;FA;;;SY)");
    Creator restorer;
    restorer.token.privileges = privilege_bit(SE_RESTORE_PRIVILEGE);
    EXPECT_EQ(create(restorer, nullptr, u"O:SY", false), "O:SYG:S-1-22-1-100D:(A;;FA;;;SY)");
}

TEST(CreateSecurity, AuditEntriesNeedThePrivilege)
{
    EXPECT_EQ(create({}, nullptr, u"S:(AU;SA;FA;;;WD)", false),
              "status " + std::to_string(static_cast<unsigned>(STATUS_PRIVILEGE_NOT_HELD)));
    EXPECT_EQ(create({}, u"S:(ML;OICI;NW;;;HI)", nullptr, false), me + "D:(A;;FA;;;SY)S:(ML;;NW;;;HI)");
}

namespace {

std::string set(const WCHAR* now, SECURITY_INFORMATION information, const WCHAR* change)
{
    const auto current = sd(now), modification = sd(change);
    void* out;
    const NTSTATUS status = set_object_security(information, modification.get(), current.get(), 0, nullptr,
                                                file_generic_mapping, &out);
    if (status != STATUS_SUCCESS)
        return "status " + std::to_string(static_cast<unsigned>(status));
    const fsp::test::Descriptor result(out);
    return text_of(out);
}

} // namespace

TEST(SetSecurity, ReplacesOnlyWhatIsNamed)
{
    EXPECT_EQ(set(u"O:BAG:BAD:(A;;FA;;;WD)", OWNER_SECURITY_INFORMATION, u"O:SYG:SYD:P"),
              "O:SYG:BAD:(A;;FA;;;WD)");
    EXPECT_EQ(set(u"O:BAG:BAD:(A;;FA;;;WD)", GROUP_SECURITY_INFORMATION, u"G:SY"), "O:BAG:SYD:(A;;FA;;;WD)");
    EXPECT_EQ(set(u"O:BAG:BAD:P(A;;FA;;;WD)", DACL_SECURITY_INFORMATION, u"D:(A;;GR;;;BU)"),
              "O:BAG:BAD:(A;;FR;;;BU)");
}

TEST(SetSecurity, ProtectionFollowsDescriptorAndFlags)
{
    EXPECT_EQ(set(u"O:BAG:BAD:", DACL_SECURITY_INFORMATION, u"D:P(A;;FA;;;BU)"), "O:BAG:BAD:P(A;;FA;;;BU)");
    EXPECT_EQ(set(u"O:BAG:BAD:", DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION,
                  u"D:(A;;FA;;;BU)"),
              "O:BAG:BAD:P(A;;FA;;;BU)");
    EXPECT_EQ(set(u"O:BAG:BAD:", DACL_SECURITY_INFORMATION | UNPROTECTED_DACL_SECURITY_INFORMATION,
                  u"D:P(A;;FA;;;BU)"),
              "O:BAG:BAD:(A;;FA;;;BU)");
}

TEST(SetSecurity, AutoInheritedIsKeptOnlyWhenRequested)
{
    EXPECT_EQ(set(u"O:BAG:BAD:", DACL_SECURITY_INFORMATION, u"D:AI(A;ID;FA;;;BU)"),
              "O:BAG:BAD:(A;ID;FA;;;BU)");
    EXPECT_EQ(set(u"O:BAG:BAD:", DACL_SECURITY_INFORMATION, u"D:ARAI(A;ID;FA;;;BU)"),
              "O:BAG:BAD:AI(A;ID;FA;;;BU)");
}

TEST(SetSecurity, LabelAndAuditAreSeparate)
{
    EXPECT_EQ(
        set(u"O:BAG:BAS:(AU;SA;FA;;;WD)", LABEL_SECURITY_INFORMATION, u"S:(AU;FA;FA;;;BU)(ML;;NW;;;HI)"),
        "O:BAG:BAS:(AU;SA;FA;;;WD)(ML;;NW;;;HI)");
    EXPECT_EQ(set(u"O:BAG:BAS:(ML;;NW;;;HI)", SACL_SECURITY_INFORMATION, u"S:(AU;FA;FA;;;BU)"),
              "O:BAG:BAS:(AU;FA;FA;;;BU)(ML;;NW;;;HI)");
}

TEST(SetSecurity, MissingOwnerOrGroupIsRefused)
{
    EXPECT_EQ(set(u"O:BAG:BA", OWNER_SECURITY_INFORMATION, u"G:BA"),
              "status " + std::to_string(static_cast<unsigned>(STATUS_INVALID_OWNER)));
    EXPECT_EQ(set(u"O:BAG:BA", GROUP_SECURITY_INFORMATION, u"O:BA"),
              "status " + std::to_string(static_cast<unsigned>(STATUS_INVALID_PRIMARY_GROUP)));
}

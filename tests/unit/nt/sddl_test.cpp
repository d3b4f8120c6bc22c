// SPDX-License-Identifier: MIT
#include "sddl.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "nt/security_descriptor.h"

using namespace fsp::nt;
using fsp::test::sd;
using fsp::test::text_of;

TEST(Sid, TextRoundTrips)
{
    WCHAR text[max_sid_text];
    for (const WCHAR* original :
         {u"S-1-5-21-1-2-3-4294967295", u"S-1-1-0", u"S-1-0x123456789ABC-7", u"S-1-22-1-1001"})
    {
        SidBuffer sid;
        ASSERT_TRUE(parse_sid(original, &sid));
        format_sid(sid.get(), text);
        EXPECT_EQ(WideView(text), WideView(original));
    }
}

TEST(Sid, MalformedTextIsRefused)
{
    SidBuffer sid;
    for (const WCHAR* bad : {u"", u"S-1", u"S-1-5", u"S-2-5-18", u"S-1-5-", u"S-1-5-4294967296", u"S-1-5-18x",
                             u"S-1-281474976710656-1", u"S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16"})
        EXPECT_FALSE(parse_sid(bad, &sid)) << to_narrow(bad);
}

TEST(Sddl, CanonicalTextRoundTrips)
{
    for (const WCHAR* text :
         {u"O:BAG:SYD:P(A;;FA;;;SY)(A;OICI;0x1301bf;;;AU)(D;CIIO;SDGXGWGR;;;WD)",
          u"O:S-1-22-1-1001G:BUD:AI(A;ID;FR;;;WD)", u"D:NO_ACCESS_CONTROL", u"D:", u"O:BA",
          u"D:PARAI(A;OICINPIOID;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;CO)",
          u"D:(OA;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;;AU)", u"S:AI(AU;SAFA;FA;;;WD)(ML;;NWNR;;;HI)"})
    {
        const auto descriptor = sd(text);
        ASSERT_TRUE(descriptor) << to_narrow(text);
        EXPECT_EQ(text_of(descriptor.get()), to_narrow(text));
        EXPECT_TRUE(RtlValidSecurityDescriptor(descriptor.get()));
        EXPECT_TRUE(RtlValidRelativeSecurityDescriptor(descriptor.get(),
                                                       RtlLengthSecurityDescriptor(descriptor.get()), 0));
    }
}

TEST(Sddl, AcceptsLowerCaseBlanksAndNumbers)
{
    const auto descriptor = sd(u" o:ba g:S-1-5-18 d: (A; oici ;0x1F01FF;;; wd) (a;;2;;;BU)");
    ASSERT_TRUE(descriptor);
    EXPECT_EQ(text_of(descriptor.get()), "O:BAG:SYD:(A;OICI;FA;;;WD)(A;;DC;;;BU)");
}

TEST(Sddl, MalformedTextIsRefused)
{
    for (const WCHAR* bad :
         {u"X:BA", u"O:ZZ", u"O:BAO:BA", u"D:(A;;FA;;;WD", u"D:(A;;FA;;WD)", u"D:(Q;;FA;;;WD)",
          u"D:(A;ZZ;FA;;;WD)", u"D:(A;;ZZ;;;WD)", u"D:(A;;0xZ;;;WD)", u"D:(A;;FA;x;;WD)"})
        EXPECT_FALSE(sd(bad)) << to_narrow(bad);
}

TEST(Descriptor, AbsoluteAndRelativeConvert)
{
    const auto relative = sd(u"O:BAG:SYD:P(A;;FA;;;WD)S:(ML;;NW;;;ME)");
    alignas(8) UCHAR owner[68], group[68], dacl[64], sacl[64];
    SECURITY_DESCRIPTOR absolute;
    ULONG sizes[5] = {};
    EXPECT_EQ(RtlSelfRelativeToAbsoluteSD(relative.get(), &absolute, &sizes[0], nullptr, &sizes[1], nullptr,
                                          &sizes[2], nullptr, &sizes[3], nullptr, &sizes[4]),
              STATUS_BUFFER_TOO_SMALL);
    ASSERT_EQ(RtlSelfRelativeToAbsoluteSD(relative.get(), &absolute, &sizes[0], reinterpret_cast<PACL>(dacl),
                                          &sizes[1], reinterpret_cast<PACL>(sacl), &sizes[2], owner,
                                          &sizes[3], group, &sizes[4]),
              STATUS_SUCCESS);
    EXPECT_EQ(text_of(&absolute), text_of(relative.get()));
    UCHAR back[256];
    ULONG size = 1;
    EXPECT_EQ(RtlAbsoluteToSelfRelativeSD(&absolute, back, &size), STATUS_BUFFER_TOO_SMALL);
    ASSERT_EQ(RtlAbsoluteToSelfRelativeSD(&absolute, back, &size), STATUS_SUCCESS);
    EXPECT_EQ(text_of(back), text_of(relative.get()));
    EXPECT_EQ(RtlSetOwnerSecurityDescriptor(back, owner, FALSE), STATUS_INVALID_SECURITY_DESCR);
}

TEST(Descriptor, QueryExtractsOnlyWhatIsAsked)
{
    const auto all = sd(u"O:BAG:SYD:PAI(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(ML;;NW;;;ME)");
    UCHAR out[256];
    ULONG size = 0;
    EXPECT_EQ(query_security(OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, all.get(), out, &size),
              STATUS_BUFFER_TOO_SMALL);
    ASSERT_EQ(query_security(OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, all.get(), out, &size),
              STATUS_SUCCESS);
    EXPECT_EQ(text_of(out), "O:BAD:PAI(A;;FA;;;WD)");
    size = sizeof out;
    ASSERT_EQ(query_security(LABEL_SECURITY_INFORMATION, all.get(), out, &size), STATUS_SUCCESS);
    EXPECT_EQ(text_of(out), "S:(ML;;NW;;;ME)");
}

// Whatever the bytes, checking stays inside the buffer, and what passes can be walked and printed.
TEST(Descriptor, HostileBytesAreRefusedOrHarmless)
{
    const auto good =
        sd(u"O:BAG:SYD:P(A;;FA;;;SY)(OA;CI;RP;4c164200-20c0-11d0-a768-00aa006e0529;;AU)S:(ML;;NW;;;ME)");
    const ULONG size = RtlLengthSecurityDescriptor(good.get());
    std::mt19937 random(7);
    unsigned passed = 0;
    for (int i = 0; i < 30000; ++i) {
        const ULONG cut = random() % 8 ? size : static_cast<ULONG>(random() % (size + 1));
        std::vector<UCHAR> bytes(static_cast<UCHAR*>(good.get()), static_cast<UCHAR*>(good.get()) + cut);
        for (unsigned n = random() % 3; n && cut; --n)
            bytes[random() % cut] = static_cast<UCHAR>(random());
        bytes.shrink_to_fit();
        if (RtlValidRelativeSecurityDescriptor(bytes.data(), cut, 0)) {
            text_of(bytes.data());
            ++passed;
        }
    }
    EXPECT_GT(passed, 1000u);
}

TEST(Acl, AddGetDelete)
{
    alignas(4) UCHAR buffer[64];
    auto* const acl = reinterpret_cast<PACL>(buffer);
    ASSERT_EQ(RtlCreateAcl(acl, sizeof buffer, ACL_REVISION), STATUS_SUCCESS);
    const auto everyone = sids::everyone;
    ASSERT_EQ(RtlAddAccessAllowedAceEx(acl, ACL_REVISION, OBJECT_INHERIT_ACE, 1, everyone.psid()),
              STATUS_SUCCESS);
    ASSERT_EQ(RtlAddAccessDeniedAce(acl, ACL_REVISION, 2, everyone.psid()), STATUS_SUCCESS);
    EXPECT_EQ(RtlAddAccessAllowedAce(acl, ACL_REVISION, 1, everyone.psid()), STATUS_ALLOTTED_SPACE_EXCEEDED);
    EXPECT_TRUE(RtlValidAcl(acl));
    PVOID ace;
    ASSERT_EQ(RtlGetAce(acl, 1, &ace), STATUS_SUCCESS);
    EXPECT_EQ(static_cast<ACE_HEADER*>(ace)->AceType, ACCESS_DENIED_ACE_TYPE);
    EXPECT_EQ(RtlDeleteAce(acl, 0), STATUS_SUCCESS);
    EXPECT_EQ(acl->AceCount, 1);
    EXPECT_EQ(RtlGetAce(acl, 1, &ace), STATUS_INVALID_PARAMETER);
}

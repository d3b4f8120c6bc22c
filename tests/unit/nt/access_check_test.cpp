// SPDX-License-Identifier: MIT
#include "nt/access_check.h"

#include <gtest/gtest.h>

#include <vector>

#include "sddl.h"

using namespace fsp::nt;

namespace {

/// A caller built from SIDs.
class Caller
{
  public:
    explicit Caller(WideView user, std::initializer_list<WideView> groups = {u"S-1-1-0", u"S-1-5-11"})
    {
        sids_.reserve(32);
        view.user = add(user, 0);
        for (const WideView group : groups)
            groups_.push_back(add(group, SE_GROUP_ENABLED));
        update();
    }
    Caller& group(WideView sid, ULONG attributes)
    {
        groups_.push_back(add(sid, attributes));
        update();
        return *this;
    }
    Caller& restrict_to(WideView sid)
    {
        restricted_.push_back(add(sid, SE_GROUP_ENABLED));
        update();
        return *this;
    }
    Caller& privilege(ULONG which)
    {
        view.privileges |= privilege_bit(which);
        return *this;
    }

    TokenView view;

  private:
    SID_AND_ATTRIBUTES add(WideView text, ULONG attributes)
    {
        sids_.push_back(fsp::test::sid(text));
        return {sids_.back().psid(), attributes};
    }
    void update()
    {
        view.groups = groups_.data();
        view.group_count = static_cast<ULONG>(groups_.size());
        view.restricted = restricted_.data();
        view.restricted_count = static_cast<ULONG>(restricted_.size());
    }
    std::vector<SidBuffer> sids_;
    std::vector<SID_AND_ATTRIBUTES> groups_, restricted_;
};

constexpr auto alice = u"S-1-22-1-1001";

NTSTATUS check(const Caller& caller, WideView descriptor, ACCESS_MASK desired, ACCESS_MASK* granted)
{
    const auto security = fsp::test::sd(descriptor);
    EXPECT_TRUE(security);
    return access_check(caller.view, security.get(), desired, 0, file_generic_mapping, granted);
}

ACCESS_MASK maximum(const Caller& caller, WideView descriptor)
{
    ACCESS_MASK granted;
    return check(caller, descriptor, MAXIMUM_ALLOWED, &granted) == STATUS_SUCCESS ? granted : 0;
}

} // namespace

TEST(AccessCheck, GrantsWhatAnAllowAceHolds)
{
    ACCESS_MASK granted;
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;FR;;;WD)", GENERIC_READ, &granted), STATUS_SUCCESS);
    EXPECT_EQ(granted, ACCESS_MASK{FILE_GENERIC_READ});
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;FR;;;WD)", FILE_WRITE_DATA, &granted),
              STATUS_ACCESS_DENIED);
    EXPECT_EQ(granted, 0u);
}

TEST(AccessCheck, RightsAddUpOverAces)
{
    ACCESS_MASK granted;
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;0x1;;;WD)(A;;0x2;;;AU)", 3, &granted), STATUS_SUCCESS);
    EXPECT_EQ(granted, 3u);
}

TEST(AccessCheck, DenyCountsOnlyBeforeAllow)
{
    ACCESS_MASK granted;
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(D;;0x2;;;AU)(A;;FA;;;WD)", 2, &granted),
              STATUS_ACCESS_DENIED);
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;FA;;;WD)(D;;0x2;;;AU)", 2, &granted), STATUS_SUCCESS);
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BAD:(D;;0x2;;;AU)(A;;0x7;;;WD)"), 5u);
}

TEST(AccessCheck, NullDaclGrantsAllEmptyDaclNothing)
{
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BAD:NO_ACCESS_CONTROL"), ACCESS_MASK{FILE_ALL_ACCESS});
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BA"), ACCESS_MASK{FILE_ALL_ACCESS});
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BAD:"), 0u);
}

TEST(AccessCheck, OwnerReadsAndChangesSecurity)
{
    EXPECT_EQ(maximum(Caller(alice), u"O:S-1-22-1-1001G:BAD:"), ACCESS_MASK{READ_CONTROL | WRITE_DAC});
    ACCESS_MASK granted;
    // Even a deny does not take that away.
    EXPECT_EQ(check(Caller(alice), u"O:S-1-22-1-1001G:BAD:(D;;FA;;;WD)", WRITE_DAC, &granted),
              STATUS_SUCCESS);
}

TEST(AccessCheck, OwnerRightsAceReplacesOwnersOwn)
{
    EXPECT_EQ(maximum(Caller(alice), u"O:S-1-22-1-1001G:BAD:(A;;0x1;;;OW)"), 1u);
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BAD:(A;;0x1;;;OW)"), 0u);
    // An inherit-only one says nothing about this object.
    EXPECT_EQ(maximum(Caller(alice), u"O:S-1-22-1-1001G:BAD:(A;OICIIO;0x1;;;OW)"),
              ACCESS_MASK{READ_CONTROL | WRITE_DAC});
}

TEST(AccessCheck, InheritOnlyAcesAreIgnored)
{
    EXPECT_EQ(maximum(Caller(alice), u"O:BAG:BAD:(A;OICIIO;FA;;;WD)"), 0u);
}

TEST(AccessCheck, DisabledGroupsDoNotCountAndDenyOnlyGroupsOnlyDeny)
{
    Caller disabled(alice, {});
    disabled.group(u"S-1-5-32-545", 0);
    EXPECT_EQ(maximum(disabled, u"O:BAG:BAD:(A;;FA;;;BU)"), 0u);
    Caller deny_only(alice, {u"S-1-1-0"});
    deny_only.group(u"S-1-5-32-545", SE_GROUP_USE_FOR_DENY_ONLY);
    EXPECT_EQ(maximum(deny_only, u"O:BAG:BAD:(D;;0x1;;;BU)(A;;0x3;;;WD)"), 2u);
    EXPECT_EQ(maximum(deny_only, u"O:BUG:BAD:(A;;0x3;;;BU)"), 0u);
}

TEST(AccessCheck, RestrictingSidsMustBeGrantedToo)
{
    Caller caller(alice);
    caller.restrict_to(u"S-1-5-12");
    EXPECT_EQ(maximum(caller, u"O:BAG:BAD:(A;;0x3;;;WD)"), 0u);
    EXPECT_EQ(maximum(caller, u"O:BAG:BAD:(A;;0x3;;;WD)(A;;0x6;;;RC)"), 2u);
}

TEST(AccessCheck, PrivilegesOpenTheSaclAndOwnership)
{
    ACCESS_MASK granted;
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;FA;;;WD)", ACCESS_SYSTEM_SECURITY, &granted),
              STATUS_PRIVILEGE_NOT_HELD);
    EXPECT_EQ(check(Caller(alice).privilege(SE_SECURITY_PRIVILEGE), u"O:BAG:BAD:", ACCESS_SYSTEM_SECURITY,
                    &granted),
              STATUS_SUCCESS);
    EXPECT_EQ(granted, ACCESS_MASK{ACCESS_SYSTEM_SECURITY});
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:", WRITE_OWNER, &granted), STATUS_ACCESS_DENIED);
    EXPECT_EQ(
        check(Caller(alice).privilege(SE_TAKE_OWNERSHIP_PRIVILEGE), u"O:BAG:BAD:", WRITE_OWNER, &granted),
        STATUS_SUCCESS);
}

TEST(AccessCheck, LabelRefusesWritingUp)
{
    Caller low(alice);
    low.view.integrity = SECURITY_MANDATORY_LOW_RID;
    ACCESS_MASK granted;
    // An unlabelled object is medium.
    EXPECT_EQ(check(low, u"O:BAG:BAD:(A;;FA;;;WD)", FILE_WRITE_DATA, &granted), STATUS_ACCESS_DENIED);
    EXPECT_EQ(check(low, u"O:BAG:BAD:(A;;FA;;;WD)", FILE_GENERIC_READ, &granted), STATUS_SUCCESS);
    EXPECT_EQ(check(low, u"O:BAG:BAD:(A;;FA;;;WD)S:(ML;;NW;;;LW)", FILE_WRITE_DATA, &granted),
              STATUS_SUCCESS);
    EXPECT_EQ(check(Caller(alice), u"O:BAG:BAD:(A;;FA;;;WD)S:(ML;;NRNW;;;HI)", FILE_READ_DATA, &granted),
              STATUS_ACCESS_DENIED);
}

TEST(AccessCheck, NothingWithoutDescriptorOwnerOrGroup)
{
    ACCESS_MASK granted;
    EXPECT_EQ(access_check(Caller(alice).view, nullptr, 1, 0, file_generic_mapping, &granted),
              STATUS_ACCESS_DENIED);
    EXPECT_EQ(check(Caller(alice), u"D:(A;;FA;;;WD)", 1, &granted), STATUS_SUCCESS);
}

TEST(AccessCheck, PreviouslyGrantedRightsAreKept)
{
    const auto security = fsp::test::sd(u"O:BAG:BAD:(A;;0x1;;;WD)");
    ACCESS_MASK granted;
    EXPECT_EQ(access_check(Caller(alice).view, security.get(), 3, 2, file_generic_mapping, &granted),
              STATUS_SUCCESS);
    EXPECT_EQ(granted, 3u);
    EXPECT_EQ(access_check(Caller(alice).view, security.get(), 0, 0, file_generic_mapping, &granted),
              STATUS_ACCESS_DENIED);
}

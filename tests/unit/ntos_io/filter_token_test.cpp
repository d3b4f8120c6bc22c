// SPDX-License-Identifier: MIT
#include "ntos/boot.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace {

constexpr std::uint8_t everyone[] = {1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0};

HANDLE own_token()
{
    fsp::ntos::boot();
    HANDLE token = nullptr;
    EXPECT_EQ(NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, 0, &token),
              STATUS_SUCCESS);
    return token;
}

bool has_privilege(HANDLE token, ULONG privilege)
{
    alignas(8) std::uint8_t buffer[1024];
    ULONG length = 0;
    EXPECT_EQ(NtQueryInformationToken(token, TokenPrivileges, buffer, sizeof buffer, &length),
              STATUS_SUCCESS);
    const auto* held = reinterpret_cast<TOKEN_PRIVILEGES*>(buffer);
    for (ULONG i = 0; i != held->PrivilegeCount; ++i)
        if (held->Privileges[i].Luid.LowPart == privilege)
            return true;
    return false;
}

ULONG attributes_of(HANDLE token, PSID sid)
{
    alignas(8) std::uint8_t buffer[4096];
    ULONG length = 0;
    EXPECT_EQ(NtQueryInformationToken(token, TokenGroups, buffer, sizeof buffer, &length), STATUS_SUCCESS);
    const auto* groups = reinterpret_cast<TOKEN_GROUPS*>(buffer);
    for (ULONG i = 0; i != groups->GroupCount; ++i)
        if (RtlEqualSid(groups->Groups[i].Sid, sid))
            return groups->Groups[i].Attributes;
    return 0;
}

TEST(FilterToken, TakesPrivilegesAway)
{
    HANDLE own = own_token(), named = nullptr, most = nullptr;
    TOKEN_PRIVILEGES one{1, {{{SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, 0}, 0}}};
    ASSERT_EQ(NtFilterToken(own, 0, nullptr, &one, nullptr, &named), STATUS_SUCCESS);
    EXPECT_TRUE(has_privilege(own, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE));
    EXPECT_FALSE(has_privilege(named, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE));
    EXPECT_TRUE(has_privilege(named, SE_CHANGE_NOTIFY_PRIVILEGE));
    ASSERT_EQ(NtFilterToken(own, DISABLE_MAX_PRIVILEGE, nullptr, nullptr, nullptr, &most), STATUS_SUCCESS);
    EXPECT_FALSE(has_privilege(most, SE_CREATE_SYMBOLIC_LINK_PRIVILEGE));
    EXPECT_TRUE(has_privilege(most, SE_CHANGE_NOTIFY_PRIVILEGE));
    NtClose(most);
    NtClose(named);
    NtClose(own);
}

TEST(FilterToken, LeavesGroupsForDenialOnly)
{
    HANDLE own = own_token(), filtered = nullptr;
    TOKEN_GROUPS sids{1, {{const_cast<std::uint8_t*>(everyone), 0}}};
    ASSERT_EQ(NtFilterToken(own, 0, &sids, nullptr, nullptr, &filtered), STATUS_SUCCESS);
    const ULONG before = attributes_of(own, sids.Groups[0].Sid),
                after = attributes_of(filtered, sids.Groups[0].Sid);
    EXPECT_EQ(before & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY), ULONG{SE_GROUP_ENABLED});
    EXPECT_EQ(after & (SE_GROUP_ENABLED | SE_GROUP_USE_FOR_DENY_ONLY), ULONG{SE_GROUP_USE_FOR_DENY_ONLY});
    NtClose(filtered);
    NtClose(own);
}

TEST(FilterToken, RefusesWhatItDoesNotKnow)
{
    HANDLE own = own_token(), filtered = nullptr;
    EXPECT_EQ(NtFilterToken(own, 0x10, nullptr, nullptr, nullptr, &filtered), STATUS_INVALID_PARAMETER);
    TOKEN_GROUPS sids{1, {{const_cast<std::uint8_t*>(everyone), 0}}};
    EXPECT_EQ(NtFilterToken(own, 0, nullptr, nullptr, &sids, &filtered), STATUS_NOT_SUPPORTED);
    EXPECT_EQ(NtFilterToken(nullptr, 0, nullptr, nullptr, nullptr, &filtered), STATUS_INVALID_HANDLE);
    NtClose(own);
}

} // namespace

// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "frontends/fuse/ownership.h"

using namespace fsp::fuse;

namespace {

Ownership there_and_back(const Ownership& ownership, bool directory)
{
    Ownership out;
    const auto descriptor = to_descriptor(ownership, directory);
    from_descriptor(descriptor->get(), descriptor->bytes.size(), &out);
    return out;
}

TEST(Ownership, EveryPermissionSurvives)
{
    for (const bool directory : {false, true})
        for (const uid_t id : {0u, 5u, 1000u, 1001u, 65533u, 1000000u})
            for (mode_t mode = 0; mode <= 0777; ++mode) {
                const auto descriptor = to_descriptor({id, id, mode}, directory);
                ASSERT_TRUE(descriptor->exact) << std::oct << mode;
                const Ownership back = there_and_back({id, id, mode}, directory);
                ASSERT_EQ(back.mode, mode);
                ASSERT_EQ(back.uid, id);
                ASSERT_EQ(back.gid, id);
            }
}

TEST(Ownership, AGroupIsNeverTheUserOfItsNumber)
{
    for (const uid_t id : {0u, 1u, 18u, 1000u, 1001u, 100000u})
        EXPECT_NE(user_sid(id), group_sid(id));
}

TEST(Ownership, SharedFolderIsSticky)
{
    EXPECT_TRUE(to_descriptor({0, 0, 01777}, true)->exact);
    EXPECT_EQ(there_and_back({0, 0, 01777}, true).mode, 01777u);
}

TEST(Ownership, WhatADescriptorCannotHoldIsKnown)
{
    EXPECT_FALSE(to_descriptor({0, 0, 04755}, false)->exact);
    EXPECT_FALSE(to_descriptor({0, 0, 02755}, true)->exact);
    EXPECT_FALSE(to_descriptor({0, 0, 01755}, true)->exact);
}

} // namespace

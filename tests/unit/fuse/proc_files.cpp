// SPDX-License-Identifier: MIT
#include <unistd.h>

#include <gtest/gtest.h>

#include "frontends/fuse/identity.h"
#include "frontends/fuse/mount_point.h"

using namespace fsp::fuse;

namespace {

TEST(Groups, ReadsTheLine)
{
    EXPECT_EQ(parse_groups("Name:\tx\nGid:\t1\t1\nGroups:\t4 24 4 1000 \nNStgid:\t7\n"),
              (std::vector<gid_t>{4, 24, 1000}));
    EXPECT_TRUE(parse_groups("Name:\tx\nGroups:\t \nNStgid:\t7\n").empty());
    EXPECT_TRUE(parse_groups("").empty());
}

TEST(Groups, OfThisProcess)
{
    std::vector<gid_t> groups;
    ASSERT_TRUE(read_groups(getpid(), &groups));
    EXPECT_EQ(groups.size(), size_t(getgroups(0, nullptr)));
}

TEST(Groups, GoneProcessHasNone)
{
    std::vector<gid_t> groups;
    EXPECT_FALSE(read_groups(1 << 30, &groups));
}

TEST(MountInfo, ReadsPathTypeAndSource)
{
    const auto all =
        parse_mountinfo("36 35 0:50 / /mnt/a\\040b rw,relatime shared:1 - fuse.winfsp \\134Device\\134X rw\n"
                        "37 35 0:51 / /proc rw - proc proc rw\n");
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].path, "/mnt/a b");
    EXPECT_EQ(all[0].type, "fuse.winfsp");
    EXPECT_EQ(all[0].source, "\\Device\\X");
    EXPECT_EQ(all[1].type, "proc");
}

} // namespace

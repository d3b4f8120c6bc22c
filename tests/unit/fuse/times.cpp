// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "frontends/fuse/times.h"

using namespace fsp::fuse;

namespace {

TEST(Times, EpochIsWhere1970Is)
{
    EXPECT_EQ(to_nt_time({0, 0}), nt_epoch);
    EXPECT_EQ(to_timespec(nt_epoch).tv_sec, 0);
}

TEST(Times, RoundDownTo100Nanoseconds)
{
    EXPECT_EQ(to_nt_time({1, 199}), nt_epoch + 10000001);
    EXPECT_EQ(to_timespec(to_nt_time({1, 199})).tv_nsec, 100);
}

TEST(Times, Before1970)
{
    const timespec time = to_timespec(to_nt_time({-1, 999999900}));
    EXPECT_EQ(time.tv_sec, -1);
    EXPECT_EQ(time.tv_nsec, 999999900);
}

TEST(Times, WhatNtCannotHoldIsTheNearest)
{
    EXPECT_GT(to_nt_time({INT64_MAX, 0}), 0);
    EXPECT_GT(to_nt_time({INT64_MIN, 0}), 0);
    EXPECT_GT(to_nt_time({-nt_epoch / 10000000, 0}), 0); // 0 and -1 have another meaning
}

} // namespace

// SPDX-License-Identifier: MIT
/// @file The frame of the conformance tests. A test is named after the rule that it proves:
///
///     TEST(Delete, NameGoesWithTheLastHandle) { ... CHECK_EQ(file.status(), STATUS_SUCCESS); }
///
/// Its body is a member of Volume: it works in a directory of its own on the volume under test.
#pragma once

#include "check.h"
#include "volume.h"

#include <memory>

namespace conformance {

struct TestCase
{
    const char* suite;
    const char* rule;
    std::unique_ptr<Volume> (*make)();
    /// Why this volume answers otherwise than NTFS does; nullptr if it does not. Such a test runs on our
    /// volumes only.
    const char* difference;
};

struct Registration
{
    explicit Registration(const TestCase& test);
};

} // namespace conformance

/// A test whose body is a member of a class of its own, derived from Volume. `difference`: see TestCase.
#define TEST_ON(fixture, suite, rule, difference)                                                            \
    class suite##_##rule final : public fixture                                                              \
    {                                                                                                        \
        void run() override;                                                                                 \
    };                                                                                                       \
    const ::conformance::Registration suite##_##rule##_registration(                                         \
        {#suite, #rule,                                                                                      \
         []() -> std::unique_ptr<::conformance::Volume> { return std::make_unique<suite##_##rule>(); },      \
         difference});                                                                                       \
    void suite##_##rule::run()

#define TEST(suite, rule) TEST_ON(::conformance::Volume, suite, rule, nullptr)
/// A rule that holds on our volumes and, as the reason tells, not on NTFS.
#define TEST_DIFFERENCE(suite, rule, reason) TEST_ON(::conformance::Volume, suite, rule, reason)

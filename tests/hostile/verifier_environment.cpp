// SPDX-License-Identifier: MIT
//
// With OPENFSP_VERIFIER=1 the whole program fails on any finding of the verifier.
#include "ntos/verifier.h"

#include <gtest/gtest.h>

namespace {

class VerifierEnvironment : public testing::Environment
{
    void TearDown() override
    {
        if (fsp::ntos::verifier::enabled) {
            EXPECT_EQ(fsp::ntos::verifier::findings(), 0u);
        }
    }
};

[[maybe_unused]] testing::Environment* const environment =
    testing::AddGlobalTestEnvironment(new VerifierEnvironment);

} // namespace

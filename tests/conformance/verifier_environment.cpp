// SPDX-License-Identifier: MIT
//
// With OPENFSP_VERIFIER=1 the whole program fails if the verifier found something, even where no test looked,
// or if the driver leaves pool memory behind when it is unloaded.
#include "host/system.h"
#include "ntos/verifier.h"

#include <gtest/gtest.h>

namespace {

namespace verifier = fsp::ntos::verifier;

class VerifierEnvironment : public testing::Environment
{
    void TearDown() override
    {
        EXPECT_EQ(fsp::host::stop(), STATUS_SUCCESS);
        if (verifier::enabled) {
            EXPECT_EQ(verifier::findings(), 0u);
            EXPECT_EQ(verifier::check_pool_leaks(0), 0u);
        }
    }
};

// gtest owns it.
[[maybe_unused]] testing::Environment* const environment =
    testing::AddGlobalTestEnvironment(new VerifierEnvironment);

} // namespace

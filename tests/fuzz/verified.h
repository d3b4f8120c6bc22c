// SPDX-License-Identifier: MIT
#pragma once

#include "ntos/verifier.h"
#include "require.h"

namespace fuzz {

/// The verifier is on, and whatever it finds ends the run.
inline void verify_everything()
{
    static const bool once = [] {
        fsp::ntos::verifier::enable();
        fsp::ntos::verifier::set_hook([](const char* sentence) {
            std::fprintf(stderr, "verifier: %s\n", sentence);
            std::abort();
        });
        return true;
    }();
    (void)once;
}

} // namespace fuzz

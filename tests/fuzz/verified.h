// SPDX-License-Identifier: MIT
#pragma once

#include "ntos/verifier.h"
#include "require.h"

#include <cstdlib>
#include <unistd.h>

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
        // Threads on their way out own memory that the search for leaks does not find any more.
        std::atexit([] { usleep(200'000); });
        return true;
    }();
    (void)once;
}

} // namespace fuzz

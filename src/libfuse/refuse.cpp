// SPDX-License-Identifier: MIT
#include "libfuse/refuse.h"

#include <cstdio>
#include <cstring>

namespace fsp::libfuse {

void refuse(const char* function)
{
    const bool module =
        std::strncmp(function, "fuse_fs_", 8) == 0 || std::strcmp(function, "fuse_register_module") == 0;
    const bool old = std::strstr(function, "_compat") != nullptr;
    std::fprintf(stderr,
                 "fuse: this program calls %s of %s, which OpenFsp does not have; run it with the system's "
                 "libfuse\n",
                 function,
                 module ? "libfuse's stacked modules"
                 : old  ? "a version of libfuse before 2.6"
                        : "libfuse's low-level API");
}

} // namespace fsp::libfuse

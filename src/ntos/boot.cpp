// SPDX-License-Identifier: MIT
#include "ntos/boot.h"

#include "ntos/ob/namespace.h"
#include "ntos/ps/process.h"
#include "ntos/ps/thread_state.h"
#include "ntos/token.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>

namespace fsp::ntos {

namespace {

void start()
{
    NTSTATUS status = system_token() != nullptr ? ps::create_processes() : STATUS_INSUFFICIENT_RESOURCES;
    if (NT_SUCCESS(status))
        status = ob::create_namespace();
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "ntos: cannot start the executive: status 0x%08x\n",
                     static_cast<unsigned>(status));
        std::abort();
    }
    ps::adopt_early_threads();
}

} // namespace

void boot()
{
    static std::once_flag once;
    std::call_once(once, start);
}

} // namespace fsp::ntos

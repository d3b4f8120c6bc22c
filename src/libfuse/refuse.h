// SPDX-License-Identifier: MIT
//
// Functions of libfuse that are not here.
#pragma once

namespace fsp::libfuse {

/// Says so.
void refuse(const char* function);

} // namespace fsp::libfuse

/// Whatever it takes, it returns null, or 0.
#define FSP_REFUSE(name)                                                                                     \
    extern "C" __attribute__((visibility("default"))) void* name(void);                                      \
    extern "C" void* name(void)                                                                              \
    {                                                                                                        \
        fsp::libfuse::refuse(#name);                                                                         \
        return nullptr;                                                                                      \
    }

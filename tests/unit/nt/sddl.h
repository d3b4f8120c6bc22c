// SPDX-License-Identifier: MIT
//
// Descriptors and SIDs for tests, written as text.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "nt/rtl.h"
#include "nt/sddl.h"
#include "nt/text.h"

namespace fsp::test {

struct Free
{
    void operator()(void* memory) const { std::free(memory); }
};
using Descriptor = std::unique_ptr<void, Free>;

inline Descriptor sd(nt::WideView text)
{
    void* out = nullptr;
    return nt::parse_sddl(text, &out) == STATUS_SUCCESS ? Descriptor(out) : nullptr;
}

inline std::string text_of(const void* descriptor, SECURITY_INFORMATION parts = OWNER_SECURITY_INFORMATION |
                                                                                GROUP_SECURITY_INFORMATION |
                                                                                DACL_SECURITY_INFORMATION |
                                                                                SACL_SECURITY_INFORMATION |
                                                                                LABEL_SECURITY_INFORMATION)
{
    nt::WideString text;
    return nt::format_sddl(descriptor, parts, &text) == STATUS_SUCCESS ? nt::to_narrow(text) : "invalid";
}

inline nt::SidBuffer sid(nt::WideView text)
{
    nt::SidBuffer out;
    if (!nt::parse_sid(text, &out))
        std::abort();
    return out;
}

inline UNICODE_STRING string(const WCHAR* text)
{
    UNICODE_STRING out;
    RtlInitUnicodeString(&out, text);
    return out;
}

} // namespace fsp::test

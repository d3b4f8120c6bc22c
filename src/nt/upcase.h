// SPDX-License-Identifier: MIT
//
// The system's case tables: simple case mapping of the Basic Multilingual Plane as Windows has it, that is
// Unicode 5.1 pairs which map back to where they came from (so neither U+0131 dotless i nor U+017F long s
// meets ASCII), with final sigma as the one exception.
#pragma once

#include <winfsp/nt.h>

namespace fsp::nt {

struct CaseTable
{
    WCHAR to[65536];
};

extern const CaseTable upcase_table;
extern const CaseTable downcase_table;

inline WCHAR upcase(WCHAR c) { return upcase_table.to[static_cast<UINT16>(c)]; }
inline WCHAR downcase(WCHAR c) { return downcase_table.to[static_cast<UINT16>(c)]; }

} // namespace fsp::nt

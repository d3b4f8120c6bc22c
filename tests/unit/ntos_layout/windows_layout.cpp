// SPDX-License-Identifier: MIT
// Compiled for Windows with mingw's DDK headers: the layouts as text in the object's data.
#include <intrin.h>
// mingw's wdm.h defines these a second time in C++.
#define InterlockedBitTestAndSet WdmInterlockedBitTestAndSet
#define InterlockedBitTestAndReset WdmInterlockedBitTestAndReset
#include <ntifs.h>
#undef InterlockedBitTestAndSet
#undef InterlockedBitTestAndReset

struct Row
{
    char marker[8];
    unsigned value;
};

#define S(type) {"LAYOUT:", sizeof(type)},
#define F(type, member) {"LAYOUT:", (unsigned)__builtin_offsetof(type, member)},
extern const Row layout_rows[] = {
#include "layout.inc"
};

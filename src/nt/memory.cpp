// SPDX-License-Identifier: MIT
#include <cstring>

#include "nt/rtl.h"

SIZE_T NTAPI RtlCompareMemory(const VOID* Source1, const VOID* Source2, SIZE_T Length)
{
    const auto* a = static_cast<const UCHAR*>(Source1);
    const auto* b = static_cast<const UCHAR*>(Source2);
    if (Length && std::memcmp(a, b, Length) == 0)
        return Length;
    SIZE_T same = 0;
    while (same < Length && a[same] == b[same])
        ++same;
    return same;
}

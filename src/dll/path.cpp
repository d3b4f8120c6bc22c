// SPDX-License-Identifier: MIT
//
// Taking paths apart in place.
#include "dll/dll.h"

VOID FspPathPrefix(PWSTR Path, PWSTR* PPrefix, PWSTR* PRemain, PWSTR Root)
{
    PWSTR separator = Path;
    while (*separator != 0 && *separator != '\\')
        ++separator;

    PWSTR remain = separator;
    while (*remain == '\\')
        ++remain;
    if (*separator != 0)
        *separator = 0;
    *PPrefix = Root != nullptr && separator == Path && remain != separator ? Root : Path;
    *PRemain = remain;
}

VOID FspPathSuffix(PWSTR Path, PWSTR* PRemain, PWSTR* PSuffix, PWSTR Root)
{
    PWSTR run = nullptr, suffix = nullptr;
    PWSTR p = Path;
    while (*p != 0) {
        if (*p != '\\') {
            ++p;
            continue;
        }
        run = p;
        while (*p == '\\')
            ++p;
        suffix = p;
    }
    if (run == nullptr) { // one component: no last one beside it
        *PRemain = Path;
        *PSuffix = p;
        return;
    }
    *run = 0;
    *PRemain = Root != nullptr && run == Path ? Root : Path;
    *PSuffix = suffix;
}

VOID FspPathCombine(PWSTR Prefix, PWSTR Suffix)
{
    for (; Prefix < Suffix; ++Prefix)
        if (*Prefix == 0)
            *Prefix = '\\';
}

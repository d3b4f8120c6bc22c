// SPDX-License-Identifier: MIT
#include <ntifs.h>

#include <cstdio>
#include <cstdlib>

extern "C" {

VOID NTAPI KeBugCheckEx(ULONG BugCheckCode, ULONG_PTR P1, ULONG_PTR P2, ULONG_PTR P3, ULONG_PTR P4)
{
    std::fprintf(stderr, "bug check 0x%08x (0x%zx, 0x%zx, 0x%zx, 0x%zx)\n", BugCheckCode, P1, P2, P3, P4);
    std::abort();
}

VOID NTAPI KeBugCheck(ULONG BugCheckCode) { KeBugCheckEx(BugCheckCode, 0, 0, 0, 0); }

ULONG NTAPI DbgPrintString(PCSTR Text)
{
    std::fputs(Text, stderr);
    return STATUS_SUCCESS;
}

} // extern "C"

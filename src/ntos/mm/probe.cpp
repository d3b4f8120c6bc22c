// SPDX-License-Identifier: MIT
#include "mm/probe.h"

#include "mm/guarded_copy.h"
#include "ntos/verifier.h"

#include <cstdint>

#include <ntifs.h>

namespace fsp::ntos::mm {

namespace {

/// The first pages are never mapped: null pointers plus offsets.
constexpr uintptr_t lowest_user_address = 0x10000;
constexpr uintptr_t highest_user_address = 0x00007fffffff0000;

} // namespace

bool is_user_range(const void* address, size_t length)
{
    const auto first = reinterpret_cast<uintptr_t>(address);
    return first >= lowest_user_address && first + length >= first && first + length <= highest_user_address;
}

} // namespace fsp::ntos::mm

using namespace fsp::ntos;

extern "C" {

VOID NTAPI ProbeForRead(const VOID* Address, SIZE_T Length, ULONG Alignment)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (Length == 0)
        return;
    if (reinterpret_cast<uintptr_t>(Address) & (Alignment - 1))
        ExRaiseDatatypeMisalignment();
    if (!mm::is_user_range(Address, Length))
        ExRaiseAccessViolation();
}

VOID NTAPI ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    ProbeForRead(Address, Length, Alignment);
    if (Length != 0 && !mm::try_touch(Address, Length, true))
        ExRaiseAccessViolation();
}

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    return mm::is_user_range(VirtualAddress, 1) && mm::try_touch(VirtualAddress, 1, false);
}

} // extern "C"

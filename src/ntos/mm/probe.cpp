// SPDX-License-Identifier: MIT
#include "mm/probe.h"

#include <cerrno>
#include <cstdint>

#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <ntifs.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

namespace fsp::ntos::mm {

namespace {

/// The first pages are never mapped: null pointers plus offsets.
constexpr uintptr_t lowest_user_address = 0x10000;
constexpr uintptr_t highest_user_address = 0x00007fffffff0000;

bool populate(uintptr_t first, size_t length, bool write)
{
    return madvise(reinterpret_cast<void*>(first), length,
                   write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ) == 0;
}

/// Older kernels do not know the advice; they cannot tell whether a page is writable without writing to it
/// either.
bool kernel_populates()
{
    static const bool known = [] {
        alignas(PAGE_SIZE) static char page[PAGE_SIZE];
        return populate(reinterpret_cast<uintptr_t>(page), PAGE_SIZE, true);
    }();
    return known;
}

bool can_read(uintptr_t first, size_t length)
{
    const pid_t self = getpid();
    for (uintptr_t page = first; page < first + length; page += PAGE_SIZE) {
        char byte;
        iovec local{&byte, 1}, remote{reinterpret_cast<void*>(page), 1};
        if (process_vm_readv(self, &local, 1, &remote, 1, 0) != 1)
            return errno != EFAULT;
    }
    return true;
}

} // namespace

bool is_user_range(const void* address, size_t length)
{
    const auto first = reinterpret_cast<uintptr_t>(address);
    return first >= lowest_user_address && first + length >= first && first + length <= highest_user_address;
}

bool touch_pages(const void* address, size_t length, bool write)
{
    const auto first = reinterpret_cast<uintptr_t>(address) & ~uintptr_t(PAGE_SIZE - 1);
    const size_t span = ROUND_TO_PAGES(reinterpret_cast<uintptr_t>(address) + length) - first;
    return kernel_populates() ? populate(first, span, write) : can_read(first, span);
}

} // namespace fsp::ntos::mm

using namespace fsp::ntos;

extern "C" {

VOID NTAPI ProbeForRead(const VOID* Address, SIZE_T Length, ULONG Alignment)
{
    if (Length == 0)
        return;
    if (reinterpret_cast<uintptr_t>(Address) & (Alignment - 1))
        ExRaiseDatatypeMisalignment();
    if (!mm::is_user_range(Address, Length))
        ExRaiseAccessViolation();
}

VOID NTAPI ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment)
{
    ProbeForRead(Address, Length, Alignment);
    if (Length != 0 && !mm::touch_pages(Address, Length, true))
        ExRaiseAccessViolation();
}

BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress)
{
    return mm::is_user_range(VirtualAddress, 1) && mm::touch_pages(VirtualAddress, 1, false);
}

} // extern "C"

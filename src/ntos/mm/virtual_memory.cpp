// SPDX-License-Identifier: MIT
// Memory of a process: there is one address space, so it is that of the host.
#include "ntos/faults.h"
#include "ntos/verifier.h"

#include <ntifs.h>

#include <map>
#include <mutex>

#include <sys/mman.h>

namespace {

/// Reservations by address: a release gives no size.
std::mutex regions_lock;
std::map<PVOID, SIZE_T>& regions()
{
    static auto* instance = new std::map<PVOID, SIZE_T>;
    return *instance;
}

} // namespace

namespace faults = fsp::ntos::faults;

extern "C" {

NTSTATUS NTAPI ZwAllocateVirtualMemory(HANDLE ProcessHandle, PVOID* BaseAddress, ULONG_PTR,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    // Anywhere, all at once, readable and writable: that is all that callers here need.
    if (ProcessHandle != NtCurrentProcess() || *BaseAddress != nullptr || !(AllocationType & MEM_COMMIT) ||
        Protect != PAGE_READWRITE)
        return STATUS_NOT_SUPPORTED;
    if (*RegionSize == 0)
        return STATUS_INVALID_PARAMETER_4;
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        return STATUS_NO_MEMORY;
    const SIZE_T size = ROUND_TO_PAGES(*RegionSize);
    PVOID address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address == MAP_FAILED)
        return STATUS_NO_MEMORY;
    std::lock_guard guard(regions_lock);
    regions()[address] = size;
    *BaseAddress = address;
    *RegionSize = size;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwFreeVirtualMemory(HANDLE ProcessHandle, PVOID* BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (ProcessHandle != NtCurrentProcess() || FreeType != MEM_RELEASE)
        return STATUS_NOT_SUPPORTED;
    std::lock_guard guard(regions_lock);
    const auto found = regions().find(*BaseAddress);
    if (found == regions().end())
        return STATUS_MEMORY_NOT_ALLOCATED;
    munmap(found->first, found->second);
    *RegionSize = found->second;
    regions().erase(found);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtAllocateVirtualMemory(HANDLE ProcessHandle, PVOID* BaseAddress, ULONG_PTR ZeroBits,
                                       PSIZE_T RegionSize, ULONG AllocationType, ULONG Protect)
{
    return ZwAllocateVirtualMemory(ProcessHandle, BaseAddress, ZeroBits, RegionSize, AllocationType, Protect);
}

NTSTATUS NTAPI NtFreeVirtualMemory(HANDLE ProcessHandle, PVOID* BaseAddress, PSIZE_T RegionSize,
                                   ULONG FreeType)
{
    return ZwFreeVirtualMemory(ProcessHandle, BaseAddress, RegionSize, FreeType);
}

} // extern "C"

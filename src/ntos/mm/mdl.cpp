// SPDX-License-Identifier: MIT
// Memory descriptor lists. There is one address space: the mapping of an MDL is the memory itself, and its
// pages stay where they are. What remains is the bookkeeping, which drivers depend on and the verifier
// checks.
#include "mm/guarded_copy.h"
#include "mm/probe.h"
#include "ntos/faults.h"
#include "ntos/verifier.h"

#include <ntifs.h>

using namespace fsp::ntos;

namespace {

constexpr ULONG mdl_tag = 0x206c644d; // "Mdl "

PVOID address_of(PMDL mdl) { return static_cast<char*>(mdl->StartVa) + mdl->ByteOffset; }

} // namespace

extern "C" {

SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length)
{
    return sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES(Base, Length);
}

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN, PIRP Irp)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    if (Length >= 0x80000000)
        return nullptr;
    auto mdl = static_cast<PMDL>(
        ExAllocatePoolWithTag(NonPagedPoolNx, MmSizeOfMdl(VirtualAddress, Length), mdl_tag));
    if (mdl == nullptr)
        return nullptr;
    MmInitializeMdl(mdl, VirtualAddress, Length);
    // A buffer of more pages than Size can count needs none of the page numbers here.
    mdl->Process = nullptr;
    mdl->MappedSystemVa = nullptr;
    if (Irp != nullptr) {
        if (!SecondaryBuffer)
            Irp->MdlAddress = mdl;
        else {
            PMDL last = Irp->MdlAddress;
            while (last != nullptr && last->Next != nullptr)
                last = last->Next;
            (last != nullptr ? last->Next : Irp->MdlAddress) = mdl;
        }
    }
    return mdl;
}

PMDL NTAPI MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base, SIZE_T Length)
{
    PMDL mdl = MemoryDescriptorList;
    if (mdl == nullptr)
        return IoAllocateMdl(Base, ULONG(Length), FALSE, FALSE, nullptr);
    MmInitializeMdl(mdl, Base, Length);
    return mdl;
}

VOID NTAPI IoFreeMdl(PMDL Mdl)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    if (verifier::enabled && (Mdl->MdlFlags & MDL_PAGES_LOCKED)) [[unlikely]]
        verifier::report("MDL %p freed with its pages locked", static_cast<void*>(Mdl));
    ExFreePoolWithTag(Mdl, mdl_tag);
}

VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length)
{
    const ULONG skipped =
        ULONG(static_cast<char*>(VirtualAddress) - static_cast<char*>(address_of(SourceMdl)));
    if (Length == 0)
        Length = SourceMdl->ByteCount - skipped;
    TargetMdl->Process = SourceMdl->Process;
    TargetMdl->StartVa = PAGE_ALIGN(VirtualAddress);
    TargetMdl->ByteOffset = BYTE_OFFSET(VirtualAddress);
    TargetMdl->ByteCount = Length;
    TargetMdl->MdlFlags =
        CSHORT((TargetMdl->MdlFlags & (MDL_ALLOCATED_FIXED_SIZE | MDL_ALLOCATED_MUST_SUCCEED)) |
               (SourceMdl->MdlFlags & MDL_IO_PAGE_READ) | MDL_PARTIAL);
    if (SourceMdl->MdlFlags & MDL_SOURCE_IS_NONPAGED_POOL) {
        TargetMdl->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
        TargetMdl->MappedSystemVa = static_cast<char*>(SourceMdl->MappedSystemVa) + skipped;
    } else if (SourceMdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA) {
        TargetMdl->MdlFlags |= MDL_PARENT_MAPPED_SYSTEM_VA | MDL_MAPPED_TO_SYSTEM_VA;
        TargetMdl->MappedSystemVa = static_cast<char*>(SourceMdl->MappedSystemVa) + skipped;
    }
}

VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList)
{
    MemoryDescriptorList->MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
    MemoryDescriptorList->MappedSystemVa = address_of(MemoryDescriptorList);
}

VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    PMDL mdl = MemoryDescriptorList;
    if (verifier::enabled && (mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL))) [[unlikely]]
        verifier::report("MDL %p is locked already", static_cast<void*>(mdl));
    // Kernel callers pass memory that they allocated.
    if (AccessMode != KernelMode && mdl->ByteCount != 0 &&
        (!mm::is_user_range(address_of(mdl), mdl->ByteCount) ||
         !mm::try_touch(address_of(mdl), mdl->ByteCount, Operation != IoReadAccess)))
        ExRaiseAccessViolation();
    if (faults::fails(faults::Kind::mdl)) [[unlikely]]
        ExRaiseStatus(STATUS_WORKING_SET_QUOTA);
    mdl->MdlFlags |= MDL_PAGES_LOCKED | (Operation != IoReadAccess ? MDL_WRITE_OPERATION : 0);
    mdl->Process = nullptr;
}

VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    PMDL mdl = MemoryDescriptorList;
    if (verifier::enabled && !(mdl->MdlFlags & MDL_PAGES_LOCKED)) [[unlikely]]
        verifier::report("MDL %p unlocked but not locked", static_cast<void*>(mdl));
    mdl->MdlFlags &= ~(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA | MDL_WRITE_OPERATION);
}

PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode)
{
    return MmMapLockedPagesSpecifyCache(MemoryDescriptorList, AccessMode, MmCached, nullptr, TRUE,
                                        HighPagePriority);
}

PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE, PVOID, ULONG BugCheckOnFailure, ULONG)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    PMDL mdl = MemoryDescriptorList;
    if (verifier::enabled &&
        !(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_SOURCE_IS_NONPAGED_POOL | MDL_PARTIAL))) [[unlikely]]
        verifier::report("MDL %p mapped but not locked", static_cast<void*>(mdl));
    if (BugCheckOnFailure == FALSE && faults::fails(faults::Kind::mdl)) [[unlikely]] {
        if (AccessMode != KernelMode)
            ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
        return nullptr;
    }
    PVOID address = address_of(mdl);
    if (AccessMode == KernelMode) {
        mdl->MappedSystemVa = address;
        mdl->MdlFlags |=
            MDL_MAPPED_TO_SYSTEM_VA | (mdl->MdlFlags & MDL_PARTIAL ? MDL_PARTIAL_HAS_BEEN_MAPPED : 0);
    }
    return address;
}

VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    if (BaseAddress == MemoryDescriptorList->MappedSystemVa)
        MemoryDescriptorList->MdlFlags &= ~(MDL_MAPPED_TO_SYSTEM_VA | MDL_PARTIAL_HAS_BEEN_MAPPED);
}

NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL, ULONG) { return STATUS_SUCCESS; }

PMDL NTAPI MmAllocatePagesForMdlEx(LARGE_INTEGER, LARGE_INTEGER, LARGE_INTEGER, SIZE_T TotalBytes,
                                   MEMORY_CACHING_TYPE, ULONG)
{
    if (TotalBytes == 0 || TotalBytes >= 0x80000000)
        return nullptr;
    PVOID pages = ExAllocatePoolWithTag(NonPagedPoolNx, ROUND_TO_PAGES(TotalBytes), mdl_tag);
    if (pages == nullptr)
        return nullptr;
    memset(pages, 0, ROUND_TO_PAGES(TotalBytes));
    PMDL mdl = IoAllocateMdl(pages, ULONG(TotalBytes), FALSE, FALSE, nullptr);
    if (mdl == nullptr)
        ExFreePoolWithTag(pages, mdl_tag);
    else
        mdl->MdlFlags |= MDL_PAGES_LOCKED;
    return mdl;
}

PMDL NTAPI MmAllocatePagesForMdl(LARGE_INTEGER LowAddress, LARGE_INTEGER HighAddress, LARGE_INTEGER SkipBytes,
                                 SIZE_T TotalBytes)
{
    return MmAllocatePagesForMdlEx(LowAddress, HighAddress, SkipBytes, TotalBytes, MmCached, 0);
}

VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList)
{
    ExFreePoolWithTag(MemoryDescriptorList->StartVa, mdl_tag);
    MemoryDescriptorList->MdlFlags &= ~MDL_PAGES_LOCKED;
}

} // extern "C"

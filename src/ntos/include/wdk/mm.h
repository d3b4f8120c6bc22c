// SPDX-License-Identifier: MIT
// Memory (Mm): memory descriptor lists, probing, sections.
#pragma once

#include "wdk/io.h"

extern "C" {

typedef ULONG_PTR PFN_NUMBER, *PPFN_NUMBER;

typedef struct _MDL
{
    struct _MDL* Next;
    CSHORT Size;
    CSHORT MdlFlags;
    PEPROCESS Process;
    PVOID MappedSystemVa;
    PVOID StartVa;
    ULONG ByteCount;
    ULONG ByteOffset;
} MDL;

#define MDL_MAPPED_TO_SYSTEM_VA 0x0001
#define MDL_PAGES_LOCKED 0x0002
#define MDL_SOURCE_IS_NONPAGED_POOL 0x0004
#define MDL_ALLOCATED_FIXED_SIZE 0x0008
#define MDL_PARTIAL 0x0010
#define MDL_PARTIAL_HAS_BEEN_MAPPED 0x0020
#define MDL_IO_PAGE_READ 0x0040
#define MDL_WRITE_OPERATION 0x0080
#define MDL_PARENT_MAPPED_SYSTEM_VA 0x0100
#define MDL_FREE_EXTRA_PTES 0x0200
#define MDL_IO_SPACE 0x0800
#define MDL_NETWORK_HEADER 0x1000
#define MDL_MAPPING_CAN_FAIL 0x2000
#define MDL_ALLOCATED_MUST_SUCCEED 0x4000
#define MDL_INTERNAL 0x8000

typedef enum _LOCK_OPERATION
{
    IoReadAccess,
    IoWriteAccess,
    IoModifyAccess
} LOCK_OPERATION;
typedef enum _MEMORY_CACHING_TYPE
{
    MmNonCached = FALSE,
    MmCached = TRUE,
    MmWriteCombined = 2
} MEMORY_CACHING_TYPE;
typedef enum _MM_PAGE_PRIORITY
{
    LowPagePriority = 0,
    NormalPagePriority = 16,
    HighPagePriority = 32
} MM_PAGE_PRIORITY;
#define MdlMappingNoWrite 0x80000000u
#define MdlMappingNoExecute 0x40000000u

typedef enum _MMFLUSH_TYPE
{
    MmFlushForDelete,
    MmFlushForWrite
} MMFLUSH_TYPE;

PMDL NTAPI IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                         PIRP Irp);
VOID NTAPI IoFreeMdl(PMDL Mdl);
VOID NTAPI IoBuildPartialMdl(PMDL SourceMdl, PMDL TargetMdl, PVOID VirtualAddress, ULONG Length);
SIZE_T NTAPI MmSizeOfMdl(PVOID Base, SIZE_T Length);
PMDL NTAPI MmCreateMdl(PMDL MemoryDescriptorList, PVOID Base, SIZE_T Length);
VOID NTAPI MmBuildMdlForNonPagedPool(PMDL MemoryDescriptorList);
/// Raises STATUS_ACCESS_VIOLATION when the pages cannot be accessed as asked.
VOID NTAPI MmProbeAndLockPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                               LOCK_OPERATION Operation);
VOID NTAPI MmUnlockPages(PMDL MemoryDescriptorList);
PVOID NTAPI MmMapLockedPages(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode);
/// With AccessMode UserMode raises when the mapping fails; with KernelMode returns NULL.
PVOID NTAPI MmMapLockedPagesSpecifyCache(PMDL MemoryDescriptorList, KPROCESSOR_MODE AccessMode,
                                         MEMORY_CACHING_TYPE CacheType, PVOID RequestedAddress,
                                         ULONG BugCheckOnFailure, ULONG Priority);
VOID NTAPI MmUnmapLockedPages(PVOID BaseAddress, PMDL MemoryDescriptorList);
NTSTATUS NTAPI MmProtectMdlSystemAddress(PMDL MemoryDescriptorList, ULONG NewProtect);
PMDL NTAPI MmAllocatePagesForMdl(LARGE_INTEGER LowAddress, LARGE_INTEGER HighAddress, LARGE_INTEGER SkipBytes,
                                 SIZE_T TotalBytes);
PMDL NTAPI MmAllocatePagesForMdlEx(LARGE_INTEGER LowAddress, LARGE_INTEGER HighAddress,
                                   LARGE_INTEGER SkipBytes, SIZE_T TotalBytes, MEMORY_CACHING_TYPE CacheType,
                                   ULONG Flags);
VOID NTAPI MmFreePagesFromMdl(PMDL MemoryDescriptorList);
#define MmGetMdlByteCount(Mdl) ((Mdl)->ByteCount)
#define MmGetMdlByteOffset(Mdl) ((Mdl)->ByteOffset)
#define MmGetMdlVirtualAddress(Mdl) ((PVOID)((PCHAR)(Mdl)->StartVa + (Mdl)->ByteOffset))
#define MmGetMdlBaseVa(Mdl) ((Mdl)->StartVa)
#define MmGetMdlPfnArray(Mdl) ((PPFN_NUMBER)((Mdl) + 1))
#define MmPrepareMdlForReuse(Mdl) ((void)(Mdl))
#define MmInitializeMdl(Mdl, Base, Length_)                                                                  \
    do {                                                                                                     \
        (Mdl)->Next = nullptr;                                                                               \
        (Mdl)->Size =                                                                                        \
            (CSHORT)(sizeof(MDL) + sizeof(PFN_NUMBER) * ADDRESS_AND_SIZE_TO_SPAN_PAGES((Base), (Length_)));  \
        (Mdl)->MdlFlags = 0;                                                                                 \
        (Mdl)->StartVa = PAGE_ALIGN(Base);                                                                   \
        (Mdl)->ByteOffset = BYTE_OFFSET(Base);                                                               \
        (Mdl)->ByteCount = (ULONG)(Length_);                                                                 \
    } while (0)

inline PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
    if (Mdl->MdlFlags & (MDL_MAPPED_TO_SYSTEM_VA | MDL_SOURCE_IS_NONPAGED_POOL))
        return Mdl->MappedSystemVa;
    return MmMapLockedPagesSpecifyCache(Mdl, KernelMode, MmCached, nullptr, FALSE, Priority);
}

/// Raise STATUS_ACCESS_VIOLATION or STATUS_DATATYPE_MISALIGNMENT.
VOID NTAPI ProbeForRead(const VOID* Address, SIZE_T Length, ULONG Alignment);
VOID NTAPI ProbeForWrite(PVOID Address, SIZE_T Length, ULONG Alignment);
/// These raise STATUS_ACCESS_VIOLATION where the memory is not there; other copies end the process.
VOID NTAPI CopyFromUser(PVOID Destination, const VOID* Source, SIZE_T Length);
VOID NTAPI CopyToUser(PVOID Destination, const VOID* Source, SIZE_T Length);
VOID NTAPI ZeroUserMemory(PVOID Destination, SIZE_T Length);
BOOLEAN NTAPI MmIsAddressValid(PVOID VirtualAddress);

/// Address of an exported routine by name, or NULL.
PVOID NTAPI MmGetSystemRoutineAddress(PUNICODE_STRING SystemRoutineName);
BOOLEAN NTAPI MmIsThisAnNtAsSystem();
ULONG NTAPI MmQuerySystemSize();

// Sections and the cache's view of them.
BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS SectionPointer, PLARGE_INTEGER NewFileSize);
BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS SectionPointer, MMFLUSH_TYPE FlushType);
BOOLEAN NTAPI MmForceSectionClosed(PSECTION_OBJECT_POINTERS SectionPointer, BOOLEAN DelayClose);
BOOLEAN NTAPI MmForceSectionClosedEx(PSECTION_OBJECT_POINTERS SectionPointer, ULONG ForceCloseFlags);
ULONG NTAPI MmDoesFileHaveUserWritableReferences(PSECTION_OBJECT_POINTERS SectionPointer);
BOOLEAN NTAPI MmIsRecursiveIoFault();
BOOLEAN NTAPI MmSetAddressRangeModified(PVOID Address, SIZE_T Length);
NTSTATUS NTAPI MmPrefetchPages(ULONG NumberOfLists, PVOID* ReadLists);

#define PAGE_NOACCESS 0x01
#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define PAGE_WRITECOPY 0x08
#define PAGE_EXECUTE 0x10
#define PAGE_EXECUTE_READ 0x20
#define PAGE_EXECUTE_READWRITE 0x40
#define PAGE_EXECUTE_WRITECOPY 0x80
#define SEC_FILE 0x00800000
#define SEC_IMAGE 0x01000000
#define SEC_RESERVE 0x04000000
#define SEC_COMMIT 0x08000000
#define SECTION_QUERY 0x0001
#define SECTION_MAP_WRITE 0x0002
#define SECTION_MAP_READ 0x0004
#define SECTION_MAP_EXECUTE 0x0008
#define SECTION_EXTEND_SIZE 0x0010
#define SECTION_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0x1F)
#define MEM_COMMIT 0x00001000
#define MEM_RESERVE 0x00002000
#define MEM_RELEASE 0x00008000

typedef enum _SECTION_INHERIT
{
    ViewShare = 1,
    ViewUnmap = 2
} SECTION_INHERIT;

} // extern "C"

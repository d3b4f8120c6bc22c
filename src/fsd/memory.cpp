// SPDX-License-Identifier: MIT
#include "memory.h"

namespace fsp::fsd {

namespace {

// One look-aside list per 64 bytes: coroutine frames, requests, nodes and descriptors all fit.
constexpr ULONG class_size = 64;
constexpr ULONG class_count = 64;

/// Kernels keep more in a list than its public declaration shows: on 32-bit processors a lock that begins at
/// the second or third cache line.
union alignas(64) LookAsideList
{
    NPAGED_LOOKASIDE_LIST list;
    Byte largest[256];
};
LookAsideList lists[class_count];

// Non-executable pool exists since Windows 8; before, asking for it fails.
POOL_TYPE nonpaged_type = NonPagedPool;
constexpr POOL_TYPE nonpaged_nx = static_cast<POOL_TYPE>(512);

NPAGED_LOOKASIDE_LIST* list_for(size_t size)
{
    const size_t index = (size - 1) / class_size;
    return index < class_count ? &lists[index].list : nullptr;
}

POOL_TYPE type_of(Pool pool) { return pool == Pool::paged ? PagedPool : nonpaged_type; }

} // namespace

void wait_for_memory() noexcept
{
    LARGE_INTEGER pause;
    pause.QuadPart = -10 * 10000; // 10 ms
    KeDelayExecutionThread(KernelMode, FALSE, &pause);
}

void* pool_allocate(size_t size, Pool pool) noexcept
{
    return ExAllocatePoolWithTag(type_of(pool), size, pool_tag);
}

void* pool_allocate_external(size_t size, Pool pool) noexcept
{
    return ExAllocatePoolWithTag(type_of(pool), size, pool_tag_external);
}

void* pool_allocate_must_succeed(size_t size) noexcept
{
    for (;;) {
        if (void* memory = pool_allocate(size))
            return memory;
        wait_for_memory();
    }
}

void pool_free(void* memory) noexcept
{
    if (memory)
        ExFreePoolWithTag(memory, pool_tag);
}

void* cached_allocate(size_t size) noexcept
{
    if (NPAGED_LOOKASIDE_LIST* list = list_for(size))
        return ExAllocateFromNPagedLookasideList(list);
    return pool_allocate(size);
}

void* cached_allocate_must_succeed(size_t size) noexcept
{
    for (;;) {
        if (void* memory = cached_allocate(size))
            return memory;
        wait_for_memory();
    }
}

void cached_free(void* memory, size_t size) noexcept
{
    if (!memory)
        return;
    if (NPAGED_LOOKASIDE_LIST* list = list_for(size))
        ExFreeToNPagedLookasideList(list, memory);
    else
        pool_free(memory);
}

FSP_INIT void initialize_memory_caches() noexcept
{
    RTL_OSVERSIONINFOW version{};
    version.dwOSVersionInfoSize = sizeof version;
    if (NT_SUCCESS(RtlGetVersion(&version)) &&
        (version.dwMajorVersion > 6 || (version.dwMajorVersion == 6 && version.dwMinorVersion >= 2)))
        nonpaged_type = nonpaged_nx;
    for (ULONG i = 0; i < class_count; i++)
        ExInitializeNPagedLookasideList(&lists[i].list, nullptr, nullptr,
                                        nonpaged_type == nonpaged_nx ? 512 : 0, (i + 1) * class_size,
                                        pool_tag, 0);
}

void delete_memory_caches() noexcept
{
    for (auto& element : lists)
        ExDeleteNPagedLookasideList(&element.list);
}

} // namespace fsp::fsd

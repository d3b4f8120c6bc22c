// SPDX-License-Identifier: MIT
// Pool: the C heap with a header that remembers the tag. Blocks of a page or more are page aligned, as on NT;
// small ones stay with the thread that frees them for a while.
#include "ex/pool.h"

#include "ntos/faults.h"
#include "ntos/ps/thread_state.h"
#include "ntos/raise.h"
#include "verifier/checks.h"

#include <cstdlib>

namespace fsp::ntos::ex {

namespace {

constexpr uint32_t magic_small = 0x6c6f6f70;
constexpr uint32_t magic_paged = 0x65676170;
constexpr uint32_t magic_freed = 0x64656572;
constexpr ULONG default_tag = 0x656e6f4e; // "None"

bool is_page_aligned(size_t size) { return size >= PAGE_SIZE; }

// The routines of the kernel interface below call nothing that is not NTAPI (see ke/futex.h).

/// nullptr: the thread keeps nothing.
PoolCache* cache()
{
    ps::ThreadState* const thread = ps::current_state;
    return cached_blocks != 0 && thread != nullptr && !verifier::enabled ? &thread->pool : nullptr;
}

[[gnu::noinline]] void* NTAPI heap_allocate(size_t size, ULONG tag) noexcept
{
    char* block;
    if (is_page_aligned(size)) [[unlikely]] {
        void* memory = nullptr;
        if (posix_memalign(&memory, PAGE_SIZE, PAGE_SIZE + size) != 0)
            return nullptr;
        block = static_cast<char*>(memory) + PAGE_SIZE;
    } else {
        auto memory = static_cast<char*>(std::malloc(PoolCache::heap_size(size)));
        if (memory == nullptr)
            return nullptr;
        block = memory + sizeof(PoolHeader);
    }
    auto header = reinterpret_cast<PoolHeader*>(block) - 1;
    header->magic = is_page_aligned(size) ? magic_paged : magic_small;
    header->tag = tag;
    header->bytes = size;
    header->allocation = nullptr;
    if (verifier::enabled) [[unlikely]] {
        header->allocation = verifier::allocated(block, size, tag);
        memset(block, 0xC5, size);
    }
    return block;
}

[[gnu::noinline]] void NTAPI heap_free(PoolHeader* header) noexcept
{
    const bool paged = header->magic == magic_paged;
    void* const block = header + 1;
    void* memory = paged ? static_cast<char*>(block) - PAGE_SIZE : static_cast<void*>(header);
    header->magic = magic_freed;
    if (header->allocation != nullptr) [[unlikely]] {
        verifier::freed(header->allocation);
        if (verifier::enabled)
            return verifier::quarantine(memory, block, header->bytes, paged);
    }
    std::free(memory);
}

[[gnu::noinline, gnu::cold]] void NTAPI report_bad_block(const void* block, uint32_t magic) noexcept
{
    verifier::report(magic == magic_freed ? "pool block %p freed twice" : "%p is not a pool block", block);
}

[[gnu::noinline, gnu::cold]] void NTAPI report_wrong_tag(const void* block, ULONG is, ULONG said) noexcept
{
    verifier::report("pool block %p with tag %.4s freed with tag %.4s", block,
                     reinterpret_cast<const char*>(&is), reinterpret_cast<const char*>(&said));
}

[[gnu::noinline]] void NTAPI clear(void* block, size_t size) noexcept { memset(block, 0, size); }

} // namespace

void* NTAPI allocate_pool(ULONG type, SIZE_T size, ULONG tag)
{
    if (verifier::enabled && (type & PagedPool)) [[unlikely]]
        verifier::check_paged("paged pool allocated");
    void* block = nullptr;
    if (!faults::fails(faults::Kind::allocation)) [[likely]] {
        PoolCache* const kept = cache();
        if (PoolHeader* const header = kept != nullptr ? kept->take(size) : nullptr) {
            header->magic = magic_small;
            header->tag = tag;
            header->bytes = size;
            block = header + 1;
        } else
            block = heap_allocate(size, tag);
    }
    if (block == nullptr && (type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    if (block != nullptr && (type & POOL_ZERO_ALLOCATION))
        clear(block, size);
    return block;
}

void NTAPI free_pool(void* block, ULONG tag) noexcept
{
    auto* const header = static_cast<PoolHeader*>(block) - 1;
    const uint32_t magic = header->magic;
    if (magic != magic_small && magic != magic_paged) [[unlikely]]
        return report_bad_block(block, magic);
    if (tag != 0 && tag != header->tag) [[unlikely]]
        report_wrong_tag(block, header->tag, tag);
    PoolCache* const kept = cache();
    if (kept != nullptr && magic == magic_small && header->allocation == nullptr && kept->give(header))
        header->magic = magic_freed;
    else
        heap_free(header);
}

} // namespace fsp::ntos::ex

using namespace fsp::ntos;

extern "C" {

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ex::allocate_pool(PoolType, NumberOfBytes, ex::default_tag);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ex::allocate_pool(PoolType, NumberOfBytes, Tag);
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    // There are no quotas to exceed, but the caller still chose how failure is told.
    const ULONG type = ULONG(PoolType);
    PVOID block = ex::allocate_pool(type & ~ULONG(POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), NumberOfBytes, Tag);
    if (block == nullptr && !(type & POOL_QUOTA_FAIL_INSTEAD_OF_RAISE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    return block;
}

PVOID NTAPI ExAllocatePoolWithQuota(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ExAllocatePoolWithQuotaTag(PoolType, NumberOfBytes, ex::default_tag);
}

PVOID NTAPI ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag)
{
    if (!(Flags & (POOL_FLAG_NON_PAGED | POOL_FLAG_NON_PAGED_EXECUTE | POOL_FLAG_PAGED)) ||
        NumberOfBytes == 0)
    {
        if (Flags & POOL_FLAG_RAISE_ON_FAILURE)
            ExRaiseStatus(STATUS_INVALID_PARAMETER);
        return nullptr;
    }
    return ex::allocate_pool((Flags & POOL_FLAG_PAGED ? PagedPool : NonPagedPool) |
                                 (Flags & POOL_FLAG_RAISE_ON_FAILURE ? POOL_RAISE_IF_ALLOCATION_FAILURE : 0) |
                                 (Flags & POOL_FLAG_UNINITIALIZED ? 0 : POOL_ZERO_ALLOCATION),
                             NumberOfBytes, Tag);
}

VOID NTAPI ExFreePool(PVOID P) { ex::free_pool(P, 0); }
VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag) { ex::free_pool(P, Tag); }

} // extern "C"

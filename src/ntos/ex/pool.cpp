// SPDX-License-Identifier: MIT
// Pool: the C heap with a header that remembers the tag. Blocks of a page or more are page aligned, as on NT.
#include "ntos/faults.h"
#include "ntos/raise.h"
#include "verifier/checks.h"

#include <cstdlib>

namespace fsp::ntos::ex {

namespace {

constexpr uint32_t magic_small = 0x6c6f6f70;
constexpr uint32_t magic_paged = 0x65676170;
constexpr uint32_t magic_freed = 0x64656572;
constexpr ULONG default_tag = 0x656e6f4e; // "None"

/// In front of every block.
struct alignas(16) BlockHeader
{
    uint32_t magic;
    ULONG tag;
    size_t bytes;
    verifier::Allocation* allocation; ///< nullptr: made while the verifier was off
};

static_assert(sizeof(BlockHeader) == 32);

bool is_page_aligned(size_t size) { return size >= PAGE_SIZE; }

void* heap_allocate(size_t size, ULONG tag)
{
    char* block;
    if (is_page_aligned(size)) [[unlikely]] {
        void* memory = nullptr;
        if (posix_memalign(&memory, PAGE_SIZE, PAGE_SIZE + size) != 0)
            return nullptr;
        block = static_cast<char*>(memory) + PAGE_SIZE;
    } else {
        auto memory = static_cast<char*>(std::malloc(sizeof(BlockHeader) + size));
        if (memory == nullptr)
            return nullptr;
        block = memory + sizeof(BlockHeader);
    }
    auto header = reinterpret_cast<BlockHeader*>(block) - 1;
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

void heap_free(void* block, const ULONG* tag)
{
    auto header = static_cast<BlockHeader*>(block) - 1;
    const uint32_t magic = header->magic;
    if (magic != magic_small && magic != magic_paged) [[unlikely]] {
        verifier::report(magic == magic_freed ? "pool block %p freed twice" : "%p is not a pool block",
                         block);
        return;
    }
    if (tag != nullptr && *tag != 0 && *tag != header->tag) [[unlikely]] {
        verifier::report("pool block %p with tag %.4s freed with tag %.4s", block,
                         reinterpret_cast<const char*>(&header->tag), reinterpret_cast<const char*>(tag));
    }
    void* memory = magic == magic_paged ? static_cast<char*>(block) - PAGE_SIZE : static_cast<void*>(header);
    if (header->allocation != nullptr) [[unlikely]] {
        verifier::freed(header->allocation);
        if (verifier::enabled) {
            header->magic = magic_freed;
            verifier::quarantine(memory, block, header->bytes, magic == magic_paged);
            return;
        }
    }
    header->magic = magic_freed;
    std::free(memory);
}

PVOID allocate(ULONG type, SIZE_T size, ULONG tag)
{
    if (verifier::enabled && (type & PagedPool)) [[unlikely]]
        verifier::check_paged("paged pool allocated");
    void* block = faults::fails(faults::Kind::allocation) ? nullptr : heap_allocate(size, tag);
    if (block == nullptr && (type & POOL_RAISE_IF_ALLOCATION_FAILURE))
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    if (block != nullptr && (type & POOL_ZERO_ALLOCATION))
        memset(block, 0, size);
    return block;
}

} // namespace

} // namespace fsp::ntos::ex

using namespace fsp::ntos;

extern "C" {

PVOID NTAPI ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes)
{
    return ex::allocate(PoolType, NumberOfBytes, ex::default_tag);
}

PVOID NTAPI ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    return ex::allocate(PoolType, NumberOfBytes, Tag);
}

PVOID NTAPI ExAllocatePoolWithQuotaTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag)
{
    // There are no quotas to exceed, but the caller still chose how failure is told.
    const ULONG type = ULONG(PoolType);
    PVOID block = ex::allocate(type & ~ULONG(POOL_QUOTA_FAIL_INSTEAD_OF_RAISE), NumberOfBytes, Tag);
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
    return ex::allocate((Flags & POOL_FLAG_PAGED ? PagedPool : NonPagedPool) |
                            (Flags & POOL_FLAG_RAISE_ON_FAILURE ? POOL_RAISE_IF_ALLOCATION_FAILURE : 0) |
                            (Flags & POOL_FLAG_UNINITIALIZED ? 0 : POOL_ZERO_ALLOCATION),
                        NumberOfBytes, Tag);
}

VOID NTAPI ExFreePool(PVOID P) { ex::heap_free(P, nullptr); }
VOID NTAPI ExFreePoolWithTag(PVOID P, ULONG Tag) { ex::heap_free(P, &Tag); }

} // extern "C"

// SPDX-License-Identifier: MIT
/// @file What ke, ex and mm tell the verifier. Callers test verifier::enabled first. NTAPI because of the
/// short routines (see ke/futex.h).
#pragma once

#include "ke/thread.h"
#include "ntos/verifier.h"
#include "verifier/stack.h"

namespace fsp::ntos::verifier {

enum class LockKind : uint8_t
{
    Spin,
    FastMutex,
    Resource,
    PushLock
};

/// Before a thread acquires a lock that it may wait for: order, recursion.
void NTAPI acquiring(PKTHREAD thread, const void* lock, LockKind kind) noexcept;
/// A lock that was acquired without waiting puts nothing into the order.
void NTAPI acquired_by_trying(PKTHREAD thread, const void* lock, LockKind kind) noexcept;
void NTAPI released(PKTHREAD thread, const void* lock, LockKind kind) noexcept;
/// The lock is (re)initialised or its memory goes away.
void NTAPI forget_lock(const void* lock) noexcept;
void forget_thread(PKTHREAD thread);

/// Rules for acquiring an ERESOURCE: critical region, IRQL, no fast mutex or spin lock held.
void NTAPI check_resource_rules(PKTHREAD thread, const void* resource) noexcept;
/// The resource belongs to an owner pointer from here on.
void NTAPI owner_set(const void* resource, uintptr_t owner) noexcept;
void NTAPI owner_released(const void* resource, uintptr_t owner) noexcept;

/// A thread waits for a resource, as long as it lives.
struct ResourceWait
{
    ResourceWait(const void* of, PKTHREAD by, bool is_exclusive) noexcept;
    ResourceWait(const ResourceWait&) = delete;
    ~ResourceWait();

    const void* const resource;
    const PKTHREAD thread;
    const bool exclusive;
    Stack stack;
};

/// A wait that may block above APC_LEVEL.
void NTAPI check_wait(const LARGE_INTEGER* timeout) noexcept;
void NTAPI check_lower_irql(PKTHREAD thread, KIRQL irql) noexcept;
void NTAPI check_leave_region(PKTHREAD thread, int depth, const char* kind) noexcept;
void NTAPI check_paged(const char* what) noexcept;

/// report() for short routines; the format takes what follows it.
void NTAPI report_irql(const char* format, int irql) noexcept;
void NTAPI report_lock(const char* format, const void* lock, size_t number) noexcept;

// Pool.

struct Allocation;
/// @return a record for the header of the block
Allocation* allocated(void* block, size_t size, ULONG tag);
void freed(Allocation* allocation);
/// Keeps a freed block back for a while, filled with a pattern, to notice writes and second frees.
void quarantine(void* memory, void* block, size_t size, bool page_aligned);

} // namespace fsp::ntos::verifier

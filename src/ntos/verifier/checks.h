// SPDX-License-Identifier: MIT
/// @file What ke, ex and mm tell the verifier. Callers test verifier::enabled first.
#pragma once

#include "ke/thread.h"
#include "ntos/verifier.h"

namespace fsp::ntos::verifier {

enum class LockKind : uint8_t
{
    Spin,
    FastMutex,
    Resource,
    PushLock
};

/// Before a thread acquires a lock that it may wait for: order, recursion.
void acquiring(PKTHREAD thread, const void* lock, LockKind kind);
/// A lock that was acquired without waiting puts nothing into the order.
void acquired_by_trying(PKTHREAD thread, const void* lock, LockKind kind);
void released(PKTHREAD thread, const void* lock, LockKind kind);
/// The lock is (re)initialised or its memory goes away.
void forget_lock(const void* lock);
void forget_thread(PKTHREAD thread);

/// Rules for acquiring an ERESOURCE: critical region, IRQL, no fast mutex or spin lock held.
void check_resource_rules(PKTHREAD thread, const void* resource);
/// A wait that may block above APC_LEVEL.
void check_wait(const LARGE_INTEGER* timeout);
void check_lower_irql(PKTHREAD thread, KIRQL irql);
void check_leave_region(PKTHREAD thread, int depth, const char* kind);
void check_paged(const char* what);

// Pool.

struct Allocation;
/// @return a record for the header of the block
Allocation* allocated(void* block, size_t size, ULONG tag);
void freed(Allocation* allocation);
/// Keeps a freed block back for a while, filled with a pattern, to notice writes and second frees.
void quarantine(void* memory, void* block, size_t size, bool page_aligned);

} // namespace fsp::ntos::verifier

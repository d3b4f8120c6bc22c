// SPDX-License-Identifier: MIT
//
// The lazy writer: writes dirty pages about a second after they were made, ends maps whose last handle
// is closed, throttles writers, and reads ahead.
//
// Its threads start with the first work and are never joined. They call AcquireForLazyWrite (or
// AcquireForReadAhead) before any I/O; the top-level IRP is FSRTL_CACHE_TOP_LEVEL_IRP meanwhile unless
// the callback sets another.
#pragma once

#include <ntifs.h>

#include <cstdint>

namespace fsp::ntos::cc {

class CacheMap;
struct PrivateMap;

namespace lazy_writer {

void note_dirtied(uint64_t pages);
void note_cleaned(uint64_t pages);
/// Starts a pass now.
void wake();
/// Waits until everything that is dirty now has been tried.
void wait_for_pass();

/// Whether `bytes` more may become dirty.
bool can_write(uint64_t bytes);
void wait_until_can_write(uint64_t bytes);
void defer(PCC_POST_DEFERRED_WRITE routine, PVOID context1, PVOID context2, uint64_t bytes);

} // namespace lazy_writer

/// Notes a read and, if it continues the previous one, fetches what comes next in the background.
void note_read(PrivateMap* handle, uint64_t offset, uint64_t length);

} // namespace fsp::ntos::cc

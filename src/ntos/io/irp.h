// SPDX-License-Identifier: MIT
/// @file IRPs as the I/O manager sees them: what lies in front of each, and the life of a client's request.
#pragma once

#include "ntos/ob/object.h"
#include "ntos/ps/thread_state.h"

#include <cstring>

namespace fsp::ntos::io {

/// Lies in front of every IRP from IoAllocateIrp.
struct alignas(16) IrpPrefix
{
    /// One for the request, one for each cancel that looks at it at the moment. The last frees the memory.
    std::atomic<int32_t> pins;
    uint32_t block_size;
    ps::ThreadState* thread;
    PEPROCESS process;
    struct _ECP_LIST* ecps;
    /// The I/O manager's own buffer for METHOD_BUFFERED and friends, to notice a driver's replacement of it.
    void* system_buffer;
    /// Where a reparse buffer of a create goes instead of the bin.
    PVOID* auxiliary;
    /// What fits in the caller's buffer, for the check of Information.
    ULONG output_length;
    /// Verifier: 'irp' while usable, 'done' after completion, 'free'.
    uint32_t state;
};

inline constexpr uint32_t irp_live = 0x20707269, irp_done = 0x656e6f64, irp_freed = 0x65657266;

/// Bits of IRP.AllocationFlags.
inline constexpr UCHAR allocated_here = 0x04;

inline IrpPrefix* prefix_of(PIRP irp) { return reinterpret_cast<IrpPrefix*>(irp) - 1; }
inline bool has_prefix(PIRP irp) { return (irp->AllocationFlags & allocated_here) != 0; }

/// Where a client waits for a request of its own.
struct Waiter
{
    Waiter() { KeInitializeEvent(&done, SynchronizationEvent, FALSE); }
    KEVENT done;
    IO_STATUS_BLOCK iosb{};
};

/// A client's request about to be sent: an IRP with its first stack location filled in as far as every
/// request has it.
struct Request
{
    PIRP irp = nullptr;
    PIO_STACK_LOCATION stack = nullptr;
};

/// @return false without memory
bool make_request(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major, KPROCESSOR_MODE mode,
                  Request* request);

/// Gives the request a system buffer of the given size, filled from `input` and copied back to `output` on
/// success (either may be null). @return false without memory, the IRP is then still the caller's
NTSTATUS give_system_buffer(Request& request, ULONG size, const void* input, ULONG input_size, void* output);

/// Small pool for system buffers and auxiliary buffers of requests.
void* take_buffer(ULONG size);

/// Puts an IRP into the current thread's list, so that it is found for cancellation.
void enqueue(PIRP irp);

/// Sends a request whose caller waits here in any case; the IRP is gone afterwards. @return the final status
NTSTATUS send_and_wait(PDEVICE_OBJECT device, PIRP irp, Waiter& waiter);

/// What the I/O manager does for a request of a client when the drivers are done: results to the caller's
/// memory, events, memory back. The IRP is gone afterwards.
void finish(PIRP irp);

/// Cancels IRPs of a thread: all, or those of a file, or the one with this status block.
/// @return how many were found
int cancel_irps(ps::ThreadState& thread, PFILE_OBJECT file, PIO_STATUS_BLOCK iosb);

/// Bytes of the largest IRP that is kept in the lookaside list.
inline constexpr size_t cached_irp_stack = 4;

} // namespace fsp::ntos::io

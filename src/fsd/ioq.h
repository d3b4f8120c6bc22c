// SPDX-License-Identifier: MIT
#pragma once

/// The per-volume I/O queue: Pending -> Processing -> (Retried) -> done. See request.h for the states.
///
/// Dispatcher threads wait last-in first-out, each on its own event, so that the thread with the warmest
/// caches runs next. Lists are FIFO. The processing table is keyed by Hint and striped, so that answers on
/// different processors rarely meet.

#include "published.h"
#include "request.h"
#include "wdk.h"

namespace fsp::fsd {

class Ioq : NonCopyable
{
  public:
    void initialize(ULONG capacity, ULONG irp_timeout_ms) noexcept;

    // ---- posting side ----
    /// Puts a request in Pending. STATUS_CANCELLED when stopped, or when the IRP was cancelled already;
    /// STATUS_INSUFFICIENT_RESOURCES at capacity. After success the request belongs to the queue.
    NTSTATUS post(Request& request, Post how) noexcept;
    /// May a request be run in line now: nothing pending and not stopped?
    bool is_idle() const { return pending_count_ == 0 && !stopped_; }
    ULONG pending_count() const { return static_cast<ULONG>(pending_count_); }
    ULONG capacity() const { return capacity_; }

    // ---- dispatcher side ----
    enum class Next
    {
        request,
        retried,
        timeout,
        cancelled
    };
    /// Waits for a pending request (*request is then in State::taken, owned by the caller) or for a retried
    /// one to be worth a look. `irp`: the transact IRP, whose cancellation ends the wait.
    Next next(UINT64 timeout_ms, PIRP irp, Request** request) noexcept;
    /// Without waiting.
    Request* try_next() noexcept;
    /// Gives the message a fresh Hint.
    UINT64 assign_hint(Request& request) noexcept;
    /// Taken -> Processing (or in line), findable by its Hint. From then on an answer may end the request at
    /// any moment, so the message must have been handed out before. False if the queue has been stopped.
    bool begin_processing(Request& request, Request::State state = Request::State::processing) noexcept;
    /// Processing -> taken, by the response's Hint; null for an unknown one. A request in line is given a
    /// copy of the response and stays with its thread (null is returned too).
    Request* end_processing(const FSP_FSCTL_TRANSACT_RSP* response, ULONG size) noexcept;
    /// In-line requests: takes the request back. False if someone else has answered it.
    bool end_in_line(Request& request) noexcept;
    /// In-line -> Processing, because its answer comes later. False if it has come already.
    bool defer_in_line(Request& request) noexcept;

    /// -> Retried; false when stopped.
    bool retry(Request& request) noexcept;
    ULONG retried_count() const { return static_cast<ULONG>(retried_count_); }
    Request* next_retried() noexcept;

    // ---- life ----
    /// No more posts, no more hand-outs, waiters leave. Idempotent.
    void stop() noexcept;
    bool stopped() const { return stopped_; }
    /// Ends everything that is queued with STATUS_CANCELLED; requests in line are told when they return.
    void cancel_all(Volume& volume) noexcept;
    /// Ends pending requests whose deadline has passed, on this thread.
    void expire(Volume& volume, UINT64 now) noexcept;

  private:
    static constexpr ULONG stripes = 64;
    struct Stripe
    {
        KSPIN_LOCK lock;
        LIST_ENTRY requests;
    };
    /// A waiting dispatcher thread. Non-paged, because a waiting thread's stack may be paged out.
    struct Waiter
    {
        KEVENT wake;
        LIST_ENTRY link;
        bool listed;
        bool cancelled;
        Ioq* queue;
    };

    static VOID NTAPI cancel_pending(PDEVICE_OBJECT device, PIRP irp);
    static VOID NTAPI cancel_waiter(PDEVICE_OBJECT device, PIRP irp);
    void wake_one_locked() noexcept;
    Request* pop_pending_locked() noexcept;
    Next wait(Waiter& waiter, UINT64 until, Request** request) noexcept;
    Stripe& stripe_of(UINT64 hint) { return stripes_[hint % stripes]; }
    static Request* find_locked(Stripe& stripe, UINT64 hint) noexcept;

    KSPIN_LOCK lock_;
    LIST_ENTRY pending_;
    LIST_ENTRY retried_;
    LIST_ENTRY waiters_;
    Published<LONG> pending_count_;
    Published<LONG> retried_count_;
    Published<bool> stopped_;
    bool retry_wanted_ = false; // a fresh entry in the Retried list
    ULONG capacity_ = 0;
    UINT64 irp_timeout_ = 0; // 100 ns
    UINT64 last_hint_ = 0;
    Stripe stripes_[stripes];
};

} // namespace fsp::fsd

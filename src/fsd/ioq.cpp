// SPDX-License-Identifier: MIT
#include "ioq.h"
#include "resource.h"
#include "system.h"
#include "volume.h"

namespace fsp::fsd {

namespace {

constexpr UINT64 second = 10'000'000;
constexpr UINT64 never = ~UINT64{0};
// How soon a completion that found its resource taken is tried again when nothing else happens.
constexpr UINT64 retry_interval = 5 * 10'000;

Request& request_of(LIST_ENTRY* entry) { return *CONTAINING_RECORD(entry, Request, link); }

/// Only ordinary requests can be cancelled: cleanup, close and overwrite must reach user mode.
bool cancellable(const Request& request) { return request.context && !request.best_effort; }

/// Takes the cancel routine off. False: it is running and will end the request.
bool uncancel(Request& request)
{
    return !cancellable(request) || IoSetCancelRoutine(request.context->irp(), nullptr) != nullptr;
}

void end(Volume& volume, Request& request, NTSTATUS status)
{
    request.response() = Response(status);
    request.leave_user_mode(volume);
    request.resume();
}

} // namespace

void Ioq::initialize(ULONG capacity, ULONG irp_timeout_ms) noexcept
{
    KeInitializeSpinLock(&lock_);
    InitializeListHead(&pending_);
    InitializeListHead(&retried_);
    InitializeListHead(&waiters_);
    for (auto& stripe : stripes_) {
        KeInitializeSpinLock(&stripe.lock);
        InitializeListHead(&stripe.requests);
    }
    capacity_ = capacity;
    irp_timeout_ = (irp_timeout_ms + 999) / 1000 * second;
}

// ---- Pending ------------------------------------------------------------------------------------------

NTSTATUS Ioq::post(Request& request, Post how) noexcept
{
    request.queue = this;
    request.best_effort = how == Post::best_effort;
    request.deadline = request.best_effort ? never : interrupt_time() + irp_timeout_;

    SpinGuard guard(lock_);
    if (stopped_)
        return STATUS_CANCELLED;
    if (!request.best_effort && static_cast<ULONG>(pending_count_) >= capacity_)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (cancellable(request)) {
        const PIRP irp = request.context->irp();
        irp->Tail.Overlay.DriverContext[0] = &request;
        IoSetCancelRoutine(irp, cancel_pending);
        // Cancelled before the routine was there: nobody will call it, unless it was taken just now.
        if (irp->Cancel && IoSetCancelRoutine(irp, nullptr))
            return STATUS_CANCELLED;
    }
    request.state = Request::State::pending;
    InsertTailList(&pending_, &request.link);
    ++pending_count_;
    wake_one_locked();
    return STATUS_SUCCESS;
}

VOID NTAPI Ioq::cancel_pending(PDEVICE_OBJECT, PIRP irp)
{
    auto& request = *static_cast<Request*>(irp->Tail.Overlay.DriverContext[0]);
    IoReleaseCancelSpinLock(irp->CancelIrql);

    Ioq& queue = *request.queue;
    {
        SpinGuard guard(queue.lock_);
        if (request.state == Request::State::pending) {
            RemoveEntryList(&request.link);
            --queue.pending_count_;
        }
        request.state = Request::State::taken;
    }
    request.response() = Response(STATUS_CANCELLED);
    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        request.resume_on_worker();
    else
        request.resume();
}

Request* Ioq::pop_pending_locked() noexcept
{
    while (!IsListEmpty(&pending_)) {
        Request& request = request_of(RemoveHeadList(&pending_));
        --pending_count_;
        const bool ours = uncancel(request);
        // Whoever finds `taken` leaves the lists alone.
        request.state = Request::State::taken;
        if (ours)
            return &request;
    }
    return nullptr;
}

Request* Ioq::try_next() noexcept
{
    SpinGuard guard(lock_);
    return stopped_ ? nullptr : pop_pending_locked();
}

// ---- Waiting ------------------------------------------------------------------------------------------

void Ioq::wake_one_locked() noexcept
{
    if (IsListEmpty(&waiters_))
        return;
    auto* waiter = CONTAINING_RECORD(RemoveHeadList(&waiters_), Waiter, link);
    waiter->listed = false;
    KeSetEvent(&waiter->wake, IO_NO_INCREMENT, FALSE);
}

VOID NTAPI Ioq::cancel_waiter(PDEVICE_OBJECT, PIRP irp)
{
    auto* waiter = static_cast<Waiter*>(irp->Tail.Overlay.DriverContext[0]);
    IoReleaseCancelSpinLock(irp->CancelIrql);
    SpinGuard guard(waiter->queue->lock_);
    waiter->cancelled = true;
    KeSetEvent(&waiter->wake, IO_NO_INCREMENT, FALSE);
}

Ioq::Next Ioq::next(UINT64 timeout_ms, PIRP irp, Request** request) noexcept
{
    *request = try_next();
    if (*request)
        return Next::request;

    auto* waiter = static_cast<Waiter*>(cached_allocate(sizeof(Waiter)));
    if (!waiter)
        return stopped_ ? Next::cancelled : Next::timeout;
    KeInitializeEvent(&waiter->wake, SynchronizationEvent, FALSE);
    waiter->listed = false;
    waiter->cancelled = false;
    waiter->queue = this;

    if (irp) {
        irp->Tail.Overlay.DriverContext[0] = waiter;
        IoSetCancelRoutine(irp, cancel_waiter);
        if (irp->Cancel && IoSetCancelRoutine(irp, nullptr)) {
            cached_free(waiter, sizeof(Waiter));
            return Next::cancelled;
        }
    }
    const Next result = wait(*waiter, interrupt_time() + timeout_ms * 10'000, request);

    // A cancel routine that has begun still needs the waiter.
    if (irp && !IoSetCancelRoutine(irp, nullptr)) {
        while (!__atomic_load_n(&waiter->cancelled, __ATOMIC_ACQUIRE))
            KeWaitForSingleObject(&waiter->wake, Executive, KernelMode, FALSE, nullptr);
        // It sets the flag under the lock: let it leave.
        SpinGuard guard(lock_);
    }
    cached_free(waiter, sizeof(Waiter));
    return result;
}

Ioq::Next Ioq::wait(Waiter& waiter, UINT64 until, Request** request) noexcept
{
    for (;;) {
        UINT64 now = interrupt_time();
        UINT64 wake_at = until;
        {
            SpinGuard guard(lock_);
            if (stopped_ || waiter.cancelled)
                return Next::cancelled;
            if (Request* found = pop_pending_locked()) {
                *request = found;
                return Next::request;
            }
            if (exchange(retry_wanted_, false))
                return Next::retried;
            if (now >= until)
                return Next::timeout;
            // Nobody announces that a resource has become free.
            if (retried_count_)
                wake_at = lesser(until, now + retry_interval);
            waiter.listed = true;
            InsertHeadList(&waiters_, &waiter.link);
        }

        LARGE_INTEGER timeout;
        timeout.QuadPart = -static_cast<LONGLONG>(greater<UINT64>(wake_at - now, 1));
        // The end of a thread is a normal kernel APC: inside the critical region of the dispatch it would
        // have to wait for the timeout.
        KeLeaveCriticalRegion();
        const NTSTATUS status = KeWaitForSingleObject(&waiter.wake, UserRequest, UserMode, FALSE, &timeout);
        KeEnterCriticalRegion();

        SpinGuard guard(lock_);
        if (waiter.listed) {
            RemoveEntryList(&waiter.link);
            waiter.listed = false;
        } else if (status != STATUS_SUCCESS && (pending_count_ || retry_wanted_)) {
            wake_one_locked(); // we were woken for work that we will not do
        }
        if (status == STATUS_USER_APC || status == STATUS_ALERTED)
            return Next::cancelled;
        if (status == STATUS_TIMEOUT && wake_at != until && retried_count_)
            return Next::retried;
    }
}

// ---- Processing ---------------------------------------------------------------------------------------

UINT64 Ioq::assign_hint(Request& request) noexcept
{
    return request.message()->Hint = __atomic_add_fetch(&last_hint_, 1, __ATOMIC_SEQ_CST);
}

bool Ioq::begin_processing(Request& request, Request::State state) noexcept
{
    Stripe& stripe = stripe_of(request.message()->Hint);
    request.queue = this;
    SpinGuard guard(stripe.lock);
    // stop() and then cancel_all() visit every stripe's lock after setting the flag.
    if (stopped_)
        return false;
    request.state = state;
    InsertTailList(&stripe.requests, &request.link);
    return true;
}

Request* Ioq::find_locked(Stripe& stripe, UINT64 hint) noexcept
{
    for (LIST_ENTRY* entry = stripe.requests.Flink; entry != &stripe.requests; entry = entry->Flink) {
        if (request_of(entry).message()->Hint == hint)
            return &request_of(entry);
    }
    return nullptr;
}

Request* Ioq::end_processing(const FSP_FSCTL_TRANSACT_RSP* response, ULONG size) noexcept
{
    const UINT64 hint = response->Hint;
    Stripe& stripe = stripe_of(hint);
    void* copy = nullptr;
    for (bool copied = false;; copied = true) {
        {
            SpinGuard guard(stripe.lock);
            Request* const request = find_locked(stripe, hint);
            if (!request || request->state == Request::State::processing) {
                if (request) {
                    RemoveEntryList(&request->link);
                    request->state = Request::State::taken;
                }
                guard.unlock();
                pool_free(copy);
                return request;
            }
            if (copied) {
                // In line: its thread still runs the file system's handler and takes the answer afterwards.
                RemoveEntryList(&request->link);
                request->adopt_response(copy, size, STATUS_INSUFFICIENT_RESOURCES);
                request->state = Request::State::answered;
                return nullptr;
            }
        }
        copy = pool_allocate(size);
        if (copy)
            copy_bytes(copy, response, size);
    }
}

bool Ioq::end_in_line(Request& request) noexcept
{
    SpinGuard guard(stripe_of(request.message()->Hint).lock);
    if (request.state != Request::State::in_line)
        return false;
    RemoveEntryList(&request.link);
    request.state = Request::State::taken;
    return true;
}

bool Ioq::defer_in_line(Request& request) noexcept
{
    SpinGuard guard(stripe_of(request.message()->Hint).lock);
    if (request.state != Request::State::in_line)
        return false;
    request.state = Request::State::processing;
    return true;
}

// ---- Retried ------------------------------------------------------------------------------------------

bool Ioq::retry(Request& request) noexcept
{
    SpinGuard guard(lock_);
    if (stopped_)
        return false;
    request.queue = this;
    request.state = Request::State::retried;
    InsertTailList(&retried_, &request.link);
    ++retried_count_;
    if (!exchange(request.was_retried, true)) {
        retry_wanted_ = true;
        wake_one_locked();
    }
    return true;
}

Request* Ioq::next_retried() noexcept
{
    if (!retried_count_)
        return nullptr;
    SpinGuard guard(lock_);
    if (IsListEmpty(&retried_))
        return nullptr;
    Request& request = request_of(RemoveHeadList(&retried_));
    --retried_count_;
    request.state = Request::State::taken;
    return &request;
}

// ---- End ----------------------------------------------------------------------------------------------

void Ioq::stop() noexcept
{
    SpinGuard guard(lock_);
    stopped_ = true;
    while (!IsListEmpty(&waiters_))
        wake_one_locked();
}

void Ioq::cancel_all(Volume& volume) noexcept
{
    for (;;) {
        Request* request;
        {
            SpinGuard guard(lock_);
            request = pop_pending_locked();
        }
        if (!request)
            break;
        end(volume, *request, STATUS_CANCELLED);
    }
    for (auto& stripe : stripes_) {
        for (;;) {
            SpinGuard guard(stripe.lock);
            if (IsListEmpty(&stripe.requests))
                break;
            Request& request = request_of(RemoveHeadList(&stripe.requests));
            if (request.state == Request::State::in_line) {
                request.adopt_response(nullptr, 0, STATUS_CANCELLED);
                request.state = Request::State::answered;
                continue;
            }
            request.state = Request::State::taken;
            guard.unlock();
            end(volume, request, STATUS_CANCELLED);
        }
    }
    while (Request* request = next_retried())
        end(volume, *request, STATUS_CANCELLED);
}

void Ioq::expire(Volume& volume, UINT64 now) noexcept
{
    LIST_ENTRY expired;
    InitializeListHead(&expired);
    {
        SpinGuard guard(lock_);
        for (LIST_ENTRY* entry = pending_.Flink; entry != &pending_;) {
            Request& request = request_of(entry);
            entry = entry->Flink;
            if (request.deadline > now)
                continue;
            RemoveEntryList(&request.link);
            --pending_count_;
            const bool ours = uncancel(request);
            request.state = Request::State::taken;
            if (ours)
                InsertTailList(&expired, &request.link);
        }
    }
    while (!IsListEmpty(&expired))
        end(volume, request_of(RemoveHeadList(&expired)), STATUS_CANCELLED);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#pragma once

/// One coroutine per IRP.
///
///     IrpTask read(Volume& volume, PIRP irp)
///     {
///         ...
///         Response answer = co_await volume.ask(*request);       // to user mode and back
///         if (!NT_SUCCESS(answer.status())) co_return answer.status();
///         co_return {STATUS_SUCCESS, answer.information()};
///     }
///
/// * co_return of an NTSTATUS or {status, information} completes the IRP, after the coroutine's locals are
///   gone (locks released). co_return IrpTaken{status} leaves the IRP alone: it belongs to a system package
///   (notify, oplock, byte-range lock) now.
/// * The dispatch routine returns STATUS_PENDING exactly when the IRP was marked pending, which happens
///   just before the coroutine is published to another thread. A coroutine that never really waits (inline
///   dispatch, cached answers) completes synchronously.
/// * After publication neither frame nor IRP may be touched by the publishing thread. Awaiters obey by
///   doing the publication in a noinline function that gets everything by value.
/// * No memory for the frame: the IRP completes with STATUS_INSUFFICIENT_RESOURCES; cleanup and close
///   wait for memory instead, they must not be lost.
///
/// Async<T> is a sub-routine that may await: `Async<NTSTATUS> f(IrpContext&, ...)`, used as
/// `NTSTATUS s = co_await f(...)`. T must be constructible from NTSTATUS (that is what it becomes when
/// there is no memory for its frame).

#include "coroutine.h"
#include "memory.h"
#include "wdk.h"

namespace fsp::fsd {

class Volume;

struct IrpResult
{
    NTSTATUS status = STATUS_SUCCESS;
    ULONG_PTR information = 0;
};

/// The IRP has been given away; `status` is what dispatch returns if it has not returned yet.
struct IrpTaken
{
    NTSTATUS status;
};

/// Information survives only with these statuses.
constexpr bool keeps_information(NTSTATUS status)
{
    return status == STATUS_SUCCESS || status == STATUS_REPARSE ||
           status == STATUS_OPLOCK_BREAK_IN_PROGRESS || status == STATUS_BUFFER_OVERFLOW ||
           status == STATUS_SHARING_VIOLATION;
}

/// Completes an IRP that no coroutine owns. Returns `status` for dispatch routines.
NTSTATUS complete_irp(PIRP irp, NTSTATUS status, ULONG_PTR information = 0) noexcept;

/// Whether a request that continues on a worker thread has locks. There are only so many such threads, and
/// while all of them wait for a lock, its owner must find another one to continue on, or none of them would
/// ever be free again: who has locks is not behind those who have none.
enum class Holds : UINT8
{
    locks,
    no_lock // or only one that nobody waits for on a worker thread (a Turn, a create's rename lock)
};

/// What the awaiters of one IRP's coroutine share. Lives in the coroutine frame.
class IrpContext : NonCopyable
{
  public:
    explicit IrpContext(PIRP irp) : irp_(irp) {}

    PIRP irp() const { return irp_; }
    PIO_STACK_LOCATION stack() const { return IoGetCurrentIrpStackLocation(irp_); }

    /// Marks the IRP pending, once. To be called before anything else can resume the coroutine.
    void pend() noexcept
    {
        if (outcome_) {
            IoMarkIrpPending(irp_);
            *outcome_ = STATUS_PENDING;
            outcome_ = nullptr;
        }
    }
    /// Still on the thread that called dispatch, and dispatch has not returned.
    bool on_requestor_thread() const { return outcome_ != nullptr; }

    /// Gives up a reference to the volume once the IRP is complete (the IRP's device may go with it).
    void release_after_completion(Volume& volume) noexcept { released_ = &volume; }

    /// Resumes the coroutine on a system worker thread. pend() must have been called.
    void resume_on_worker(std::coroutine_handle<> coroutine, Holds holds) noexcept;

  private:
    friend class IrpTask;
    static VOID NTAPI worker(PVOID context);

    PIRP irp_;
    NTSTATUS* outcome_ = nullptr; // dispatch's local variable while it is still on the stack
    bool taken_ = false;
    Volume* released_ = nullptr;
    IrpResult result_{};
    std::coroutine_handle<> resumed_{};
    WORK_QUEUE_ITEM work_item_;
};

/// Runs a suspended coroutine on this thread: inside a critical region, below no top-level IRP.
void resume_here(std::coroutine_handle<> coroutine) noexcept;

class [[nodiscard]] IrpTask
{
  public:
    class promise_type : public IrpContext
    {
      public:
        template<class Target> promise_type(Target&, PIRP irp) : IrpContext(irp) {}

        template<class Target> static void* operator new(size_t size, Target&, PIRP irp) noexcept
        {
            return allocate_frame(size, irp);
        }
        static void operator delete(void* frame, size_t size) noexcept { cached_free(frame, size); }
        static IrpTask get_return_object_on_allocation_failure() noexcept { return IrpTask{nullptr}; }
        IrpTask get_return_object() noexcept { return IrpTask{this}; }
        std::suspend_always initial_suspend() noexcept { return {}; }

        void return_value(NTSTATUS status) noexcept { result_ = {status, 0}; }
        void return_value(IrpResult result) noexcept { result_ = result; }
        void return_value(IrpTaken taken) noexcept
        {
            result_ = {taken.status, 0};
            taken_ = true;
        }
        struct Finish
        {
            promise_type& promise;
            bool await_ready() const noexcept
            {
                promise.finish();
                return true; // the frame frees itself
            }
            void await_suspend(std::coroutine_handle<>) const noexcept {}
            void await_resume() const noexcept {}
        };
        Finish final_suspend() noexcept { return {*this}; }
        void unhandled_exception() noexcept {}

        IrpContext& context() { return *this; }

      private:
        friend class IrpTask;
        void finish() noexcept;
    };

    IrpTask(IrpTask&& other) noexcept : promise_(exchange<promise_type*>(other.promise_, nullptr)) {}

    /// Starts the coroutine; returns what the dispatch routine returns.
    NTSTATUS run(PIRP irp) && noexcept;

  private:
    explicit IrpTask(promise_type* promise) : promise_(promise) {}
    static void* allocate_frame(size_t size, PIRP irp) noexcept;

    promise_type* promise_;
};

/// First parameter of an Async that must run whatever happens: its frame waits for memory.
struct MustSucceed
{};

/// An awaitable sub-routine of an IrpTask. Starts when awaited; must be awaited exactly once or not at all.
template<class T> class [[nodiscard]] Async : NonCopyable
{
  public:
    class promise_type
    {
      public:
        static void* operator new(size_t size) noexcept { return cached_allocate(size); }
        template<class... Rest> static void* operator new(size_t size, MustSucceed, Rest&&...) noexcept
        {
            return cached_allocate_must_succeed(size);
        }
        static void operator delete(void* frame, size_t size) noexcept { cached_free(frame, size); }
        static Async get_return_object_on_allocation_failure() noexcept { return Async{nullptr}; }
        Async get_return_object() noexcept { return Async{this}; }
        std::suspend_always initial_suspend() noexcept { return {}; }
        template<class U> void return_value(U&& value) noexcept { value_ = T(static_cast<U&&>(value)); }
        struct Return
        {
            bool await_ready() const noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) const noexcept
            {
                return self.promise().caller_;
            }
            void await_resume() const noexcept {}
        };
        Return final_suspend() noexcept { return {}; }
        void unhandled_exception() noexcept {}
        IrpContext& context() { return *context_; }

      private:
        friend class Async;
        IrpContext* context_ = nullptr;
        std::coroutine_handle<> caller_{};
        T value_{};
    };

    Async(Async&& other) noexcept : promise_(exchange<promise_type*>(other.promise_, nullptr)) {}
    ~Async()
    {
        if (promise_)
            std::coroutine_handle<promise_type>::from_promise(*promise_).destroy();
    }

    bool await_ready() const noexcept { return promise_ == nullptr; }
    template<class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> caller) noexcept
    {
        promise_->context_ = &caller.promise().context();
        promise_->caller_ = caller;
        return std::coroutine_handle<promise_type>::from_promise(*promise_);
    }
    T await_resume() noexcept
    {
        return promise_ ? static_cast<T&&>(promise_->value_) : T(STATUS_INSUFFICIENT_RESOURCES);
    }

  private:
    explicit Async(promise_type* promise) : promise_(promise) {}
    promise_type* promise_;
};

/// IrpContext& irp = co_await CurrentIrp{}: does not suspend.
struct CurrentIrp
{
    bool await_ready() const noexcept { return false; }
    template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept
    {
        context = &coroutine.promise().context();
        return false;
    }
    IrpContext& await_resume() const noexcept { return *context; }
    IrpContext* context = nullptr;
};

/// co_await OnWorker{...}: continues on a system worker thread, where waiting is allowed.
struct OnWorker
{
    Holds holds;
    bool await_ready() const noexcept { return false; }
    template<class Promise> void await_suspend(std::coroutine_handle<Promise> coroutine) const noexcept
    {
        publish(&coroutine.promise().context(), coroutine, holds);
    }
    void await_resume() const noexcept {}

  private:
    [[gnu::noinline]] static void publish(IrpContext* context, std::coroutine_handle<> coroutine,
                                          Holds holds) noexcept
    {
        context->pend();
        context->resume_on_worker(coroutine, holds);
    }
};

/// NTSTATUS s = co_await OplockCheck{node oplock, flags}: waits until an oplock break is acknowledged and
/// continues (on a worker thread if it had to wait). `start` runs the package routine that takes a
/// completion and a prepost routine; see oplock.h for the ready-made forms.
struct OplockWait
{
    /// Calls e.g. FsRtlCheckOplockEx(oplock, irp, flags, context, complete, prepost).
    using Start = NTSTATUS (*)(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                               POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP prepost);
    Start start;
    POPLOCK oplock;
    ULONG flags;

    OplockWait(Start start_routine, POPLOCK of, ULONG how = 0) : start(start_routine), oplock(of), flags(how)
    {}
    bool await_ready() const noexcept { return false; }
    template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept
    {
        context_ = &coroutine.promise().context();
        coroutine_ = coroutine;
        return publish(this);
    }
    NTSTATUS await_resume() const noexcept { return status_; }

  private:
    [[gnu::noinline]] static bool publish(OplockWait* self) noexcept;
    static VOID NTAPI on_complete(PVOID self, PIRP irp);
    static VOID NTAPI on_post(PVOID self, PIRP irp);

    IrpContext* context_ = nullptr;
    std::coroutine_handle<> coroutine_{};
    NTSTATUS status_ = STATUS_SUCCESS;
};

} // namespace fsp::fsd

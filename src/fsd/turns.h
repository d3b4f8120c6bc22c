// SPDX-License-Identifier: MIT
#pragma once

/// One request after the other, in the order in which they asked. Unlike a lock this keeps no thread waiting:
/// whoever has its turn may wait for locks on a worker thread, and those behind it must not use them up.

#include "irp_task.h"

namespace fsp::fsd {

class Turn;

class Turns : NonCopyable
{
  public:
    Turns() noexcept
    {
        KeInitializeSpinLock(&lock_);
        InitializeListHead(&waiting_);
    }

  private:
    friend class Turn;
    KSPIN_LOCK lock_;
    LIST_ENTRY waiting_; // Turns
    bool taken_ = false;
};

/// A request's turn, until the end of this object.
class Turn : NonCopyable
{
  public:
    Turn() = default;
    ~Turn() { end(); }

    /// Without waiting. @return false: somebody else's turn
    bool try_take(Turns& turns) noexcept;
    void end() noexcept;

    /// co_await turn.take(turns): with waiting; continues on a worker thread then.
    struct Taking
    {
        Turn& turn;
        Turns& turns;
        bool await_ready() const noexcept { return false; }
        template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) const noexcept
        {
            return turn.wait(turns, &coroutine.promise().context(), coroutine);
        }
        void await_resume() const noexcept {}
    };
    Taking take(Turns& turns) noexcept { return {*this, turns}; }

  private:
    /// @return false: it has come already. True: the coroutine may be running elsewhere by now
    [[gnu::noinline]] bool wait(Turns& turns, IrpContext* context,
                                std::coroutine_handle<> coroutine) noexcept;

    Turns* turns_ = nullptr;
    LIST_ENTRY link_;
    IrpContext* context_ = nullptr;
    std::coroutine_handle<> coroutine_{};
};

} // namespace fsp::fsd

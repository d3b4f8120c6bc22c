// SPDX-License-Identifier: MIT
#include "turns.h"
#include "resource.h"

namespace fsp::fsd {

bool Turn::try_take(Turns& turns) noexcept
{
    SpinGuard guard(turns.lock_);
    if (turns.taken_)
        return false;
    turns.taken_ = true;
    turns_ = &turns;
    return true;
}

bool Turn::wait(Turns& turns, IrpContext* context, std::coroutine_handle<> coroutine) noexcept
{
    context->pend();
    context_ = context;
    coroutine_ = coroutine;
    SpinGuard guard(turns.lock_);
    turns_ = &turns;
    if (!exchange(turns.taken_, true))
        return false;
    InsertTailList(&turns.waiting_, &link_);
    return true;
}

void Turn::end() noexcept
{
    Turns* const turns = exchange<Turns*>(turns_, nullptr);
    if (!turns)
        return;
    SpinGuard guard(turns->lock_);
    if (IsListEmpty(&turns->waiting_)) {
        turns->taken_ = false;
        return;
    }
    Turn& next = *CONTAINING_RECORD(RemoveHeadList(&turns->waiting_), Turn, link_);
    guard.unlock();
    next.context_->resume_on_worker(next.coroutine_, Holds::no_lock);
}

} // namespace fsp::fsd

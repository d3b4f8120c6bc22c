// SPDX-License-Identifier: MIT
#include "slow_io.h"

#include <chrono>
#include <random>
#include <thread>

namespace memfs {

namespace {

UINT32 random_up_to(UINT32 limit)
{
    thread_local std::minstd_rand generator{std::random_device{}()};
    return std::uniform_int_distribution<UINT32>{0, limit}(generator);
}

} // namespace

void SlowIo::snooze() const
{
    const UINT32 delay = random_up_to(settings_.max_delay) >> (random_up_to(settings_.rarefy) & 31);
    std::this_thread::sleep_for(std::chrono::milliseconds{delay});
}

NTSTATUS SlowIo::run_slowly(FSP_FILE_SYSTEM* file_system, const FSP_FILE_SYSTEM_OPERATION_CONTEXT& context,
                            AnyWork work)
{
    if (random_up_to(99) >= settings_.percent_delayed) {
        snooze();
        return work(*context.Response);
    }
    // The request's buffer is reused when we return: keep what the answer needs.
    struct Late
    {
        alignas(FSP_FSCTL_TRANSACT_RSP) std::uint8_t space[sizeof(FSP_FSCTL_TRANSACT_RSP)]{};
        FSP_FSCTL_TRANSACT_RSP& response() { return *reinterpret_cast<FSP_FSCTL_TRANSACT_RSP*>(space); }
    } late;
    late.response().Size = sizeof(FSP_FSCTL_TRANSACT_RSP);
    late.response().Kind = context.Request->Kind;
    late.response().Hint = context.Request->Hint;
    {
        const std::lock_guard guard(mutex_);
        ++late_;
    }
    std::thread([this, file_system, late, work = std::move(work)]() mutable {
        snooze();
        late.response().IoStatus.Status = static_cast<UINT32>(work(late.response()));
        FspFileSystemSendResponse(file_system, &late.response());
        const std::lock_guard guard(mutex_);
        if (--late_ == 0)
            none_late_.notify_all();
    }).detach();
    return STATUS_PENDING;
}

void SlowIo::drain()
{
    std::unique_lock lock(mutex_);
    none_late_.wait(lock, [this] { return late_ == 0; });
}

} // namespace memfs

// SPDX-License-Identifier: MIT
#include "request.h"

#include <chrono>
#include <thread>

namespace conformance {

namespace {

NTSTATUS wait_for(HANDLE event, INT64 milliseconds)
{
    LARGE_INTEGER timeout;
    timeout.QuadPart = -milliseconds * 10'000;
    return NtWaitForSingleObject(event, FALSE, &timeout);
}

} // namespace

Request::Request() : state_(std::make_unique<State>())
{
    NtCreateEvent(&state_->event, EVENT_ALL_ACCESS, nullptr, NotificationEvent, FALSE);
}

Request::~Request()
{
    if (!state_)
        return;
    if (state_->pending && !done()) {
        cancel();
        if (wait() == STATUS_TIMEOUT) {
            (void)state_.release(); // the request still writes there
            return;
        }
    }
    NtClose(state_->event);
}

NTSTATUS Request::start(HANDLE file, const std::function<NTSTATUS(HANDLE, IO_STATUS_BLOCK*)>& call)
{
    state_->file = file;
    state_->block.Status = STATUS_PENDING;
    const NTSTATUS status = call(state_->event, &state_->block);
    state_->pending = status == STATUS_PENDING;
    if (!state_->pending)
        state_->block.Status = status;
    return status;
}

bool Request::done() const { return !state_->pending || wait_for(state_->event, 0) == STATUS_SUCCESS; }

NTSTATUS Request::wait()
{
    if (!state_->pending)
        return state_->block.Status;
    const NTSTATUS status = wait_for(state_->event, 10'000);
    return status == STATUS_SUCCESS ? state_->block.Status : status;
}

NTSTATUS Request::cancel()
{
    IO_STATUS_BLOCK block{};
    return NtCancelIoFile(state_->file, &block);
}

bool eventually(const std::function<bool()>& condition)
{
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

} // namespace conformance

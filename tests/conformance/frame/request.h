// SPDX-License-Identifier: MIT
/// @file Requests that stay pending: oplocks, locks that wait, notification.
#pragma once

#include "nt_file.h"

#include <functional>
#include <future>
#include <memory>

namespace conformance {

/// One request on an asynchronous handle. What is still pending at the end is cancelled.
class Request
{
  public:
    Request();
    Request(Request&&) noexcept = default;
    Request& operator=(Request&&) = delete;
    ~Request();

    /// Starts it. `call` passes event and block to the service. @return what the service returns
    NTSTATUS start(HANDLE file, const std::function<NTSTATUS(HANDLE event, IO_STATUS_BLOCK* block)>& call);

    /// Whether it has ended, without waiting.
    [[nodiscard]] bool done() const;
    /// Waits for its end. @return its status; STATUS_TIMEOUT if it does not end
    NTSTATUS wait();
    NTSTATUS cancel();
    /// After its end.
    [[nodiscard]] NTSTATUS status() const { return state_->block.Status; }
    [[nodiscard]] ULONG_PTR information() const { return state_->block.Information; }

  private:
    struct State
    {
        HANDLE file = nullptr;
        HANDLE event = nullptr;
        IO_STATUS_BLOCK block{};
        bool pending = false;
    };
    std::unique_ptr<State> state_;
};

/// A call that may have to wait for something the test does next.
template<class Call> auto meanwhile(Call call) { return std::async(std::launch::async, std::move(call)); }

/// Whether a meanwhile() call has ended.
template<class T> bool is_over(const std::future<T>& call)
{
    return call.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

/// Waits until `condition` holds, at most ten seconds. @return whether it does
bool eventually(const std::function<bool()>& condition);

} // namespace conformance

// SPDX-License-Identifier: MIT
//
// On which processor requests are answered.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sched.h>
#include <sys/types.h>

namespace fsp::fuse {

/**
 * Keeps the thread that answers on the processor of a caller, where callers mostly wait for answers.
 *
 * A caller that asks one thing after the other and its answerer never work at the same time, but Linux wakes
 * each of them on an idle processor, and where an idle processor is halted (in a virtual machine above all)
 * both wake-ups cost several times as much as the request. On one processor they cost a switch each.
 *
 * The answerer goes there by its affinity. The caller is not ours to keep; but a processor with nothing but
 * idle-class threads counts as idle for a wake-up, so this thread is one of them while it writes the reply,
 * and at no other time: it holds nothing then. That takes the right to come back from there (CAP_SYS_NICE, or
 * a limit on nice values that allows it); without it the thread stays where the scheduler puts it.
 *
 * Several callers that wait for each other, or for one answerer, are the same: the processors would be idle
 * most of the time all the same. Which is better is measured: the time from one request to the next, near and
 * apart, whoever asks, tried again and again.
 *
 * One for each thread, used by that thread alone.
 */
class Nearness
{
  public:
    Nearness();
    Nearness(const Nearness&) = delete;
    ~Nearness();

    /// A request has been read. @param message as it came from the kernel, with its header
    void received(const void* message, size_t size);

    /// Around the write of a reply, on the thread that has a Nearness; otherwise they do nothing.
    static void before_reply();
    static void after_reply();

    /// The request is small, and the one before was answered at once.
    bool quick() const { return small_ && !was_long_; }
    bool near() const { return near_; }

  private:
    static constexpr int64_t first_pause = 50'000'000; // ns

    void go_near(pid_t caller);
    void follow(pid_t caller);
    void leave();

    cpu_set_t allowed_{};
    const bool possible_;
    bool near_ = false;
    int processor_ = -1; ///< while near
    bool small_ = true;
    bool was_long_ = false;
    unsigned counted_ = 0; ///< requests since counted_from_
    // ns:
    int64_t received_at_ = 0;
    int64_t counted_from_ = 0;
    int64_t followed_at_ = 0;     ///< when it was last looked how near the caller is
    int64_t apart_interval_ = 0;  ///< from request to request
    int64_t not_better_than_ = 0; ///< apart_interval_ when near was found to be no better; 0: not tried
    int64_t not_before_ = 0;      ///< is it tried near again
    int64_t pause_ = first_pause;
};

} // namespace fsp::fuse

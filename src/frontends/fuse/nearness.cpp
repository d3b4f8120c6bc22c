// SPDX-License-Identifier: MIT
#include "frontends/fuse/nearness.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <linux/fuse.h>
#include <unistd.h>

namespace fsp::fuse {
namespace {

/// Requests of this many bytes are worth two processors.
constexpr uint32_t large = 16 * 1024;
/// A request that takes this long may keep the next one waiting.
constexpr int64_t long_request = 50'000; // ns

/// Callers that ask less often than this have other things to do; ns.
constexpr int64_t seldom = 150'000;
constexpr unsigned window = 32; // requests
constexpr unsigned near_window = 8;
/// As long as it is better it is compared anew from time to time.
constexpr int64_t near_for = 100'000'000; // ns
/// How much longer it may take in all before it is given up: somebody else may use the processor.
constexpr int64_t slack = 4'000'000; // ns
/// Each time that it was no better the pause before the next time is doubled, up to this.
constexpr int64_t last_pause = 400'000'000; // ns

thread_local Nearness* of_thread = nullptr;

int64_t now()
{
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

void set_policy(int policy)
{
    const sched_param none{};
    sched_setscheduler(0, policy, &none);
}

/// Tried on a thread of its own, which may get stuck in the idle class.
bool may_come_back()
{
    static const bool may = [] {
        bool came_back = false;
        std::thread([&] {
            const sched_param none{};
            came_back = sched_getscheduler(0) == SCHED_OTHER &&
                        sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
                        sched_setscheduler(0, SCHED_OTHER, &none) == 0;
        }).join();
        return came_back;
    }();
    return may;
}

/// The processor that the thread ran on last; -1 if it is gone.
int processor_of(pid_t thread)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%d/stat", int(thread));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    char text[1024];
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return -1;
    text[n] = 0;
    // After the name in parentheses, which may hold anything, comes field 3; the processor is field 39.
    const char* at = std::strrchr(text, ')');
    for (int field = 2; at && field < 39; ++field)
        at = std::strchr(at + 1, ' ');
    return at ? std::atoi(at) : -1;
}

} // namespace

Nearness::Nearness()
    : possible_(may_come_back() && sched_getaffinity(0, sizeof allowed_, &allowed_) == 0 &&
                CPU_COUNT(&allowed_) > 1)
{
    of_thread = this;
}

Nearness::~Nearness()
{
    leave();
    of_thread = nullptr;
}

void Nearness::received(const void* message, size_t size)
{
    fuse_in_header header;
    if (size < sizeof header)
        return;
    std::memcpy(&header, message, sizeof header);
    uint32_t bytes = header.len;
    if (header.opcode == FUSE_READ && size >= sizeof header + sizeof(fuse_read_in))
        std::memcpy(&bytes, static_cast<const char*>(message) + sizeof header + offsetof(fuse_read_in, size),
                    sizeof bytes);

    received_at_ = now();
    small_ = bytes <= large;
    if (header.pid == 0)
        return; // the kernel's own, between those of callers
    if (!small_)
        return leave();
    const int64_t taken = received_at_ - counted_from_;
    if (near_) {
        if (++counted_ % near_window == 0)
            follow(pid_t(header.pid));
        if (taken > counted_ * apart_interval_ * 3 / 4 + slack) {
            leave();
            not_better_than_ = apart_interval_;
            not_before_ = received_at_ + pause_;
            pause_ = std::min(pause_ * 2, last_pause);
        } else if (taken > near_for) {
            leave();
            pause_ = first_pause;
        }
    } else if (++counted_ >= window) {
        apart_interval_ = taken / window;
        counted_ = 0;
        counted_from_ = received_at_;
        const bool worth_trying = received_at_ >= not_before_ || apart_interval_ > not_better_than_ * 2;
        if (possible_ && apart_interval_ < seldom && worth_trying)
            go_near(pid_t(header.pid));
    }
}

void Nearness::go_near(pid_t caller)
{
    const int processor = processor_of(caller);
    if (processor < 0 || processor >= CPU_SETSIZE || !CPU_ISSET(processor, &allowed_))
        return;
    cpu_set_t there;
    CPU_ZERO(&there);
    CPU_SET(processor, &there);
    near_ = sched_setaffinity(0, sizeof there, &there) == 0;
    processor_ = processor;
    followed_at_ = received_at_ = now(); // the move does not make the request a long one
}

/// The scheduler may have moved the caller, and then it stays where it is.
void Nearness::follow(pid_t caller)
{
    const int64_t taken = received_at_ - std::exchange(followed_at_, received_at_);
    if (taken > near_window * apart_interval_ * 3 / 4 && processor_of(caller) != processor_)
        go_near(caller);
}

void Nearness::leave()
{
    if (std::exchange(near_, false))
        sched_setaffinity(0, sizeof allowed_, &allowed_);
    counted_ = 0;
    counted_from_ = received_at_;
}

void Nearness::before_reply()
{
    Nearness* const self = of_thread;
    if (!self)
        return;
    self->was_long_ = now() - self->received_at_ > long_request;
    if (self->near_)
        set_policy(SCHED_IDLE);
}

void Nearness::after_reply()
{
    if (of_thread && of_thread->near_)
        set_policy(SCHED_OTHER);
}

} // namespace fsp::fuse

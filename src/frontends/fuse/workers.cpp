// SPDX-License-Identifier: MIT
#include "frontends/fuse/workers.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>

#include <poll.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "frontends/fuse/nearness.h"

namespace fsp::fuse {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto tick = std::chrono::milliseconds(1);
/// The watcher of an idle mount goes to sleep.
constexpr int idle_ticks = 100;

/// As long as a thread would need to fall asleep and be woken.
constexpr auto look_out_for = std::chrono::microseconds(20);
/// How often in 256 looking out must have paid.
constexpr unsigned worth_while = 96;
constexpr unsigned worth_most = 256;
/// Every so often it is tried all the same.
constexpr unsigned try_again_after = 32;
constexpr unsigned try_again_at_last = 1024;

/// A thread may be ended (pthread_cancel) only while it waits for a request; its stack is unwound.
class MayBeCancelled
{
  public:
    MayBeCancelled() { pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr); }
    ~MayBeCancelled() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); }
};

struct ReceiveBuffer
{
    fuse_buf buffer{};
    ReceiveBuffer() = default;
    ReceiveBuffer(const ReceiveBuffer&) = delete;
    ~ReceiveBuffer() { std::free(buffer.mem); }
};

void pause_processor()
{
    for (int i = 0; i < 16; ++i)
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
}

} // namespace

Workers::Workers(fuse_session* connection, std::function<void()> ended)
    : connection_(connection), ended_(std::move(ended)),
      processors_(std::max(1u, std::thread::hardware_concurrency()))
{
    std::lock_guard guard(lock_);
    wake_or_start_locked();
    watcher_ = std::thread([this] { watch(); });
}

Workers::~Workers() { stop(); }

void Workers::wake_or_start_locked()
{
    if (parked_ != 0) {
        leaderless_.notify_one();
        return;
    }
    if (stop_ || workers_.size() >= threads_max)
        return;

    Worker& worker = workers_.emplace_back();
    worker.owner = this;
    // Signals are the program's business, not that of a thread of the mount.
    sigset_t all, before;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) // the executive has handlers for these
        sigdelset(&all, fault);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const bool started = pthread_create(&worker.thread, nullptr, &Workers::entry, &worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started)
        ++running_;
    else
        workers_.pop_back();
}

void* Workers::entry(void* context)
{
    struct Running
    {
        Workers& workers;
        ~Running()
        {
            bool last;
            {
                std::lock_guard guard(workers.lock_);
                last = --workers.running_ == 0 && !workers.stop_;
            }
            if (last && workers.ended_)
                workers.ended_();
        }
    };
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    auto& self = *static_cast<Worker*>(context);
    Running running{*self.owner};
    self.owner->run(self);
    return nullptr;
}

void Workers::run(Worker& self)
{
    while (!stop_ && !fuse_session_exited(connection_)) {
        {
            std::unique_lock guard(lock_);
            ++parked_;
            leaderless_.wait(guard, [this] { return stop_ || fuse_session_exited(connection_) || !leader_; });
            --parked_;
            if (stop_ || fuse_session_exited(connection_))
                break;
            leader_ = &self;
        }
        answer(self);
    }
    // The others need not wait for a leader that does not come any more.
    fuse_session_exit(connection_);
    std::lock_guard guard(lock_);
    Worker* led = &self;
    leader_.compare_exchange_strong(led, nullptr);
    leaderless_.notify_all();
}

/// Reads and answers for as long as the thread leads.
void Workers::answer(Worker& self)
{
    static thread_local ReceiveBuffer receive;
    Nearness nearness;
    unsigned worth = worth_most / 2;

    while (leader_.load(std::memory_order_relaxed) == &self && !stop_) {
        int received;
        {
            MayBeCancelled may_be_cancelled;
            if (!nearness.near())
                look_out(&worth);
            received = fuse_session_receive_buf(connection_, &receive.buffer);
        }
        if (received == -EINTR)
            continue;
        if (received <= 0) {
            fuse_session_exit(connection_); // unmounted
            return;
        }

        self.busy_with.store(requests_.fetch_add(1, std::memory_order_relaxed) + 1,
                             std::memory_order_relaxed);
        nearness.received(receive.buffer.mem, size_t(received));
        const unsigned working = working_.fetch_add(1) + 1;
        // What is answered at once is not worth a thread on a processor that its callers need. Near, a
        // request takes longer when its caller goes on meanwhile (a release does not keep it waiting); the
        // watcher sees to long ones.
        const bool quick = nearness.quick() || nearness.near();
        const unsigned enough = quick ? std::max(1u, processors_ / 2) : processors_;
        if (working < enough && more_waits())
            pass_on(self);
        if (watcher_sleeps_.load(std::memory_order_relaxed)) {
            std::lock_guard guard(lock_);
            watcher_sleeps_ = false;
            watcher_wakes_.notify_one();
        }
        fuse_session_process_buf(connection_, &receive.buffer);
        working_.fetch_sub(1);
        self.busy_with.store(0, std::memory_order_relaxed);
    }
}

bool Workers::more_waits() const
{
    pollfd device{fuse_session_fd(connection_), POLLIN, 0};
    return poll(&device, 1, 0) == 1;
}

/// Looks for the next request for a moment, if that was worth while lately.
void Workers::look_out(unsigned* worth)
{
    static thread_local unsigned passed_over = 0, pass_over = try_again_after;
    if (*worth >= worth_while)
        pass_over = try_again_after;
    else if (++passed_over < pass_over)
        return;
    else
        pass_over = std::min(pass_over * 2, try_again_at_last);
    passed_over = 0;
    const auto until = Clock::now() + look_out_for;
    bool found;
    while (!(found = more_waits()) && Clock::now() < until)
        pause_processor();
    *worth = *worth - *worth / 16 + (found ? worth_most / 16 : 0);
}

void Workers::pass_on(Worker& from)
{
    Worker* expected = &from;
    if (!leader_.compare_exchange_strong(expected, nullptr))
        return;
    std::lock_guard guard(lock_);
    wake_or_start_locked();
}

void Workers::watch()
{
    std::unique_lock guard(lock_);
    uint64_t stuck_with = 0;
    uint64_t seen = 0;
    int idle = 0;
    while (!stop_) {
        if (idle >= idle_ticks) {
            watcher_sleeps_ = true;
            watcher_wakes_.wait(guard, [this] { return stop_ || !watcher_sleeps_; });
            idle = 0;
        }
        watcher_wakes_.wait_for(guard, tick, [this] { return stop_.load(); });

        const uint64_t requests = requests_.load(std::memory_order_relaxed);
        Worker* const leader = leader_.load();
        const uint64_t busy_with = leader ? leader->busy_with.load(std::memory_order_relaxed) : 0;
        idle = requests == seen && busy_with == 0 ? idle + 1 : 0;
        seen = requests;
        if (busy_with != 0 && busy_with == stuck_with) {
            Worker* expected = leader;
            if (leader_.compare_exchange_strong(expected, nullptr))
                wake_or_start_locked();
            stuck_with = 0;
        } else
            stuck_with = busy_with;
    }
}

void Workers::stop()
{
    {
        std::lock_guard guard(lock_);
        if (stop_)
            return;
        stop_ = true;
        leaderless_.notify_all();
        watcher_wakes_.notify_all();
    }
    watcher_.join();
    for (Worker& worker : workers_)
        pthread_cancel(worker.thread);
    for (Worker& worker : workers_)
        pthread_join(worker.thread, nullptr);
    workers_.clear();
}

} // namespace fsp::fuse

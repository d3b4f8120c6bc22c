// SPDX-License-Identifier: MIT
#include "frontends/fuse/workers.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

namespace fsp::fuse {
namespace {

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

} // namespace

Workers::Workers(fuse_session* connection, std::function<void()> ended)
    : connection_(connection), ended_(std::move(ended))
{
    idle_ = 1;
    start();
}

Workers::~Workers() { stop(); }

bool Workers::start()
{
    std::lock_guard guard(lock_);
    if (stop_ || threads_.size() >= threads_max)
        return false;

    // Signals are the program's business, not that of a thread of the mount.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pthread_t thread;
    const bool started = pthread_create(&thread, nullptr, &Workers::entry, this) == 0;
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (started) {
        threads_.push_back(thread);
        ++running_;
    }
    return started;
}

void* Workers::entry(void* self)
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
    Running running{*static_cast<Workers*>(self)};
    running.workers.run();
    return nullptr;
}

void Workers::run()
{
    ReceiveBuffer receive;
    while (!stop_.load(std::memory_order_relaxed) && !fuse_session_exited(connection_)) {
        int received;
        {
            MayBeCancelled may_be_cancelled;
            received = fuse_session_receive_buf(connection_, &receive.buffer);
        }
        if (received == -EINTR)
            continue;
        if (received <= 0)
            break; // unmounted

        if (idle_.fetch_sub(1) == 1) {
            idle_.fetch_add(1);
            if (!start())
                idle_.fetch_sub(1);
        }
        fuse_session_process_buf(connection_, &receive.buffer);
        idle_.fetch_add(1);
    }
    fuse_session_exit(connection_);
}

void Workers::stop()
{
    std::vector<pthread_t> threads;
    {
        std::lock_guard guard(lock_);
        stop_ = true;
        threads.swap(threads_);
    }
    for (pthread_t thread : threads)
        pthread_cancel(thread);
    for (pthread_t thread : threads)
        pthread_join(thread, nullptr);
}

} // namespace fsp::fuse

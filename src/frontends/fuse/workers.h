// SPDX-License-Identifier: MIT
//
// The threads that read requests from the kernel and answer them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <thread>

#include <pthread.h>

struct fuse_session;

namespace fsp::fuse {

/**
 * One thread leads: it reads a request and answers it itself, so that a program that asks one thing after the
 * other is served by one thread that stays on its processor, without a hand-over between threads. Just after
 * an answer the leader looks for the next request for a moment before it goes to sleep, as long as that
 * proves worth while.
 *
 * Somebody else takes the lead if more requests wait already and there is a processor for them, or if the
 * leader has been with one request for longer than a tick: a file system may take its time without holding up
 * others.
 */
class Workers
{
  public:
    /// @param ended called from the last thread when the kernel closes the connection
    Workers(fuse_session* connection, std::function<void()> ended);
    Workers(const Workers&) = delete;
    /// Stops and waits for requests in progress.
    ~Workers();

    /// No thread reads another request; returns when all are done.
    void stop();

  private:
    struct Worker
    {
        Workers* owner;
        pthread_t thread{};
        /// Number of the request that it works on; 0: none.
        std::atomic<uint64_t> busy_with = 0;
    };

    static void* entry(void* worker);
    void run(Worker& self);
    void answer(Worker& self);
    bool more_waits() const;
    void look_out(unsigned* worth);
    void pass_on(Worker& from);
    void wake_or_start_locked();
    void watch();

    static constexpr unsigned threads_max = 1024;

    fuse_session* const connection_;
    const std::function<void()> ended_;
    const unsigned processors_;
    std::mutex lock_;
    std::condition_variable leaderless_;
    std::condition_variable watcher_wakes_;
    std::list<Worker> workers_;
    unsigned parked_ = 0;
    unsigned running_ = 0;
    std::atomic<Worker*> leader_ = nullptr;
    std::atomic<unsigned> working_ = 0;
    std::atomic<uint64_t> requests_ = 0;
    std::atomic<bool> watcher_sleeps_ = false;
    std::atomic<bool> stop_ = false;
    std::thread watcher_;
};

} // namespace fsp::fuse

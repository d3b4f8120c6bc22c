// SPDX-License-Identifier: MIT
//
// The threads that read requests from the kernel and answer them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <vector>

#include <pthread.h>

struct fuse_session;

namespace fsp::fuse {

/**
 * One thread always waits for the next request; a request that comes while all others are busy makes a new
 * thread. Threads are kept: a file system that is slow once will be slow again.
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
    static void* entry(void* self);
    void run();
    bool start();

    static constexpr unsigned threads_max = 1024;

    fuse_session* const connection_;
    const std::function<void()> ended_;
    std::mutex lock_;
    std::condition_variable finished_;
    std::vector<pthread_t> threads_;
    std::atomic<unsigned> idle_ = 0;
    unsigned running_ = 0;
    std::atomic<bool> stop_ = false;
};

} // namespace fsp::fuse

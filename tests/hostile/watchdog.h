// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace hostile {

/// Ends the program, with a core to look at, if it is still there after `seconds`: a hang is a failure, too.
class Watchdog
{
  public:
    explicit Watchdog(int seconds)
        : thread_([this, seconds] {
              std::unique_lock lock(mutex_);
              if (!gone_.wait_for(lock, std::chrono::seconds(seconds), [this] { return done_; })) {
                  std::fprintf(stderr, "hostile: no end after %d seconds\n", seconds);
                  std::abort();
              }
          })
    {}
    Watchdog(const Watchdog&) = delete;
    ~Watchdog()
    {
        {
            std::lock_guard lock(mutex_);
            done_ = true;
        }
        gone_.notify_one();
        thread_.join();
    }

  private:
    std::mutex mutex_;
    std::condition_variable gone_;
    bool done_ = false;
    std::thread thread_;
};

} // namespace hostile

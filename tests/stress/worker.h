// SPDX-License-Identifier: MIT
/// @file One thread of the stress test: random calls, any of which may fail.
#pragma once

#include "stress/world.h"

#include <string>
#include <vector>

namespace fsp::stress {

class Worker
{
  public:
    Worker(World& world, uint64_t seed) : world_(world), random_(seed) {}

    /// Runs until `stop`, then ends what it has begun.
    void run(const std::atomic<bool>& stop);

    /// For the thread that watches: what it is doing, and how often it did something.
    const char* doing() const { return doing_; }
    uint64_t count() const { return count_; }

    struct Action
    {
        const char* name;
        unsigned weight;
        /// @return a status, for the statistics
        NTSTATUS (Worker::*perform)();
    };
    static const std::vector<Action>& actions();
    /// Calls of each action, and how many of them succeeded.
    struct Score
    {
        uint64_t calls, successes;
    };
    const std::vector<Score>& scores() const { return scores_; }

  private:
    // Opening and closing.
    NTSTATUS open();
    NTSTATUS close();
    NTSTATUS share();
    NTSTATUS delete_by_name();
    // Data.
    NTSTATUS read();
    NTSTATUS write();
    NTSTATUS flush();
    NTSTATUS map();
    NTSTATUS lock();
    NTSTATUS unlock();
    // Metadata.
    NTSTATUS query();
    NTSTATUS query_volume();
    NTSTATUS set_size();
    NTSTATUS set_times();
    NTSTATUS dispose();
    NTSTATUS rename();
    NTSTATUS list();
    NTSTATUS streams();
    NTSTATUS attributes_by_name();
    NTSTATUS ea();
    NTSTATUS security();
    NTSTATUS reparse();
    // Others' doings.
    NTSTATUS watch();
    NTSTATUS oplock();
    NTSTATUS cancel();
    NTSTATUS notify();
    NTSTATUS kill();

    bool chance(unsigned one_in) { return random_() % one_in == 0; }
    template<class T, size_t n> T pick(const T (&values)[n]) { return values[random_() % n]; }
    std::u16string path();
    OpenPtr file();
    NTSTATUS request_oplock(const OpenPtr& f);
    void keep(std::unique_ptr<Pending> pending, NTSTATUS status);
    void reap();
    void check_bytes(const char* data, size_t size);
    void finish();

    World& world_;
    Random random_;
    std::vector<OpenPtr> files_;
    std::deque<std::unique_ptr<Pending>> pending_;
    std::vector<Score> scores_;
    std::atomic<const char*> doing_{"nothing"};
    std::atomic<uint64_t> count_{0};
};

} // namespace fsp::stress

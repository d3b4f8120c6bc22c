// SPDX-License-Identifier: MIT
/// @file What all threads of the stress test share: volumes that come and go, files open to everybody, the
/// thread that acknowledges oplock breaks, and what went wrong.
#pragma once

#include "stress/served_volume.h"

#include <array>
#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <random>

namespace fsp::stress {

using Random = std::mt19937_64;

/// An open file. Requests on it may be under way on several threads; the last user closes it.
struct Open
{
    Open(HANDLE h, bool is_synchronous, std::u16string of)
        : handle(h), synchronous(is_synchronous), device(std::move(of))
    {}
    Open(const Open&) = delete;
    ~Open();

    const HANDLE handle;
    const bool synchronous;
    const std::u16string device;
};
using OpenPtr = std::shared_ptr<Open>;

/// A request that was not over when its call returned. It owns nothing but its own memory: the file may be
/// closed under it.
struct Pending
{
    explicit Pending(const char* of_kind);
    Pending(const Pending&) = delete;
    ~Pending();

    /// @param milliseconds negative: for ever. @return false if it is not over by then
    bool wait(int milliseconds) const;
    /// Waits if need be. @return the request's final status
    NTSTATUS end(NTSTATUS returned) const;

    const char* const kind;
    IO_STATUS_BLOCK iosb{};
    HANDLE event = nullptr;
    LARGE_INTEGER number{}; ///< for calls that keep a pointer
    alignas(8) char buffer[4096];
};

/// An oplock that a file may hold: the request is over when the oplock breaks.
struct Oplock
{
    std::unique_ptr<Pending> request;
    std::weak_ptr<Open> file;
    bool granular;
};

/// Acknowledges breaks on a thread that does nothing else, as a server would.
class Acknowledger
{
  public:
    Acknowledger();
    ~Acknowledger();
    void watch(Oplock oplock);

  private:
    void run();
    bool wait();
    void acknowledge(const Oplock& broken);

    HANDLE changed_ = nullptr;
    std::mutex lock_;
    std::deque<Oplock> added_;
    bool ending_ = false;
    std::deque<Oplock> oplocks_; // of the thread, as all that follows
    Random random_{1};
    std::thread thread_;
};

class World
{
  public:
    World(uint64_t seed, bool in_line);

    std::shared_ptr<ServedVolume> volume(Random& random);
    /// Puts a new volume in the place of one, and ends that.
    void replace(Random& random, bool kill);

    OpenPtr shared(Random& random);
    void share(Random& random, OpenPtr file);

    /// Prints and counts what must not happen.
    [[gnu::format(printf, 2, 3)]] void wrong(const char* format, ...);
    unsigned mistakes() const { return mistakes_; }

    Acknowledger acknowledger;

  private:
    std::shared_ptr<ServedVolume> make(Random& random) const;

    const bool in_line_;
    std::mutex lock_;
    std::array<std::shared_ptr<ServedVolume>, 2> volumes_;
    std::array<OpenPtr, 8> files_;
    std::atomic<unsigned> mistakes_{0};
};

} // namespace fsp::stress

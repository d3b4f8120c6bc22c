// SPDX-License-Identifier: MIT
//
// What the kernel may remember of directories, and for how long.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "frontends/fuse/inode.h"
#include "frontends/fuse/nt_file.h"
#include "frontends/fuse/oplock.h"

namespace fsp::fuse {

class Session;

/// One directory whose names and whose files' attributes the kernel remembers: a handle with a read-handle
/// oplock, which the driver breaks when somebody else changes a name or an attribute in it.
class DirectoryLease
{
  public:
    DirectoryLease(Inode& directory, std::function<void(DirectoryLease*)> broken)
        : inode(directory), serial(next_serial()),
          oplock([this, broken = std::move(broken)] { broken(this); })
    {}

    Inode& inode;
    const uint64_t serial; ///< no other lease has it; never 0
    NtHandle handle;
    Oplock oplock; ///< ends before the handle
    std::atomic<bool> ready = false;
    std::atomic<unsigned> borrowers = 0; ///< of the handle; it stays open for them
    std::atomic<bool> used = true;       ///< since the last look for one to give up
    std::unordered_set<std::string>
        missing; ///< names that the kernel remembers as not there; under Leases' lock

  private:
    static uint64_t next_serial()
    {
        static std::atomic<uint64_t> last = 0;
        return ++last;
    }
};

/**
 * The leases of a mount.
 *
 * A broken lease is worked off by a thread of its own: it tells the kernel to forget, and then closes the
 * handle, which acknowledges the break. No request of the kernel ever waits for that thread.
 */
class Leases
{
  public:
    explicit Leases(Session& session);
    Leases(const Leases&) = delete;
    ~Leases();

    /// True if the directory is leased, now or already. Ask before what is to be remembered is read.
    bool hold(Inode& directory);
    /// True if it (still) is. Ask when the reply is made.
    bool held(Inode& directory);

    /// How the attributes of an inode stand: without a lease if its directory's, or a directory's own, is not
    /// held. Ask before they are read.
    Standing over(Inode& inode);

    /// The handle of a directory that is leased, for looking at its attributes; null if it is not. To be
    /// given back.
    DirectoryLease* borrow(Inode& directory);
    static void give_back(DirectoryLease* lease);

    /// The kernel is about to remember that there is no such name; false if it should not.
    bool note_missing(Inode& directory, const char* name);

    /// Gives a lease up because the directory goes away.
    void drop(Inode& directory);

    /// Closes the handles of the leases below a directory that is to be renamed, on a volume that does not
    /// move a directory with open files in it. The kernel is told later, like after a break.
    void give_up_below(Inode& directory);

    /// Ends all of them; before the connection to the kernel goes.
    void stop();

  private:
    using Clock = std::chrono::steady_clock;

    struct Forgetting
    {
        Inode* inode = nullptr; ///< with a reference, so that its number means nobody else
        uint64_t directory = 0;
        std::vector<std::pair<std::string, uint64_t>> children; ///< name, number; 0: a missing one
        Clock::time_point again;
    };

    bool acquire(Inode& directory);
    void queue(DirectoryLease* lease);
    void run();
    void end(DirectoryLease* lease, bool tell_kernel);
    Forgetting detach(DirectoryLease* lease);
    void tell(const Forgetting& what);
    void make_room();

    static constexpr size_t leases_max = 4096;
    static constexpr size_t missing_max = 1024;

    Session& session_;
    std::mutex give_up_lock_; ///< taken before lock_
    std::mutex lock_;
    std::condition_variable changed_;
    std::list<DirectoryLease*> all_;
    std::vector<DirectoryLease*> work_; ///< to end
    std::list<Forgetting> again_;
    bool stop_ = false;
    std::thread thread_;
};

} // namespace fsp::fuse

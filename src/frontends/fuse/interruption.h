// SPDX-License-Identifier: MIT
//
// Callers that give up (Ctrl-C, a kill) while their request is with the file system.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/types.h>

#include <ntifs.h>

struct fuse_req;

namespace fsp::fuse {

/// The request that a thread works on. Lives as long as the process: the kernel's interrupt may arrive while
/// the thread is already at its next request.
struct RequestSlot
{
    /// Who takes the request out of here owns the right to reply.
    std::atomic<fuse_req*> request = nullptr;
    std::atomic<bool> interrupted = false;
    PETHREAD thread = nullptr;
    pid_t caller = 0;
    int64_t interrupted_at = 0; ///< guarded by the lock of Interruptions
};

/**
 * Decides what an interrupt means.
 *
 * A caller that is being killed gets its EINTR at once. Any other signal that a process handles interrupts
 * the request, too, but programs do not expect EINTR from stat or rename because a timer went off; so those
 * requests go on for a second before they are given up. The request itself is cancelled if the driver still
 * has it; if the file system has it, the thread waits for it and throws the outcome away.
 */
class Interruptions
{
  public:
    Interruptions();
    Interruptions(const Interruptions&) = delete;
    ~Interruptions();

    /// The calling thread starts a request.
    static RequestSlot& begin(fuse_req* request, pid_t caller, Interruptions* owner);

    /// True for the one who may reply.
    static bool claim(RequestSlot& slot, fuse_req* request);

  private:
    static void on_interrupt(fuse_req* request, void* slot);
    void interrupted(RequestSlot& slot, fuse_req* request);
    void give_up_locked(RequestSlot& slot, fuse_req* request);
    void watch();

    std::mutex lock_;
    std::condition_variable changed_;
    std::vector<RequestSlot*> waiting_;
    bool stop_ = false;
    std::thread watcher_;
};

/// True if the thread is about to die of a signal (or is gone).
bool is_dying(pid_t thread);

} // namespace fsp::fuse

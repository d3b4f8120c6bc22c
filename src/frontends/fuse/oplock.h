// SPDX-License-Identifier: MIT
//
// An oplock on a handle of this frontend: the driver's promise to say so before others see or cause a change.
#pragma once

#include <atomic>
#include <functional>

#include <ntifs.h>

namespace fsp::fuse {

/// Extra create parameters with the key under which all handles of this process's mounts are opened, so that
/// what they do does not break their own oplocks. For IoCreateFileEx; of the calling thread.
PIO_DRIVER_CREATE_CONTEXT oplock_key_context();

/**
 * Holds a read-handle or read oplock.
 *
 * The handle must stay open until after close(); the callback comes at most once, on any thread, and must
 * neither close the handle nor wait.
 */
class Oplock
{
  public:
    explicit Oplock(std::function<void()> broken) : broken_(std::move(broken)) {}
    Oplock(const Oplock&) = delete;
    ~Oplock();

    /// Asks for it. @return true if it is held
    bool request(HANDLE handle, ULONG level);
    bool held() const { return state_.load(std::memory_order_acquire) == State::held; }

    /// Gives it up without a callback.
    void close();

  private:
    enum class State
    {
        none,
        requested,
        held,
        breaking, ///< the callback runs
        over,     ///< broken, refused or given up
        closing   ///< given up, the driver still has the request
    };

    static NTSTATUS NTAPI completed(PDEVICE_OBJECT, PIRP, PVOID self);

    std::function<void()> broken_;
    std::atomic<State> state_ = State::none;
    PFILE_OBJECT file_ = nullptr;
    PIRP irp_ = nullptr;
    union
    {
        REQUEST_OPLOCK_INPUT_BUFFER input_;
        REQUEST_OPLOCK_OUTPUT_BUFFER output_;
    };
};

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
/// @file A MEMFS volume whose file system lives in a process of its own, which can be killed.
#pragma once

#include <ntifs.h>

#include "memfs/memfs.h"

#include <atomic>
#include <memory>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

namespace fsp::stress {

class ServedVolume
{
  public:
    /// @param in_line requests may run on the threads that make them
    ServedVolume(const memfs::Options& options, int threads, bool in_line);
    ServedVolume(const ServedVolume&) = delete;
    ~ServedVolume();

    /// \Device\Volume{...}; a network volume's files are opened by it, too.
    const std::u16string& device() const { return device_; }

    /// The process ends in the middle of its work. May be called while files are in use.
    void kill();
    /// The file system stops; requests get STATUS_CANCELLED from now on.
    void stop();
    /// FspFileSystemNotify.
    void notify(std::u16string_view path, ULONG filter, ULONG action);

  private:
    void serve();
    void end_operations();

    PEPROCESS process_;
    std::unique_ptr<memfs::Memfs> memfs_;
    std::u16string device_;
    std::vector<std::thread> threads_;
    std::atomic<bool> ending_ = false;
    std::shared_mutex operating_; ///< shared while a thread of the file system runs an operation
};

} // namespace fsp::stress

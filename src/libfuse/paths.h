// SPDX-License-Identifier: MIT
//
// The names of open files, which change under them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace fsp::libfuse {

/// A file that somebody has open; all handles of a name share it.
struct Node
{
    // Guarded by the table's lock.
    std::string path;
    unsigned handles = 0;
    unsigned natives = 0; ///< of which came with a native request
    unsigned opens = 0;   ///< handles that the program has opened
    bool hidden = false;  ///< renamed instead of removed; goes with the last open
    bool removed = false;

    std::atomic<uint64_t> size = 0; ///< as far as is known
    // What auto_cache compares.
    int64_t cached_size = -1;
    int64_t cached_seconds = 0, cached_nanoseconds = 0;
};
using NodePtr = std::shared_ptr<Node>;

/// Thread-safe; its lock is never held during a call of the program.
class Paths
{
  public:
    NodePtr open(const std::string& path, bool native);
    void close(const NodePtr& node, bool native);
    /// A native program has the file open, so the driver must know what it is.
    bool is_open_natively(const std::string& path);

    std::string path_of(const NodePtr& node);

    void renamed(const std::string& from, const std::string& to);
    void exchanged(const std::string& one, const std::string& two);
    /// The name is gone; who has the file open keeps it.
    void removed(const NodePtr& node);

    /// Its path leads nowhere, or to another file.
    bool is_removed(const NodePtr& node);

    void count_open(const NodePtr& node);
    /// @return true if the file was hidden and nobody has it open any more: remove *path
    bool count_close(const NodePtr& node, std::string* path);
    /// The file of a name that the program has open and that is not hidden; null if there is none.
    NodePtr find_open(const std::string& path);
    /// Open through other handles than one that is open `own` times.
    bool open_elsewhere(const NodePtr& node, bool own);
    void hidden(const NodePtr& node);

  private:
    void move_locked(const std::string& from, const std::string& to);

    std::mutex lock_;
    std::unordered_map<std::string, NodePtr> by_path_;
};

} // namespace fsp::libfuse

// SPDX-License-Identifier: MIT
//
// What the kernel knows by number: a file or directory, its place in the tree and what is remembered of it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace fsp::fuse {

struct OpenFile;
class DirectoryLease;
class FileLease;

/// Owner and mode as read from a security descriptor.
struct Ownership
{
    uid_t uid = 0;
    gid_t gid = 0;
    mode_t mode = 0; ///< 07777
    /// Both are one SID, whose bits a mode cannot tell apart; files made through the mount never are so.
    bool one_sid = false;
};

/// A mutex of one byte.
class SmallMutex
{
  public:
    void lock()
    {
        while (held_.test_and_set(std::memory_order_acquire))
            held_.wait(true, std::memory_order_relaxed);
    }
    void unlock()
    {
        held_.clear(std::memory_order_release);
        held_.notify_one();
    }

  private:
    std::atomic_flag held_;
};

/// What keeps something that was read of an inode right: nobody else has changed it since, by the lease of
/// its directory, and neither has this mount.
struct Standing
{
    uint64_t lease = 0; ///< a DirectoryLease's serial; 0: none, so it may be wrong already
    uint32_t changes = 0;
    bool operator==(const Standing&) const = default;
};

struct Inode
{
    // Guarded by the table's lock.
    Inode* parent = nullptr; ///< null: the root, or an orphan
    std::u16string name;
    uint64_t index = 0; ///< the file system's number of the file; 0: it has none
    uint64_t lookups = 0;
    uint32_t references = 0; ///< children, open files, requests in progress
    uint32_t name_hash = 0;
    Inode* next_by_name = nullptr;
    Inode* next_by_index = nullptr;
    OpenFile* open_files = nullptr;
    DirectoryLease* lease = nullptr;
    int64_t no_lease_before = 0; ///< NT time
    Ownership ownership;
    bool ownership_known = false;
    Standing ownership_standing;    ///< under which it was read, and stays right
    uint32_t ownership_changes = 0; ///< begun and ended by this mount

    std::atomic<bool> orphan = false; ///< has no name any more
    std::atomic<bool> directory = false;
    std::atomic<mode_t> type = 0;         ///< S_IFMT
    std::atomic<bool> privileged = false; ///< a file with set-user-ID or set-group-ID
    /// Time of the last write through an open file whose handle has not told the file system yet; 0: none.
    std::atomic<int64_t> written_at = 0;
    /// Held while a request sets times of the file, also by what the driver does when a handle closes: the
    /// kernel does not wait for a release, which would set those back that a request after it has set.
    SmallMutex times;

    // Of a file's data in the kernel's cache (FileLeases).
    FileLease* file_lease = nullptr;       ///< guarded by the lock of FileLeases
    std::atomic<bool> data_leased = false; ///< the kernel may keep data
    std::atomic<bool> data_used = false;   ///< since a lease was looked for to give up
    std::atomic<bool> forgetting = false;  ///< the kernel will be told to forget
    std::atomic<uint32_t> readers = 0;     ///< open files that can be read
    /// Others changed the data while it was open here, so the kernel's size may be an old one.
    std::atomic<bool> size_unsure = false;
    std::atomic<bool> end_read = false;      ///< while unsure, a read was answered that ended at the end
    std::atomic<bool> end_untrusted = false; ///< the next such answer may be to a read that was under way

    uint64_t number = 0; ///< st_ino
};

/// All inodes of a mount. Thread-safe; its lock is held for moments only, never during a request to the
/// driver.
class InodeTable
{
  public:
    explicit InodeTable(bool ignore_case);
    InodeTable(const InodeTable&) = delete;
    ~InodeTable();

    /// Only while it is empty.
    void ignore_case(bool ignore) { ignore_case_ = ignore; }

    Inode& root() { return root_; }
    Inode* from_number(uint64_t nodeid);
    uint64_t to_number(const Inode& inode) const;

    /// The inode of a name that was just found to have the index, with one more lookup. A file that somebody
    /// else moved here is recognised by its index.
    Inode* found(Inode& parent, std::u16string_view name, uint64_t index);

    /// The inode of a name if it is known, with one more reference (release).
    Inode* child(Inode& parent, std::u16string_view name);

    void forget(Inode& inode, uint64_t lookups);
    /// The kernel does not know it any more.
    bool is_forgotten(const Inode& inode);
    void reference(Inode& inode);
    void release(Inode& inode);

    /// A name ends (unlink, rmdir); the inode lives on while the kernel or an open file has it.
    void orphan(Inode& parent, std::u16string_view name);
    void orphan(Inode& inode);
    /// Moves a name; what was at the new name becomes an orphan.
    void rename(Inode& parent, std::u16string_view name, Inode& new_parent, std::u16string_view new_name);

    /// Two names change places.
    void exchange(Inode& parent, std::u16string_view name, Inode& other_parent, std::u16string_view other);

    /// Path below the volume, "\a\b"; false if the inode or an ancestor is an orphan.
    bool path(const Inode& inode, std::u16string* out);
    bool path(const Inode& parent, std::u16string_view name, std::u16string* out);

    /// Counts renames and orphans: a path made before the count changed may be wrong.
    uint64_t moves() const { return moves_.load(std::memory_order_acquire); }

    size_t size();

    /// Guards the members of Inode that say so.
    std::mutex& lock() { return lock_; }

    /// Calls visit(Inode&) for each known child, under the lock.
    template<typename Visit> void for_each_child(const Inode& parent, Visit visit)
    {
        std::lock_guard guard(lock_);
        for (Inode* chain : by_name_)
            for (Inode* inode = chain; inode; inode = inode->next_by_name)
                if (inode->parent == &parent)
                    visit(*inode);
    }

    /// Calls visit(Inode&) for every inode, under the lock.
    template<typename Visit> void for_each(Visit visit)
    {
        std::lock_guard guard(lock_);
        visit(root_);
        for (Inode* chain : by_name_)
            for (Inode* inode = chain; inode; inode = inode->next_by_name)
                visit(*inode);
    }

  private:
    uint32_t hash(const Inode& parent, std::u16string_view name) const;
    bool same(std::u16string_view a, std::u16string_view b) const;
    Inode* find_locked(const Inode& parent, std::u16string_view name, uint32_t hash) const;
    void insert_locked(Inode& inode, Inode& parent, std::u16string_view name, uint32_t hash);
    void remove_name_locked(Inode& inode);
    void chain_locked(Inode& inode, uint32_t hash);
    void unchain_locked(Inode& inode);
    void index_locked(Inode& inode, uint64_t index);
    void remove_index_locked(Inode& inode);
    void orphan_locked(Inode& inode);
    void release_locked(Inode* inode);
    void grow_locked();
    bool path_locked(const Inode& inode, std::u16string* out) const;

    bool ignore_case_;
    std::mutex lock_;
    std::vector<Inode*> by_name_;
    std::vector<Inode*> by_index_;
    size_t count_ = 0;
    std::atomic<uint64_t> moves_ = 0;
    Inode root_;
};

} // namespace fsp::fuse

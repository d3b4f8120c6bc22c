// SPDX-License-Identifier: MIT
//
// What an open file or directory of an application is here.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "frontends/fuse/inode.h"
#include "frontends/fuse/nt_file.h"

namespace fsp::fuse {

/// An open file. Known to its inode, so that requests without a file (fstat and the like) find a handle,
/// which is the only way to a file that has no name any more.
struct OpenFile
{
    HANDLE nt() const { return lender ? lender->handle.get() : handle.get(); }
    bool readable() const { return (flags & O_ACCMODE) != O_WRONLY; }

    NtHandle handle;
    OpenFile* lender =
        nullptr; ///< whose handle this one uses, with a reference: a file without a name has no other
    ACCESS_MASK access = 0;
    int flags = 0;
    Inode* inode = nullptr;
    OpenFile* next = nullptr;             ///< guarded by the inode table's lock
    std::atomic<uint32_t> references = 1; ///< the application's, and requests that borrow the handle
    std::atomic<int64_t> written_at =
        0; ///< last write through this handle that its file has no time for; 0: none
};

/// An open directory: what was read of it so far, so that offsets stay valid while it changes.
struct OpenDirectory
{
    struct Chunk
    {
        std::unique_ptr<uint8_t[]> entries; ///< FILE_ID_BOTH_DIR_INFORMATION
        uint32_t size = 0;
    };

    NtHandle handle;
    Inode* inode = nullptr;
    std::mutex lock;
    std::vector<Chunk> chunks;
    bool complete = false;

    /// Of a volume that keeps POSIX objects, instead of chunks.
    struct Entry
    {
        std::string name;
        struct stat attributes;
        bool complete; ///< more of the attributes is known than type and number
    };
    std::vector<Entry> entries;
    bool listed_whole = false; ///< an offset is a position in `entries`

    std::atomic<bool> leased = true; ///< the inode, since the kernel began the listing that it reads
};

/// The open directories of a mount.
class OpenDirectories
{
  public:
    OpenDirectories() = default;
    OpenDirectories(const OpenDirectories&) = delete;
    ~OpenDirectories();

    OpenDirectory* add(std::unique_ptr<OpenDirectory> directory);
    void remove(OpenDirectory* directory);

  private:
    std::mutex lock_;
    std::unordered_set<OpenDirectory*> all_;
};

/// Puts an open file on its inode's list; takes a reference on the inode.
void attach(InodeTable& table, OpenFile& file);

/// An open file of the inode whose handle has all of the access, with a reference; null if there is none.
OpenFile* borrow(InodeTable& table, Inode& inode, ACCESS_MASK access);

/// One more reference.
inline OpenFile* reference(OpenFile& file)
{
    ++file.references;
    return &file;
}

/// An open file through which the inode was written since a time was last set; it no longer counts as
/// written.
OpenFile* borrow_written(InodeTable& table, Inode& inode);

/// A write happened; the time of it stays here until the file is closed. Asking the file system to set it
/// with each write would double the cost of writing.
void note_write(Inode& inode, OpenFile& file);

/// The inode was changed through no open file. Those through which it was written do not set its time back
/// when they close.
void note_change(Inode& inode);

/// Closes what the kernel never released (it does not when a connection ends in the middle of things).
void close_all(InodeTable& table);

/// Gives a reference back; the last one closes.
void give_back(InodeTable& table, OpenFile* file);

} // namespace fsp::fuse

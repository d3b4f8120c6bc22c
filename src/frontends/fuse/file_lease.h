// SPDX-License-Identifier: MIT
//
// What the kernel may keep of files' data, and for how long.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include <ntifs.h>

#include "frontends/fuse/nt_file.h"
#include "frontends/fuse/oplock.h"

namespace fsp::fuse {

struct Inode;
struct OpenFile;
class Session;
class FileLease;

/**
 * The files whose data the kernel keeps: a handle each with a read-handle oplock, which the driver breaks
 * when somebody else changes the data or wants the file for himself. The handle outlives those of
 * applications, so that a file that is read again is still cached.
 *
 * A broken lease is worked off on a worker thread: it tells the kernel to forget, and then closes the handle,
 * which acknowledges the break. To forget, the kernel waits for pages that are being read, so each lease has
 * an item of its own: a slow file holds up nobody but those who wait for it.
 *
 * The kernel keeps what it is given while a file is open, with or without a lease. So whoever hands out data
 * asks `hold` before reading it and, if that fails, has the kernel forget after the reply (`forget_soon`).
 * Only files that somebody has open for reading matter: an open without a lease empties the cache.
 */
class FileLeases
{
  public:
    explicit FileLeases(Session& session) : session_(session) {}
    FileLeases(const FileLeases&) = delete;
    ~FileLeases() { stop(); }

    /// True if the file is leased, now or already.
    bool hold(Inode& file);
    /// The kernel has been given data of a file without a lease.
    void forget_soon(Inode& file);
    /// Has the kernel forget now; waits for pages of a file that are being read.
    void forget(Inode& file);

    /// The kernel has been told to forget the attributes of the files in a directory. What a read that was
    /// under way tells of a file's end it then ignores, but it keeps the data, and asks for neither
    /// attributes nor data within what it takes for the size. So the data of files that others may have
    /// changed in size is forgotten, too, if a read told the end, or when the next one does.
    void forget_unsure(Inode& directory);

    /// Gives a lease up because the file goes away or is forgotten; its handle is closed on return, unless it
    /// is being broken.
    void drop(Inode& file);

    /// Ends all of them and grants no more; while requests of the kernel are still answered.
    void stop();

  private:
    friend class FileLease;

    bool acquire(Inode& file);
    void broken(FileLease& lease);
    void end_soon_locked(FileLease& lease);
    static void NTAPI end_broken(PVOID lease);
    static void NTAPI forget_now(PVOID forgetting);
    void end(FileLease* lease, bool tell_kernel);
    void item_done();
    void note_unsure(Inode& file);
    void make_room_locked();

    static constexpr size_t leases_max = 4096;

    Session& session_;
    std::mutex lock_; ///< taken before that of the inode table
    std::list<FileLease*> all_;
    unsigned items_ = 0; ///< queued or running work
    std::condition_variable idle_;
    bool stopped_ = false;
    std::atomic<bool> any_unsure_ = false;
};

} // namespace fsp::fuse

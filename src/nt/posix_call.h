// SPDX-License-Identifier: MIT
//
// What a POSIX caller says beside a native request, and hears beside its answer.
//
// A request of the Linux mount runs, inline, on the thread that brings it. NT requests have no room for much
// of what POSIX means: open flags, a mode with all twelve bits, who asks in every call, times to the
// nanosecond, hard links, errno. It travels in a record of the thread, as extra create parameters do on
// Windows. A file system that does not know of the record loses only the detail.
#pragma once

#include <cstddef>
#include <cstdint>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <winfsp/nt.h>

struct flock;

namespace fsp::nt {

/// What is asked through posix_control_code: things that no native request says.
enum class PosixAction
{
    none,
    stat,           ///< -> attributes
    set_attributes, ///< which, attributes (mode, uid, gid, times with UTIME_NOW and UTIME_OMIT)
    read_link,      ///< -> out, size
    link,           ///< name: the new path
    exchange,       ///< name: the other path
    volume,         ///< -> volume
    access,         ///< flags: mask
    get_xattr,      ///< name, out, size -> result
    set_xattr,      ///< name, in, size, flags
    list_xattr,     ///< out, size -> result
    remove_xattr,   ///< name
    allocate,       ///< flags: mode; offset, length
    seek,           ///< offset, flags: whence -> result
    flush,          ///< owner
    sync,           ///< flags: only data
    control,        ///< ioctl: flags: command; in, in_size, out, size; control_flags, argument
    poll,           ///< events, poll_handle -> result: events
    lock,           ///< flags: command; lock, owner
    whole_lock,     ///< flock: flags: operation; owner
    identify,       ///< -> subject: what the file system knows the handle by
    copy,           ///< copy_source, offset, length, target_offset, flags -> result
    list,           ///< offset, flags: with attributes, fill, fill_context
    map_block,      ///< bmap: size: block size; offset -> result
};

/// Which attributes set_attributes sets.
constexpr unsigned posix_set_mode = 1;
constexpr unsigned posix_set_uid = 2;
constexpr unsigned posix_set_gid = 4;
constexpr unsigned posix_set_times = 8;

struct PosixCall
{
    // Who asks.
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0;
    mode_t umask = 0;
    uint64_t serial = 0; ///< another for each request of the mount
    void* request = nullptr;
    bool (*interrupted)(void* request) = nullptr;
    int (*groups)(void* request, int capacity, gid_t* out) = nullptr;

    // Beside a create or open.
    mode_t known_type = 0; ///< S_IFMT of the file that is opened; 0: the caller does not know what it is
    bool by_name = false;  ///< asked about a file, not about one of its handles
    bool creates = false;  ///< mode, device and link are about the new file
    mode_t mode = 0;       ///< with its type
    dev_t device = 0;
    const char* target = nullptr; ///< of the new symbolic link
    int open_flags = -1;          ///< -1: nobody opens the file, only its name is of interest
    // Beside a rename.
    bool renames = false; ///< what is at the new name is the file system's business
    unsigned rename_flags = 0;

    // What the file system says beside its answer.
    bool taken = false;          ///< it knows of this record
    bool has_attributes = false; ///< of the file that was opened or made
    struct stat attributes = {};
    bool direct_io = false;
    bool keep_cache = false;
    bool nonseekable = false;
    bool cache_readdir = false;
    bool noflush = false;
    int error = 0; ///< the positive error number behind `status`
    NTSTATUS status = STATUS_SUCCESS;
    int cleanup_error = 0; ///< why the name was not removed

    // An action.
    PosixAction action = PosixAction::none;
    const char* name = nullptr;
    const void* in = nullptr;
    size_t in_size = 0;
    void* out = nullptr;
    size_t size = 0;
    int64_t offset = 0;
    int64_t length = 0;
    int64_t target_offset = 0;
    unsigned which = 0;
    unsigned flags = 0;
    unsigned control_flags = 0;
    void* argument = nullptr;
    uint64_t owner = 0;
    struct flock* lock = nullptr;
    struct statvfs volume = {};
    void* poll_handle = nullptr;
    unsigned events = 0;
    void* subject = nullptr;     ///< of identify: the action is about that handle, as long as it is open
    void* copy_source = nullptr; ///< of identify, too
    /// Takes an entry of a directory. @param next where to go on after it; 0: all entries come at once
    /// @return false: no more, please
    bool (*fill)(void* context, const char* name, const struct stat* attributes, int64_t next,
                 bool complete) = nullptr;
    void* fill_context = nullptr;
    int64_t result = 0;
};

/// DeviceIoControl without buffers: the file system does what the thread's record says.
constexpr ULONG posix_control_code = 0xCF50u << 16 | 1u << 2;

/// Makes a record the thread's one.
class PosixCallScope
{
  public:
    explicit PosixCallScope(PosixCall* call);
    PosixCallScope(const PosixCallScope&) = delete;
    ~PosixCallScope();

  private:
    PosixCall* outer_;
};

/// The record of the thread; null outside of requests of a POSIX mount.
PosixCall* current_posix_call();

/// How a file system wants to be mounted that keeps POSIX objects.
struct PosixMount
{
    const char* source;  ///< what the list of mounts shows; null: the volume's name
    const char* type;    ///< after "fuse."; null: nothing
    const char* options; ///< further options of the mount, comma-separated; null: none
    double entry_timeout, attribute_timeout, negative_timeout; ///< seconds
    unsigned want;                               ///< capabilities of the connection (FUSE_CAP_xxx of FUSE 3)
    unsigned refuse;                             ///< and what must not be used
    unsigned max_write, max_read, max_readahead; ///< bytes; 0: as the mount likes
    unsigned max_background, congestion_threshold;
    bool any_mount_point;   ///< need not be an empty directory
    bool own_inode_numbers; ///< st_ino is what the file system says
    bool default_permissions;
    bool kernel_cache, automatic_cache, direct_io;
    bool has_flush, has_open, has_opendir, has_access, has_locks, has_whole_locks, has_xattr, has_poll,
        has_control, has_allocate, has_seek, has_copy, has_block_map, has_sync, has_sync_directory;
};

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
//
// A FUSE program, whichever version it is written for: the operations of FUSE 3, and what it has of them.
#pragma once

#include <cerrno>
#include <cstdint>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

namespace fsp::libfuse {

/// struct fuse_file_info of both versions.
struct OpenInfo
{
    int flags = 0;
    bool writepage = false;
    bool direct_io = false;
    bool keep_cache = false;
    bool flush = false;
    bool nonseekable = false;
    bool flock_release = false;
    bool cache_readdir = false;
    bool noflush = false;
    uint64_t fh = 0;
    uint64_t lock_owner = 0;
    uint32_t poll_events = 0;
};

/// What init may choose of the connection; struct fuse_conn_info of both versions.
struct Connection
{
    unsigned capable = 0;
    unsigned want = 0;
    bool async_read = true;
    unsigned max_write = 0; ///< bytes
    unsigned max_read = 0;
    unsigned max_readahead = 0;
    unsigned max_background = 0;
    unsigned congestion_threshold = 0;
};

/// struct fuse_config; timeouts in seconds.
struct Config
{
    bool set_gid = false;
    unsigned gid = 0;
    bool set_uid = false;
    unsigned uid = 0;
    bool set_mode = false;
    unsigned umask = 0;
    double entry_timeout = 1;
    double negative_timeout = 0;
    double attr_timeout = 1;
    bool intr = false;
    int intr_signal = 10;
    int remember = 0;
    bool hard_remove = false;
    bool use_ino = false;
    bool readdir_ino = false;
    bool direct_io = false;
    bool kernel_cache = false;
    bool auto_cache = false;
    bool no_rofd_flush = false;
    bool ac_attr_timeout_set = false;
    double ac_attr_timeout = 0;
    bool nullpath_ok = false;
    bool debug = false;
};

/// Takes an entry of a directory; the attributes may be null. @param next where to go on after it; 0: all
/// entries come at once. @return false: no more, please
using Filler =
    std::function<bool(const char* name, const struct stat* attributes, off_t next, bool complete)>;

/// Operations return 0, a count or a negative error number. `fi` may be null.
class Program
{
  public:
    Program() = default;
    Program(const Program&) = delete;
    virtual ~Program() = default;

    /// What there is; the rest answers -ENOSYS.
    struct Has
    {
        bool flush, open, opendir, access, lock, flock, xattr, poll, ioctl, fallocate, lseek, bmap, fsync,
            fsyncdir, create, rename, readlink, copy_file_range;
    };
    Has has{};

    virtual void* init(Connection&, Config&) = 0;
    virtual void destroy(void* data) = 0;

    virtual int getattr(const char* path, struct stat* out, OpenInfo* fi) = 0;
    virtual int readlink(const char* path, char* out, size_t size) = 0;
    virtual int mknod(const char* path, mode_t mode, dev_t device) = 0;
    virtual int mkdir(const char* path, mode_t mode) = 0;
    virtual int unlink(const char* path) = 0;
    virtual int rmdir(const char* path) = 0;
    virtual int symlink(const char* target, const char* path) = 0;
    virtual int rename(const char* from, const char* to, unsigned flags) = 0;
    virtual int link(const char* from, const char* to) = 0;
    virtual int chmod(const char* path, mode_t mode, OpenInfo* fi) = 0;
    virtual int chown(const char* path, uid_t uid, gid_t gid, OpenInfo* fi) = 0;
    virtual int truncate(const char* path, off_t size, OpenInfo* fi) = 0;
    virtual int utimens(const char* path, const struct timespec times[2], OpenInfo* fi) = 0;
    virtual int access(const char* path, int mask) = 0;
    virtual int create(const char* path, mode_t mode, OpenInfo* fi) = 0;
    virtual int open(const char* path, OpenInfo* fi) = 0;
    virtual int read(const char* path, char* out, size_t size, off_t offset, OpenInfo* fi) = 0;
    virtual int write(const char* path, const char* data, size_t size, off_t offset, OpenInfo* fi) = 0;
    virtual int flush(const char* path, OpenInfo* fi) = 0;
    virtual int release(const char* path, OpenInfo* fi) = 0;
    virtual int fsync(const char* path, int data_only, OpenInfo* fi) = 0;
    virtual int statfs(const char* path, struct statvfs* out) = 0;
    virtual int opendir(const char* path, OpenInfo* fi) = 0;
    virtual int readdir(const char* path, const Filler& filler, off_t offset, OpenInfo* fi, bool plus) = 0;
    virtual int releasedir(const char* path, OpenInfo* fi) = 0;
    virtual int fsyncdir(const char* path, int data_only, OpenInfo* fi) = 0;
    virtual int setxattr(const char* path, const char* name, const char* value, size_t size, int flags) = 0;
    virtual int getxattr(const char* path, const char* name, char* out, size_t size) = 0;
    virtual int listxattr(const char* path, char* out, size_t size) = 0;
    virtual int removexattr(const char* path, const char* name) = 0;
    virtual int lock(const char* path, OpenInfo* fi, int command, struct flock* range) = 0;
    virtual int flock(const char* path, OpenInfo* fi, int operation) = 0;
    virtual int bmap(const char* path, size_t block_size, uint64_t* block) = 0;
    virtual int ioctl(const char* path, unsigned command, void* argument, OpenInfo* fi, unsigned flags,
                      void* data) = 0;
    virtual int poll(const char* path, OpenInfo* fi, void* poll_handle, unsigned* events) = 0;
    virtual int fallocate(const char* path, int mode, off_t offset, off_t length, OpenInfo* fi) = 0;
    virtual off_t lseek(const char* path, off_t offset, int whence, OpenInfo* fi) = 0;
    virtual ssize_t copy_file_range(const char* from, OpenInfo* from_fi, off_t from_offset, const char* to,
                                    OpenInfo* to_fi, off_t to_offset, size_t size, int flags) = 0;
};

} // namespace fsp::libfuse

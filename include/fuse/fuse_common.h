/* SPDX-License-Identifier: MIT */
/**
 * @file fuse/fuse_common.h
 * FUSE 2: open files, the connection, and mounting.
 */
#ifndef FUSE_COMMON_H_
#define FUSE_COMMON_H_

#include "fuse_opt.h"
#include "winfsp_fuse.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FUSE_MAKE_VERSION(maj, min) ((maj) * 10 + (min))
#define FUSE_MAJOR_VERSION 2
#if defined(FSP_FUSE_LINUX)
#define FUSE_MINOR_VERSION 9
#else
#define FUSE_MINOR_VERSION 8
#endif
#define FUSE_VERSION FUSE_MAKE_VERSION(FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION)

/* What a connection is capable of, and what a file system wants of it. */
#define FUSE_CAP_ASYNC_READ (1 << 0)
#define FUSE_CAP_POSIX_LOCKS (1 << 1)
#define FUSE_CAP_ATOMIC_O_TRUNC (1 << 3)
#define FUSE_CAP_EXPORT_SUPPORT (1 << 4)
#define FUSE_CAP_BIG_WRITES (1 << 5)
#define FUSE_CAP_DONT_MASK (1 << 6)
#if defined(FSP_FUSE_LINUX)
#define FUSE_CAP_SPLICE_WRITE (1 << 7)
#define FUSE_CAP_SPLICE_MOVE (1 << 8)
#define FUSE_CAP_SPLICE_READ (1 << 9)
#define FUSE_CAP_FLOCK_LOCKS (1 << 10)
#define FUSE_CAP_IOCTL_DIR (1 << 11)
#else
#define FUSE_CAP_ALLOCATE (1 << 27)
#define FUSE_CAP_EXCHANGE_DATA (1 << 28)
#define FUSE_CAP_CASE_INSENSITIVE (1 << 29)
#define FUSE_CAP_VOL_RENAME (1 << 30)
#define FUSE_CAP_XTIMES (1U << 31)
#endif
#define FSP_FUSE_CAP_READDIR_PLUS (1 << 21)  /**< the stat data passed to the readdir filler is complete */
#define FSP_FUSE_CAP_READ_ONLY (1 << 22)     /**< nothing may be written */
#define FSP_FUSE_CAP_STAT_EX (1 << 23)       /**< getattr fills struct fuse_stat_ex */
#define FSP_FUSE_CAP_DELETE_ACCESS (1 << 24) /**< access(path, FSP_FUSE_DELETE_OK) is asked before deletion  \
                                              */
#define FSP_FUSE_CAP_CASE_INSENSITIVE (1 << 29) /**< names differ by more than case */

#define FUSE_IOCTL_COMPAT (1 << 0)
#define FUSE_IOCTL_UNRESTRICTED (1 << 1)
#define FUSE_IOCTL_RETRY (1 << 2)
#if defined(FSP_FUSE_LINUX)
#define FUSE_IOCTL_DIR (1 << 4)
#endif
#define FUSE_IOCTL_MAX_IOV 256

/** The DeviceIoControl code for a command of ioctl. */
#define FSP_FUSE_DEVICE_TYPE (0x8000 | 'W' | 'F' * 0x100)
#define FSP_FUSE_CTLCODE_FROM_IOCTL(cmd) (FSP_FUSE_DEVICE_TYPE << 16 | ((cmd) & 0x0fff) << 2)
/** The command of ioctl with its sizes in it. */
#define FSP_FUSE_IOCTL(cmd, isiz, osiz)                                                                      \
    ((((osiz) != 0) << 31) | (((isiz) != 0) << 30) | (((isiz) | (osiz)) << 16) | (cmd))

/** Flags of a file, as BSD has them. */
#define FSP_FUSE_UF_SYSTEM 0x00000080
#define FSP_FUSE_UF_ARCHIVE 0x00000800
#define FSP_FUSE_UF_READONLY 0x00001000
#define FSP_FUSE_UF_HIDDEN 0x00008000
#if !defined(UF_SYSTEM)
#define UF_SYSTEM FSP_FUSE_UF_SYSTEM
#endif
#if !defined(UF_ARCHIVE)
#define UF_ARCHIVE FSP_FUSE_UF_ARCHIVE
#endif
#if !defined(UF_READONLY)
#define UF_READONLY FSP_FUSE_UF_READONLY
#endif
#if !defined(UF_HIDDEN)
#define UF_HIDDEN FSP_FUSE_UF_HIDDEN
#endif

/** Mask for access: may it be deleted? */
#define FSP_FUSE_DELETE_OK 0x40000000

/* What fuse_notify reports. */
#define FSP_FUSE_NOTIFY_MKDIR 0x0001
#define FSP_FUSE_NOTIFY_RMDIR 0x0002
#define FSP_FUSE_NOTIFY_CREATE 0x0004
#define FSP_FUSE_NOTIFY_UNLINK 0x0008
#define FSP_FUSE_NOTIFY_CHMOD 0x0010
#define FSP_FUSE_NOTIFY_CHOWN 0x0020
#define FSP_FUSE_NOTIFY_UTIME 0x0040
#define FSP_FUSE_NOTIFY_CHFLAGS 0x0080
#define FSP_FUSE_NOTIFY_TRUNCATE 0x0100

#define FSP_FUSE_HAS_GETPATH 1

/** An open file: what the file system decides at open is in the bits, what it wants back in fh. */
struct fuse_file_info
{
    int flags;
#if defined(FSP_FUSE_LINUX)
    unsigned long fh_old;
#else
    unsigned int fh_old;
#endif
    int writepage;
    unsigned int direct_io : 1;
    unsigned int keep_cache : 1;
    unsigned int flush : 1;
    unsigned int nonseekable : 1;
#if defined(FSP_FUSE_LINUX)
    unsigned int flock_release : 1;
    unsigned int padding : 27;
#else
    unsigned int padding : 28;
#endif
    uint64_t fh;
    uint64_t lock_owner;
};

struct fuse_conn_info
{
    unsigned proto_major;
    unsigned proto_minor;
    unsigned async_read;
    unsigned max_write;
    unsigned max_readahead;
    unsigned capable;
    unsigned want;
#if defined(FSP_FUSE_LINUX)
    unsigned max_background;
    unsigned congestion_threshold;
    unsigned reserved[23];
#else
    unsigned reserved[25];
#endif
};

struct fuse_session;
struct fuse_chan;
struct fuse_pollhandle;

#if defined(FSP_FUSE_LINUX)
enum fuse_buf_flags
{
    FUSE_BUF_IS_FD = 1 << 1,
    FUSE_BUF_FD_SEEK = 1 << 2,
    FUSE_BUF_FD_RETRY = 1 << 3
};

enum fuse_buf_copy_flags
{
    FUSE_BUF_NO_SPLICE = 1 << 1,
    FUSE_BUF_FORCE_SPLICE = 1 << 2,
    FUSE_BUF_SPLICE_MOVE = 1 << 3,
    FUSE_BUF_SPLICE_NONBLOCK = 1 << 4
};

/** Bytes in memory, or in a file (FUSE_BUF_IS_FD). */
struct fuse_buf
{
    size_t size;
    enum fuse_buf_flags flags;
    void* mem;
    int fd;
    fuse_off_t pos; /**< with FUSE_BUF_FD_SEEK */
};

struct fuse_bufvec
{
    size_t count;
    size_t idx; /**< the buffer where it goes on */
    size_t off; /**< and how much of that is done */
    struct fuse_buf buf[1];
};

#define FUSE_BUFVEC_INIT(size__)                                                                             \
    ((struct fuse_bufvec){1, 0, 0, {{(size__), (enum fuse_buf_flags)0, NULL, -1, 0}}})

size_t fuse_buf_size(const struct fuse_bufvec* bufv);
ssize_t fuse_buf_copy(struct fuse_bufvec* dst, struct fuse_bufvec* src, enum fuse_buf_copy_flags flags);
#else
struct fuse_bufvec;
struct fuse_statfs;
struct fuse_setattr_x;

FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_version)(struct fsp_fuse_env* env);
FSP_FUSE_API struct fuse_chan* FSP_FUSE_API_NAME(fsp_fuse_mount)(struct fsp_fuse_env* env,
                                                                 const char* mountpoint,
                                                                 struct fuse_args* args);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse_unmount)(struct fsp_fuse_env* env, const char* mountpoint,
                                                      struct fuse_chan* ch);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_parse_cmdline)(struct fsp_fuse_env* env, struct fuse_args* args,
                                                           char** mountpoint, int* multithreaded,
                                                           int* foreground);
FSP_FUSE_API int32_t FSP_FUSE_API_NAME(fsp_fuse_ntstatus_from_errno)(struct fsp_fuse_env* env, int err);
#endif

/** The version of the library. */
FSP_FUSE_SYM(int fuse_version(void), return FSP_FUSE_API_CALL(fsp_fuse_version)(fsp_fuse_env());)
/** Say where to mount. @return null (after a message) if it cannot be done */
FSP_FUSE_SYM(struct fuse_chan* fuse_mount(const char* mountpoint, struct fuse_args* args),
             return FSP_FUSE_API_CALL(fsp_fuse_mount)(fsp_fuse_env(), mountpoint, args);)
FSP_FUSE_SYM(void fuse_unmount(const char* mountpoint, struct fuse_chan* ch),
             FSP_FUSE_API_CALL(fsp_fuse_unmount)(fsp_fuse_env(), mountpoint, ch);)
/** Take the options that all FUSE programs have off a command line. Each result may be null. @return 0 or -1
 */
FSP_FUSE_SYM(int fuse_parse_cmdline(struct fuse_args* args, char** mountpoint, int* multithreaded,
                                    int* foreground),
             return FSP_FUSE_API_CALL(fsp_fuse_parse_cmdline)(fsp_fuse_env(), args, mountpoint, multithreaded,
                                                              foreground);)
FSP_FUSE_SYM(void fuse_pollhandle_destroy(struct fuse_pollhandle* ph), (void)ph;)
/** Go to the background, unless foreground. @return 0 or -1 */
FSP_FUSE_SYM(int fuse_daemonize(int foreground), return fsp_fuse_daemonize(foreground);)
/** Let SIGHUP, SIGINT and SIGTERM end the loop. @return 0 or -1 */
FSP_FUSE_SYM(int fuse_set_signal_handlers(struct fuse_session* se), return fsp_fuse_set_signal_handlers(se);)
FSP_FUSE_SYM(void fuse_remove_signal_handlers(struct fuse_session* se), (void)se;
             fsp_fuse_set_signal_handlers(0);)

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/**
 * @file fuse/winfsp_fuse.h
 * What FUSE programs take from their system: numbers, struct stat and the C run-time library.
 *
 * Three environments. Native Windows: types of our own, whose layout is the one of 64-bit (32-bit) Cygwin,
 * and a struct fsp_fuse_env through which the library uses the program's malloc. Cygwin: the same with
 * Cygwin's types. Linux: Linux's types, and the functions of libfuse under their own names, so no environment
 * is needed.
 */
#ifndef FUSE_WINFSP_FUSE_H_INCLUDED
#define FUSE_WINFSP_FUSE_H_INCLUDED

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
/* The library's own FUSE layer speaks the Windows types everywhere: its tests run on Linux, too. */
#if defined(__linux__) && !defined(WINFSP_DLL_INTERNAL)
#define FSP_FUSE_LINUX
#endif
#if !defined(WINFSP_DLL_INTERNAL)
#include <stdlib.h>
#include <string.h>
#endif

#if !defined(_WIN32) && !defined(_WIN64) && !defined(__CYGWIN__) && !defined(__linux__)
#error "FUSE file systems are for Windows (native or Cygwin) and Linux"
#endif

/** Before each declaration of a function of the library. */
#if !defined(FSP_FUSE_API)
#if defined(__linux__)
#define FSP_FUSE_API
#elif defined(WINFSP_DLL_INTERNAL)
#define FSP_FUSE_API __declspec(dllexport)
#else
#define FSP_FUSE_API __declspec(dllimport)
#endif
#endif
/** Around its name, where it is declared and where it is called: for clients that load the library
 * themselves. */
#if !defined(FSP_FUSE_API_NAME)
#define FSP_FUSE_API_NAME(n) (n)
#endif
#if !defined(FSP_FUSE_API_CALL)
#define FSP_FUSE_API_CALL(n) (n)
#endif
/** How the functions with libfuse's names come to be. */
#if !defined(FSP_FUSE_SYM)
#if defined(CYGFUSE) || defined(FSP_FUSE_LINUX)
#define FSP_FUSE_SYM(proto, ...) proto;
#else
#define FSP_FUSE_SYM(proto, ...)                                                                             \
    static inline proto { __VA_ARGS__ }
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Types ------------------------------------------------------------------------------------------ */

#if !defined(__CYGWIN__) && !defined(FSP_FUSE_LINUX)

typedef uint32_t fuse_uid_t;
typedef uint32_t fuse_gid_t;
typedef int32_t fuse_pid_t;
typedef uint32_t fuse_dev_t;
typedef uint64_t fuse_ino_t;
typedef uint32_t fuse_mode_t;
typedef uint16_t fuse_nlink_t;
typedef int64_t fuse_off_t;
typedef int32_t fuse_blksize_t;
typedef int64_t fuse_blkcnt_t;
/* A member as wide as a pointer; "long" is 4 bytes in native 64-bit programs and 8 in Cygwin's. */
#if defined(_WIN64) || defined(__LP64__)
typedef uint64_t fuse_fsblkcnt_t;
typedef uint64_t fuse_fsfilcnt_t;
#define FSP_FUSE_WIDE_INT int64_t
#define FSP_FUSE_WIDE_UINT uint64_t
#else
typedef uint32_t fuse_fsblkcnt_t;
typedef uint32_t fuse_fsfilcnt_t;
#define FSP_FUSE_WIDE_INT int32_t
#define FSP_FUSE_WIDE_UINT uint32_t
#endif

struct fuse_utimbuf
{
    FSP_FUSE_WIDE_INT actime;
    FSP_FUSE_WIDE_INT modtime;
};

struct fuse_timespec
{
    FSP_FUSE_WIDE_INT tv_sec;
    FSP_FUSE_WIDE_INT tv_nsec;
};

#define FSP_FUSE_STAT_FIELDS                                                                                 \
    fuse_dev_t st_dev;                                                                                       \
    fuse_ino_t st_ino;                                                                                       \
    fuse_mode_t st_mode;                                                                                     \
    fuse_nlink_t st_nlink;                                                                                   \
    fuse_uid_t st_uid;                                                                                       \
    fuse_gid_t st_gid;                                                                                       \
    fuse_dev_t st_rdev;                                                                                      \
    fuse_off_t st_size;                                                                                      \
    struct fuse_timespec st_atim;                                                                            \
    struct fuse_timespec st_mtim;                                                                            \
    struct fuse_timespec st_ctim;                                                                            \
    fuse_blksize_t st_blksize;                                                                               \
    fuse_blkcnt_t st_blocks;                                                                                 \
    struct fuse_timespec st_birthtim;
#define FSP_FUSE_STAT_EX_FIELDS                                                                              \
    FSP_FUSE_STAT_FIELDS                                                                                     \
    uint32_t st_flags;                                                                                       \
    uint32_t st_reserved32[3];                                                                               \
    uint64_t st_reserved64[2];

#if defined(FSP_FUSE_USE_STAT_EX)
struct fuse_stat
{
    FSP_FUSE_STAT_EX_FIELDS
};
#else
struct fuse_stat
{
    FSP_FUSE_STAT_FIELDS
};
#endif
struct fuse_stat_ex
{
    FSP_FUSE_STAT_EX_FIELDS
};

struct fuse_statvfs
{
    FSP_FUSE_WIDE_UINT f_bsize;
    FSP_FUSE_WIDE_UINT f_frsize;
    fuse_fsblkcnt_t f_blocks;
    fuse_fsblkcnt_t f_bfree;
    fuse_fsblkcnt_t f_bavail;
    fuse_fsfilcnt_t f_files;
    fuse_fsfilcnt_t f_ffree;
    fuse_fsfilcnt_t f_favail;
    FSP_FUSE_WIDE_UINT f_fsid;
    FSP_FUSE_WIDE_UINT f_flag;
    FSP_FUSE_WIDE_UINT f_namemax;
};

struct fuse_flock
{
    int16_t l_type;
    int16_t l_whence;
    fuse_off_t l_start;
    fuse_off_t l_len;
    fuse_pid_t l_pid;
};

#else

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <utime.h>

#define fuse_uid_t uid_t
#define fuse_gid_t gid_t
#define fuse_pid_t pid_t
#define fuse_dev_t dev_t
#define fuse_mode_t mode_t
#define fuse_nlink_t nlink_t
#define fuse_off_t off_t
#define fuse_fsblkcnt_t fsblkcnt_t
#define fuse_fsfilcnt_t fsfilcnt_t
#define fuse_blksize_t blksize_t
#define fuse_blkcnt_t blkcnt_t
#define fuse_utimbuf utimbuf
#define fuse_timespec timespec
#define fuse_statvfs statvfs
#define fuse_flock flock

#if defined(FSP_FUSE_LINUX)
/* Of a node of the low-level API; st_ino of the high-level one has as many bits. */
typedef uint64_t fuse_ino_t;
#define fuse_stat stat
#else
#define fuse_ino_t ino_t
#define FSP_FUSE_STAT_EX_FIELDS                                                                              \
    fuse_dev_t st_dev;                                                                                       \
    fuse_ino_t st_ino;                                                                                       \
    fuse_mode_t st_mode;                                                                                     \
    fuse_nlink_t st_nlink;                                                                                   \
    fuse_uid_t st_uid;                                                                                       \
    fuse_gid_t st_gid;                                                                                       \
    fuse_dev_t st_rdev;                                                                                      \
    fuse_off_t st_size;                                                                                      \
    struct fuse_timespec st_atim;                                                                            \
    struct fuse_timespec st_mtim;                                                                            \
    struct fuse_timespec st_ctim;                                                                            \
    fuse_blksize_t st_blksize;                                                                               \
    fuse_blkcnt_t st_blocks;                                                                                 \
    struct fuse_timespec st_birthtim;                                                                        \
    uint32_t st_flags;                                                                                       \
    uint32_t st_reserved32[3];                                                                               \
    uint64_t st_reserved64[2];
#if defined(FSP_FUSE_USE_STAT_EX)
struct fuse_stat
{
    FSP_FUSE_STAT_EX_FIELDS
};
#else
#define fuse_stat stat
#endif
struct fuse_stat_ex
{
    FSP_FUSE_STAT_EX_FIELDS
};
#endif

#endif

/* ---- The environment -------------------------------------------------------------------------------- */

#if !defined(FSP_FUSE_LINUX)

/**
 * The C run-time library of the caller: the library allocates with it what the caller may free, and speaks
 * its error numbers and open flags.
 */
struct fsp_fuse_env
{
    unsigned environment; /**< 'W' native Windows, 'C' Cygwin */
    void* (*memalloc)(size_t);
    void (*memfree)(void*); /**< takes null */
    int (*daemonize)(int foreground);
    int (*set_signal_handlers)(void* se);   /**< null removes them */
    char* (*conv_to_win_path)(const char*); /**< may be null; its result is released with memfree */
    fuse_pid_t (*winpid_to_pid)(uint32_t);  /**< may be null */
    void (*reserved[2])(void);
};

/** Ends all loops of the process, as Ctrl-Break does. */
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse_signal_handler)(int sig);

#if !defined(__CYGWIN__)

static inline int fsp_fuse_daemonize(int foreground)
{
    (void)foreground;
    return 0;
}

static inline int fsp_fuse_set_signal_handlers(void* se)
{
    (void)se;
    return 0;
}

#if defined(WINFSP_DLL_INTERNAL)
void* fsp_fuse_heap_alloc(size_t size);
void fsp_fuse_heap_free(void* memory);
#define FSP_FUSE_ENV_INIT                                                                                    \
    {'W',   fsp_fuse_heap_alloc, fsp_fuse_heap_free, fsp_fuse_daemonize, fsp_fuse_set_signal_handlers, 0, 0, \
     {0, 0}}
#else
#define FSP_FUSE_ENV_INIT {'W', malloc, free, fsp_fuse_daemonize, fsp_fuse_set_signal_handlers, 0, 0, {0, 0}}
#endif

#else /* Cygwin */

extern int daemon(int, int);
extern void* cygwin_create_path(unsigned, const void*);
extern int cygwin_winpid_to_pid(int);

static inline int fsp_fuse_daemonize(int foreground)
{
    if (!foreground)
        return -1 == daemon(0, 0) ? -1 : 0;
    (void)!chdir("/");
    return 0;
}

static inline void* fsp_fuse_signal_thread(void* signals)
{
    int signal_number;
    if (0 == sigwait((sigset_t*)signals, &signal_number))
        FSP_FUSE_API_CALL(fsp_fuse_signal_handler)(signal_number);
    return 0;
}

static inline int fsp_fuse_set_signal_handlers(void* se)
{
    static sigset_t signals;
    static pthread_t thread;
    static int installed;
    static const int wanted[] = {SIGHUP, SIGINT, SIGTERM};
    struct sigaction now, change;
    unsigned i;

    memset(&change, 0, sizeof change);
    if (0 != se && !installed) {
        if (0 == sigaction(SIGPIPE, 0, &now) && SIG_DFL == now.sa_handler) {
            change.sa_handler = SIG_IGN;
            sigaction(SIGPIPE, &change, 0);
        }
        sigemptyset(&signals);
        for (i = 0; sizeof wanted / sizeof wanted[0] > i; i++)
            if (0 == sigaction(wanted[i], 0, &now) && SIG_DFL == now.sa_handler)
                sigaddset(&signals, wanted[i]);
        if (0 != pthread_sigmask(SIG_BLOCK, &signals, 0))
            return -1;
        if (0 != pthread_create(&thread, 0, fsp_fuse_signal_thread, &signals))
            return -1;
        installed = 1;
    } else if (0 == se && installed) {
        pthread_cancel(thread);
        pthread_join(thread, 0);
        pthread_sigmask(SIG_UNBLOCK, &signals, 0);
        sigemptyset(&signals);
        if (0 == sigaction(SIGPIPE, 0, &now) && SIG_IGN == now.sa_handler) {
            change.sa_handler = SIG_DFL;
            sigaction(SIGPIPE, &change, 0);
        }
        installed = 0;
    }
    return 0;
}

static inline char* fsp_fuse_conv_to_win_path(const char* path)
{
    return (char*)cygwin_create_path(0x100, path);
}

static inline fuse_pid_t fsp_fuse_winpid_to_pid(uint32_t winpid)
{
    const int pid = cygwin_winpid_to_pid((int)winpid);
    return -1 != pid ? (fuse_pid_t)pid : (fuse_pid_t)winpid;
}

#define FSP_FUSE_ENV_INIT                                                                                    \
    {'C',                                                                                                    \
     malloc,                                                                                                 \
     free,                                                                                                   \
     fsp_fuse_daemonize,                                                                                     \
     fsp_fuse_set_signal_handlers,                                                                           \
     fsp_fuse_conv_to_win_path,                                                                              \
     fsp_fuse_winpid_to_pid,                                                                                 \
     {0, 0}}

#endif

static inline struct fsp_fuse_env* fsp_fuse_env(void)
{
    static struct fsp_fuse_env env = FSP_FUSE_ENV_INIT;
    return &env;
}

#endif /* !FSP_FUSE_LINUX */

#ifdef __cplusplus
}
#endif

#endif

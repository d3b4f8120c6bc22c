/* SPDX-License-Identifier: MIT */
/**
 * @file fuse3/fuse.h
 * FUSE 3: a file system as a table of functions.
 *
 * Every function of the table may be null; it returns 0 (or a count) or a negative error number. Paths are
 * UTF-8, absolute, with slashes; they end with the call. Where fi may be null there is no open file.
 */
#ifndef FUSE_H_
#define FUSE_H_

#include "fuse_common.h"
#if defined(FSP_FUSE_LINUX)
#include <sys/uio.h>
#include <time.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct fuse3;

enum fuse3_readdir_flags
{
    FUSE_READDIR_PLUS = 1 << 0
};

enum fuse3_fill_dir_flags
{
    FUSE_FILL_DIR_PLUS = 1 << 1 /**< stbuf is complete */
};

/** Takes an entry of a directory; stbuf may be null. @return non-zero: there is no room for more */
typedef int (*fuse3_fill_dir_t)(void* buf, const char* name, const struct fuse_stat* stbuf, fuse_off_t off,
                                enum fuse3_fill_dir_flags flags);

/** What init may choose. */
struct fuse3_config
{
    int set_gid;
    unsigned int gid;
    int set_uid;
    unsigned int uid;
    int set_mode;
    unsigned int umask;
    double entry_timeout; /**< seconds */
    double negative_timeout;
    double attr_timeout;
    int intr;
    int intr_signal;
    int remember;
    int hard_remove; /**< unlink open files instead of hiding them */
    int use_ino;
    int readdir_ino;
    int direct_io;
    int kernel_cache; /**< file data stays cached when a file is opened again */
    int auto_cache;   /**< the same, unless size or modification time changed */
#if defined(FSP_FUSE_LINUX)
    int no_rofd_flush;
#endif
    int ac_attr_timeout_set;
    double ac_attr_timeout;
    int nullpath_ok;
    int show_help; /* the library's own from here on */
    char* modules;
    int debug;
};

struct fuse3_operations
{
    int (*getattr)(const char* path, struct fuse_stat* stbuf, struct fuse3_file_info* fi);
    int (*readlink)(const char* path, char* buf, size_t size);
    int (*mknod)(const char* path, fuse_mode_t mode, fuse_dev_t dev);
    int (*mkdir)(const char* path, fuse_mode_t mode);
    int (*unlink)(const char* path);
    int (*rmdir)(const char* path);
    int (*symlink)(const char* target, const char* path);
    int (*rename)(const char* oldpath, const char* newpath, unsigned int flags);
    int (*link)(const char* srcpath, const char* dstpath);
    int (*chmod)(const char* path, fuse_mode_t mode, struct fuse3_file_info* fi);
    int (*chown)(const char* path, fuse_uid_t uid, fuse_gid_t gid, struct fuse3_file_info* fi);
    int (*truncate)(const char* path, fuse_off_t size, struct fuse3_file_info* fi);
    int (*open)(const char* path, struct fuse3_file_info* fi);
    int (*read)(const char* path, char* buf, size_t size, fuse_off_t off, struct fuse3_file_info* fi);
    int (*write)(const char* path, const char* buf, size_t size, fuse_off_t off, struct fuse3_file_info* fi);
    int (*statfs)(const char* path, struct fuse_statvfs* stbuf);
    int (*flush)(const char* path, struct fuse3_file_info* fi);
    int (*release)(const char* path, struct fuse3_file_info* fi);
    int (*fsync)(const char* path, int datasync, struct fuse3_file_info* fi);
    int (*setxattr)(const char* path, const char* name, const char* value, size_t size, int flags);
    int (*getxattr)(const char* path, const char* name, char* value, size_t size);
    int (*listxattr)(const char* path, char* namebuf, size_t size);
    int (*removexattr)(const char* path, const char* name);
    int (*opendir)(const char* path, struct fuse3_file_info* fi);
    int (*readdir)(const char* path, void* buf, fuse3_fill_dir_t filler, fuse_off_t off,
                   struct fuse3_file_info* fi, enum fuse3_readdir_flags flags);
    int (*releasedir)(const char* path, struct fuse3_file_info* fi);
    int (*fsyncdir)(const char* path, int datasync, struct fuse3_file_info* fi);
    void* (*init)(struct fuse3_conn_info* conn, struct fuse3_config* conf);
    void (*destroy)(void* data);
    int (*access)(const char* path, int mask);
    int (*create)(const char* path, fuse_mode_t mode, struct fuse3_file_info* fi);
    int (*lock)(const char* path, struct fuse3_file_info* fi, int cmd, struct fuse_flock* lock);
    int (*utimens)(const char* path, const struct fuse_timespec tv[2], struct fuse3_file_info* fi);
    int (*bmap)(const char* path, size_t blocksize, uint64_t* idx);
#if defined(FSP_FUSE_LINUX) && FUSE_USE_VERSION >= 35
    int (*ioctl)(const char* path, unsigned int cmd, void* arg, struct fuse3_file_info* fi,
                 unsigned int flags, void* data);
#else
    int (*ioctl)(const char* path, int cmd, void* arg, struct fuse3_file_info* fi, unsigned int flags,
                 void* data);
#endif
    int (*poll)(const char* path, struct fuse3_file_info* fi, struct fuse3_pollhandle* ph,
                unsigned* reventsp);
    int (*write_buf)(const char* path, struct fuse3_bufvec* buf, fuse_off_t off, struct fuse3_file_info* fi);
    int (*read_buf)(const char* path, struct fuse3_bufvec** bufp, size_t size, fuse_off_t off,
                    struct fuse3_file_info* fi);
    int (*flock)(const char* path, struct fuse3_file_info* fi, int op);
    int (*fallocate)(const char* path, int mode, fuse_off_t off, fuse_off_t len, struct fuse3_file_info* fi);
#if defined(FSP_FUSE_LINUX)
    ssize_t (*copy_file_range)(const char* path_in, struct fuse3_file_info* fi_in, off_t offset_in,
                               const char* path_out, struct fuse3_file_info* fi_out, off_t offset_out,
                               size_t size, int flags);
    off_t (*lseek)(const char* path, off_t off, int whence, struct fuse3_file_info* fi);
#endif
};

/** Who asks. */
struct fuse3_context
{
    struct fuse3* fuse;
    fuse_uid_t uid;
    fuse_gid_t gid;
    fuse_pid_t pid;
    void* private_data; /**< what init returned */
    fuse_mode_t umask;
};

#define fuse_main(argc, argv, ops, data) fuse3_main_real(argc, argv, ops, sizeof *(ops), data)

#if !defined(FSP_FUSE_LINUX)
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse3_main_real)(struct fsp_fuse_env* env, int argc, char* argv[],
                                                        const struct fuse3_operations* ops, size_t opsize,
                                                        void* data);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse3_lib_help)(struct fsp_fuse_env* env, struct fuse_args* args);
FSP_FUSE_API struct fuse3* FSP_FUSE_API_NAME(fsp_fuse3_new_30)(struct fsp_fuse_env* env,
                                                               struct fuse_args* args,
                                                               const struct fuse3_operations* ops,
                                                               size_t opsize, void* data);
FSP_FUSE_API struct fuse3* FSP_FUSE_API_NAME(fsp_fuse3_new)(struct fsp_fuse_env* env, struct fuse_args* args,
                                                            const struct fuse3_operations* ops, size_t opsize,
                                                            void* data);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse3_destroy)(struct fsp_fuse_env* env, struct fuse3* f);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse3_mount)(struct fsp_fuse_env* env, struct fuse3* f,
                                                    const char* mountpoint);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse3_unmount)(struct fsp_fuse_env* env, struct fuse3* f);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse3_loop)(struct fsp_fuse_env* env, struct fuse3* f);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse3_loop_mt_31)(struct fsp_fuse_env* env, struct fuse3* f,
                                                         int clone_fd);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse3_loop_mt)(struct fsp_fuse_env* env, struct fuse3* f,
                                                      struct fuse3_loop_config* config);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse3_exit)(struct fsp_fuse_env* env, struct fuse3* f);
FSP_FUSE_API struct fuse3_context* FSP_FUSE_API_NAME(fsp_fuse3_get_context)(struct fsp_fuse_env* env);
#endif

/** A complete main program; use fuse_main. @return the exit code */
FSP_FUSE_SYM(int fuse3_main_real(int argc, char* argv[], const struct fuse3_operations* ops, size_t opsize,
                                 void* data),
             return FSP_FUSE_API_CALL(fsp_fuse3_main_real)(fsp_fuse_env(), argc, argv, ops, opsize, data);)
/** Print the options of the library. */
FSP_FUSE_SYM(void fuse3_lib_help(struct fuse_args* args),
             FSP_FUSE_API_CALL(fsp_fuse3_lib_help)(fsp_fuse_env(), args);)
/** @return null (after a message) on failure */
#if defined(FUSE_USE_VERSION) && FUSE_USE_VERSION == 30
FSP_FUSE_SYM(struct fuse3* fuse3_new_30(struct fuse_args* args, const struct fuse3_operations* ops,
                                        size_t opsize, void* data),
             return FSP_FUSE_API_CALL(fsp_fuse3_new_30)(fsp_fuse_env(), args, ops, opsize, data);)
#undef fuse3_new
#define fuse_new(args, op, size, data) fuse_new_30(args, op, size, data)
#else
FSP_FUSE_SYM(struct fuse3* fuse3_new(struct fuse_args* args, const struct fuse3_operations* ops,
                                     size_t opsize, void* data),
             return FSP_FUSE_API_CALL(fsp_fuse3_new)(fsp_fuse_env(), args, ops, opsize, data);)
#endif
FSP_FUSE_SYM(void fuse3_destroy(struct fuse3* f), FSP_FUSE_API_CALL(fsp_fuse3_destroy)(fsp_fuse_env(), f);)
/** @return 0 or -1 */
FSP_FUSE_SYM(int fuse3_mount(struct fuse3* f, const char* mountpoint),
             return FSP_FUSE_API_CALL(fsp_fuse3_mount)(fsp_fuse_env(), f, mountpoint);)
FSP_FUSE_SYM(void fuse3_unmount(struct fuse3* f), FSP_FUSE_API_CALL(fsp_fuse3_unmount)(fsp_fuse_env(), f);)
/** Serve, one call at a time, until fuse_exit, a signal or an unmount. @return 0; negative on failure */
FSP_FUSE_SYM(int fuse3_loop(struct fuse3* f), return FSP_FUSE_API_CALL(fsp_fuse3_loop)(fsp_fuse_env(), f);)
/** Serve with several calls at a time. */
#if !defined(FUSE_USE_VERSION) || FUSE_USE_VERSION < 32
FSP_FUSE_SYM(int fuse3_loop_mt_31(struct fuse3* f, int clone_fd),
             return FSP_FUSE_API_CALL(fsp_fuse3_loop_mt_31)(fsp_fuse_env(), f, clone_fd);)
#undef fuse3_loop_mt
#define fuse_loop_mt(f, clone_fd) fuse_loop_mt_31(f, clone_fd)
#elif defined(FSP_FUSE_LINUX) && FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
int fuse_loop_mt_32(struct fuse* f, struct fuse_loop_config* config);
#define fuse_loop_mt(f, config) fuse_loop_mt_32(f, config)
#else
FSP_FUSE_SYM(int fuse3_loop_mt(struct fuse3* f, struct fuse3_loop_config* config),
             return FSP_FUSE_API_CALL(fsp_fuse3_loop_mt)(fsp_fuse_env(), f, config);)
#endif
FSP_FUSE_SYM(void fuse3_exit(struct fuse3* f), FSP_FUSE_API_CALL(fsp_fuse3_exit)(fsp_fuse_env(), f);)
/** Of the call that the thread is in. */
FSP_FUSE_SYM(struct fuse3_context* fuse3_get_context(void),
             return FSP_FUSE_API_CALL(fsp_fuse3_get_context)(fsp_fuse_env());)
FSP_FUSE_SYM(int fuse3_getgroups(int size, fuse_gid_t list[]), (void)size; (void)list; return -ENOSYS;)
FSP_FUSE_SYM(int fuse3_interrupted(void), return 0;)
FSP_FUSE_SYM(int fuse3_invalidate_path(struct fuse3* f, const char* path), (void)f; (void)path;
             return -ENOENT;)
FSP_FUSE_SYM(int fuse3_notify_poll(struct fuse3_pollhandle* ph), (void)ph; return 0;)
FSP_FUSE_SYM(int fuse3_start_cleanup_thread(struct fuse3* f), (void)f; return 0;)
FSP_FUSE_SYM(void fuse3_stop_cleanup_thread(struct fuse3* f), (void)f;)
FSP_FUSE_SYM(int fuse3_clean_cache(struct fuse3* f), (void)f; return 600;)
FSP_FUSE_SYM(struct fuse3_session* fuse3_get_session(struct fuse3* f),
             return (struct fuse3_session*)(void*)f;)

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: MIT */
/* The FUSE 2 header on Windows: layouts are ABI; and a program that uses every name. */
#define FUSE_USE_VERSION 26
#include <stddef.h>
#include <fuse/fuse.h>

#if defined(__cplusplus)
#define CHECK(what) static_assert(what, #what)
#else
#define CHECK(what) _Static_assert(what, #what)
#endif
#if defined(_WIN64)
#define OFFSET(type, member, wide, narrow) CHECK(offsetof(type, member) == wide)
#define SIZE(type, wide, narrow) CHECK(sizeof(type) == wide)
#else
#define OFFSET(type, member, wide, narrow) CHECK(offsetof(type, member) == narrow)
#define SIZE(type, wide, narrow) CHECK(sizeof(type) == narrow)
#endif

CHECK(FUSE_VERSION == 28);
OFFSET(struct fuse_utimbuf, modtime, 8, 4);
SIZE(struct fuse_utimbuf, 16, 8);
SIZE(struct fuse_timespec, 16, 8);
OFFSET(struct fuse_stat, st_ino, 8, 8);
OFFSET(struct fuse_stat, st_nlink, 20, 20);
OFFSET(struct fuse_stat, st_rdev, 32, 32);
OFFSET(struct fuse_stat, st_size, 40, 40);
OFFSET(struct fuse_stat, st_mtim, 64, 56);
OFFSET(struct fuse_stat, st_blksize, 96, 72);
OFFSET(struct fuse_stat, st_blocks, 104, 80);
OFFSET(struct fuse_stat, st_birthtim, 112, 88);
SIZE(struct fuse_stat, 128, 96);
OFFSET(struct fuse_stat_ex, st_flags, 128, 96);
OFFSET(struct fuse_stat_ex, st_reserved64, 144, 112);
SIZE(struct fuse_stat_ex, 160, 128);
OFFSET(struct fuse_statvfs, f_blocks, 16, 8);
OFFSET(struct fuse_statvfs, f_namemax, 80, 40);
SIZE(struct fuse_statvfs, 88, 44);
OFFSET(struct fuse_flock, l_start, 8, 8);
OFFSET(struct fuse_flock, l_pid, 24, 24);
SIZE(struct fuse_flock, 32, 32);
OFFSET(struct fsp_fuse_env, memalloc, 8, 4);
OFFSET(struct fsp_fuse_env, winpid_to_pid, 48, 24);
SIZE(struct fsp_fuse_env, 72, 36);
OFFSET(struct fuse_file_info, fh, 16, 16);
SIZE(struct fuse_file_info, 32, 32);
OFFSET(struct fuse_conn_info, want, 24, 24);
SIZE(struct fuse_conn_info, 128, 128);
OFFSET(struct fuse_context, private_data, 24, 16);
SIZE(struct fuse_context, 40, 24);
OFFSET(struct fuse_operations, getdir, 8, 4);
OFFSET(struct fuse_operations, readlink, 16, 8);
OFFSET(struct fuse_operations, open, 112, 56);
OFFSET(struct fuse_operations, init, 232, 116);
OFFSET(struct fuse_operations, bmap, 296, 148);
OFFSET(struct fuse_operations, ioctl, 312, 156);
OFFSET(struct fuse_operations, getpath, 360, 180);
OFFSET(struct fuse_operations, chflags, 440, 220);
OFFSET(struct fuse_operations, fsetattr_x, 456, 228);
SIZE(struct fuse_operations, 464, 232);
OFFSET(struct fuse_opt, value, 12, 8);
SIZE(struct fuse_opt, 16, 12);
SIZE(struct fuse_args, 24, 12);
CHECK(FSP_FUSE_DEVICE_TYPE == 0xC657);

static int getattr(const char* path, struct fuse_stat* stbuf)
{
    (void)path;
    stbuf->st_mode = 0040755;
    return 0 == fuse_get_context() ? -ENOENT : 0;
}

int use(int argc, char* argv[])
{
    static struct fuse_operations ops;
    static const struct fuse_opt opts[] = {FUSE_OPT_KEY("-x", FUSE_OPT_KEY_DISCARD), FUSE_OPT_END};
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    char* mountpoint = 0;
    int multithreaded, foreground;
    struct fuse_chan* ch;
    struct fuse* f;
    ops.getattr = getattr;
    if (1 == argc)
        return fuse_main(argc, argv, &ops, 0);
    if (-1 == fuse_opt_parse(&args, 0, opts, 0) || -1 == fuse_opt_add_arg(&args, "-f") ||
        -1 == fuse_parse_cmdline(&args, &mountpoint, &multithreaded, &foreground))
        return 1;
    ch = fuse_mount(mountpoint, &args);
    f = fuse_new(ch, &args, &ops, sizeof ops, 0);
    if (0 == f || -1 == fuse_daemonize(foreground) || -1 == fuse_set_signal_handlers(fuse_get_session(f)))
        return 1;
    (void)(multithreaded ? fuse_loop_mt(f) : fuse_loop(f));
    fuse_remove_signal_handlers(fuse_get_session(f));
    (void)fuse_notify(f, "/", FSP_FUSE_NOTIFY_CHMOD);
    (void)fuse_invalidate(f, "/");
    fuse_exit(f);
    (void)fuse_exited(f);
    fuse_unmount(mountpoint, ch);
    fuse_destroy(f);
    fuse_opt_free_args(&args);
    free(mountpoint);
    return fuse_version() + fuse_is_lib_option("-f") + fuse_interrupted() + fuse_getgroups(0, 0);
}

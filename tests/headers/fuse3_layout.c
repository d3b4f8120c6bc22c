/* SPDX-License-Identifier: MIT */
/* The FUSE 3 header on Windows: layouts are ABI; and a program that uses every name. */
#include <stddef.h>
#include <fuse3/fuse.h>

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

CHECK(FUSE_VERSION == 32);
OFFSET(struct fuse_config, entry_timeout, 24, 24);
OFFSET(struct fuse_config, ac_attr_timeout_set, 84, 84);
OFFSET(struct fuse_config, ac_attr_timeout, 88, 88);
OFFSET(struct fuse_config, modules, 104, 104);
SIZE(struct fuse_config, 120, 112);
OFFSET(struct fuse_file_info, fh, 16, 16);
OFFSET(struct fuse_file_info, poll_events, 32, 32);
SIZE(struct fuse_file_info, 40, 40);
SIZE(struct fuse_loop_config, 8, 8);
OFFSET(struct fuse_conn_info, time_gran, 36, 36);
SIZE(struct fuse_conn_info, 128, 128);
OFFSET(struct fuse_buf, pos, 32, 16);
SIZE(struct fuse_buf, 40, 24);
OFFSET(struct fuse_bufvec, buf, 24, 16);
SIZE(struct fuse_bufvec, 64, 40);
SIZE(struct fuse_context, 40, 24);
OFFSET(struct fuse_operations, rename, 56, 28);
OFFSET(struct fuse_operations, init, 216, 108);
OFFSET(struct fuse_operations, utimens, 256, 128);
OFFSET(struct fuse_operations, fallocate, 312, 156);
SIZE(struct fuse_operations, 320, 160);

int use(int argc, char* argv[])
{
    static struct fuse_operations ops;
    struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
    struct fuse* f;
    if (1 == argc)
        return fuse_main(argc, argv, &ops, 0);
    fuse_lib_help(&args);
    (void)fuse_parse_conn_info_opts(&args);
    f = fuse_new(&args, &ops, sizeof ops, 0);
    if (0 == f || 0 != fuse_mount(f, "X:") || 0 != fuse_daemonize(1))
        return 1;
#if !defined(FUSE_USE_VERSION) || FUSE_USE_VERSION < 32
    (void)fuse_loop_mt(f, 0);
#else
    (void)fuse_loop_mt(f, (struct fuse_loop_config*)0);
#endif
    (void)fuse_loop(f);
    fuse_exit(f);
    (void)fuse_invalidate_path(f, "/");
    fuse_unmount(f);
    fuse_destroy(f);
    return fuse_version() + (0 != fuse_pkgversion()) + (0 != fuse_get_context()) + fuse_clean_cache(f);
}

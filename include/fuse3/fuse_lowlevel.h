/* SPDX-License-Identifier: MIT */
/**
 * @file fuse3/fuse_lowlevel.h
 * FUSE 3 on Linux: what high-level programs use of sessions. There is no low-level API.
 */
#ifndef FUSE_LOWLEVEL_H_
#define FUSE_LOWLEVEL_H_

#if !defined(FSP_FUSE_LINUX)
#error "sessions are for Linux"
#endif

#include "fuse_common.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What fuse_parse_cmdline finds. */
struct fuse_cmdline_opts
{
    int singlethread;
    int foreground;
    int debug;
    int nodefault_subtype;
    char* mountpoint; /**< released with free */
    int show_version;
    int show_help;
    int clone_fd;
    unsigned int max_idle_threads;
#if FUSE_USE_VERSION >= FUSE_MAKE_VERSION(3, 12)
    unsigned int max_threads;
#endif
};

/** Take the options that all FUSE programs have off a command line. @return 0 or -1 */
#if FUSE_USE_VERSION < FUSE_MAKE_VERSION(3, 12)
int fuse_parse_cmdline_30(struct fuse_args* args, struct fuse_cmdline_opts* opts);
#define fuse_parse_cmdline(args, opts) fuse_parse_cmdline_30(args, opts)
#else
int fuse_parse_cmdline(struct fuse_args* args, struct fuse_cmdline_opts* opts);
#endif
void fuse_cmdline_help(void);
void fuse_lowlevel_help(void);
void fuse_lowlevel_version(void);

void fuse_session_exit(struct fuse_session* se);
void fuse_session_reset(struct fuse_session* se);
int fuse_session_exited(struct fuse_session* se);
int fuse_session_fd(struct fuse_session* se);

#ifdef __cplusplus
}
#endif

#endif

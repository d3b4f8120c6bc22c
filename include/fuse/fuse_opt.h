/* SPDX-License-Identifier: MIT */
/**
 * @file fuse/fuse_opt.h
 * Options on a command line.
 *
 * A table says what options there are: "-x", "name", "name=%u", "-n ". An argument that matches an entry with
 * an offset is stored in the caller's structure; one that matches a key goes to the caller's function.
 */
#ifndef FUSE_OPT_H_
#define FUSE_OPT_H_

#include "winfsp_fuse.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(FSP_FUSE_LINUX)
#define FSP_FUSE_OPT_OFFSET unsigned long
#else
#define FSP_FUSE_OPT_OFFSET unsigned int
#endif

struct fuse_opt
{
    const char* templ;          /**< null ends a table */
    FSP_FUSE_OPT_OFFSET offset; /**< of the variable; -1U: value is a key */
    int value;                  /**< stored by an entry without a conversion; or the key */
};
#define FUSE_OPT_KEY(templ, key) {templ, -1U, key}
#define FUSE_OPT_END {0, 0, 0}

struct fuse_args
{
    int argc;
    char** argv;
    int allocated; /**< argv and its strings belong to the library */
};
#define FUSE_ARGS_INIT(argc, argv) {argc, argv, 0}

#define FUSE_OPT_KEY_OPT -1     /**< an option that matched nothing */
#define FUSE_OPT_KEY_NONOPT -2  /**< an argument that is not an option */
#define FUSE_OPT_KEY_KEEP -3    /**< stays on the command line */
#define FUSE_OPT_KEY_DISCARD -4 /**< goes */

/** @return -1 error, 0 discard the argument, 1 keep it */
typedef int (*fuse_opt_proc_t)(void* data, const char* arg, int key, struct fuse_args* outargs);

#if !defined(FSP_FUSE_LINUX)
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_parse)(struct fsp_fuse_env* env, struct fuse_args* args,
                                                       void* data, const struct fuse_opt opts[],
                                                       fuse_opt_proc_t proc);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_add_arg)(struct fsp_fuse_env* env, struct fuse_args* args,
                                                         const char* arg);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_insert_arg)(struct fsp_fuse_env* env, struct fuse_args* args,
                                                            int pos, const char* arg);
FSP_FUSE_API void FSP_FUSE_API_NAME(fsp_fuse_opt_free_args)(struct fsp_fuse_env* env, struct fuse_args* args);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_add_opt)(struct fsp_fuse_env* env, char** opts,
                                                         const char* opt);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_add_opt_escaped)(struct fsp_fuse_env* env, char** opts,
                                                                 const char* opt);
FSP_FUSE_API int FSP_FUSE_API_NAME(fsp_fuse_opt_match)(struct fsp_fuse_env* env, const struct fuse_opt opts[],
                                                       const char* opt);
#endif

/** Work through a command line; what is kept replaces it. @return 0, or -1 (after a message) */
FSP_FUSE_SYM(int fuse_opt_parse(struct fuse_args* args, void* data, const struct fuse_opt opts[],
                                fuse_opt_proc_t proc),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_parse)(fsp_fuse_env(), args, data, opts, proc);)
/** Append a copy of an argument. @return 0 or -1 */
FSP_FUSE_SYM(int fuse_opt_add_arg(struct fuse_args* args, const char* arg),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_add_arg)(fsp_fuse_env(), args, arg);)
/** Insert a copy of an argument before argv[pos]. @return 0 or -1 */
FSP_FUSE_SYM(int fuse_opt_insert_arg(struct fuse_args* args, int pos, const char* arg),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_insert_arg)(fsp_fuse_env(), args, pos, arg);)
/** Release what the library allocated for a command line, which is then empty. */
FSP_FUSE_SYM(void fuse_opt_free_args(struct fuse_args* args),
             FSP_FUSE_API_CALL(fsp_fuse_opt_free_args)(fsp_fuse_env(), args);)
/** Append an option to a comma-separated list, which is allocated with malloc. @return 0 or -1 */
FSP_FUSE_SYM(int fuse_opt_add_opt(char** opts, const char* opt),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_add_opt)(fsp_fuse_env(), opts, opt);)
/** The same, with commas and backslashes of the option escaped. */
FSP_FUSE_SYM(int fuse_opt_add_opt_escaped(char** opts, const char* opt),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_add_opt_escaped)(fsp_fuse_env(), opts, opt);)
/** @return 1 if an option matches an entry of the table */
FSP_FUSE_SYM(int fuse_opt_match(const struct fuse_opt opts[], const char* opt),
             return FSP_FUSE_API_CALL(fsp_fuse_opt_match)(fsp_fuse_env(), opts, opt);)

#ifdef __cplusplus
}
#endif

#endif

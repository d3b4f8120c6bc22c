// SPDX-License-Identifier: MIT
//
// The functions of FUSE 3, on FUSE 2: a struct fuse3 becomes a struct fuse when it is mounted.
#include <algorithm>

#include "dll/fuse/context.h"
#include "dll/fuse/file_system.h"
#include "dll/fuse/fuse3_adapter.h"

using namespace fsp::winfuse;

namespace {

/// fuse_loop and its relatives of FUSE 3 report every failure so.
int run(fuse3* f, bool multi_threaded)
{
    return f->mounted != nullptr && run_loop(f->mounted, multi_threaded) ? 0 : -error_invalid;
}

bool mount(fuse3* f, const char* mount_point)
{
    WCHAR wide[mount_point_capacity];
    if (f->mounted != nullptr || !parse_mount_point(f->env, mount_point, wide))
        return false;
    Args args(&f->env); // options are taken out of it
    const fuse_operations on = adapt(f->on);
    f->mounted =
        args.append_all(f->args) ? make(&f->env, wide, args.get(), &on, sizeof on, f->data, f) : nullptr;
    return f->mounted != nullptr;
}

} // namespace

int fsp_fuse3_version(Env*) { return 32; }
const char* fsp_fuse3_pkgversion(Env*) { return "3.2"; }

void fsp_fuse3_lib_help(Env*, fuse_args*) { print_core_help(); }

fuse3* fsp_fuse3_new_30(Env* env, fuse_args* args, const fuse3_operations* ops, size_t opsize, void* data)
{
    // Now only whether the options are right, and help; what they do comes with the mount.
    Args trial(env), copy(env);
    Options options;
    if ((args != nullptr && (!trial.append_all(*args) || !copy.append_all(*args))) ||
        !take_options(env, trial.get(), &options))
        return nullptr;
    release_options(&options);
    if (options.help != 0)
        print_core_help();
    if (options.version != 0)
        print_version();
    if (options.help != 0 || options.version != 0)
        return nullptr;
    auto* f = static_cast<fuse3*>(allocate(*env, sizeof(fuse3)));
    if (f == nullptr)
        return nullptr;
    f->env = *env;
    std::memcpy(&f->on, ops, std::min(opsize, sizeof f->on));
    f->data = data;
    f->args = copy.release();
    return f;
}

fuse3* fsp_fuse3_new(Env* env, fuse_args* args, const fuse3_operations* ops, size_t opsize, void* data)
{
    return fsp_fuse3_new_30(env, args, ops, opsize, data);
}

int fsp_fuse3_mount(Env*, fuse3* f, const char* mountpoint) { return mount(f, mountpoint) ? 0 : -1; }

void fsp_fuse3_unmount(Env*, fuse3* f)
{
    if (f->mounted != nullptr)
        destroy(f->mounted);
    f->mounted = nullptr;
}

void fsp_fuse3_destroy(Env* env, fuse3* f)
{
    fsp_fuse3_unmount(env, f);
    fsp_fuse_opt_free_args(&f->env, &f->args);
    f->env.memfree(f);
}

int fsp_fuse3_loop(Env*, fuse3* f) { return run(f, false); }
int fsp_fuse3_loop_mt_31(Env*, fuse3* f, int) { return run(f, true); }
int fsp_fuse3_loop_mt(Env*, fuse3* f, fuse3_loop_config*) { return run(f, true); }

void fsp_fuse3_exit(Env*, fuse3* f)
{
    if (f->mounted != nullptr)
        exit_loop(f->mounted);
}

fuse3_context* fsp_fuse3_get_context(Env* env)
{
    // Both have the same members; `fuse` is what the program knows the file system by.
    return reinterpret_cast<fuse3_context*>(thread_context(*env));
}

fuse3_conn_info_opts* fsp_fuse3_parse_conn_info_opts(Env*, fuse_args*)
{
    // There is nothing to choose: all that a program needs is something that is not null.
    static char nothing;
    return reinterpret_cast<fuse3_conn_info_opts*>(&nothing);
}

void fsp_fuse3_apply_conn_info_opts(Env*, fuse3_conn_info_opts*, fuse3_conn_info*) {}

int fsp_fuse3_main_real(Env* env, int argc, char* argv[], const fuse3_operations* ops, size_t opsize,
                        void* data)
{
    Args args(env);
    *args.get() = FUSE_ARGS_INIT(argc, argv);
    char* mount_point = nullptr;
    int multi_threaded = 0, foreground = 0;
    if (fsp_fuse_parse_cmdline(env, args.get(), &mount_point, &multi_threaded, &foreground) != 0)
        return 1;
    int code = 1;
    if (fuse3* f = fsp_fuse3_new_30(env, args.get(), ops, opsize, data)) {
        if (mount(f, mount_point)) {
            if (env->daemonize(foreground) != -1 && env->set_signal_handlers(f) != -1)
                code = run(f, multi_threaded != 0) == 0 ? 0 : 1;
            env->set_signal_handlers(nullptr);
        }
        fsp_fuse3_destroy(env, f);
    }
    env->memfree(mount_point);
    return code;
}

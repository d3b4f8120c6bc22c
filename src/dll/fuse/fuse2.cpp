// SPDX-License-Identifier: MIT
//
// The functions of FUSE 2.
#include "dll/fuse/context.h"
#include "dll/fuse/file_system.h"
#include "dll/service.h"

using namespace fsp::winfuse;

/// Where to mount, from fuse_mount to fuse_new; in memory of the program.
struct fuse_chan
{
    void (*release)(void*);
    WCHAR mount_point[mount_point_capacity];
};

void fsp_fuse_signal_handler(int) { fsp::dll::stop_console_service(); }

int fsp_fuse_version(Env*) { return FUSE_VERSION; }

fuse_chan* fsp_fuse_mount(Env* env, const char* mountpoint, fuse_args*)
{
    auto* ch = static_cast<fuse_chan*>(allocate(*env, sizeof(fuse_chan)));
    if (ch == nullptr)
        return nullptr;
    ch->release = env->memfree;
    if (parse_mount_point(*env, mountpoint, ch->mount_point))
        return ch;
    env->memfree(ch);
    return nullptr;
}

void fsp_fuse_unmount(Env*, const char*, fuse_chan* ch)
{
    if (ch != nullptr)
        ch->release(ch);
}

int fsp_fuse_is_lib_option(Env*, const char* opt) { return is_core_option(opt); }

fuse* fsp_fuse_new(Env* env, fuse_chan* ch, fuse_args* args, const fuse_operations* ops, size_t opsize,
                   void* data)
{
    return make(env, ch->mount_point, args, ops, opsize, data, nullptr);
}

void fsp_fuse_destroy(Env*, fuse* f) { destroy(f); }
int fsp_fuse_loop(Env*, fuse* f) { return run_loop(f, false) ? 0 : -1; }
int fsp_fuse_loop_mt(Env*, fuse* f) { return run_loop(f, true) ? 0 : -1; }
void fsp_fuse_exit(Env*, fuse* f) { exit_loop(f); }
int fsp_fuse_exited(Env*, fuse* f) { return static_cast<int>(__atomic_load_n(&f->exited, __ATOMIC_SEQ_CST)); }
fuse_context* fsp_fuse_get_context(Env* env) { return thread_context(*env); }

int fsp_fuse_main_real(Env* env, int argc, char* argv[], const fuse_operations* ops, size_t opsize,
                       void* data)
{
    Args args(env);
    *args.get() = FUSE_ARGS_INIT(argc, argv);
    char* mount_point = nullptr;
    int multi_threaded = 0, foreground = 0;
    if (fsp_fuse_parse_cmdline(env, args.get(), &mount_point, &multi_threaded, &foreground) != 0)
        return 1;
    int code = 1;
    if (fuse_chan* ch = fsp_fuse_mount(env, mount_point, args.get())) {
        if (fuse* f = fsp_fuse_new(env, ch, args.get(), ops, opsize, data)) {
            if (env->daemonize(foreground) != -1 && env->set_signal_handlers(f) != -1)
                code = run_loop(f, multi_threaded != 0) ? 0 : 1;
            env->set_signal_handlers(nullptr);
            destroy(f);
        }
        fsp_fuse_unmount(env, mount_point, ch);
    }
    env->memfree(mount_point);
    return code;
}

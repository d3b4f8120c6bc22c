// SPDX-License-Identifier: MIT
//
// The options that every FUSE program has.
#include "fuse/fuse.h"

#include "dll/fuse/options.h"

namespace fsp::winfuse {
namespace {

enum Key
{
    key_help = 1,
    key_help_only,
    key_debug,
    key_foreground,
    key_single_thread,
};

constexpr fuse_opt table[] = {
    FUSE_OPT_KEY("-h", key_help),          FUSE_OPT_KEY("--help", key_help),
    FUSE_OPT_KEY("-ho", key_help_only),    FUSE_OPT_KEY("-d", key_debug),
    FUSE_OPT_KEY("debug", key_debug),      FUSE_OPT_KEY("-f", key_foreground),
    FUSE_OPT_KEY("-s", key_single_thread), FUSE_OPT_END,
};

struct CommandLine
{
    Env* env;
    const char* program;
    char* mount_point;
    bool single_threaded, foreground;
};

int take(void* data, const char* text, int key, fuse_args* kept)
{
    constexpr int keep = 1, drop = 0, error = -1;
    auto& line = *static_cast<CommandLine*>(data);
    switch (key) {
    case key_help:
        print_usage(line.program);
        print_fuse_help();
        return keep;
    case key_help_only:
        print_fuse_help();
        return fsp_fuse_opt_add_arg(line.env, kept, "-h") == 0 ? drop : error;
    case key_debug:
        line.foreground = true;
        return keep;
    case key_foreground:
        line.foreground = true;
        return drop;
    case key_single_thread:
        line.single_threaded = true;
        return drop;
    case FUSE_OPT_KEY_NONOPT:
        if (line.mount_point != nullptr) {
            say(EVENTLOG_ERROR_TYPE, FSP_L("fuse: invalid argument \"%S\""), text);
            return keep;
        }
        line.mount_point = duplicate(*line.env, text);
        return line.mount_point != nullptr ? keep : error;
    default:
        return keep;
    }
}

} // namespace
} // namespace fsp::winfuse

int fsp_fuse_parse_cmdline(struct fsp_fuse_env* env, fuse_args* args, char** mountpoint, int* multithreaded,
                           int* foreground)
{
    using namespace fsp::winfuse;
    CommandLine line = {env, args != nullptr && args->argc > 0 ? args->argv[0] : nullptr, nullptr, false,
                        false};
    const int result = fsp_fuse_opt_parse(env, args, &line, table, take);
    if (result == 0 && mountpoint != nullptr)
        *mountpoint = line.mount_point;
    else
        env->memfree(line.mount_point);
    if (result != 0)
        return -1;
    if (multithreaded != nullptr)
        *multithreaded = !line.single_threaded;
    if (foreground != nullptr)
        *foreground = line.foreground;
    return 0;
}

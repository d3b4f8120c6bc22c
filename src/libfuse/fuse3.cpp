// SPDX-License-Identifier: MIT
//
// libfuse3.so.3: the functions of FUSE 3 on the one file system object that both versions share.
#define FUSE_USE_VERSION 314
#include "fuse3/fuse.h"
#include "fuse3/fuse_lowlevel.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "dll/posix_mount.h"
#include "libfuse/adapter.h"
#include "libfuse/background.h"
#include "libfuse/file_system.h"

namespace fsp::libfuse {

void NativeInfo::put_extra()
{
    native_.cache_readdir = info_->cache_readdir;
    native_.noflush = info_->noflush;
    native_.poll_events = info_->poll_events;
}

void NativeInfo::take_extra()
{
    info_->cache_readdir = native_.cache_readdir;
    info_->noflush = native_.noflush;
}

namespace {

class Program3 final : public TableProgram
{
  public:
    Program3(const fuse_operations* table, size_t size, void* data) : TableProgram(table, size, data)
    {
        has.lseek = on_.lseek != nullptr;
        has.copy_file_range = on_.copy_file_range != nullptr;
    }

    void* init(Connection& connection, Config& config) override
    {
        if (!on_.init)
            return data_;
        fuse_conn_info conn{};
        conn.proto_major = 7;
        conn.proto_minor = 34;
        conn.max_write = connection.max_write;
        conn.max_read = connection.max_read;
        conn.max_readahead = connection.max_readahead;
        conn.capable = connection.capable;
        conn.want = connection.want;
        conn.max_background = connection.max_background;
        conn.congestion_threshold = connection.congestion_threshold;
        conn.time_gran = 1;
        fuse_config conf = to_native(config);
        void* const data = on_.init(&conn, &conf);
        connection.max_write = conn.max_write;
        connection.max_read = conn.max_read;
        connection.max_readahead = conn.max_readahead;
        connection.want = conn.want;
        connection.max_background = conn.max_background;
        connection.congestion_threshold = conn.congestion_threshold;
        from_native(conf, config);
        return data;
    }

    int getattr(const char* path, struct stat* out, OpenInfo* fi) override
    {
        return ask(on_.getattr, path, out, NativeInfo(fi));
    }
    int rename(const char* from, const char* to, unsigned flags) override
    {
        return ask(on_.rename, from, to, flags);
    }
    int chmod(const char* path, mode_t mode, OpenInfo* fi) override
    {
        return ask(on_.chmod, path, mode, NativeInfo(fi));
    }
    int chown(const char* path, uid_t uid, gid_t gid, OpenInfo* fi) override
    {
        return ask(on_.chown, path, uid, gid, NativeInfo(fi));
    }
    int truncate(const char* path, off_t size, OpenInfo* fi) override
    {
        return ask(on_.truncate, path, size, NativeInfo(fi));
    }
    int utimens(const char* path, const struct timespec times[2], OpenInfo* fi) override
    {
        return ask(on_.utimens, path, times, NativeInfo(fi));
    }
    int readdir(const char* path, const Filler& filler, off_t offset, OpenInfo* fi, bool plus) override
    {
        const auto fill = [](void* buffer, const char* name, const struct stat* attributes, off_t next,
                             fuse_fill_dir_flags flags) {
            const auto& to = *static_cast<const Filler*>(buffer);
            return to(name, attributes, next, attributes && (flags & FUSE_FILL_DIR_PLUS)) ? 0 : 1;
        };
        return ask(on_.readdir, path, const_cast<Filler*>(&filler), fuse_fill_dir_t(fill), offset,
                   NativeInfo(fi), plus ? FUSE_READDIR_PLUS : fuse_readdir_flags(0));
    }
    off_t lseek(const char* path, off_t offset, int whence, OpenInfo* fi) override
    {
        return on_.lseek ? on_.lseek(path, offset, whence, NativeInfo(fi)) : -ENOSYS;
    }
    ssize_t copy_file_range(const char* from, OpenInfo* from_fi, off_t from_offset, const char* to,
                            OpenInfo* to_fi, off_t to_offset, size_t size, int flags) override
    {
        return on_.copy_file_range ? on_.copy_file_range(from, NativeInfo(from_fi), from_offset, to,
                                                         NativeInfo(to_fi), to_offset, size, flags)
                                   : -ENOSYS;
    }

  private:
    static fuse_config to_native(const Config& from)
    {
        fuse_config to{};
        to.set_gid = from.set_gid;
        to.gid = from.gid;
        to.set_uid = from.set_uid;
        to.uid = from.uid;
        to.set_mode = from.set_mode;
        to.umask = from.umask;
        to.entry_timeout = from.entry_timeout;
        to.negative_timeout = from.negative_timeout;
        to.attr_timeout = from.attr_timeout;
        to.intr = from.intr;
        to.intr_signal = from.intr_signal;
        to.remember = from.remember;
        to.hard_remove = from.hard_remove;
        to.use_ino = from.use_ino;
        to.readdir_ino = from.readdir_ino;
        to.direct_io = from.direct_io;
        to.kernel_cache = from.kernel_cache;
        to.auto_cache = from.auto_cache;
        to.no_rofd_flush = from.no_rofd_flush;
        to.ac_attr_timeout_set = from.ac_attr_timeout_set;
        to.ac_attr_timeout = from.ac_attr_timeout;
        to.nullpath_ok = from.nullpath_ok;
        to.debug = from.debug;
        return to;
    }

    static void from_native(const fuse_config& from, Config& to)
    {
        to.set_gid = from.set_gid != 0;
        to.gid = from.gid;
        to.set_uid = from.set_uid != 0;
        to.uid = from.uid;
        to.set_mode = from.set_mode != 0;
        to.umask = from.umask;
        to.entry_timeout = from.entry_timeout;
        to.negative_timeout = from.negative_timeout;
        to.attr_timeout = from.attr_timeout;
        to.hard_remove = from.hard_remove != 0;
        to.use_ino = from.use_ino != 0;
        to.readdir_ino = from.readdir_ino != 0;
        to.direct_io = from.direct_io != 0;
        to.kernel_cache = from.kernel_cache != 0;
        to.auto_cache = from.auto_cache != 0;
        to.no_rofd_flush = from.no_rofd_flush != 0;
        to.ac_attr_timeout_set = from.ac_attr_timeout_set != 0;
        to.ac_attr_timeout = from.ac_attr_timeout;
        to.nullpath_ok = from.nullpath_ok != 0;
    }
};

/// What fuse_new was told of the mount, until fuse_mount.
struct Fuse3 : FileSystem
{
    using FileSystem::FileSystem;
    MountOptions mount;
};

Fuse3& object(fuse* f) { return *reinterpret_cast<Fuse3*>(f); }
Fuse3& object(fuse_session* se) { return *reinterpret_cast<Fuse3*>(se); }

/// Exit codes of fuse_main that users of libfuse know.
enum ExitCode
{
    bad_arguments = 1,
    no_mount_point = 2,
    no_file_system = 3,
    not_mounted = 4,
    not_in_background = 5,
    no_signal_handlers = 6,
    loop_failed = 8
};

std::atomic<fuse_log_func_t> log_function = nullptr;

} // namespace
} // namespace fsp::libfuse

using namespace fsp::libfuse;

#define EXPORT extern "C" __attribute__((visibility("default")))

struct fuse_loop_config
{
    int clone_fd;
    unsigned int max_idle_threads;
};

EXPORT fuse* fuse_new_31(fuse_args* args, const fuse_operations* table, size_t size, void* data)
{
    if (size > sizeof(fuse_operations))
        std::fputs("fuse: warning: the program is for a newer library; some operations may not work\n",
                   stderr);
    LibraryOptions library;
    MountOptions mount;
    if (!take_library_options(args, Version::three, &library) ||
        !take_mount_options(args, Version::three, &mount))
        return nullptr;
    if (library.help) {
        print_library_help(Version::three);
        print_mount_help(Version::three);
        return nullptr;
    }
    if (library.version) {
        fuse_lowlevel_version();
        return nullptr;
    }
    // The name that fuse_parse_cmdline leaves for the session.
    if (!check_nothing_left(args, Version::three))
        return nullptr;
    auto* made = new Fuse3(std::make_unique<Program3>(table, size, data), std::move(library), data);
    made->mount = mount;
    return reinterpret_cast<fuse*>(made);
}

EXPORT fuse* fuse_new_30(fuse_args* args, const fuse_operations* table, size_t size, void* data)
{
    return fuse_new_31(args, table, size, data);
}

EXPORT int fuse_mount(fuse* f, const char* mount_point)
{
    return object(f).set_mount(mount_point ? mount_point : "", object(f).mount, Version::three) ? 0 : -1;
}

EXPORT void fuse_unmount(fuse* f) { object(f).unmount(); }
EXPORT void fuse_destroy(fuse* f) { delete &object(f); }
EXPORT void fuse_exit(fuse* f) { object(f).exit(); }

EXPORT int fuse_loop(fuse* f) { return f && object(f).loop(false) == 0 ? ending_signal() : -1; }

EXPORT int fuse_loop_mt_312(fuse* f, fuse_loop_config*)
{
    return f && object(f).loop(true) == 0 ? ending_signal() : -1;
}
EXPORT int fuse_loop_mt_32(fuse* f, fuse_loop_config*) { return fuse_loop_mt_312(f, nullptr); }
EXPORT int fuse_loop_mt_31(fuse* f, int) { return fuse_loop_mt_312(f, nullptr); }
EXPORT int fuse_loop_mt_30(fuse* f) { return fuse_loop_mt_312(f, nullptr); }

EXPORT fuse_context* fuse_get_context(void) { return reinterpret_cast<fuse_context*>(&context()); }

EXPORT int fuse_getgroups(int size, gid_t list[])
{
    const fsp::nt::PosixCall* call = fsp_fuse_posix_call();
    return call && call->groups ? call->groups(call->request, size, list) : -ENOSYS;
}

EXPORT int fuse_interrupted(void)
{
    const fsp::nt::PosixCall* call = fsp_fuse_posix_call();
    return call && call->interrupted ? call->interrupted(call->request) : 0;
}

EXPORT int fuse_invalidate_path(fuse* f, const char* path) { return object(f).invalidate(path); }
EXPORT int fuse_notify_poll(fuse_pollhandle* ph) { return -fsp_fuse_posix_notify_poll(ph); }
EXPORT void fuse_pollhandle_destroy(fuse_pollhandle* ph) { fsp_fuse_posix_destroy_poll(ph); }
EXPORT int fuse_start_cleanup_thread(fuse*) { return 0; }
EXPORT void fuse_stop_cleanup_thread(fuse*) {}
EXPORT int fuse_clean_cache(fuse*) { return 600; }
EXPORT fuse_session* fuse_get_session(fuse* f) { return reinterpret_cast<fuse_session*>(f); }

EXPORT size_t fuse_buf_size(const fuse_bufvec* buffers) { return buffers_size(buffers); }
EXPORT ssize_t fuse_buf_copy(fuse_bufvec* to, fuse_bufvec* from, fuse_buf_copy_flags)
{
    return to == from ? ssize_t(buffers_size(to)) : copy_buffers(to, from);
}

EXPORT int fuse_daemonize(int foreground) { return go_to_background(foreground != 0); }
EXPORT int fuse_set_signal_handlers(fuse_session* se) { return handle_signals(&object(se)); }
EXPORT void fuse_remove_signal_handlers(fuse_session* se) { stop_handling_signals(&object(se)); }
EXPORT int fuse_version(void) { return FUSE_VERSION; }
EXPORT const char* fuse_pkgversion(void) { return "3.14.0"; }

EXPORT void fuse_session_exit(fuse_session* se) { object(se).exit(); }
EXPORT int fuse_session_exited(fuse_session* se) { return object(se).exited(); }
EXPORT void fuse_session_reset(fuse_session* se) { object(se).reset(); }
EXPORT int fuse_session_fd(fuse_session* se) { return object(se).descriptor(); }

// ---- Options ----------------------------------------------------------------------------------------

namespace {

int parse_cmdline(fuse_args* args, fuse_cmdline_opts* opts, size_t size)
{
    CommandLine found;
    fuse_cmdline_opts out{};
    if (!take_command_line(args, Version::three, &found))
        return -1;
    out.singlethread = found.single_thread;
    out.foreground = found.foreground;
    out.debug = found.debug;
    out.nodefault_subtype = found.no_default_subtype;
    out.mountpoint = found.has_mount_point ? strdup(found.mount_point.c_str()) : nullptr;
    out.show_version = found.version;
    out.show_help = found.help;
    out.clone_fd = found.clone_fd;
    out.max_idle_threads = found.max_idle_threads;
    out.max_threads = found.max_threads;
    std::memcpy(opts, &out, size);
    return 0;
}

} // namespace

EXPORT int fuse_parse_cmdline_312(fuse_args* args, fuse_cmdline_opts* opts)
{
    return parse_cmdline(args, opts, sizeof *opts);
}

/// Before 3.12 the structure ended earlier.
EXPORT int fuse_parse_cmdline_30(fuse_args* args, fuse_cmdline_opts* opts)
{
    return parse_cmdline(args, opts, offsetof(fuse_cmdline_opts, max_threads));
}

EXPORT void fuse_cmdline_help(void) { print_command_line_help(); }
EXPORT void fuse_lib_help(fuse_args*)
{
    print_library_help(Version::three);
    print_mount_help(Version::three);
}
EXPORT void fuse_lowlevel_help(void) { print_mount_help(Version::three); }
EXPORT void fuse_lowlevel_version(void) { std::puts("using OpenFsp's FUSE layer"); }

struct fuse_conn_info_opts
{
    LibraryOptions options;
};

EXPORT fuse_conn_info_opts* fuse_parse_conn_info_opts(fuse_args* args)
{
    // The options themselves stay the library's, which applies them to the connection in any case.
    auto* opts = new fuse_conn_info_opts;
    fuse_args copy = FUSE_ARGS_INIT(0, nullptr);
    for (int i = 0; args && i < args->argc; ++i)
        fuse_opt_add_arg(&copy, args->argv[i]);
    const bool good = take_library_options(&copy, Version::three, &opts->options);
    fuse_opt_free_args(&copy);
    if (good)
        return opts;
    delete opts;
    return nullptr;
}

EXPORT void fuse_apply_conn_info_opts(fuse_conn_info_opts* opts, fuse_conn_info* conn)
{
    const LibraryOptions& options = opts->options;
    if (options.max_write >= 0)
        conn->max_write = unsigned(options.max_write);
    if (options.max_readahead >= 0)
        conn->max_readahead = unsigned(options.max_readahead);
    if (options.max_background >= 0)
        conn->max_background = unsigned(options.max_background);
    if (options.congestion_threshold >= 0)
        conn->congestion_threshold = unsigned(options.congestion_threshold);
    conn->want = (conn->want | options.want) & ~options.refuse;
}

// ---- The loop's configuration: there is nothing to configure ----------------------------------------

EXPORT fuse_loop_config* fuse_loop_cfg_create(void) { return new fuse_loop_config{0, 10}; }
EXPORT void fuse_loop_cfg_destroy(fuse_loop_config* config) { delete config; }
EXPORT void fuse_loop_cfg_set_idle_threads(fuse_loop_config* config, unsigned value)
{
    config->max_idle_threads = value;
}
EXPORT void fuse_loop_cfg_set_max_threads(fuse_loop_config*, unsigned) {}
EXPORT void fuse_loop_cfg_set_clone_fd(fuse_loop_config* config, unsigned value)
{
    config->clone_fd = int(value);
}
EXPORT void fuse_loop_cfg_convert(fuse_loop_config* config, fuse_loop_config_v1* from)
{
    config->clone_fd = from->clone_fd;
    config->max_idle_threads = from->max_idle_threads;
}

// ---- Messages ---------------------------------------------------------------------------------------

EXPORT void fuse_set_log_func(fuse_log_func_t function) { log_function = function; }

EXPORT void fuse_log(fuse_log_level level, const char* format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (const fuse_log_func_t function = log_function)
        function(level, format, arguments);
    else
        std::vfprintf(stderr, format, arguments);
    va_end(arguments);
}

// ---- A whole program --------------------------------------------------------------------------------

namespace {

int serve(fuse_args* args, CommandLine& line, const fuse_operations* table, size_t size, void* data)
{
    if (line.version) {
        std::printf("FUSE library version %s\n", fuse_pkgversion());
        fuse_lowlevel_version();
        return 0;
    }
    if (line.help) {
        if (args->argv[0] && args->argv[0][0] != 0)
            std::printf("usage: %s [options] <mountpoint>\n\n", args->argv[0]);
        std::puts("FUSE options:");
        fuse_cmdline_help();
        fuse_lib_help(args);
        return 0;
    }
    if (!line.has_mount_point) {
        std::fputs("error: no mountpoint specified\n", stderr);
        return no_mount_point;
    }
    fuse* f = fuse_new_31(args, table, size, data);
    if (!f)
        return no_file_system;
    int result = 0;
    if (fuse_mount(f, line.mount_point.c_str()) != 0)
        result = not_mounted;
    else if (fuse_daemonize(line.foreground) != 0)
        result = not_in_background;
    else if (fuse_set_signal_handlers(fuse_get_session(f)) != 0)
        result = no_signal_handlers;
    else {
        if ((line.single_thread ? fuse_loop(f) : fuse_loop_mt_312(f, nullptr)) != 0)
            result = loop_failed;
        fuse_remove_signal_handlers(fuse_get_session(f));
        fuse_unmount(f);
    }
    fuse_destroy(f);
    return result;
}

} // namespace

EXPORT int fuse_main_real(int argc, char* argv[], const fuse_operations* table, size_t size, void* data)
{
    fuse_args args = FUSE_ARGS_INIT(argc, argv);
    CommandLine line;
    if (!take_command_line(&args, Version::three, &line))
        return bad_arguments;
    const int result = serve(&args, line, table, size, data);
    fuse_opt_free_args(&args);
    return result;
}

// ---- Versions of symbols ----------------------------------------------------------------------------

__asm__(".symver fuse_new_30, fuse_new@FUSE_3.0");
__asm__(".symver fuse_new_31, fuse_new@@FUSE_3.1");
__asm__(".symver fuse_loop_mt_30, fuse_loop_mt@FUSE_3.0");
__asm__(".symver fuse_loop_mt_32, fuse_loop_mt@FUSE_3.2");
__asm__(".symver fuse_loop_mt_312, fuse_loop_mt@@FUSE_3.12");
__asm__(".symver fuse_parse_cmdline_30, fuse_parse_cmdline@FUSE_3.0");
__asm__(".symver fuse_parse_cmdline_312, fuse_parse_cmdline@@FUSE_3.12");

// SPDX-License-Identifier: MIT
//
// libfuse.so.2: the functions of FUSE 2 on the one file system object that both versions share.
#include "fuse/fuse.h"

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <sys/eventfd.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "dll/posix_mount.h"
#include "libfuse/adapter.h"
#include "libfuse/background.h"
#include "libfuse/file_system.h"

namespace fsp::libfuse {

// Programs from before 2.6 keep their handle in fh_old.
void NativeInfo::put_extra() { native_.fh_old = static_cast<unsigned long>(info_->fh); }

void NativeInfo::take_extra()
{
    if (native_.fh == before_ && native_.fh_old != before_)
        info_->fh = native_.fh_old;
}

namespace {

/// A directory that a program fills through getdir.
struct OldFiller
{
    const Filler* to;
};

class Program2 final : public TableProgram
{
  public:
    /// @param old the table is from before 2.5: statfs takes a struct statfs
    Program2(const fuse_operations* table, size_t size, void* data, bool old)
        : TableProgram(table, size, data), old_(old)
    {}

    bool wants_no_path() const { return on_.flag_nopath || on_.flag_nullpath_ok; }

    void* init(Connection& connection, Config& config) override
    {
        config.nullpath_ok |= wants_no_path();
        if (!on_.init)
            return data_;
        fuse_conn_info conn{};
        conn.proto_major = 7;
        conn.proto_minor = 19;
        conn.async_read = connection.want & FUSE_CAP_ASYNC_READ;
        conn.max_write = connection.max_write;
        conn.max_readahead = connection.max_readahead;
        conn.capable = connection.capable;
        conn.want = connection.want & 0xFFF;
        conn.max_background = connection.max_background;
        conn.congestion_threshold = connection.congestion_threshold;
        void* const data = on_.init(&conn);
        connection.want = (connection.want & ~0xFFFu) | (conn.want & 0xFFF);
        if (!conn.async_read)
            connection.want &= ~unsigned(FUSE_CAP_ASYNC_READ);
        connection.max_write = conn.max_write;
        connection.max_readahead = conn.max_readahead;
        connection.max_background = conn.max_background;
        connection.congestion_threshold = conn.congestion_threshold;
        return data;
    }

    int getattr(const char* path, struct stat* out, OpenInfo* fi) override
    {
        if (fi && on_.fgetattr && !S_ISDIR(out->st_mode))
            return on_.fgetattr(path, out, NativeInfo(fi));
        return ask(on_.getattr, path, out);
    }
    int rename(const char* from, const char* to, unsigned flags) override
    {
        return flags != 0 ? -EINVAL : ask(on_.rename, from, to);
    }
    int chmod(const char* path, mode_t mode, OpenInfo*) override { return ask(on_.chmod, path, mode); }
    int chown(const char* path, uid_t uid, gid_t gid, OpenInfo*) override
    {
        return ask(on_.chown, path, uid, gid);
    }
    int truncate(const char* path, off_t size, OpenInfo* fi) override
    {
        if (fi && on_.ftruncate)
            return on_.ftruncate(path, size, NativeInfo(fi));
        return ask(on_.truncate, path, size);
    }

    int utimens(const char* path, const struct timespec times[2], OpenInfo* fi) override
    {
        struct timespec whole[2] = {times[0], times[1]};
        if (!on_.utimens || !on_.flag_utime_omit_ok) {
            const int result = fill_in(path, whole, fi);
            if (result != 0)
                return result;
        }
        if (on_.utimens)
            return on_.utimens(path, whole);
        struct utimbuf seconds = {whole[0].tv_sec, whole[1].tv_sec};
        return ask(on_.utime, path, &seconds);
    }

    int statfs(const char* path, struct statvfs* out) override
    {
        if (!old_ || !on_.statfs)
            return TableProgram::statfs(path, out);
        struct statfs info = {};
        const auto function =
            reinterpret_cast<int (*)(const char*, struct statfs*)>(reinterpret_cast<void*>(on_.statfs));
        const int result = function(path, &info);
        out->f_bsize = out->f_frsize = uint64_t(info.f_bsize);
        out->f_blocks = info.f_blocks;
        out->f_bfree = info.f_bfree;
        out->f_bavail = info.f_bavail;
        out->f_files = info.f_files;
        out->f_ffree = info.f_ffree;
        out->f_namemax = uint64_t(info.f_namelen);
        return result;
    }

    int opendir(const char* path, OpenInfo* fi) override
    {
        return on_.readdir ? TableProgram::opendir(path, fi) : 0;
    }

    int readdir(const char* path, const Filler& filler, off_t offset, OpenInfo* fi, bool) override
    {
        if (!on_.readdir && on_.getdir) {
            OldFiller old{&filler};
            return on_.getdir(path, reinterpret_cast<fuse_dirh_t>(&old),
                              [](fuse_dirh_t h, const char* name, int type, fuse_ino_t ino) {
                                  struct stat info = {};
                                  info.st_mode = mode_t(type) << 12;
                                  info.st_ino = ino;
                                  const Filler& to = *reinterpret_cast<OldFiller*>(h)->to;
                                  return to(name, &info, 0, false) ? 0 : -ENOMEM;
                              });
        }
        const auto fill = [](void* buffer, const char* name, const struct stat* attributes, off_t next) {
            return (*static_cast<const Filler*>(buffer))(name, attributes, next, false) ? 0 : 1;
        };
        return ask(on_.readdir, path, const_cast<Filler*>(&filler), fuse_fill_dir_t(fill), offset,
                   NativeInfo(fi));
    }

    off_t lseek(const char*, off_t, int, OpenInfo*) override { return -ENOSYS; }
    ssize_t copy_file_range(const char*, OpenInfo*, off_t, const char*, OpenInfo*, off_t, size_t,
                            int) override
    {
        return -ENOSYS;
    }

  private:
    /// "Now" and "as it is" as times, for programs that know neither.
    int fill_in(const char* path, struct timespec times[2], OpenInfo* fi)
    {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        struct stat info = {};
        if (times[0].tv_nsec == UTIME_OMIT || times[1].tv_nsec == UTIME_OMIT)
            if (const int result = getattr(path, &info, fi))
                return result;
        const struct timespec old[2] = {info.st_atim, info.st_mtim};
        for (int i = 0; i < 2; ++i)
            if (times[i].tv_nsec == UTIME_NOW)
                times[i] = now;
            else if (times[i].tv_nsec == UTIME_OMIT)
                times[i] = old[i];
        return 0;
    }

    const bool old_;
};

FileSystem& object(fuse* f) { return *reinterpret_cast<FileSystem*>(f); }
FileSystem& object(fuse_session* se) { return *reinterpret_cast<FileSystem*>(se); }

void print_usage(const char* program)
{
    std::fprintf(stderr,
                 "usage: %s mountpoint [options]\n\n"
                 "general options:\n"
                 "    -o opt,[opt...]        mount options\n"
                 "    -h   --help            print help\n"
                 "    -V   --version         print version\n\n",
                 program ? program : "<program>");
}

void print_fuse_help()
{
    std::fputs("FUSE options:\n"
               "    -d   -o debug          enable debug output (implies -f)\n"
               "    -f                     foreground operation\n"
               "    -s                     disable multi-threaded operation\n\n",
               stderr);
}

} // namespace
} // namespace fsp::libfuse

using namespace fsp::libfuse;

/// Where to mount, from fuse_mount to fuse_new.
struct fuse_chan
{
    std::string mount_point;
    MountOptions options;
    int descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); ///< for programs that mark it; never readable

    fuse_chan() = default;
    fuse_chan(const fuse_chan&) = delete;
    ~fuse_chan() { close(descriptor); }
};

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

bool asks_for(const fuse_args* args, const char* one, const char* other)
{
    for (int i = 1; args && i < args->argc; ++i)
        if (std::strcmp(args->argv[i], one) == 0 || std::strcmp(args->argv[i], other) == 0)
            return true;
    return false;
}

fuse* make(fuse_chan* ch, fuse_args* args, const fuse_operations* table, size_t size, void* data, bool old)
{
    if (size > sizeof(fuse_operations))
        std::fputs("fuse: warning: the program is for a newer library; some operations may not work\n",
                   stderr);
    LibraryOptions library;
    if (!take_library_options(args, Version::two, &library))
        return nullptr;
    if (library.help) {
        print_library_help(Version::two);
        return nullptr;
    }
    if (library.version) {
        std::fputs("using OpenFsp's FUSE layer\n", stderr);
        return nullptr;
    }
    if (!check_nothing_left(args, Version::two) || !ch)
        return nullptr;
    auto made = std::make_unique<FileSystem>(std::make_unique<Program2>(table, size, data, old),
                                             std::move(library), data);
    if (!made->set_mount(ch->mount_point, ch->options, Version::two))
        return nullptr;
    return reinterpret_cast<fuse*>(made.release());
}

/// Everything before the loop. @return null after a message, and *code what the process ends with
fuse* set_up(int argc, char* argv[], const fuse_operations* table, size_t size, char** mount_point,
             int* multithreaded, void* data, bool old, int* code)
{
    fuse_args args = FUSE_ARGS_INIT(argc, argv);
    char* where = nullptr;
    int foreground = 0;
    fuse* f = nullptr;
    *code = 1;
    if (fuse_parse_cmdline(&args, &where, multithreaded, &foreground) != 0)
        return nullptr;
    if (asks_for(&args, "-V", "--version"))
        *code = 0;
    if (fuse_chan* ch = fuse_mount(where, &args)) {
        f = make(ch, &args, table, size, data, old);
        if (f && (fuse_daemonize(foreground) != 0 || fuse_set_signal_handlers(fuse_get_session(f)) != 0)) {
            fuse_destroy(f);
            f = nullptr;
        }
        delete ch;
    }
    fuse_opt_free_args(&args);
    if (f && mount_point)
        *mount_point = where;
    else
        std::free(where);
    return f;
}

int run_main(int argc, char* argv[], const fuse_operations* table, size_t size, void* data, bool old)
{
    char* mount_point = nullptr;
    int multithreaded = 1;
    int code = 1;
    fuse* f = set_up(argc, argv, table, size, &mount_point, &multithreaded, data, old, &code);
    if (!f)
        return code;
    const int result = multithreaded ? fuse_loop_mt(f) : fuse_loop(f);
    fuse_teardown(f, mount_point);
    return result == -1 ? 1 : 0;
}

} // namespace

EXPORT int fuse_parse_cmdline(fuse_args* args, char** mount_point, int* multithreaded, int* foreground)
{
    CommandLine found;
    if (!take_command_line(args, Version::two, &found))
        return -1;
    if (found.help) {
        print_usage(args->argv[0]);
        print_fuse_help();
    }
    if (found.version)
        std::fprintf(stderr, "FUSE library version: %d.%d.9\n", FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION);
    if (mount_point)
        *mount_point = found.has_mount_point ? strdup(found.mount_point.c_str()) : nullptr;
    if (multithreaded)
        *multithreaded = !found.single_thread;
    if (foreground)
        *foreground = found.foreground;
    return 0;
}

EXPORT fuse_chan* fuse_mount(const char* mount_point, fuse_args* args)
{
    auto ch = std::make_unique<fuse_chan>();
    if (!take_mount_options(args, Version::two, &ch->options))
        return nullptr;
    if (asks_for(args, "-h", "--help")) {
        print_mount_help(Version::two);
        ch->mount_point = "/";
        return ch.release(); // fuse_new prints the rest
    }
    if (asks_for(args, "-V", "--version"))
        return ch.release();
    if (!mount_point) {
        std::fputs("fuse: missing mountpoint parameter\n", stderr);
        return nullptr;
    }
    ch->mount_point = mount_point;
    char real[4096];
    if (!realpath(mount_point, real) && errno != ENOTCONN) {
        std::fprintf(stderr, "fuse: bad mount point `%s': %s\n", mount_point, std::strerror(errno));
        return nullptr;
    }
    return ch.release();
}

EXPORT void fuse_unmount(const char*, fuse_chan* ch)
{
    // After fuse_new the mount is the file system's, which may be gone: it has unmounted at the end of its
    // loop.
    delete ch;
}

EXPORT fuse* fuse_new(fuse_chan* ch, fuse_args* args, const fuse_operations* table, size_t size, void* data)
{
    return make(ch, args, table, size, data, false);
}

EXPORT void fuse_destroy(fuse* f) { delete &object(f); }
EXPORT int fuse_loop(fuse* f) { return f ? object(f).loop(false) : -1; }
EXPORT int fuse_loop_mt(fuse* f) { return f ? object(f).loop(true) : -1; }
EXPORT void fuse_exit(fuse* f) { object(f).exit(); }
EXPORT int fuse_exited(fuse* f) { return object(f).exited(); }
EXPORT int fuse_is_lib_option(const char* option) { return is_library_option(option); }
EXPORT fuse_context* fuse_get_context(void) { return reinterpret_cast<fuse_context*>(&context()); }
EXPORT fuse_session* fuse_get_session(fuse* f) { return reinterpret_cast<fuse_session*>(f); }
EXPORT int fuse_invalidate(fuse* f, const char* path) { return object(f).invalidate(path); }

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

EXPORT int fuse_notify_poll(fuse_pollhandle* ph) { return -fsp_fuse_posix_notify_poll(ph); }
EXPORT void fuse_pollhandle_destroy(fuse_pollhandle* ph) { fsp_fuse_posix_destroy_poll(ph); }
EXPORT int fuse_start_cleanup_thread(fuse*) { return 0; }
EXPORT void fuse_stop_cleanup_thread(fuse*) {}
EXPORT int fuse_clean_cache(fuse*) { return 600; }

EXPORT size_t fuse_buf_size(const fuse_bufvec* buffers) { return buffers_size(buffers); }
EXPORT ssize_t fuse_buf_copy(fuse_bufvec* to, fuse_bufvec* from, fuse_buf_copy_flags)
{
    return to == from ? ssize_t(buffers_size(to)) : copy_buffers(to, from);
}

EXPORT int fuse_daemonize(int foreground) { return go_to_background(foreground != 0); }
EXPORT int fuse_set_signal_handlers(fuse_session* se) { return handle_signals(&object(se)); }
EXPORT void fuse_remove_signal_handlers(fuse_session* se) { stop_handling_signals(&object(se)); }
EXPORT int fuse_version(void) { return FUSE_VERSION; }

EXPORT void fuse_session_exit(fuse_session* se) { object(se).exit(); }
EXPORT int fuse_session_exited(fuse_session* se) { return object(se).exited(); }
EXPORT void fuse_session_reset(fuse_session* se) { object(se).reset(); }
EXPORT int fuse_chan_fd(fuse_chan* ch) { return ch->descriptor; }

// ---- A whole program --------------------------------------------------------------------------------

EXPORT fuse* fuse_setup(int argc, char* argv[], const fuse_operations* table, size_t size, char** mount_point,
                        int* multithreaded, void* data)
{
    int code;
    return set_up(argc, argv, table, size, mount_point, multithreaded, data, false, &code);
}

EXPORT void fuse_teardown(fuse* f, char* mount_point)
{
    fuse_remove_signal_handlers(fuse_get_session(f));
    fuse_destroy(f);
    std::free(mount_point);
}

EXPORT int fuse_main_real(int argc, char* argv[], const fuse_operations* table, size_t size, void* data)
{
    return run_main(argc, argv, table, size, data, false);
}

/// 2.5: init takes nothing, which is no difference to the caller.
EXPORT int fuse_main_real_compat25(int argc, char* argv[], const fuse_operations* table, size_t size)
{
    return run_main(argc, argv, table, std::min(size, offsetof(fuse_operations, lock)), nullptr, false);
}

/// 2.2 to 2.4
EXPORT int fuse_main_real_compat22(int argc, char* argv[], const fuse_operations* table, size_t size)
{
    return run_main(argc, argv, table, std::min(size, offsetof(fuse_operations, access)), nullptr, true);
}

#undef fuse_main
extern "C" __attribute__((visibility("default"))) int fuse_main(void);
int fuse_main(void)
{
    std::fputs("fuse: fuse_main is a macro of <fuse.h>; this program is from before FUSE 2.2\n", stderr);
    return 1;
}

// ---- Versions of symbols ----------------------------------------------------------------------------

EXPORT fuse* fuse_setup_compat25(int argc, char* argv[], const fuse_operations* table, size_t size,
                                 char** mount_point, int* multithreaded, int* fd)
{
    int code;
    fuse* f = set_up(argc, argv, table, std::min(size, offsetof(fuse_operations, lock)), mount_point,
                     multithreaded, nullptr, false, &code);
    if (f && fd)
        *fd = object(f).descriptor();
    return f;
}

EXPORT fuse* fuse_setup_compat22(int argc, char* argv[], const fuse_operations* table, size_t size,
                                 char** mount_point, int* multithreaded, int* fd)
{
    int code;
    fuse* f = set_up(argc, argv, table, std::min(size, offsetof(fuse_operations, access)), mount_point,
                     multithreaded, nullptr, true, &code);
    if (f && fd)
        *fd = object(f).descriptor();
    return f;
}

EXPORT void fuse_teardown_compat22(fuse* f, int, char* mount_point) { fuse_teardown(f, mount_point); }
EXPORT void fuse_set_getcontext_func(fuse_context* (*)(void)) {}
EXPORT fuse_context* fuse_get_context_compat22(void) { return fuse_get_context(); }
EXPORT int fuse_opt_insert_arg_compat(fuse_args* args, int position, const char* argument)
{
    return fuse_opt_insert_arg(args, position, argument);
}

__asm__(".symver fuse_main_real_compat22, fuse_main_real@FUSE_2.2");
__asm__(".symver fuse_main_real_compat25, fuse_main_real@FUSE_2.5");
__asm__(".symver fuse_setup_compat22, fuse_setup@FUSE_2.2");
__asm__(".symver fuse_setup_compat25, fuse_setup@FUSE_2.5");
__asm__(".symver fuse_teardown_compat22, fuse_teardown@FUSE_2.2");
__asm__(".symver fuse_get_context_compat22, fuse_get_context@FUSE_2.2");
__asm__(".symver fuse_opt_insert_arg_compat, fuse_opt_insert_arg@FUSE_2.5");

// SPDX-License-Identifier: MIT
/// @file A FUSE program that shows a directory elsewhere and writes down each call that it gets.
///
/// usage: calls LOG [FUSE options] ROOTDIR MOUNTPOINT
///
/// One source for both versions (FUSE_USE_VERSION). A line of the log is a call: its name, its paths, what
/// else was passed, who asks, and the outcome. tests/libfuse/calls.py compares the logs of two libraries.
#if FUSE_USE_VERSION < 30
#include <fuse/fuse.h>
#else
#include <fuse3/fuse.h>
#endif

#include "passthrough-fuse/passthrough.h"

#include <algorithm>
#include <cinttypes>
#include <map>

#include <sys/file.h>

namespace {

int log_file = -1;
bool in_pieces = false; ///< directories are listed with offsets, and data goes by read_buf and write_buf

/// One line, in one write: threads do not mix.
class Line
{
  public:
    explicit Line(const char* call) : text_(call) {}
    ~Line()
    {
        text_ += '\n';
        if (write(log_file, text_.data(), text_.size()) < 0)
            std::abort();
    }
    Line(const Line&) = delete;

    void text(const char* value) { text_ += ' ', text_ += value ? value : "(null)"; }
    void number(int64_t value) { text_ += ' ', text_ += std::to_string(value); }
    void octal(const char* name, unsigned value) { format(" %s0%o", name, value); }
    template<class... Values> void format(const char* how, Values... values)
    {
        char piece[128];
        std::snprintf(piece, sizeof piece, how, values...);
        text_ += piece;
    }
    void time(const struct timespec& value)
    {
        if (value.tv_nsec == UTIME_NOW || value.tv_nsec == UTIME_OMIT)
            text(value.tv_nsec == UTIME_NOW ? "now" : "omit");
        else // what a file was given by the clock differs between two runs
            text(value.tv_sec > 1600000000 ? "recent" : std::to_string(value.tv_sec).c_str());
    }
    void file(const fuse_file_info* fi) { text(fi ? "fh" : "-"); }
    void caller()
    {
        const fuse_context* context = fuse_get_context();
        format(" by %d:%d", int(context->uid), int(context->gid));
    }
    template<class Result> Result done(Result result)
    {
        format(" = %s", result < 0 ? strerrorname_np(int(-result)) : result > 0 ? "n" : "0");
        return result;
    }

  private:
    std::string text_;
};

using namespace passthrough;

int on_readlink(const char* path, char* out, size_t size)
{
    Line line("readlink");
    line.text(path);
    return line.done(passthrough::readlink(path, out, size));
}
int on_mknod(const char* path, mode_t mode, dev_t device)
{
    Line line("mknod");
    line.text(path);
    line.octal("mode=", mode);
    line.format(" dev=%d", int(device));
    line.caller();
    return line.done(passthrough::mknod(path, mode, device));
}
int on_mkdir(const char* path, mode_t mode)
{
    Line line("mkdir");
    line.text(path);
    line.octal("mode=", mode);
    line.caller();
    return line.done(passthrough::mkdir(path, mode));
}
int on_unlink(const char* path)
{
    Line line("unlink");
    line.text(path);
    return line.done(passthrough::unlink(path));
}
int on_rmdir(const char* path)
{
    Line line("rmdir");
    line.text(path);
    return line.done(passthrough::rmdir(path));
}
int on_symlink(const char* target, const char* path)
{
    Line line("symlink");
    line.text(target);
    line.text(path);
    line.caller();
    return line.done(passthrough::symlink(target, path));
}
int on_link(const char* from, const char* to)
{
    Line line("link");
    line.text(from);
    line.text(to);
    return line.done(passthrough::link(from, to));
}
int on_access(const char* path, int mask)
{
    Line line("access");
    line.text(path);
    line.number(mask);
    line.caller();
    return line.done(outcome(::access(real(path).c_str(), mask)));
}

void tell_open(Line& line, const char* path, const fuse_file_info* fi)
{
    line.text(path);
    line.octal("flags=", unsigned(fi->flags));
    line.caller();
}
int on_open(const char* path, fuse_file_info* fi)
{
    Line line("open");
    tell_open(line, path, fi);
    return line.done(passthrough::open(path, fi));
}
int on_create(const char* path, mode_t mode, fuse_file_info* fi)
{
    Line line("create");
    line.octal("mode=", mode);
    tell_open(line, path, fi);
    return line.done(passthrough::create(path, mode, fi));
}
int on_release(const char* path, fuse_file_info* fi)
{
    Line line("release");
    line.text(path);
    line.octal("flags=", unsigned(fi->flags));
    return line.done(passthrough::release(path, fi));
}
int on_flush(const char* path, fuse_file_info* fi)
{
    Line line("flush");
    line.text(path);
    return line.done(passthrough::flush(path, fi));
}
int on_fsync(const char* path, int data_only, fuse_file_info* fi)
{
    Line line("fsync");
    line.text(path);
    line.number(data_only);
    return line.done(passthrough::fsync(path, data_only, fi));
}
int on_read(const char* path, char* out, size_t size, off_t offset, fuse_file_info* fi)
{
    Line line("read");
    line.format(" %" PRId64 "+%zu", int64_t(offset), size);
    line.text(path);
    return line.done(passthrough::read(path, out, size, offset, fi));
}
int on_write(const char* path, const char* data, size_t size, off_t offset, fuse_file_info* fi)
{
    Line line("write");
    line.format(" %" PRId64 "+%zu", int64_t(offset), size);
    line.text(fi->writepage ? "page" : "call");
    line.text(path);
    return line.done(passthrough::write(path, data, size, offset, fi));
}
/// A program that has these is asked by them, and not by read and write.
int on_read_buf(const char* path, fuse_bufvec** out, size_t size, off_t offset, fuse_file_info* fi)
{
    Line line("read_buf");
    line.format(" %" PRId64 "+%zu", int64_t(offset), size);
    line.text(path);
    auto* const buffers = static_cast<fuse_bufvec*>(std::malloc(sizeof(fuse_bufvec)));
    *buffers = FUSE_BUFVEC_INIT(size);
    buffers->buf[0].flags = fuse_buf_flags(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    buffers->buf[0].fd = descriptor(fi);
    buffers->buf[0].pos = offset;
    *out = buffers;
    return line.done(0);
}
int on_write_buf(const char* path, fuse_bufvec* from, off_t offset, fuse_file_info* fi)
{
    Line line("write_buf");
    line.format(" %" PRId64 "+%zu", int64_t(offset), fuse_buf_size(from));
    line.text(fi->writepage ? "page" : "call");
    line.text(path);
    fuse_bufvec to = FUSE_BUFVEC_INIT(fuse_buf_size(from));
    to.buf[0].flags = fuse_buf_flags(FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK);
    to.buf[0].fd = descriptor(fi);
    to.buf[0].pos = offset;
    return line.done(int(fuse_buf_copy(&to, from, fuse_buf_copy_flags(0))));
}
int on_fallocate(const char* path, int mode, off_t offset, off_t length, fuse_file_info* fi)
{
    Line line("fallocate");
    line.text(path);
    line.format(" mode=%d %" PRId64 "+%" PRId64, mode, int64_t(offset), int64_t(length));
    return line.done(passthrough::fallocate(path, mode, offset, length, fi));
}
int on_statfs(const char* path, struct statvfs* out)
{
    Line line("statfs");
    line.text(path);
    return line.done(passthrough::statfs(path, out));
}
int on_setxattr(const char* path, const char* name, const char* value, size_t size, int flags)
{
    Line line("setxattr");
    line.text(path);
    line.text(name);
    line.format(" size=%zu flags=%d", size, flags);
    return line.done(passthrough::setxattr(path, name, value, size, flags));
}
int on_getxattr(const char* path, const char* name, char* out, size_t size)
{
    Line line("getxattr");
    line.text(path);
    line.text(name);
    line.format(" size=%zu", size);
    return line.done(passthrough::getxattr(path, name, out, size));
}
int on_listxattr(const char* path, char* out, size_t size)
{
    Line line("listxattr");
    line.text(path);
    line.format(" size=%zu", size);
    return line.done(passthrough::listxattr(path, out, size));
}
int on_removexattr(const char* path, const char* name)
{
    Line line("removexattr");
    line.text(path);
    line.text(name);
    return line.done(passthrough::removexattr(path, name));
}
int on_opendir(const char* path, fuse_file_info* fi)
{
    Line line("opendir");
    tell_open(line, path, fi);
    const int result = outcome(::open(real(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    fi->fh = uint64_t(std::max(result, 0));
    return line.done(std::min(result, 0));
}
int on_releasedir(const char* path, fuse_file_info* fi)
{
    Line line("releasedir");
    line.text(path);
    return line.done(outcome(close(descriptor(fi))));
}
int on_fsyncdir(const char* path, int data_only, fuse_file_info* fi)
{
    Line line("fsyncdir");
    line.text(path);
    line.number(data_only);
    return line.done(outcome(::fsync(descriptor(fi))));
}
int on_lock(const char* path, fuse_file_info* fi, int command, struct flock* range)
{
    Line line("lock");
    line.text(path);
    line.format(" command=%d type=%d %" PRId64 "+%" PRId64, command, int(range->l_type),
                int64_t(range->l_start), int64_t(range->l_len));
    line.file(fi);
    range->l_pid = 0; // of another process than ours, for whom an open file description is the owner
    return line.done(outcome(fcntl(descriptor(fi),
                                   command == F_GETLK   ? F_OFD_GETLK
                                   : command == F_SETLK ? F_OFD_SETLK
                                                        : F_OFD_SETLKW,
                                   range)));
}
int on_flock(const char* path, fuse_file_info* fi, int operation)
{
    Line line("flock");
    line.text(path);
    line.number(operation);
    return line.done(outcome(::flock(descriptor(fi), operation)));
}

// Where the tables differ. `fi` is null where FUSE 2 has a call without it.

int on_getattr(const char* path, struct stat* out, fuse_file_info* fi)
{
    Line line("getattr");
    line.text(path);
    line.file(fi);
    return line.done(passthrough::getattr(path, out, fi));
}
int on_rename(const char* from, const char* to, unsigned flags)
{
    Line line("rename");
    line.text(from);
    line.text(to);
    line.number(flags);
    return line.done(passthrough::rename(from, to, flags));
}
int on_chmod(const char* path, mode_t mode, fuse_file_info* fi)
{
    Line line("chmod");
    line.text(path);
    line.octal("mode=", mode);
    line.file(fi);
    return line.done(passthrough::chmod(path, mode, fi));
}
int on_chown(const char* path, uid_t uid, gid_t gid, fuse_file_info* fi)
{
    Line line("chown");
    line.text(path);
    line.format(" %d:%d", int(uid), int(gid));
    line.file(fi);
    return line.done(passthrough::chown(path, uid, gid, fi));
}
int on_truncate(const char* path, off_t size, fuse_file_info* fi)
{
    Line line("truncate");
    line.text(path);
    line.number(size);
    line.file(fi);
    return line.done(passthrough::truncate(path, size, fi));
}
int on_utimens(const char* path, const struct timespec times[2], fuse_file_info* fi)
{
    Line line("utimens");
    line.text(path);
    line.time(times[0]);
    line.time(times[1]);
    line.file(fi);
    return line.done(passthrough::utimens(path, times, fi));
}
/// Calls fill(name, attributes, next): all at once, or in pieces from the offset on.
template<class Fill>
int on_readdir(const char* path, off_t offset, const char* plus, fuse_file_info* fi, Fill fill)
{
    Line line("readdir");
    line.text(path);
    line.number(offset);
    line.text(plus);
    line.file(fi);
    // By name: the order of a directory below differs from one run to the next.
    std::map<std::string, struct stat> entries;
    const int result = passthrough::readdir(path, [&](const char* name, const struct stat* info) {
        entries[name] = *info;
        return true;
    });
    off_t at = 0;
    for (const auto& [name, info] : entries)
        if (++at > offset && !fill(name.c_str(), &info, in_pieces ? at : 0))
            break;
    return line.done(result);
}

void tell_connection(const fuse_conn_info* connection)
{
    Line line("init");
    line.format(" protocol=%u max_write=%u max_readahead=%u", connection->proto_major, connection->max_write,
                connection->max_readahead);
    line.format(" capable=%#x want=%#x", connection->capable, connection->want);
}
void on_destroy(void*) { Line line("destroy"); }

fuse_operations make_operations()
{
    fuse_operations on{};
    on.readlink = on_readlink;
    on.mknod = on_mknod;
    on.mkdir = on_mkdir;
    on.unlink = on_unlink;
    on.rmdir = on_rmdir;
    on.symlink = on_symlink;
    on.link = on_link;
    on.access = on_access;
    on.open = on_open;
    on.create = on_create;
    on.release = on_release;
    on.flush = on_flush;
    on.fsync = on_fsync;
    on.read = on_read;
    on.write = on_write;
    on.fallocate = on_fallocate;
    on.statfs = on_statfs;
    on.setxattr = on_setxattr;
    on.getxattr = on_getxattr;
    on.listxattr = on_listxattr;
    on.removexattr = on_removexattr;
    on.opendir = on_opendir;
    on.releasedir = on_releasedir;
    on.fsyncdir = on_fsyncdir;
    on.lock = on_lock;
    on.flock = on_flock;
    on.destroy = on_destroy;
    if (in_pieces) {
        on.read_buf = on_read_buf;
        on.write_buf = on_write_buf;
    }
#if FUSE_USE_VERSION < 30
    on.flag_utime_omit_ok = 1;
    on.init = [](fuse_conn_info* connection) -> void* { return tell_connection(connection), nullptr; };
    on.getattr = [](const char* path, struct stat* out) { return on_getattr(path, out, nullptr); };
    on.fgetattr = on_getattr;
    on.rename = [](const char* from, const char* to) { return on_rename(from, to, 0); };
    on.chmod = [](const char* path, mode_t mode) { return on_chmod(path, mode, nullptr); };
    on.chown = [](const char* path, uid_t uid, gid_t gid) { return on_chown(path, uid, gid, nullptr); };
    on.truncate = [](const char* path, off_t size) { return on_truncate(path, size, nullptr); };
    on.ftruncate = on_truncate;
    on.utimens = [](const char* path, const struct timespec times[2]) {
        return on_utimens(path, times, nullptr);
    };
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t offset, fuse_file_info* fi) {
        return on_readdir(path, offset, "", fi, [&](const char* name, const struct stat* info, off_t next) {
            return fill(buffer, name, info, next) == 0;
        });
    };
#else
    on.init = [](fuse_conn_info* connection, fuse_config*) -> void* {
        tell_connection(connection);
        return nullptr;
    };
    on.getattr = on_getattr;
    on.rename = on_rename;
    on.chmod = on_chmod;
    on.chown = on_chown;
    on.truncate = on_truncate;
    on.utimens = on_utimens;
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, off_t offset, fuse_file_info* fi,
                    fuse_readdir_flags flags) {
        const bool plus = flags & FUSE_READDIR_PLUS;
        return on_readdir(path, offset, plus ? "plus" : "", fi,
                          [&](const char* name, const struct stat* info, off_t next) {
                              struct stat all;
                              const bool complete = plus && lstat((real(path) + "/" + name).c_str(), &all) ==
                                                                0; // of "..", too; nobody looks
                              return fill(buffer, name, complete ? &all : info, next,
                                          complete ? FUSE_FILL_DIR_PLUS : fuse_fill_dir_flags(0)) == 0;
                          });
    };
    on.lseek = [](const char* path, off_t offset, int whence, fuse_file_info* fi) -> off_t {
        Line line("lseek");
        line.text(path);
        line.format(" %d from %" PRId64, whence, int64_t(offset));
        const off_t result = ::lseek(descriptor(fi), offset, whence);
        return line.done(result == -1 ? -errno : result);
    };
    on.copy_file_range = [](const char* from, fuse_file_info* from_fi, off_t from_offset, const char* to,
                            fuse_file_info* to_fi, off_t to_offset, size_t size, int flags) -> ssize_t {
        Line line("copy_file_range");
        line.text(from);
        line.text(to);
        line.format(" %" PRId64 " to %" PRId64 "+%zu flags=%d", int64_t(from_offset), int64_t(to_offset),
                    size, flags);
        const ssize_t result = ::copy_file_range(descriptor(from_fi), &from_offset, descriptor(to_fi),
                                                 &to_offset, size, unsigned(flags));
        return line.done(result == -1 ? -errno : result);
    };
#endif
    return on;
}

} // namespace

int main(int argc, char* argv[])
{
    if (argc < 4) {
        std::fprintf(stderr, "usage: %s log [FUSE options] rootdir mountpoint\n", argv[0]);
        return 2;
    }
    log_file = ::open(argv[1], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (log_file < 0) {
        std::perror(argv[1]);
        return 2;
    }
    argv[1] = argv[0];
    --argc;
    ++argv;
    if (!take_root(&argc, argv))
        return 2;
    in_pieces = std::getenv("CALLS_IN_PIECES");
    const fuse_operations on = make_operations();
    return fuse_main(argc, argv, &on, nullptr);
}

// SPDX-License-Identifier: MIT
#include "dll/fuse/fuse3_adapter.h"

#include "dll/fuse/directory.h"
#include "dll/fuse/system.h"

namespace fsp::winfuse {
namespace {

// Bits of FUSE 3 that mean something here.
constexpr unsigned readdir_plus3 = 1u << 13;

/// Callbacks run on threads that have a context, and it says which file system they are for.
fuse3& self()
{
    return *reinterpret_cast<fuse3*>(static_cast<fuse_context*>(system::thread_pointer())->fuse);
}

/// A struct fuse_file_info of FUSE 3 for one call.
class Info3
{
  public:
    explicit Info3(fuse_file_info* info) : info_(info)
    {
        if (info == nullptr)
            return;
        info3_.flags = info->flags;
        info3_.writepage = info->writepage != 0;
        info3_.direct_io = info->direct_io;
        info3_.keep_cache = info->keep_cache;
        info3_.flush = info->flush;
        info3_.nonseekable = info->nonseekable;
        info3_.fh = info->fh;
        info3_.lock_owner = info->lock_owner;
    }
    Info3(const Info3&) = delete;
    ~Info3()
    {
        if (info_ == nullptr)
            return;
        info_->flags = info3_.flags;
        info_->writepage = info3_.writepage;
        info_->direct_io = info3_.direct_io;
        info_->keep_cache = info3_.keep_cache;
        info_->flush = info3_.flush;
        info_->nonseekable = info3_.nonseekable;
        info_->fh = info3_.fh;
        info_->lock_owner = info3_.lock_owner;
    }
    operator fuse3_file_info*() { return info_ != nullptr ? &info3_ : nullptr; }

  private:
    fuse_file_info* const info_;
    fuse3_file_info info3_ = {};
};

void* init(fuse_conn_info* conn)
{
    fuse3& f = self();
    fuse3_conn_info conn3 = {};
    conn3.proto_major = 7;
    conn3.proto_minor = 26;
    conn3.max_write = conn3.max_read = conn->max_write;
    conn3.capable = (conn->capable & ~unsigned{FSP_FUSE_CAP_READDIR_PLUS}) | readdir_plus3;
    fuse3_config config = {};
    const Options& options = f.mounted->options;
    config.set_gid = options.set_gid;
    config.gid = static_cast<unsigned>(options.gid);
    config.set_uid = options.set_uid;
    config.uid = static_cast<unsigned>(options.uid);
    config.set_mode = options.set_umask;
    config.umask = static_cast<unsigned>(options.umask);
    void* const data = f.on.init(&conn3, &config);
    conn->want = conn3.want & ~readdir_plus3;
    if (conn3.want & readdir_plus3)
        conn->want |= FSP_FUSE_CAP_READDIR_PLUS;
    return data;
}

int readdir(const char* path, void* buffer, fuse_fill_dir_t, fuse_off_t off, fuse_file_info* info)
{
    const auto fill = [](void* filler, const char* name, const struct fuse_stat* attributes, fuse_off_t,
                         fuse3_fill_dir_flags flags) {
        return fill_directory(filler, name, (flags & FUSE_FILL_DIR_PLUS) != 0 ? attributes : nullptr, 0);
    };
    const bool plus = static_cast<DirectoryFiller*>(buffer)->wants_attributes();
    return self().on.readdir(path, buffer, fill, off, Info3(info),
                             plus ? FUSE_READDIR_PLUS : fuse3_readdir_flags{});
}

} // namespace

// Where a program has an operation there is one that calls it, so the calls need not look.
fuse_operations adapt(const fuse3_operations& on)
{
    fuse_operations to = {};
    // The same in both versions.
    to.readlink = on.readlink;
    to.mknod = on.mknod;
    to.mkdir = on.mkdir;
    to.unlink = on.unlink;
    to.rmdir = on.rmdir;
    to.symlink = on.symlink;
    to.statfs = on.statfs;
    to.setxattr = on.setxattr;
    to.getxattr = on.getxattr;
    to.listxattr = on.listxattr;
    to.removexattr = on.removexattr;
    to.access = on.access;
    to.destroy = on.destroy;

    if (on.getattr) {
        to.getattr = [](const char* path, struct fuse_stat* st) {
            return self().on.getattr(path, st, nullptr);
        };
        to.fgetattr = [](const char* path, struct fuse_stat* st, fuse_file_info* info) {
            return self().on.getattr(path, st, Info3(info));
        };
    }
    if (on.rename)
        to.rename = [](const char* from, const char* name) { return self().on.rename(from, name, 0); };
    if (on.chmod)
        to.chmod = [](const char* path, fuse_mode_t mode) { return self().on.chmod(path, mode, nullptr); };
    if (on.chown)
        to.chown = [](const char* path, fuse_uid_t uid, fuse_gid_t gid) {
            return self().on.chown(path, uid, gid, nullptr);
        };
    if (on.truncate) {
        to.truncate = [](const char* path, fuse_off_t size) {
            return self().on.truncate(path, size, nullptr);
        };
        to.ftruncate = [](const char* path, fuse_off_t size, fuse_file_info* info) {
            return self().on.truncate(path, size, Info3(info));
        };
    }
    if (on.utimens)
        to.utimens = [](const char* path, const fuse_timespec times[2]) {
            return self().on.utimens(path, times, nullptr);
        };
    if (on.open)
        to.open = [](const char* path, fuse_file_info* info) { return self().on.open(path, Info3(info)); };
    if (on.create)
        to.create = [](const char* path, fuse_mode_t mode, fuse_file_info* info) {
            return self().on.create(path, mode, Info3(info));
        };
    if (on.opendir)
        to.opendir = [](const char* path, fuse_file_info* info) {
            return self().on.opendir(path, Info3(info));
        };
    if (on.read)
        to.read = [](const char* path, char* buffer, size_t size, fuse_off_t off, fuse_file_info* info) {
            return self().on.read(path, buffer, size, off, Info3(info));
        };
    if (on.write)
        to.write = [](const char* path, const char* data, size_t size, fuse_off_t off, fuse_file_info* info) {
            return self().on.write(path, data, size, off, Info3(info));
        };
    if (on.flush)
        to.flush = [](const char* path, fuse_file_info* info) { return self().on.flush(path, Info3(info)); };
    if (on.release)
        to.release = [](const char* path, fuse_file_info* info) {
            return self().on.release(path, Info3(info));
        };
    if (on.fsync)
        to.fsync = [](const char* path, int data_only, fuse_file_info* info) {
            return self().on.fsync(path, data_only, Info3(info));
        };
    if (on.releasedir)
        to.releasedir = [](const char* path, fuse_file_info* info) {
            return self().on.releasedir(path, Info3(info));
        };
    if (on.fsyncdir)
        to.fsyncdir = [](const char* path, int data_only, fuse_file_info* info) {
            return self().on.fsyncdir(path, data_only, Info3(info));
        };
    if (on.ioctl)
        to.ioctl = [](const char* path, int command, void* argument, fuse_file_info* info, unsigned flags,
                      void* data) {
            return self().on.ioctl(path, command, argument, Info3(info), flags, data);
        };
    if (on.readdir)
        to.readdir = readdir;
    if (on.init)
        to.init = init;
    return to;
}

} // namespace fsp::winfuse

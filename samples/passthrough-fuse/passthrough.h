// SPDX-License-Identifier: MIT
/// @file A directory shown elsewhere, as both versions of FUSE see it. Include <fuse.h> first.
///
/// Every operation is the system call of its name on the same path below another root. fuse2.cpp and
/// fuse3.cpp have the parameters in which the two tables differ.
#pragma once

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace passthrough {

/// The directory that is shown, without a slash at the end.
inline std::string& root()
{
    static std::string path;
    return path;
}

inline std::string real(const char* path) { return root() + path; }
inline int outcome(ssize_t result) { return result == -1 ? -errno : int(result); }
inline int descriptor(const fuse_file_info* fi) { return int(fi->fh); }

inline int getattr(const char* path, struct stat* out, fuse_file_info* fi)
{
    return outcome(fi ? fstat(descriptor(fi), out) : lstat(real(path).c_str(), out));
}

inline int readlink(const char* path, char* out, size_t size)
{
    const ssize_t length = ::readlink(real(path).c_str(), out, size - 1);
    if (length == -1)
        return -errno;
    out[length] = 0;
    return 0;
}

/// A new file belongs to who asked for it, if this process may say so.
inline int give_to_caller(const char* path)
{
    const fuse_context* context = fuse_get_context();
    if (geteuid() != 0)
        return 0;
    return outcome(::lchown(real(path).c_str(), context->uid, context->gid));
}

inline int mknod(const char* path, mode_t mode, dev_t device)
{
    const int result = outcome(::mknod(real(path).c_str(), mode, device));
    return result == 0 ? give_to_caller(path) : result;
}
inline int mkdir(const char* path, mode_t mode)
{
    const int result = outcome(::mkdir(real(path).c_str(), mode));
    return result == 0 ? give_to_caller(path) : result;
}
inline int symlink(const char* target, const char* path)
{
    const int result = outcome(::symlink(target, real(path).c_str()));
    return result == 0 ? give_to_caller(path) : result;
}
inline int unlink(const char* path) { return outcome(::unlink(real(path).c_str())); }
inline int rmdir(const char* path) { return outcome(::rmdir(real(path).c_str())); }
inline int link(const char* from, const char* to)
{
    return outcome(::link(real(from).c_str(), real(to).c_str()));
}
inline int rename(const char* from, const char* to, unsigned flags)
{
    return outcome(renameat2(AT_FDCWD, real(from).c_str(), AT_FDCWD, real(to).c_str(), flags));
}

inline int chmod(const char* path, mode_t mode, fuse_file_info* fi)
{
    return outcome(fi ? fchmod(descriptor(fi), mode) : ::chmod(real(path).c_str(), mode));
}
inline int chown(const char* path, uid_t uid, gid_t gid, fuse_file_info* fi)
{
    return outcome(fi ? fchown(descriptor(fi), uid, gid) : ::lchown(real(path).c_str(), uid, gid));
}
inline int truncate(const char* path, off_t size, fuse_file_info* fi)
{
    return outcome(fi ? ftruncate(descriptor(fi), size) : ::truncate(real(path).c_str(), size));
}
inline int utimens(const char* path, const struct timespec times[2], fuse_file_info* fi)
{
    return outcome(fi ? futimens(descriptor(fi), times)
                      : utimensat(AT_FDCWD, real(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
}

inline int open(const char* path, fuse_file_info* fi)
{
    const int result = outcome(::open(real(path).c_str(), fi->flags | O_CLOEXEC));
    if (result < 0)
        return result;
    fi->fh = uint64_t(result);
    return 0;
}
inline int create(const char* path, mode_t mode, fuse_file_info* fi)
{
    const int result = outcome(::open(real(path).c_str(), fi->flags | O_CREAT | O_CLOEXEC, mode));
    if (result < 0)
        return result;
    fi->fh = uint64_t(result);
    return give_to_caller(path);
}
inline int release(const char*, fuse_file_info* fi) { return outcome(close(descriptor(fi))); }
/// Another descriptor of the same file tells what close(2) would.
inline int flush(const char*, fuse_file_info* fi) { return outcome(close(dup(descriptor(fi)))); }
inline int fsync(const char*, int data_only, fuse_file_info* fi)
{
    return outcome(data_only ? fdatasync(descriptor(fi)) : ::fsync(descriptor(fi)));
}
inline int read(const char*, char* out, size_t size, off_t offset, fuse_file_info* fi)
{
    return outcome(pread(descriptor(fi), out, size, offset));
}
inline int write(const char*, const char* data, size_t size, off_t offset, fuse_file_info* fi)
{
    return outcome(pwrite(descriptor(fi), data, size, offset));
}
inline int fallocate(const char*, int mode, off_t offset, off_t length, fuse_file_info* fi)
{
    return outcome(::fallocate(descriptor(fi), mode, offset, length));
}

/// Calls fill(name, attributes) for each file.
template<class Fill> int readdir(const char* path, Fill fill)
{
    DIR* const directory = opendir(real(path).c_str());
    if (!directory)
        return -errno;
    while (const dirent* entry = ::readdir(directory)) {
        struct stat info = {};
        info.st_ino = entry->d_ino;
        info.st_mode = mode_t(entry->d_type) << 12;
        if (!fill(entry->d_name, &info))
            break;
    }
    closedir(directory);
    return 0;
}

inline int statfs(const char* path, struct statvfs* out) { return outcome(statvfs(real(path).c_str(), out)); }
inline int setxattr(const char* path, const char* name, const char* value, size_t size, int flags)
{
    return outcome(lsetxattr(real(path).c_str(), name, value, size, flags));
}
inline int getxattr(const char* path, const char* name, char* out, size_t size)
{
    return outcome(lgetxattr(real(path).c_str(), name, out, size));
}
inline int listxattr(const char* path, char* out, size_t size)
{
    return outcome(llistxattr(real(path).c_str(), out, size));
}
inline int removexattr(const char* path, const char* name)
{
    return outcome(lremovexattr(real(path).c_str(), name));
}

/// What both tables have alike.
template<class Operations> Operations common_operations()
{
    Operations on{};
    on.readlink = readlink;
    on.mknod = mknod;
    on.mkdir = mkdir;
    on.unlink = unlink;
    on.rmdir = rmdir;
    on.symlink = symlink;
    on.link = link;
    on.open = open;
    on.create = create;
    on.release = release;
    on.flush = flush;
    on.fsync = fsync;
    on.read = read;
    on.write = write;
    on.fallocate = fallocate;
    on.statfs = statfs;
    on.setxattr = setxattr;
    on.getxattr = getxattr;
    on.listxattr = listxattr;
    on.removexattr = removexattr;
    return on;
}

/// Takes the root directory off the command line: of "... ROOTDIR MOUNTPOINT" it is the one before the last.
inline bool take_root(int* argc, char* argv[])
{
    char path[PATH_MAX];
    if (*argc < 3 || argv[*argc - 2][0] == '-' || argv[*argc - 1][0] == '-') {
        std::fprintf(stderr, "usage: %s [FUSE options] rootdir mountpoint\n", argv[0]);
        return false;
    }
    if (!realpath(argv[*argc - 2], path)) {
        std::perror(argv[*argc - 2]);
        return false;
    }
    root() = path;
    if (root() == "/")
        root().clear();
    argv[*argc - 2] = argv[*argc - 1];
    argv[--*argc] = nullptr;
    umask(0); // the kernel has applied the caller's
    return true;
}

} // namespace passthrough

// SPDX-License-Identifier: MIT
/// @file memfs-fuse [FUSE options] MOUNTPOINT: a file system in memory, for FUSE 2.
#define FUSE_USE_VERSION 26
#include <fuse/fuse.h>

#include "memory.h"

int main(int argc, char* argv[])
{
    using namespace memory;
    fuse_operations on = common_operations<fuse_operations>();
    on.flag_utime_omit_ok = 1;
    on.getattr = [](const char* path, struct fuse_stat* out) { return memory::getattr(path, out, nullptr); };
    on.fgetattr = memory::getattr;
    on.rename = [](const char* from, const char* to) { return memory::rename(from, to, true); };
    on.chmod = [](const char* path, fuse_mode_t mode) { return memory::chmod(path, mode, nullptr); };
    on.chown = [](const char* path, fuse_uid_t uid, fuse_gid_t gid) {
        return memory::chown(path, uid, gid, nullptr);
    };
    on.truncate = [](const char* path, fuse_off_t size) { return memory::truncate(path, size, nullptr); };
    on.ftruncate = memory::truncate;
    on.utimens = [](const char* path, const fuse_timespec times[2]) {
        return memory::utimens(path, times, nullptr);
    };
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, fuse_off_t, fuse_file_info*) {
        return memory::readdir(path, [&](const char* name) { return fill(buffer, name, nullptr, 0) == 0; });
    };
    Tree tree;
    return fuse_main(argc, argv, &on, &tree);
}

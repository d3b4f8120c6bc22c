// SPDX-License-Identifier: MIT
/// @file passthrough-fuse [FUSE options] ROOTDIR MOUNTPOINT: shows a directory elsewhere, for FUSE 2.
#define FUSE_USE_VERSION 26
#include <fuse/fuse.h>

#if defined(_WIN32)
#include "passthrough_windows.h"
#else
#include "passthrough.h"
#endif

int main(int argc, char* argv[])
{
    using namespace passthrough;
    fuse_operations on = common_operations<fuse_operations>();
    on.flag_utime_omit_ok = 1;
    on.getattr = [](const char* path, struct fuse_stat* out) {
        return passthrough::getattr(path, out, nullptr);
    };
    on.fgetattr = passthrough::getattr;
    on.rename = [](const char* from, const char* to) { return passthrough::rename(from, to, 0); };
    on.chmod = [](const char* path, fuse_mode_t mode) { return passthrough::chmod(path, mode, nullptr); };
    on.chown = [](const char* path, fuse_uid_t uid, fuse_gid_t gid) {
        return passthrough::chown(path, uid, gid, nullptr);
    };
    on.truncate = [](const char* path, fuse_off_t size) {
        return passthrough::truncate(path, size, nullptr);
    };
    on.ftruncate = passthrough::truncate;
    on.utimens = [](const char* path, const struct fuse_timespec times[2]) {
        return passthrough::utimens(path, times, nullptr);
    };
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, fuse_off_t, fuse_file_info*) {
        return passthrough::readdir(path, [&](const char* name, const struct fuse_stat* info) {
            return fill(buffer, name, info, 0) == 0;
        });
    };
    return take_root(&argc, argv) ? fuse_main(argc, argv, &on, nullptr) : 2;
}

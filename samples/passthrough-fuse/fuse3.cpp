// SPDX-License-Identifier: MIT
/// @file passthrough-fuse3 [FUSE options] ROOTDIR MOUNTPOINT: shows a directory elsewhere, for FUSE 3.
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#if defined(_WIN32)
#include "passthrough_windows.h"
#else
#include "passthrough.h"
#endif

int main(int argc, char* argv[])
{
    using namespace passthrough;
    fuse_operations on = common_operations<fuse_operations>();
    on.init = [](fuse_conn_info*, fuse_config* config) -> void* {
        config->use_ino = 1;
        return nullptr;
    };
    on.getattr = passthrough::getattr;
    on.rename = passthrough::rename;
    on.chmod = passthrough::chmod;
    on.chown = passthrough::chown;
    on.truncate = passthrough::truncate;
    on.utimens = passthrough::utimens;
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, fuse_off_t, fuse_file_info*,
                    fuse_readdir_flags) {
        return passthrough::readdir(path, [&](const char* name, const struct fuse_stat* info) {
            return fill(buffer, name, info, 0, fuse_fill_dir_flags(0)) == 0;
        });
    };
#if !defined(_WIN32)
    on.lseek = [](const char*, off_t offset, int whence, fuse_file_info* fi) -> off_t {
        const off_t result = ::lseek(descriptor(fi), offset, whence);
        return result == -1 ? -errno : result;
    };
#endif
    return take_root(&argc, argv) ? fuse_main(argc, argv, &on, nullptr) : 2;
}

// SPDX-License-Identifier: MIT
/// @file memfs-fuse3 [FUSE options] MOUNTPOINT: a file system in memory, for FUSE 3.
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include "memory.h"

int main(int argc, char* argv[])
{
    using namespace memory;
    fuse_operations on = common_operations<fuse_operations>();
    on.init = [](fuse_conn_info*, fuse_config* config) -> void* {
        config->use_ino = 1;
        config->hard_remove = 1; // an open file keeps its node
        return fuse_get_context()->private_data;
    };
    on.getattr = memory::getattr;
    on.rename = [](const char* from, const char* to, unsigned flags) {
        constexpr unsigned no_replace = 1;
        return flags & ~no_replace ? -EINVAL : memory::rename(from, to, !(flags & no_replace));
    };
    on.chmod = memory::chmod;
    on.chown = memory::chown;
    on.truncate = memory::truncate;
    on.utimens = memory::utimens;
    on.readdir = [](const char* path, void* buffer, fuse_fill_dir_t fill, fuse_off_t, fuse_file_info*,
                    fuse_readdir_flags) {
        return memory::readdir(path, [&](const char* name) {
            return fill(buffer, name, nullptr, 0, fuse_fill_dir_flags(0)) == 0;
        });
    };
    Tree tree;
    return fuse_main(argc, argv, &on, &tree);
}

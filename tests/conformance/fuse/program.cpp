// SPDX-License-Identifier: MIT
//
// memfs-fuse with the types and the error numbers of Windows.
#include "fuse/fuse.h"

#include <cerrno>
#undef ENOTEMPTY
#define ENOTEMPTY 41
#undef ENODATA
#define ENODATA 120
#include "memfs-fuse/memory.h"

#include "program.h"

void* fsp_fuse_heap_alloc(size_t size) { return std::malloc(size); }
void fsp_fuse_heap_free(void* pointer) { std::free(pointer); }

namespace conformance {

fuse_operations memory_operations()
{
    using namespace memory;
    fuse_operations on = common_operations<fuse_operations>();
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
    return on;
}

void* make_memory() { return new memory::Tree; }
void delete_memory(void* tree) { delete static_cast<memory::Tree*>(tree); }

} // namespace conformance

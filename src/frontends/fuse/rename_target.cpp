// SPDX-License-Identifier: MIT
#include "frontends/fuse/rename_target.h"

#include <cinttypes>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <string>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace fsp::fuse {
namespace {

struct Rename
{
    uint64_t from = 0, to = 0; ///< addresses of the paths
};

/// What /proc says about the system call that a thread is in.
bool read_rename(pid_t thread, Rename* out)
{
    char path[40], text[256];
    std::snprintf(path, sizeof path, "/proc/%d/syscall", int(thread));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    long number;
    uint64_t a[4];
    if (std::sscanf(text, "%ld %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &number, &a[0], &a[1], &a[2],
                    &a[3]) != 5)
        return false;
    switch (number) {
#if defined(SYS_rename)
    case SYS_rename:
        *out = {a[0], a[1]};
        return true;
#endif
#if defined(SYS_renameat)
    case SYS_renameat:
#endif
    case SYS_renameat2:
        *out = {a[1], a[3]};
        return true;
    default:
        return false;
    }
}

/// Last component of a path in another process; empty if it cannot be read.
std::string last_component(pid_t thread, uint64_t address)
{
    constexpr uint64_t page = 4096;
    std::string path;
    char part[page];
    while (path.size() < PATH_MAX) {
        // Up to the end of the page: what follows need not be there.
        const size_t size = page - (address + path.size()) % page;
        iovec here{part, size};
        iovec there{reinterpret_cast<void*>(address + path.size()), size};
        const ssize_t n = process_vm_readv(thread, &here, 1, &there, 1, 0);
        if (n <= 0)
            return {};
        const std::string_view got(part, size_t(n));
        const size_t end = got.find('\0');
        path += got.substr(0, end);
        if (end != std::string_view::npos)
            break;
    }
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    return path.substr(path.rfind('/') + 1);
}

} // namespace

bool is_rename_target(pid_t thread, std::string_view name)
{
    Rename rename;
    return read_rename(thread, &rename) && last_component(thread, rename.to) == name &&
           last_component(thread, rename.from) != name;
}

} // namespace fsp::fuse

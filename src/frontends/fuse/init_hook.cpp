// SPDX-License-Identifier: MIT
#include "frontends/fuse/init_hook.h"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "frontends/fuse/nearness.h"

namespace fsp::fuse {
namespace {

/// The requests for FUSE_INIT that wait for their answer; there is one per mount, at its start. 0: none.
std::atomic<uint64_t> init_request = 0;
std::atomic<int> init_descriptor = -1;

ssize_t receive(int descriptor, void* buffer, size_t size, void*)
{
    const ssize_t n = ::read(descriptor, buffer, size);
    if (n >= ssize_t(sizeof(fuse_in_header) + sizeof(fuse_init_in))) {
        const auto* header = static_cast<const fuse_in_header*>(buffer);
        if (header->opcode == FUSE_INIT) [[unlikely]] {
            fuse_init_in init;
            std::memcpy(&init, header + 1, sizeof init);
            if (init.flags & FUSE_HANDLE_KILLPRIV_V2) {
                init_descriptor = descriptor;
                init_request = header->unique;
            }
        }
    }
    return n;
}

ssize_t send(int descriptor, iovec* parts, int count, void*)
{
    if (init_request.load(std::memory_order_relaxed) != 0 && init_descriptor == descriptor && count == 2 &&
        parts[1].iov_len >= offsetof(fuse_init_out, flags) + sizeof(uint32_t)) [[unlikely]]
    {
        const auto* header = static_cast<const fuse_out_header*>(parts[0].iov_base);
        if (header->unique == init_request && header->error == 0) {
            init_request = 0;
            static_cast<fuse_init_out*>(parts[1].iov_base)->flags |= FUSE_HANDLE_KILLPRIV_V2;
        }
    }
    Nearness::before_reply();
    const ssize_t n = ::writev(descriptor, parts, count);
    const int error = errno;
    Nearness::after_reply();
    errno = error;
    return n;
}

} // namespace

int hook_init(fuse_session* connection)
{
    fuse_custom_io io{};
    io.read = receive;
    io.writev = send;
    return fuse_session_custom_io(connection, &io, fuse_session_fd(connection));
}

} // namespace fsp::fuse

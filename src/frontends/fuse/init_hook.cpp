// SPDX-License-Identifier: MIT
#include "frontends/fuse/init_hook.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <linux/fuse.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frontends/fuse/nearness.h"
#include "frontends/fuse/session.h"

namespace fsp::fuse {
namespace {

/// In flags2, whose headers are younger: FOPEN_DIRECT_IO files may be mapped shared (Linux 6.6).
constexpr uint32_t direct_io_allow_mmap = uint32_t(1ull << 36 >> 32);

KernelOffer& offer_of(void* session) { return static_cast<Session*>(session)->kernel_offer(); }

ssize_t receive(int descriptor, void* buffer, size_t size, void* session)
{
    const ssize_t n = ::read(descriptor, buffer, size);
    if (n >= ssize_t(sizeof(fuse_in_header) + sizeof(fuse_init_in))) {
        const auto* header = static_cast<const fuse_in_header*>(buffer);
        if (header->opcode == FUSE_INIT) [[unlikely]] {
            fuse_init_in init;
            std::memcpy(&init, header + 1, sizeof init);
            KernelOffer& offer = offer_of(session);
            offer.flags = init.flags & FUSE_HANDLE_KILLPRIV_V2;
            // Linux 6.9 keeps direct writes side by side and the page cache out of each other's way.
            if (init.minor >= 40 && (init.flags & FUSE_INIT_EXT) && (init.flags2 & direct_io_allow_mmap)) {
                offer.flags |= FUSE_INIT_EXT;
                offer.flags2 = direct_io_allow_mmap;
            }
            offer.request = header->unique;
        }
    }
    return n;
}

ssize_t send(int descriptor, iovec* parts, int count, void* session)
{
    KernelOffer& offer = offer_of(session);
    if (offer.request.load(std::memory_order_relaxed) != 0 && count == 2 &&
        parts[1].iov_len >= offsetof(fuse_init_out, flags2) + sizeof(uint32_t)) [[unlikely]]
    {
        const auto* header = static_cast<const fuse_out_header*>(parts[0].iov_base);
        if (header->unique == offer.request && header->error == 0) {
            offer.request = 0;
            auto& init = *static_cast<fuse_init_out*>(parts[1].iov_base);
            init.flags |= offer.flags;
            init.flags2 |= offer.flags2;
            offer.direct_io = offer.flags2 != 0;
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

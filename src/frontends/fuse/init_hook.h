// SPDX-License-Identifier: MIT
//
// What the protocol can and libfuse 3.14 does not know yet.
#pragma once

#include <atomic>
#include <cstdint>

struct fuse_session;

namespace fsp::fuse {

/// What of it the kernel offers, from FUSE_INIT to its answer.
struct KernelOffer
{
    std::atomic<uint64_t> request = 0; ///< 0: none waits for its answer
    uint32_t flags = 0, flags2 = 0;
    /// Agreed on: a file that is opened for direct I/O only may be mapped all the same.
    std::atomic<bool> direct_io = false;
};

/**
 * Adds to the answer to FUSE_INIT, if the kernel offers it:
 * - this side clears set-user-ID bits (FUSE_HANDLE_KILLPRIV_V2); otherwise the kernel asks for the attribute
 *   security.capability before every write;
 * - files without page cache may be mapped (FUSE_DIRECT_IO_ALLOW_MMAP).
 *
 * The connection's user data is its Session.
 * @return 0 or a negative errno
 */
int hook_init(fuse_session* connection);

} // namespace fsp::fuse

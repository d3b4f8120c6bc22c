// SPDX-License-Identifier: MIT
//
// What the protocol can and libfuse 3.14 does not know yet.
#pragma once

struct fuse_session;

namespace fsp::fuse {

/**
 * Adds to the answer to FUSE_INIT that this side clears set-user-ID bits (FUSE_HANDLE_KILLPRIV_V2), if the
 * kernel offers it. Without, the kernel asks for the attribute security.capability before every write.
 *
 * @return 0 or a negative errno
 */
int hook_init(fuse_session* connection);

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
#include "libfuse/context.h"

namespace fsp::libfuse {

Context& context()
{
    static thread_local Context current{};
    return current;
}

ContextScope::ContextScope(void* fuse, void* private_data, const nt::PosixCall* call) : outer_(context())
{
    Context& now = context();
    now.fuse = fuse;
    now.private_data = private_data;
    // A request that came from nobody: the library's own, or a native one about an open file.
    now.uid = call ? call->uid : uid_t(-1);
    now.gid = call ? call->gid : gid_t(-1);
    now.pid = call ? call->pid : -1;
    now.umask = call ? call->umask : 0;
}

} // namespace fsp::libfuse

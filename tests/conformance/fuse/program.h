// SPDX-License-Identifier: MIT
#pragma once

#include "fuse/fuse.h"

namespace conformance {

/// A file system in memory; its private data is what make_memory returns.
fuse_operations memory_operations();
void* make_memory();
void delete_memory(void* tree);

} // namespace conformance

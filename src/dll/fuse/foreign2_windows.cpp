// SPDX-License-Identifier: MIT
//
// The names of libfuse 2 as exports, for languages that load the DLL instead of including a header. They use
// the process heap.
#include <cstdlib>

#include "dll/dll.h"

#define FSP_FUSE_SYM(proto, ...)                                                                             \
    __declspec(dllexport) proto { __VA_ARGS__ }
#include "fuse/fuse.h"

void* fsp_fuse_heap_alloc(size_t size) { return std::malloc(size); }
void fsp_fuse_heap_free(void* memory) { std::free(memory); }

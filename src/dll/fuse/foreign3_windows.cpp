// SPDX-License-Identifier: MIT
//
// The names of FUSE 3, with the prefix fuse3, as foreign2_windows.cpp has those of FUSE 2.
#include "dll/dll.h"
#include "fuse/fuse_opt.h" // options are the same in both versions, and exported by foreign2_windows.cpp

#undef FSP_FUSE_SYM
#define FSP_FUSE_SYM(proto, ...)                                                                             \
    __declspec(dllexport) proto { __VA_ARGS__ }
#include "fuse3/fuse.h"

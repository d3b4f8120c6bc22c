// SPDX-License-Identifier: MIT
//
// The header of FUSE 3 beside that of FUSE 2: they share include guards and names of constants, but with
// WINFSP_DLL_INTERNAL no names of types and functions.
#pragma once

#include "fuse/fuse.h"

#undef FUSE_H_
#undef FUSE_COMMON_H_
#undef FUSE_MAJOR_VERSION
#undef FUSE_MINOR_VERSION
#undef FUSE_MAKE_VERSION
#undef FUSE_VERSION
#undef fuse_main
#undef FSP_FUSE_CAP_CASE_INSENSITIVE
#include "fuse3/fuse.h"
#undef FUSE_MAJOR_VERSION
#undef FUSE_MINOR_VERSION
#undef FUSE_VERSION
#undef fuse_main
#undef fuse_loop_mt

/* SPDX-License-Identifier: MIT */
/* Options are the same in both versions. */
#include "../fuse/fuse_opt.h"

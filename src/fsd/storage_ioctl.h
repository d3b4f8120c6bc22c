// SPDX-License-Identifier: MIT
#pragma once

/// Control codes and structures of storage devices and the Mount Manager. On Windows they have headers of
/// their own; the executive's <ntifs.h> holds them all.

#include "wdk.h"

#if defined(_WIN32)
#include <ntddstor.h>
// After ntddstor.h.
#include <mountmgr.h>

#include <mountdev.h>
#endif

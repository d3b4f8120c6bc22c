// SPDX-License-Identifier: MIT
/// @file The native API. On ntos it is the executive's own; on Windows ntdll's.
#pragma once

#if defined(_WIN32)
#include "windows/ntdll.h"
#else
#include <ntifs.h>
#endif

// SPDX-License-Identifier: MIT
#pragma once

#include <ntifs.h>

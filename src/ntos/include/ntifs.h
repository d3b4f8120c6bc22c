// SPDX-License-Identifier: MIT
// The WDK interface of the executive: what <ntifs.h> of the Windows Driver Kit declares, as far as file
// systems and native NT programs use it. Structures have the layouts of 64-bit Windows, functions its calling
// convention.
#pragma once

#define NTDDI_WIN7 0x06010000
#define NTDDI_WIN10 0x0A000000
#define NTDDI_VERSION NTDDI_WIN10

#include "ntos/raise.h"

#include "wdk/base.h"
#include "wdk/cc.h"
#include "wdk/cm.h"
#include "wdk/ex.h"
#include "wdk/fileinfo.h"
#include "wdk/fsrtl.h"
#include "wdk/io.h"
#include "wdk/ke.h"
#include "wdk/mm.h"
#include "wdk/se.h"
#include "wdk/storage.h"
#include "wdk/zw.h"

// SPDX-License-Identifier: MIT
#pragma once

#include "bytes.h"

#ifndef WINFSP_SYS_INTERNAL
#define WINFSP_SYS_INTERNAL
#endif
#include <winfsp/fsctl.h>

namespace hostile {

/// Writes to memory that may no longer be there, and in no order with anybody else's use of it.
void write_anyway(UINT64 address, const void* data, size_t size);

/// What a well-behaved file system would answer: files of 10000 bytes and directories (names that begin with
/// 'd') with a few entries, streams, EAs, a descriptor. Data goes to the request's buffer.
/// @param answer zeroed, with room for 64 KiB
void honest_reply(const FSP_FSCTL_TRANSACT_REQ& request, Chance& chance, FSP_FSCTL_TRANSACT_RSP& answer);

/// Records for NOTIFY: often right, often not, closing the session at their end.
std::vector<UINT64> random_notify_records(Chance& chance);

} // namespace hostile

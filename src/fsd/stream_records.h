// SPDX-License-Identifier: MIT
#pragma once
#include "wdk.h"

namespace fsp::fsd {

/// Turns a file system's STREAM_INFO records into FILE_STREAM_INFORMATION (":name:$DATA").
/// @param answer  bytes that may be anything, but do not change meanwhile
/// @param[out] written bytes
/// @return STATUS_SUCCESS; STATUS_BUFFER_TOO_SMALL if not even the fixed part of the first record fits;
///         STATUS_BUFFER_OVERFLOW if a record did not fit (its name is cut) or was left out
NTSTATUS pack_streams(const void* answer, ULONG answer_size, void* out, ULONG out_size, ULONG* written);

} // namespace fsp::fsd

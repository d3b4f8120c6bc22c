// SPDX-License-Identifier: MIT
#pragma once

/// Reparse buffers, whatever they may contain.

#include "wdk.h"

namespace fsp::fsd {

class Volume;

/// Is this a whole and consistent REPARSE_DATA_BUFFER or REPARSE_GUID_DATA_BUFFER of exactly `size` bytes?
/// @return STATUS_SUCCESS, STATUS_IO_REPARSE_TAG_INVALID or STATUS_IO_REPARSE_DATA_INVALID
NTSTATUS validate_reparse_buffer(const void* data, ULONG size) noexcept;

/// Substitute name of a validated symbolic link; `relative` as flagged. False for other tags.
bool symlink_target(const void* data, ULONG size, UNICODE_STRING* target, bool* relative) noexcept;

/// The byte index in an absolute target where its path on this very volume starts; 0 if it leads elsewhere.
/// On the requestor's own thread: drive letters are its own. PASSIVE_LEVEL
USHORT target_on_file_system(Volume& volume, const UNICODE_STRING& target) noexcept;

} // namespace fsp::fsd

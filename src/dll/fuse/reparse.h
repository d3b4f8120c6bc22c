// SPDX-License-Identifier: MIT
//
// Symbolic links and special files as reparse points.
#pragma once

#include "dll/fuse/information.h"

namespace fsp::winfuse {

/// Reparse data of a path. @param link a path that is known to be a link, which is not asked about; may be
/// null  @param buffer may be null: only whether there is some  @param size in: capacity, out: size
NTSTATUS get_reparse_data(fuse& f, const char* path, const char* link, PVOID buffer, PSIZE_T size);

/// The same for FspFileSystemResolveReparsePoints; the context is `link`.
NTSTATUS reparse_data_by_name(FSP_FILE_SYSTEM* native, PVOID link, PWSTR name, BOOLEAN directory,
                              PVOID buffer, PSIZE_T size);

} // namespace fsp::winfuse

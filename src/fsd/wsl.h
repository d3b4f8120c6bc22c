// SPDX-License-Identifier: MIT
#pragma once

/// FileStatInformation and FileStatLxInformation, by which the Windows Subsystem for Linux looks at files.

#include "dispatch.h"

namespace fsp::fsd {

inline constexpr ULONG wsl_stat_class = 68;
inline constexpr ULONG wsl_stat_lx_class = 70;

/// IRP_MJ_QUERY_INFORMATION for both classes.
IrpTask query_stat(Volume& volume, PIRP irp);

/// The four EAs in which Linux metadata is kept.
struct LinuxMetadata
{
    ULONG flags = 0;
    ULONG uid = 0, gid = 0, mode = 0, device_major = 0, device_minor = 0;
};
/// Reads them out of an EA set.
LinuxMetadata linux_metadata(const void* set, ULONG size);

} // namespace fsp::fsd

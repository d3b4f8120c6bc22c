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

/// ATOMIC_CREATE_ECP_CONTEXT, as far as it is used: a file that is a reparse point from the start. Kernel
/// memory.
struct AtomicCreate
{
    static constexpr USHORT reparse_point = 0x2, best_effort = 0x100;
    USHORT size;
    USHORT in_flags;
    USHORT out_flags;
    USHORT reparse_size;
    void* reparse;
};

/// The parameter of a create, if a kernel caller has given one; else null. @return STATUS_INVALID_PARAMETER
NTSTATUS find_atomic_create(PIRP irp, AtomicCreate** found) noexcept;

} // namespace fsp::fsd

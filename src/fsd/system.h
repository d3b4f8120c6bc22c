// SPDX-License-Identifier: MIT
#pragma once

/// Routines that an NT 5.2 kernel does not export, found at load time; each has a written fallback so that
/// callers need not care. A null entry means "use the fallback", which the inline functions below do.

#include "wdk.h"

namespace fsp::fsd {

struct SystemRoutines
{
    // Windows 7: oplock keys, handle caching, atomic requests.
    NTSTATUS(NTAPI* check_oplock_ex)
    (POPLOCK, PIRP, ULONG flags, PVOID context, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP);
    NTSTATUS(NTAPI* oplock_fsctrl_ex)(POPLOCK, PIRP, ULONG open_count, ULONG flags);
    NTSTATUS(NTAPI* oplock_break_h)
    (POPLOCK, PIRP, ULONG flags, PVOID context, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP);
    NTSTATUS(NTAPI* oplock_break_to_none_ex)
    (POPLOCK, PIRP, ULONG flags, PVOID context, POPLOCK_WAIT_COMPLETE_ROUTINE, POPLOCK_FS_PREPOST_IRP);
    BOOLEAN(NTAPI* current_oplock_h)(POPLOCK);
    BOOLEAN(NTAPI* oplock_is_shared_request)(PIRP);
    NTSTATUS(NTAPI* unload_driver)(PUNICODE_STRING service_key); // ZwUnloadDriver
    // Vista.
    BOOLEAN(NTAPI* mm_does_file_have_user_writable_references)(PSECTION_OBJECT_POINTERS);
    NTSTATUS(NTAPI* ecp_get_list_from_irp)(PIRP, PVOID* list);
    NTSTATUS(NTAPI* ecp_find)(PVOID list, const GUID* type, PVOID* context, ULONG* size);
    BOOLEAN(NTAPI* ecp_is_from_user_mode)(PVOID context);
};

extern SystemRoutines system;

/// Fills the table; called first by DriverEntry.
void find_system_routines() noexcept;

/// FsRtlCheckOplockEx, or FsRtlCheckOplock (which knows no flags) on old kernels.
NTSTATUS check_oplock(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                      POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept;
/// FsRtlOplockBreakH; SUCCESS where there are no handle oplocks.
NTSTATUS break_handle_oplock(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                             POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept;
bool has_batch_oplock(POPLOCK oplock) noexcept;
bool has_handle_oplock(POPLOCK oplock) noexcept;
/// MmDoesFileHaveUserWritableReferences; false where unknown.
bool has_user_writable_views(PSECTION_OBJECT_POINTERS sections) noexcept;

/// Interrupt time in 100 ns units (the clock of deadlines), and system time as a FILETIME.
UINT64 interrupt_time() noexcept;

} // namespace fsp::fsd

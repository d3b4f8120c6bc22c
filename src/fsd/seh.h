// SPDX-License-Identifier: MIT
#pragma once

/// Every kernel call that raises, wrapped so that it returns a status instead. seh.cpp is the only file of
/// the driver that is built with exceptions (ntos) or contains __try (Windows); nothing else may call the
/// wrapped routines directly. Small functions, no coroutines, no objects with destructors.

#include "wdk.h"

namespace fsp::fsd::seh {

/// Copies from / to an address that a user-mode caller gave (probes it when `mode` is UserMode).
NTSTATUS copy_from_user(void* to, const void* from, SIZE_T size, KPROCESSOR_MODE mode) noexcept;
NTSTATUS copy_to_user(void* to, const void* from, SIZE_T size, KPROCESSOR_MODE mode) noexcept;
NTSTATUS zero_user(void* to, SIZE_T size, KPROCESSOR_MODE mode) noexcept;
NTSTATUS probe_for_read(const void* address, SIZE_T size, ULONG alignment) noexcept;
NTSTATUS probe_for_write(void* address, SIZE_T size, ULONG alignment) noexcept;
/// Whether all of a user's buffer is there now.
/// @param write it can be written to as well
NTSTATUS touch_user_pages(void* address, SIZE_T size, bool write) noexcept;

NTSTATUS probe_and_lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation) noexcept;

// Cache manager. A failed page read inside is returned as its status.
NTSTATUS cc_initialize_cache_map(PFILE_OBJECT file, PCC_FILE_SIZES sizes, BOOLEAN pin,
                                 PCACHE_MANAGER_CALLBACKS callbacks, PVOID context) noexcept;
NTSTATUS cc_set_file_sizes(PFILE_OBJECT file, PCC_FILE_SIZES sizes) noexcept;
/// STATUS_CANT_WAIT when `wait` is false and the data is not there.
NTSTATUS cc_copy_read(PFILE_OBJECT file, UINT64 offset, ULONG length, bool wait, void* buffer,
                      PIO_STATUS_BLOCK io_status) noexcept;
NTSTATUS cc_copy_write(PFILE_OBJECT file, UINT64 offset, ULONG length, bool wait,
                       const void* buffer) noexcept;
NTSTATUS cc_mdl_read(PFILE_OBJECT file, UINT64 offset, ULONG length, PMDL* mdl,
                     PIO_STATUS_BLOCK io_status) noexcept;
NTSTATUS cc_prepare_mdl_write(PFILE_OBJECT file, UINT64 offset, ULONG length, PMDL* mdl,
                              PIO_STATUS_BLOCK io_status) noexcept;
NTSTATUS cc_mdl_read_complete(PFILE_OBJECT file, PMDL mdl) noexcept;
NTSTATUS cc_mdl_write_complete(PFILE_OBJECT file, UINT64 offset, PMDL mdl) noexcept;
NTSTATUS cc_zero_data(PFILE_OBJECT file, UINT64 from, UINT64 to, bool wait) noexcept;
/// length 0 = whole file.
NTSTATUS cc_flush_cache(PSECTION_OBJECT_POINTERS sections, const UINT64* offset, ULONG length) noexcept;
NTSTATUS cc_purge_cache_section(PSECTION_OBJECT_POINTERS sections, const UINT64* offset, ULONG length,
                                BOOLEAN uninitialize) noexcept;
NTSTATUS cc_uninitialize_cache_map(PFILE_OBJECT file, const UINT64* truncate_size) noexcept;

// File system run-time library routines that raise.
NTSTATUS fsrtl_notify_initialize_sync(PNOTIFY_SYNC* sync) noexcept;
NTSTATUS fsrtl_notify_change_directory(PNOTIFY_SYNC sync, PVOID context, PUNICODE_STRING directory,
                                       PLIST_ENTRY list, BOOLEAN watch_tree, ULONG filter, PIRP irp) noexcept;
NTSTATUS fsrtl_notify_report_change(PNOTIFY_SYNC sync, PLIST_ENTRY list, PUNICODE_STRING name,
                                    USHORT last_component_offset, ULONG filter, ULONG action) noexcept;
/// The package takes the IRP and completes it, now or later; *taken is false if it raised instead: the IRP is
/// still the caller's then.
NTSTATUS fsrtl_process_file_lock(PFILE_LOCK lock, PIRP irp, PVOID context, bool* taken) noexcept;
NTSTATUS fsrtl_oplock_fsctrl(POPLOCK oplock, PIRP irp, ULONG open_count, bool* taken) noexcept;
using CheckOplock = NTSTATUS NTAPI(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                                   POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post);
/// Any routine of the check's form; FsRtlCheckOplock for null. It raises before it has done anything.
NTSTATUS fsrtl_check_oplock(CheckOplock* routine, POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                            POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept;
bool fsrtl_is_name_in_expression(PUNICODE_STRING expression, PUNICODE_STRING name, BOOLEAN ignore_case,
                                 NTSTATUS* status) noexcept;

/// SeCaptureSubjectContext's companions do not raise; SeQuerySecurityDescriptorInfo may.
NTSTATUS query_security_descriptor_info(PSECURITY_INFORMATION information, PSECURITY_DESCRIPTOR to,
                                        PULONG length, PSECURITY_DESCRIPTOR from) noexcept;

} // namespace fsp::fsd::seh

// SPDX-License-Identifier: MIT
#include "system.h"
#include "seh.h"

namespace fsp::fsd {

constinit SystemRoutines system{};

namespace {

template<size_t n> void find(void* entry, const WCHAR (&name)[n])
{
    UNICODE_STRING string;
    string.Buffer = const_cast<WCHAR*>(name);
    string.Length = (n - 1) * sizeof(WCHAR);
    string.MaximumLength = n * sizeof(WCHAR);
    *static_cast<PVOID*>(entry) = MmGetSystemRoutineAddress(&string);
}

} // namespace

FSP_INIT void find_system_routines() noexcept
{
#if defined(_WIN32)
    fsp_find_clock();
#endif
    find(&system.check_oplock_ex, FSP_L("FsRtlCheckOplockEx"));
    find(&system.oplock_fsctrl_ex, FSP_L("FsRtlOplockFsctrlEx"));
    find(&system.oplock_break_h, FSP_L("FsRtlOplockBreakH"));
    find(&system.oplock_break_to_none_ex, FSP_L("FsRtlOplockBreakToNoneEx"));
    find(&system.current_oplock_h, FSP_L("FsRtlCurrentOplockH"));
    find(&system.oplock_is_shared_request, FSP_L("FsRtlOplockIsSharedRequest"));
    find(&system.mm_does_file_have_user_writable_references, FSP_L("MmDoesFileHaveUserWritableReferences"));
    find(&system.unload_driver, FSP_L("ZwUnloadDriver"));
    find(&system.ecp_get_list_from_irp, FSP_L("FsRtlGetEcpListFromIrp"));
    find(&system.ecp_find, FSP_L("FsRtlFindExtraCreateParameter"));
    find(&system.ecp_is_from_user_mode, FSP_L("FsRtlIsEcpFromUserMode"));
}

NTSTATUS check_oplock(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                      POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept
{
    // Flags came with keys and atomic requests, which an old kernel has not: what they ask for is done.
    if (!system.check_oplock_ex && flags != 0)
        return STATUS_SUCCESS;
    return seh::fsrtl_check_oplock(system.check_oplock_ex, oplock, irp, flags, context, complete, post);
}

NTSTATUS break_handle_oplock(POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                             POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept
{
    if (system.oplock_break_h)
        return seh::fsrtl_check_oplock(system.oplock_break_h, oplock, irp, flags, context, complete, post);
    return STATUS_SUCCESS;
}

bool has_batch_oplock(POPLOCK oplock) noexcept { return FsRtlCurrentBatchOplock(oplock); }

bool has_handle_oplock(POPLOCK oplock) noexcept
{
    return system.current_oplock_h && system.current_oplock_h(oplock);
}

bool has_user_writable_views(PSECTION_OBJECT_POINTERS sections) noexcept
{
    return system.mm_does_file_have_user_writable_references &&
           system.mm_does_file_have_user_writable_references(sections);
}

UINT64 interrupt_time() noexcept { return static_cast<UINT64>(KeQueryInterruptTime()); }

} // namespace fsp::fsd

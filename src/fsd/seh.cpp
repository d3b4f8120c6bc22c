// SPDX-License-Identifier: MIT
#include "seh.h"

// FSP_GUARDED(call) evaluates `call` and, when it raises, makes the enclosing function return the raised
// status.
#if defined(_WIN32)
extern "C" long fsp_guard(void (*function)(void*), void* context); // windows/guard.c

namespace {
template<class Body> NTSTATUS guard(Body body)
{
    return static_cast<NTSTATUS>(fsp_guard([](void* context) { (*static_cast<Body*>(context))(); }, &body));
}
} // namespace

#define FSP_GUARDED(call)                                                                                    \
    do {                                                                                                     \
        const NTSTATUS raised = guard([&] { call; });                                                        \
        if (raised != STATUS_SUCCESS)                                                                        \
            return raised;                                                                                   \
    } while (0)
#else
#define FSP_GUARDED(call)                                                                                    \
    do {                                                                                                     \
        try {                                                                                                \
            call;                                                                                            \
        } catch (const fsp::ntos::RaisedStatus& raised) {                                                    \
            return raised.status;                                                                            \
        }                                                                                                    \
    } while (0)
#endif

namespace fsp::fsd::seh {

namespace {

#if defined(_WIN32)
void move_bytes(void* to, const void* from, SIZE_T size) { RtlMoveMemory(to, from, size); }
void zero_bytes(void* to, SIZE_T size) { RtlZeroMemory(to, size); }
#else
// On ntos only these accesses to memory raise.
void move_bytes(void* to, const void* from, SIZE_T size) { CopyFromUser(to, from, size); }
void zero_bytes(void* to, SIZE_T size) { ZeroUserMemory(to, size); }
#endif

LARGE_INTEGER large(UINT64 value)
{
    LARGE_INTEGER result;
    result.QuadPart = static_cast<LONGLONG>(value);
    return result;
}

} // namespace

NTSTATUS probe_for_read(const void* address, SIZE_T size, ULONG alignment) noexcept
{
    FSP_GUARDED(ProbeForRead(const_cast<void*>(address), size, alignment));
    return STATUS_SUCCESS;
}

NTSTATUS probe_for_write(void* address, SIZE_T size, ULONG alignment) noexcept
{
    FSP_GUARDED(ProbeForWrite(address, size, alignment));
    return STATUS_SUCCESS;
}

NTSTATUS touch_user_pages(void* address, SIZE_T size, bool write) noexcept
{
    if (write)
        return probe_for_write(address, size, 1);
    FSP_GUARDED(ProbeForRead(address, size, 1));
    Byte byte;
    auto* at = static_cast<Byte*>(address);
    for (Byte* const end = at + size; at < end;
         at = reinterpret_cast<Byte*>((reinterpret_cast<ULONG_PTR>(at) | (PAGE_SIZE - 1)) + 1))
        FSP_GUARDED(move_bytes(&byte, at, 1));
    return STATUS_SUCCESS;
}

NTSTATUS copy_from_user(void* to, const void* from, SIZE_T size, KPROCESSOR_MODE mode) noexcept
{
    if (mode != KernelMode) {
        const NTSTATUS status = probe_for_read(from, size, 1);
        if (!NT_SUCCESS(status))
            return status;
    }
    FSP_GUARDED(move_bytes(to, from, size));
    return STATUS_SUCCESS;
}

NTSTATUS copy_to_user(void* to, const void* from, SIZE_T size, KPROCESSOR_MODE mode) noexcept
{
    if (mode != KernelMode) {
        const NTSTATUS status = probe_for_write(to, size, 1);
        if (!NT_SUCCESS(status))
            return status;
    }
    FSP_GUARDED(move_bytes(to, from, size));
    return STATUS_SUCCESS;
}

NTSTATUS zero_user(void* to, SIZE_T size, KPROCESSOR_MODE mode) noexcept
{
    if (mode != KernelMode) {
        const NTSTATUS status = probe_for_write(to, size, 1);
        if (!NT_SUCCESS(status))
            return status;
    }
    FSP_GUARDED(zero_bytes(to, size));
    return STATUS_SUCCESS;
}

NTSTATUS probe_and_lock_pages(PMDL mdl, KPROCESSOR_MODE mode, LOCK_OPERATION operation) noexcept
{
    FSP_GUARDED(MmProbeAndLockPages(mdl, mode, operation));
    return STATUS_SUCCESS;
}

NTSTATUS cc_initialize_cache_map(PFILE_OBJECT file, PCC_FILE_SIZES sizes, BOOLEAN pin,
                                 PCACHE_MANAGER_CALLBACKS callbacks, PVOID context) noexcept
{
    FSP_GUARDED(CcInitializeCacheMap(file, sizes, pin, callbacks, context));
    return STATUS_SUCCESS;
}

NTSTATUS cc_set_file_sizes(PFILE_OBJECT file, PCC_FILE_SIZES sizes) noexcept
{
    FSP_GUARDED(CcSetFileSizes(file, sizes));
    return STATUS_SUCCESS;
}

NTSTATUS cc_copy_read(PFILE_OBJECT file, UINT64 offset, ULONG length, bool wait, void* buffer,
                      PIO_STATUS_BLOCK io_status) noexcept
{
    LARGE_INTEGER at = large(offset);
    BOOLEAN copied = FALSE;
    FSP_GUARDED(copied = CcCopyRead(file, &at, length, wait, buffer, io_status));
    return copied ? io_status->Status : STATUS_CANT_WAIT;
}

NTSTATUS cc_copy_write(PFILE_OBJECT file, UINT64 offset, ULONG length, bool wait, const void* buffer) noexcept
{
    LARGE_INTEGER at = large(offset);
    BOOLEAN copied = FALSE;
    FSP_GUARDED(copied = CcCopyWrite(file, &at, length, wait, const_cast<void*>(buffer)));
    return copied ? STATUS_SUCCESS : STATUS_CANT_WAIT;
}

NTSTATUS cc_mdl_read(PFILE_OBJECT file, UINT64 offset, ULONG length, PMDL* mdl,
                     PIO_STATUS_BLOCK io_status) noexcept
{
    LARGE_INTEGER at = large(offset);
    FSP_GUARDED(CcMdlRead(file, &at, length, mdl, io_status));
    return io_status->Status;
}

NTSTATUS cc_prepare_mdl_write(PFILE_OBJECT file, UINT64 offset, ULONG length, PMDL* mdl,
                              PIO_STATUS_BLOCK io_status) noexcept
{
    LARGE_INTEGER at = large(offset);
    FSP_GUARDED(CcPrepareMdlWrite(file, &at, length, mdl, io_status));
    return io_status->Status;
}

NTSTATUS cc_mdl_read_complete(PFILE_OBJECT file, PMDL mdl) noexcept
{
    FSP_GUARDED(CcMdlReadComplete(file, mdl));
    return STATUS_SUCCESS;
}

NTSTATUS cc_mdl_write_complete(PFILE_OBJECT file, UINT64 offset, PMDL mdl) noexcept
{
    LARGE_INTEGER at = large(offset);
    FSP_GUARDED(CcMdlWriteComplete(file, &at, mdl));
    return STATUS_SUCCESS;
}

NTSTATUS cc_zero_data(PFILE_OBJECT file, UINT64 from, UINT64 to, bool wait) noexcept
{
    LARGE_INTEGER start = large(from), end = large(to);
    BOOLEAN zeroed = FALSE;
    FSP_GUARDED(zeroed = CcZeroData(file, &start, &end, wait));
    return zeroed ? STATUS_SUCCESS : STATUS_CANT_WAIT;
}

NTSTATUS cc_flush_cache(PSECTION_OBJECT_POINTERS sections, const UINT64* offset, ULONG length) noexcept
{
    LARGE_INTEGER at = large(offset ? *offset : 0);
    IO_STATUS_BLOCK io_status{};
    FSP_GUARDED(CcFlushCache(sections, offset ? &at : nullptr, length, &io_status));
    return io_status.Status;
}

NTSTATUS cc_purge_cache_section(PSECTION_OBJECT_POINTERS sections, const UINT64* offset, ULONG length,
                                BOOLEAN uninitialize) noexcept
{
    LARGE_INTEGER at = large(offset ? *offset : 0);
    BOOLEAN purged = FALSE;
    FSP_GUARDED(purged = CcPurgeCacheSection(sections, offset ? &at : nullptr, length, uninitialize));
    return purged ? STATUS_SUCCESS : STATUS_UNSUCCESSFUL;
}

NTSTATUS cc_uninitialize_cache_map(PFILE_OBJECT file, const UINT64* truncate_size) noexcept
{
    LARGE_INTEGER size = large(truncate_size ? *truncate_size : 0);
    FSP_GUARDED(CcUninitializeCacheMap(file, truncate_size ? &size : nullptr, nullptr));
    return STATUS_SUCCESS;
}

NTSTATUS fsrtl_notify_initialize_sync(PNOTIFY_SYNC* sync) noexcept
{
    FSP_GUARDED(FsRtlNotifyInitializeSync(sync));
    return STATUS_SUCCESS;
}

NTSTATUS fsrtl_notify_change_directory(PNOTIFY_SYNC sync, PVOID context, PUNICODE_STRING directory,
                                       PLIST_ENTRY list, BOOLEAN watch_tree, ULONG filter, PIRP irp) noexcept
{
    FSP_GUARDED(FsRtlNotifyFullChangeDirectory(sync, list, context, reinterpret_cast<PSTRING>(directory),
                                               watch_tree, FALSE, filter, irp, nullptr, nullptr));
    return STATUS_SUCCESS;
}

NTSTATUS fsrtl_notify_report_change(PNOTIFY_SYNC sync, PLIST_ENTRY list, PUNICODE_STRING name,
                                    USHORT last_component_offset, ULONG filter, ULONG action) noexcept
{
    FSP_GUARDED(FsRtlNotifyFullReportChange(sync, list, reinterpret_cast<PSTRING>(name),
                                            last_component_offset, nullptr, nullptr, filter, action,
                                            nullptr));
    return STATUS_SUCCESS;
}

NTSTATUS fsrtl_process_file_lock(PFILE_LOCK lock, PIRP irp, PVOID context, bool* taken) noexcept
{
    NTSTATUS status = STATUS_SUCCESS;
    *taken = false;
    FSP_GUARDED(status = FsRtlProcessFileLock(lock, irp, context));
    *taken = true;
    return status;
}

NTSTATUS fsrtl_oplock_fsctrl(POPLOCK oplock, PIRP irp, ULONG open_count, bool* taken) noexcept
{
    NTSTATUS status = STATUS_SUCCESS;
    *taken = false;
    FSP_GUARDED(status = FsRtlOplockFsctrl(oplock, irp, open_count));
    *taken = true;
    return status;
}

NTSTATUS fsrtl_check_oplock(CheckOplock* routine, POPLOCK oplock, PIRP irp, ULONG flags, PVOID context,
                            POPLOCK_WAIT_COMPLETE_ROUTINE complete, POPLOCK_FS_PREPOST_IRP post) noexcept
{
    NTSTATUS status = STATUS_SUCCESS;
    if (routine)
        FSP_GUARDED(status = routine(oplock, irp, flags, context, complete, post));
    else
        FSP_GUARDED(status = FsRtlCheckOplock(oplock, irp, context, complete, post));
    return status;
}

bool fsrtl_is_name_in_expression(PUNICODE_STRING expression, PUNICODE_STRING name, BOOLEAN ignore_case,
                                 NTSTATUS* status) noexcept
{
    struct
    {
        NTSTATUS operator()(PUNICODE_STRING expression, PUNICODE_STRING name, BOOLEAN ignore_case,
                            BOOLEAN* matches) const
        {
            FSP_GUARDED(*matches = FsRtlIsNameInExpression(expression, name, ignore_case, nullptr));
            return STATUS_SUCCESS;
        }
    } match;
    BOOLEAN matches = FALSE;
    *status = match(expression, name, ignore_case, &matches);
    return NT_SUCCESS(*status) && matches;
}

NTSTATUS query_security_descriptor_info(PSECURITY_INFORMATION information, PSECURITY_DESCRIPTOR to,
                                        PULONG length, PSECURITY_DESCRIPTOR from) noexcept
{
    NTSTATUS status = STATUS_SUCCESS;
    PSECURITY_DESCRIPTOR source = from;
    FSP_GUARDED(status = SeQuerySecurityDescriptorInfo(information, to, length, &source));
    return status;
}

} // namespace fsp::fsd::seh

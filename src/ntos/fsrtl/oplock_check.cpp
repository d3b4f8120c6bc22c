// SPDX-License-Identifier: MIT
//
// What each operation does to oplocks, and the operation's wait: FsRtlCheckOplock and its relatives.
#include "ntos/fsrtl/oplock.h"

#include "ntos/faults.h"
#include "ntos/verifier.h"

#include <new>

namespace fsp::ntos::fsrtl {
namespace {

constexpr ACCESS_MASK legacy_stat_access = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | SYNCHRONIZE;
constexpr ACCESS_MASK granular_stat_access = legacy_stat_access | READ_CONTROL;
constexpr ACCESS_MASK filter_access = granular_stat_access | FILE_READ_DATA | FILE_READ_EA | FILE_EXECUTE;

void intend_modification(Intent& intent)
{
    intent.to_none = intent.breaks_filter = true;
    intent.cache = cache_read | cache_write;
}

void intend_reading(Intent& intent)
{
    intent.to_two = true;
    intent.cache = cache_write;
}

void intend_create(Intent& intent, PIO_STACK_LOCATION sp)
{
    auto& create = sp->Parameters.Create;
    const ACCESS_MASK access =
        create.SecurityContext ? create.SecurityContext->DesiredAccess : ~ACCESS_MASK{0};
    intent.modes_known = create.SecurityContext != nullptr;
    intent.access = access;
    intent.share = create.ShareAccess;

    const ULONG disposition = create.Options >> 24;
    if (disposition == FILE_SUPERSEDE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF) {
        intend_modification(intent);
        return;
    }
    // Opening to look at attributes only disturbs nobody.
    intent.to_two = (access & ~legacy_stat_access) || (create.Options & FILE_RESERVE_OPFILTER);
    intent.cache = (access & ~granular_stat_access) ? cache_write : 0;
    intent.breaks_filter = (access & ~filter_access) ||
                           ((access & ~granular_stat_access) && !(create.ShareAccess & FILE_SHARE_READ));
}

void intend_set_information(Intent& intent, PIRP irp, PIO_STACK_LOCATION sp)
{
    auto& set = sp->Parameters.SetFile;
    switch (set.FileInformationClass) {
    case FileEndOfFileInformation:
        if (!set.AdvanceOnly)
            intend_modification(intent);
        break;
    case FileAllocationInformation:
    case FileValidDataLengthInformation:
        intend_modification(intent);
        break;
    case FileRenameInformation:
    case FileRenameInformationEx:
    case FileLinkInformation:
    case FileLinkInformationEx:
    case FileShortNameInformation:
        intent.cache = cache_handle;
        break;
    case FileDispositionInformation:
        if (static_cast<PFILE_DISPOSITION_INFORMATION>(irp->AssociatedIrp.SystemBuffer)->DeleteFile)
            intent.cache = cache_handle;
        break;
    case FileDispositionInformationEx:
        if (static_cast<PFILE_DISPOSITION_INFORMATION_EX>(irp->AssociatedIrp.SystemBuffer)->Flags &
            FILE_DISPOSITION_DELETE)
            intent.cache = cache_handle;
        break;
    default:
        break;
    }
}

Intent intent_of(PIRP irp, PIO_STACK_LOCATION sp, ULONG flags)
{
    Intent intent;
    intent.file = sp->FileObject;
    intent.ignore_keys = flags & OPLOCK_FLAG_IGNORE_OPLOCK_KEYS;
    if (flags & OPLOCK_FLAG_PARENT_OBJECT) {
        intent.parent = true;
        intent.cache = cache_read | cache_write;
        return intent;
    }
    switch (sp->MajorFunction) {
    case IRP_MJ_CREATE:
        intend_create(intent, sp);
        break;
    case IRP_MJ_READ:
    case IRP_MJ_FLUSH_BUFFERS:
        intend_reading(intent);
        break;
    case IRP_MJ_WRITE:
    case IRP_MJ_LOCK_CONTROL:
        intend_modification(intent);
        break;
    case IRP_MJ_FILE_SYSTEM_CONTROL:
        if (sp->MinorFunction == IRP_MN_USER_FS_REQUEST &&
            sp->Parameters.FileSystemControl.FsControlCode == FSCTL_SET_ZERO_DATA)
            intend_modification(intent);
        break;
    case IRP_MJ_SET_INFORMATION:
        intend_set_information(intent, irp, sp);
        break;
    default:
        break;
    }
    if (flags & (OPLOCK_FLAG_CLOSING_DELETE_ON_CLOSE | OPLOCK_FLAG_REMOVING_FILE_OR_LINK))
        intent.cache |= cache_handle;
    return intent;
}

bool is_legacy_broken(PIO_STACK_LOCATION sp, const Intent& intent, const Oplock& oplock)
{
    // A rename or link takes the name away that a batch or filter owner reopens the file by.
    if (sp->MajorFunction != IRP_MJ_SET_INFORMATION || !(intent.cache & cache_handle))
        return false;
    switch (sp->Parameters.SetFile.FileInformationClass) {
    case FileDispositionInformation:
    case FileDispositionInformationEx:
        return false;
    default:
        return oplock.exclusive.kind == OplockKind::batch || oplock.exclusive.kind == OplockKind::filter;
    }
}

struct Continuation
{
    PVOID context;
    POPLOCK_WAIT_COMPLETE_ROUTINE completion;
    POPLOCK_FS_PREPOST_IRP post;
};

/// Blocks the thread. @return STATUS_SUCCESS, or STATUS_CANCELLED if the IRP was cancelled
NTSTATUS wait_here(const OplockPtr& oplock, std::unique_lock<std::mutex>& lock, PIRP irp,
                   const Intent& intent)
{
    Waiter waiter;
    waiter.oplock = oplock;
    waiter.intent = intent;
    oplock->waiters.push_back(&waiter);
    oplock->note_active();
    if (!waiter.park(irp, false)) {
        oplock->waiters.remove(&waiter);
        oplock->note_active();
        return STATUS_CANCELLED;
    }
    waiter.changed.wait(lock, [&] { return waiter.done; });
    return waiter.cancelled ? STATUS_CANCELLED : STATUS_SUCCESS;
}

/// Queues the operation. @return STATUS_PENDING
NTSTATUS wait_asynchronously(const OplockPtr& oplock, PIRP irp, const Intent& intent,
                             const Continuation& next)
{
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    // May raise, and then nothing has happened yet.
    if (next.post)
        next.post(next.context, irp);
    mark_pending_once(irp);

    auto* waiter = new Waiter;
    waiter->oplock = oplock;
    waiter->intent = intent;
    waiter->context = next.context;
    waiter->routine = next.completion;
    NTSTATUS resume_with;
    {
        std::lock_guard hold(oplock->mutex);
        oplock->waiters.push_back(waiter);
        oplock->note_active();
        if (!waiter->park(irp))
            resume_with = STATUS_CANCELLED;
        else if (!oplock->must_wait(intent) && waiter->claim())
            resume_with = STATUS_SUCCESS; // acknowledged while the operation was being prepared
        else
            return STATUS_PENDING;
        oplock->waiters.remove(waiter);
        oplock->note_active();
    }
    waiter->resume(resume_with);
    return STATUS_PENDING;
}

NTSTATUS break_and_wait(POPLOCK handle, PIRP irp, Intent intent, bool no_wait, const Continuation& next)
{
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
    for (;;) {
        if (!existing_oplock(handle))
            return STATUS_SUCCESS;
        const OplockPtr oplock = oplock_of(handle);
        {
            Completions completions;
            std::unique_lock lock(oplock->mutex);
            if (is_legacy_broken(sp, intent, *oplock))
                intent.to_none = intent.breaks_filter = true;
            const bool batch =
                oplock->exclusive.kind == OplockKind::batch || oplock->exclusive.kind == OplockKind::filter;
            if (!oplock->start_breaks(intent, completions))
                return STATUS_SUCCESS;
            if (batch && sp->MajorFunction == IRP_MJ_CREATE)
                irp->IoStatus.Information = FILE_OPBATCH_BREAK_UNDERWAY;
        }
        if (no_wait)
            return STATUS_OPLOCK_BREAK_IN_PROGRESS;
        if (next.completion)
            return wait_asynchronously(oplock, irp, intent, next);

        std::unique_lock lock(oplock->mutex);
        if (oplock->must_wait(intent)) {
            const NTSTATUS status = wait_here(oplock, lock, irp, intent);
            if (!NT_SUCCESS(status))
                return status;
        }
        // Meanwhile another oplock may have been granted: look again.
    }
}

/// The handle is being closed: its oplocks go, its unacknowledged breaks count as acknowledged.
void close_handle(Oplock& oplock, PFILE_OBJECT file)
{
    Completions completions;
    std::lock_guard hold(oplock.mutex);
    auto give_up = [&](Holder* holder) {
        if (holder->claim())
            completions.oplock_irp(
                holder, holder->kind == OplockKind::granular ? STATUS_OPLOCK_HANDLE_CLOSED : STATUS_SUCCESS,
                0, false, nullptr);
    };
    if (oplock.exclusive.file == file) {
        if (oplock.exclusive.holder)
            give_up(oplock.exclusive.holder);
        oplock.exclusive = {};
    }
    for (auto it = oplock.shared.begin(); it != oplock.shared.end();) {
        Holder* holder = *it;
        if (holder->file != file) {
            ++it;
            continue;
        }
        it = oplock.shared.erase(it);
        give_up(holder);
    }
    oplock.handle_breaks.remove_if([&](const HandleBreak& b) { return b.file == file; });
    if (oplock.reserved == file)
        oplock.reserved = nullptr;
    oplock.release_waiters(completions);
}

NTSTATUS check(POPLOCK handle, PIRP irp, ULONG flags, const Continuation& next)
{
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
    if (sp->MajorFunction == IRP_MJ_CREATE &&
        !(flags & (OPLOCK_FLAG_PARENT_OBJECT | OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK)))
    {
        const NTSTATUS status = store_oplock_key(irp, sp->FileObject);
        if (!NT_SUCCESS(status))
            return status;
    }
    Oplock* oplock = existing_oplock(handle);
    if (!oplock || (irp->Flags & IRP_PAGING_IO) || (flags & OPLOCK_FLAG_OPLOCK_KEY_CHECK_ONLY))
        return STATUS_SUCCESS;

    if (flags & OPLOCK_FLAG_BACK_OUT_ATOMIC_OPLOCK) {
        Completions completions;
        std::lock_guard hold(oplock->mutex);
        if (oplock->reserved == sp->FileObject)
            oplock->reserved = nullptr;
        oplock->release_waiters(completions);
        return STATUS_SUCCESS;
    }
    const bool cleanup = sp->MajorFunction == IRP_MJ_CLEANUP;
    const bool parent = flags & OPLOCK_FLAG_PARENT_OBJECT;
    if (cleanup && !parent)
        close_handle(*oplock, sp->FileObject);

    const Intent intent = intent_of(irp, sp, flags);
    if (intent.empty())
        return STATUS_SUCCESS;
    bool no_wait = flags & OPLOCK_FLAG_COMPLETE_IF_OPLOCKED;
    if (sp->MajorFunction == IRP_MJ_CREATE && !parent) {
        const ULONG options = sp->Parameters.Create.Options;
        no_wait |= (options & FILE_COMPLETE_IF_OPLOCKED) != 0;
        if (options & FILE_OPEN_REQUIRING_OPLOCK) {
            std::lock_guard hold(oplock->mutex);
            if (oplock->would_wait(intent))
                return STATUS_CANNOT_BREAK_OPLOCK;
        }
    }
    // Closing a handle never waits for the owners of other handles.
    const NTSTATUS status = break_and_wait(handle, irp, intent, no_wait || cleanup, next);
    return cleanup && NT_SUCCESS(status) ? STATUS_SUCCESS : status;
}

template<class Question> BOOLEAN ask(POPLOCK handle, Question question)
{
    Oplock* oplock = existing_oplock(handle);
    if (!oplock)
        return FALSE;
    std::lock_guard hold(oplock->mutex);
    return question(*oplock);
}

} // namespace
} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;

VOID NTAPI FsRtlInitializeOplock(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    *Oplock = nullptr;
}

VOID NTAPI FsRtlUninitializeOplock(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    auto* owned = static_cast<OplockPtr*>(__atomic_exchange_n(Oplock, nullptr, __ATOMIC_ACQ_REL));
    if (!owned)
        return;
    const OplockPtr oplock = *owned;
    delete owned;
    Completions completions;
    std::lock_guard hold(oplock->mutex);
    auto give_up = [&](Holder* holder) {
        if (holder->claim())
            completions.oplock_irp(holder, STATUS_SUCCESS, 0, false, nullptr);
    };
    if (oplock->exclusive.holder)
        give_up(oplock->exclusive.holder);
    oplock->exclusive = {};
    for (Holder* holder : oplock->shared)
        give_up(holder);
    oplock->shared.clear();
    oplock->handle_breaks.clear();
    oplock->reserved = nullptr;
    oplock->release_waiters(completions);
}

NTSTATUS NTAPI FsRtlCheckOplockEx(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                  POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                  POPLOCK_FS_PREPOST_IRP PostIrpRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return check(Oplock, Irp, Flags, {Context, CompletionRoutine, PostIrpRoutine});
}

NTSTATUS NTAPI FsRtlCheckOplock(POPLOCK Oplock, PIRP Irp, PVOID Context,
                                POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                POPLOCK_FS_PREPOST_IRP PostIrpRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return check(Oplock, Irp, 0, {Context, CompletionRoutine, PostIrpRoutine});
}

NTSTATUS NTAPI FsRtlOplockBreakToNoneEx(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                        POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                        POPLOCK_FS_PREPOST_IRP PostIrpRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_oplock(Oplock))
        return STATUS_SUCCESS;
    Intent intent;
    intent.file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    intent.ignore_keys = Flags & OPLOCK_FLAG_IGNORE_OPLOCK_KEYS;
    intent.to_none = intent.breaks_filter = true;
    intent.cache = cache_read | cache_write | cache_handle;
    return break_and_wait(Oplock, Irp, intent, Flags & OPLOCK_FLAG_COMPLETE_IF_OPLOCKED,
                          {Context, CompletionRoutine, PostIrpRoutine});
}

NTSTATUS NTAPI FsRtlOplockBreakToNone(POPLOCK Oplock, PIO_STACK_LOCATION IrpSp, PIRP Irp, PVOID Context,
                                      POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                      POPLOCK_FS_PREPOST_IRP PostIrpRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const bool no_wait = IrpSp && IrpSp->MajorFunction == IRP_MJ_CREATE &&
                         (IrpSp->Parameters.Create.Options & FILE_COMPLETE_IF_OPLOCKED);
    return FsRtlOplockBreakToNoneEx(Oplock, Irp, no_wait ? OPLOCK_FLAG_COMPLETE_IF_OPLOCKED : 0, Context,
                                    CompletionRoutine, PostIrpRoutine);
}

NTSTATUS NTAPI FsRtlOplockBreakH(POPLOCK Oplock, PIRP Irp, ULONG Flags, PVOID Context,
                                 POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                 POPLOCK_FS_PREPOST_IRP PostIrpRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_oplock(Oplock))
        return STATUS_SUCCESS;
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    Intent intent;
    intent.file = sp->FileObject;
    intent.ignore_keys = Flags & OPLOCK_FLAG_IGNORE_OPLOCK_KEYS;
    intent.cache = cache_handle;
    bool no_wait = Flags & OPLOCK_FLAG_COMPLETE_IF_OPLOCKED;
    if (sp->MajorFunction == IRP_MJ_CREATE) {
        no_wait |= (sp->Parameters.Create.Options & FILE_COMPLETE_IF_OPLOCKED) != 0;
        intent.modes_known = sp->Parameters.Create.SecurityContext != nullptr;
        if (intent.modes_known)
            intent.access = sp->Parameters.Create.SecurityContext->DesiredAccess;
        intent.share = sp->Parameters.Create.ShareAccess;
    }
    return break_and_wait(Oplock, Irp, intent, no_wait, {Context, CompletionRoutine, PostIrpRoutine});
}

BOOLEAN NTAPI FsRtlCurrentOplock(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return ask(Oplock,
               [](auto& o) { return o.exclusive.file || !o.shared.empty() || !o.handle_breaks.empty(); });
}

BOOLEAN NTAPI FsRtlCurrentBatchOplock(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return ask(Oplock, [](auto& o) {
        return o.exclusive.kind == OplockKind::batch || o.exclusive.kind == OplockKind::filter;
    });
}

BOOLEAN NTAPI FsRtlCurrentOplockH(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return ask(Oplock, [](auto& o) {
        if ((o.exclusive.level & cache_handle) || !o.handle_breaks.empty())
            return true;
        for (Holder* holder : o.shared)
            if (holder->level & cache_handle)
                return true;
        return false;
    });
}

BOOLEAN NTAPI FsRtlOplockIsFastIoPossible(POPLOCK Oplock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return !existing_oplock(Oplock);
}

NTSTATUS NTAPI FsRtlCheckOplockEx2(POPLOCK Oplock, PIRP Irp, ULONG Flags, ULONG FlagsEx2, PVOID Context,
                                   POPLOCK_WAIT_COMPLETE_ROUTINE CompletionRoutine,
                                   POPLOCK_FS_PREPOST_IRP PostIrpRoutine, ULONG64, PVOID,
                                   POPLOCK_NOTIFY_ROUTINE)
{
    // The timeout only notifies of waits that take long; the wait itself is the same.
    if (FlagsEx2)
        return STATUS_NOT_SUPPORTED;
    return FsRtlCheckOplockEx(Oplock, Irp, Flags, Context, CompletionRoutine, PostIrpRoutine);
}

// SPDX-License-Identifier: MIT
//
// Asking for oplocks and acknowledging breaks: FsRtlOplockFsctrl. [MS-FSA] 2.1.5.18, 2.1.5.19.
#include "ntos/fsrtl/oplock.h"

#include "ntos/faults.h"
#include "ntos/file_flags.h"
#include "ntos/verifier.h"

#include <algorithm>
#include <new>

namespace fsp::ntos::fsrtl {
namespace {

struct Request
{
    PIRP irp;
    PFILE_OBJECT file;
    OplockKind kind = OplockKind::none;
    ULONG level = 0;

    bool exclusive() const { return is_legacy_exclusive(kind) || (level & cache_write); }
};

/// The outcome for the request's IRP.
struct Answer
{
    NTSTATUS status;
    ULONG_PTR information = 0;
};

/// Makes the IRP a holder. @return STATUS_PENDING, or STATUS_CANCELLED (the IRP is marked pending even then)
NTSTATUS hold(const OplockPtr& oplock, const Request& request)
{
    auto* holder = faults::fails(faults::Kind::allocation) ? nullptr : new (std::nothrow) Holder;
    if (!holder)
        return STATUS_INSUFFICIENT_RESOURCES;
    holder->oplock = oplock;
    holder->file = request.file;
    holder->kind = request.kind;
    holder->level = request.level;
    request.irp->IoStatus.Status = STATUS_PENDING;

    if (request.exclusive()) {
        oplock->exclusive = {};
        oplock->exclusive.file = request.file;
        oplock->exclusive.kind = request.kind;
        oplock->exclusive.level = request.level;
        oplock->exclusive.holder = holder;
    } else {
        oplock->shared.push_back(holder);
    }
    if (holder->park(request.irp))
        return STATUS_PENDING;
    if (request.exclusive())
        oplock->exclusive = {};
    else
        oplock->shared.pop_back();
    delete holder;
    return STATUS_CANCELLED;
}

/// A key's older oplock makes way for the new one.
void switch_holder(Holder* holder, Completions& completions)
{
    if (holder->claim())
        completions.oplock_irp(holder, STATUS_OPLOCK_SWITCHED_TO_NEW_HANDLE, 0, false, nullptr);
}

bool has_unacknowledged(const Oplock& oplock, PFILE_OBJECT file)
{
    return std::any_of(oplock.handle_breaks.begin(), oplock.handle_breaks.end(),
                       [&](const HandleBreak& b) { return same_target(b.file, file); });
}

bool can_be_exclusive(const Oplock& oplock, const Request& request)
{
    const Exclusive& ex = oplock.exclusive;
    if (!oplock.handle_breaks.empty())
        return false;
    if (request.kind != OplockKind::granular) {
        // Level 2 gives way if it is the requestor's own.
        return !ex.file && std::all_of(oplock.shared.begin(), oplock.shared.end(), [&](const Holder* h) {
            return h->kind == OplockKind::level_two && h->file == request.file;
        });
    }
    if (ex.file)
        return ex.kind == OplockKind::granular && !ex.breaking && same_target(ex.file, request.file) &&
               (ex.level & ~request.level) == 0;
    return std::all_of(oplock.shared.begin(), oplock.shared.end(), [&](const Holder* h) {
        return h->kind == OplockKind::granular && same_target(h->file, request.file) &&
               (h->level & ~request.level) == 0;
    });
}

bool can_be_shared(const Oplock& oplock, const Request& request)
{
    if (oplock.exclusive.file || has_unacknowledged(oplock, request.file))
        return false;
    const bool handle = request.level & cache_handle;
    return std::all_of(oplock.shared.begin(), oplock.shared.end(), [&](const Holder* h) {
        // Level 2 goes with level 2 and R, RH with R and RH.
        if (h->kind == OplockKind::level_two)
            return !handle;
        if (request.kind == OplockKind::level_two)
            return !(h->level & cache_handle);
        // A key cannot lower its own oplock by asking.
        return handle || !(h->level & cache_handle) || !same_target(h->file, request.file);
    });
}

NTSTATUS grant_exclusive(const OplockPtr& oplock, const Request& request, Completions& completions)
{
    if (!can_be_exclusive(*oplock, request))
        return STATUS_OPLOCK_NOT_GRANTED;
    if (Holder* old = oplock->exclusive.holder)
        switch_holder(old, completions);
    for (Holder* holder : oplock->shared) {
        if (holder->kind != OplockKind::level_two)
            switch_holder(holder, completions);
        else if (holder->claim())
            completions.oplock_irp(holder, STATUS_SUCCESS, 0, false, nullptr);
    }
    oplock->shared.clear();
    return hold(oplock, request);
}

NTSTATUS grant_shared(const OplockPtr& oplock, const Request& request, Completions& completions)
{
    if (!can_be_shared(*oplock, request))
        return STATUS_OPLOCK_NOT_GRANTED;
    for (auto it = oplock->shared.begin(); it != oplock->shared.end();) {
        Holder* holder = *it;
        const bool replaced = request.kind == OplockKind::granular && holder->kind == OplockKind::granular &&
                              same_target(holder->file, request.file);
        if (!replaced) {
            ++it;
            continue;
        }
        it = oplock->shared.erase(it);
        switch_holder(holder, completions);
    }
    return hold(oplock, request);
}

Answer ask_for(const OplockPtr& oplock, const Request& request, ULONG open_count, ULONG flags,
               Completions& completions)
{
    // The IRP stays pending as long as the oplock is held, which a synchronous handle cannot afford.
    if (flags_of(request.file) & FO_SYNCHRONOUS_IO)
        return {STATUS_OPLOCK_NOT_GRANTED};
    if (oplock->reserved && !same_target(oplock->reserved, request.file))
        return {STATUS_OPLOCK_NOT_GRANTED};

    const bool keys_match =
        (flags & OPLOCK_FSCTRL_FLAG_ALL_KEYS_MATCH) && request.kind == OplockKind::granular;
    // The count is that of handles for exclusive requests and says whether byte-range locks exist for shared
    // ones.
    const bool excluded = request.exclusive() ? open_count > 1 && !keys_match : open_count != 0;
    const NTSTATUS status = excluded              ? STATUS_OPLOCK_NOT_GRANTED
                            : request.exclusive() ? grant_exclusive(oplock, request, completions)
                                                  : grant_shared(oplock, request, completions);
    if (oplock->reserved == request.file)
        oplock->reserved = nullptr;
    return {status};
}

bool is_valid_level(ULONG level)
{
    return level == cache_read || level == (cache_read | cache_handle) ||
           level == (cache_read | cache_write) || level == (cache_read | cache_write | cache_handle);
}

/// FSCTL_OPLOCK_BREAK_ACKNOWLEDGE, _ACK_NO_2 and FSCTL_OPBATCH_ACK_CLOSE_PENDING.
Answer acknowledge_legacy(const OplockPtr& oplock, Request request, ULONG code)
{
    Exclusive& ex = oplock->exclusive;
    if (ex.file != request.file || !ex.breaking || ex.close_pending || ex.kind == OplockKind::granular)
        return {STATUS_INVALID_OPLOCK_PROTOCOL};

    if (code == FSCTL_OPBATCH_ACK_CLOSE_PENDING && ex.kind != OplockKind::level_one) {
        ex.close_pending = true;
        return {STATUS_SUCCESS};
    }
    const bool level_two =
        code == FSCTL_OPLOCK_BREAK_ACKNOWLEDGE && ex.target_kind == OplockKind::level_two && !ex.two_to_none;
    ex = {};
    if (!level_two || (flags_of(request.file) & FO_SYNCHRONOUS_IO))
        return {STATUS_SUCCESS, FILE_OPLOCK_BROKEN_TO_NONE};
    request.kind = OplockKind::level_two;
    return {hold(oplock, request)};
}

/// The acknowledged level becomes a holder, or the IRP says at once that even that is broken by now.
Answer settle(const OplockPtr& oplock, const Request& request, ULONG told, ULONG wanted)
{
    if (request.level == 0)
        return {STATUS_SUCCESS, describe_break(request.irp, OplockKind::granular, told, 0, false, nullptr)};
    if ((request.level & ~wanted) == 0)
        return {hold(oplock, request)};
    return {STATUS_SUCCESS,
            describe_break(request.irp, OplockKind::granular, request.level, 0, false, nullptr)};
}

Answer acknowledge_granular(const OplockPtr& oplock, const Request& request, bool on_close)
{
    Exclusive& ex = oplock->exclusive;
    if (ex.breaking && ex.kind == OplockKind::granular && ex.file == request.file && !ex.close_pending) {
        if (on_close) {
            ex.close_pending = true;
            return {STATUS_SUCCESS};
        }
        if (request.level & ~ex.level)
            return {STATUS_INVALID_OPLOCK_PROTOCOL};
        const Exclusive old = ex;
        ex = {};
        return settle(oplock, request, old.level, old.target_level);
    }
    auto it = std::find_if(oplock->handle_breaks.begin(), oplock->handle_breaks.end(),
                           [&](const HandleBreak& b) { return b.file == request.file; });
    if (it == oplock->handle_breaks.end())
        return {STATUS_INVALID_OPLOCK_PROTOCOL};
    if (on_close)
        return {STATUS_SUCCESS};
    if (request.level & ~it->told)
        return {STATUS_INVALID_OPLOCK_PROTOCOL};
    const HandleBreak old = *it;
    oplock->handle_breaks.erase(it);
    return settle(oplock, request, old.told, old.target);
}

Answer request_granular(const OplockPtr& oplock, Request request, ULONG open_count, ULONG flags,
                        Completions& completions)
{
    auto& control = IoGetCurrentIrpStackLocation(request.irp)->Parameters.FileSystemControl;
    const auto* in = static_cast<PREQUEST_OPLOCK_INPUT_BUFFER>(request.irp->AssociatedIrp.SystemBuffer);
    if (!in || control.InputBufferLength < sizeof *in ||
        control.OutputBufferLength < sizeof(REQUEST_OPLOCK_OUTPUT_BUFFER))
        return {STATUS_BUFFER_TOO_SMALL};
    const bool ask = in->Flags & REQUEST_OPLOCK_INPUT_FLAG_REQUEST;
    const bool acknowledge = in->Flags & REQUEST_OPLOCK_INPUT_FLAG_ACK;
    if (in->StructureVersion != REQUEST_OPLOCK_CURRENT_VERSION || in->StructureLength < sizeof *in ||
        ask == acknowledge)
        return {STATUS_INVALID_PARAMETER};
    request.kind = OplockKind::granular;
    request.level = in->RequestedOplockLevel;
    if (!is_valid_level(request.level) && !(acknowledge && request.level == 0))
        return {STATUS_INVALID_PARAMETER};
    if (ask)
        return ask_for(oplock, request, open_count, flags, completions);
    return acknowledge_granular(oplock, request, in->Flags & REQUEST_OPLOCK_INPUT_FLAG_COMPLETE_ACK_ON_CLOSE);
}

/// FSCTL_OPLOCK_BREAK_NOTIFY: completes when no break is under way.
Answer wait_for_break(const OplockPtr& oplock, const Request& request)
{
    if (!oplock->break_in_progress())
        return {STATUS_SUCCESS};
    auto waiter = std::make_unique<Waiter>();
    waiter->oplock = oplock;
    waiter->is_notify = true;
    oplock->waiters.push_back(waiter.get());
    request.irp->IoStatus.Status = STATUS_PENDING;
    if (!waiter->park(request.irp)) {
        oplock->waiters.remove(waiter.get());
        return {STATUS_CANCELLED};
    }
    (void)waiter.release();
    return {STATUS_PENDING};
}

Answer dispatch(const OplockPtr& oplock, Request request, ULONG open_count, ULONG flags,
                Completions& completions)
{
    const ULONG code = IoGetCurrentIrpStackLocation(request.irp)->Parameters.FileSystemControl.FsControlCode;
    switch (code) {
    case FSCTL_REQUEST_OPLOCK_LEVEL_1:
        request.kind = OplockKind::level_one;
        break;
    case FSCTL_REQUEST_BATCH_OPLOCK:
        request.kind = OplockKind::batch;
        break;
    case FSCTL_REQUEST_FILTER_OPLOCK:
        request.kind = OplockKind::filter;
        break;
    case FSCTL_REQUEST_OPLOCK_LEVEL_2:
        request.kind = OplockKind::level_two;
        break;
    case FSCTL_REQUEST_OPLOCK:
        return request_granular(oplock, request, open_count, flags, completions);
    case FSCTL_OPLOCK_BREAK_ACKNOWLEDGE:
    case FSCTL_OPLOCK_BREAK_ACK_NO_2:
    case FSCTL_OPBATCH_ACK_CLOSE_PENDING:
        return acknowledge_legacy(oplock, request, code);
    case FSCTL_OPLOCK_BREAK_NOTIFY:
        return wait_for_break(oplock, request);
    default:
        return {STATUS_INVALID_PARAMETER};
    }
    return ask_for(oplock, request, open_count, flags, completions);
}

/// A create with FILE_OPEN_REQUIRING_OPLOCK or FILE_RESERVE_OPFILTER: the request follows on the same handle.
NTSTATUS reserve(const OplockPtr& oplock, PIO_STACK_LOCATION sp, ULONG open_count)
{
    PFILE_OBJECT file = sp->FileObject;
    std::lock_guard hold(oplock->mutex);
    const Exclusive& ex = oplock->exclusive;
    if ((ex.file && !same_target(ex.file, file)) ||
        (oplock->reserved && !same_target(oplock->reserved, file)))
        return STATUS_CANNOT_BREAK_OPLOCK;
    if ((sp->Parameters.Create.Options & FILE_RESERVE_OPFILTER) &&
        (open_count > 1 || ex.file || !oplock->shared.empty()))
        return STATUS_OPLOCK_NOT_GRANTED;
    oplock->reserved = file;
    oplock->note_active();
    return STATUS_SUCCESS;
}

} // namespace
} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;
namespace faults = fsp::ntos::faults;

NTSTATUS NTAPI FsRtlOplockFsctrlEx(POPLOCK Oplock, PIRP Irp, ULONG OpenCount, ULONG Flags)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    OplockPtr oplock = oplock_of(Oplock);
    if (sp->MajorFunction == IRP_MJ_CREATE)
        return reserve(oplock, sp, OpenCount);

    Answer answer;
    bool marked_pending = false;
    {
        Completions completions;
        std::lock_guard hold(oplock->mutex);
        answer = dispatch(oplock, {Irp, sp->FileObject}, OpenCount, Flags, completions);
        marked_pending = answer.status == STATUS_CANCELLED;
        oplock->release_waiters(completions);
    }
    if (answer.status == STATUS_PENDING)
        return STATUS_PENDING;
    complete(Irp, answer.status, answer.information);
    // A request cancelled while it was being pended has been marked pending.
    return marked_pending ? STATUS_PENDING : answer.status;
}

NTSTATUS NTAPI FsRtlOplockFsctrl(POPLOCK Oplock, PIRP Irp, ULONG OpenCount)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return FsRtlOplockFsctrlEx(Oplock, Irp, OpenCount, 0);
}

BOOLEAN NTAPI FsRtlOplockIsSharedRequest(PIRP Irp)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    if (sp->MajorFunction != IRP_MJ_FILE_SYSTEM_CONTROL)
        return FALSE;
    auto& control = sp->Parameters.FileSystemControl;
    if (control.FsControlCode == FSCTL_REQUEST_OPLOCK_LEVEL_2)
        return TRUE;
    const auto* in = static_cast<PREQUEST_OPLOCK_INPUT_BUFFER>(Irp->AssociatedIrp.SystemBuffer);
    return control.FsControlCode == FSCTL_REQUEST_OPLOCK && in && control.InputBufferLength >= sizeof *in &&
           (in->Flags & REQUEST_OPLOCK_INPUT_FLAG_REQUEST) && !(in->RequestedOplockLevel & cache_write);
}

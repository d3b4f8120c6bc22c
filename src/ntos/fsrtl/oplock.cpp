// SPDX-License-Identifier: MIT
//
// The oplock state itself: breaking, waiting, releasing. See oplock.h.
#include "ntos/fsrtl/oplock.h"

#include <algorithm>

namespace fsp::ntos::fsrtl {

bool Intent::same_owner(PFILE_OBJECT owner) const
{
    if (ignore_keys)
        return false;
    return parent ? parent_matches(file, owner) : same_target(file, owner);
}

ULONG_PTR describe_break(PIRP irp, OplockKind kind, ULONG old_level, ULONG new_level, bool acknowledge,
                         const Intent* cause)
{
    if (kind != OplockKind::granular)
        return new_level ? FILE_OPLOCK_BROKEN_TO_LEVEL_2 : FILE_OPLOCK_BROKEN_TO_NONE;
    auto* out = static_cast<PREQUEST_OPLOCK_OUTPUT_BUFFER>(irp->AssociatedIrp.SystemBuffer);
    if (!out)
        return 0;
    RtlZeroMemory(out, sizeof *out);
    out->StructureVersion = REQUEST_OPLOCK_CURRENT_VERSION;
    out->StructureLength = sizeof *out;
    out->OriginalOplockLevel = old_level;
    out->NewOplockLevel = new_level;
    out->Flags = acknowledge ? REQUEST_OPLOCK_OUTPUT_FLAG_ACK_REQUIRED : 0;
    if (cause && cause->modes_known && (old_level & cache_handle) && !(new_level & cache_handle)) {
        out->Flags |= REQUEST_OPLOCK_OUTPUT_FLAG_MODES_PROVIDED;
        out->AccessMode = cause->access;
        out->ShareMode = cause->share;
    }
    return sizeof *out;
}

Completions::~Completions()
{
    for (const Item& item : irps_)
        complete(item.irp, item.status, item.information);
    for (Waiter* waiter : waiters_)
        waiter->resume(STATUS_SUCCESS);
}

void Completions::oplock_irp(Holder* holder, NTSTATUS status, ULONG new_level, bool acknowledge,
                             const Intent* cause)
{
    PIRP pended = holder->irp();
    irp(pended, status, describe_break(pended, holder->kind, holder->level, new_level, acknowledge, cause));
    holders_.emplace_back(holder);
}

void Completions::irp(PIRP irp, NTSTATUS status, ULONG_PTR information)
{
    irps_.push_back({irp, status, information});
}

void Completions::waiter(Waiter* waiter) { waiters_.push_back(waiter); }

void Waiter::resume(NTSTATUS status)
{
    std::unique_ptr<Waiter> self(this);
    if (is_notify) {
        complete(irp(), status);
        return;
    }
    irp()->IoStatus.Status = status;
    irp()->IoStatus.Information = 0;
    routine(context, irp());
}

void Waiter::on_cancel()
{
    const OplockPtr keep = oplock;
    {
        std::lock_guard hold(keep->mutex);
        keep->waiters.remove(this);
        keep->note_active();
        if (!routine && !is_notify) {
            // The blocked thread owns this record and may be gone once the lock is.
            cancelled = done = true;
            changed.notify_all();
            return;
        }
    }
    resume(STATUS_CANCELLED);
}

void Holder::on_cancel()
{
    std::unique_ptr<Holder> self(this);
    {
        Completions completions;
        std::lock_guard hold(oplock->mutex);
        oplock->shared.remove(this);
        if (oplock->exclusive.holder == this)
            oplock->exclusive = {};
        oplock->release_waiters(completions);
    }
    complete(irp(), STATUS_CANCELLED);
}

void Oplock::note_active()
{
    active.store(exclusive.file || !shared.empty() || !handle_breaks.empty() || !waiters.empty() || reserved,
                 std::memory_order_release);
}

bool Oplock::must_wait(const Intent& intent) const
{
    if (reserved && !intent.same_owner(reserved))
        return true;
    if (exclusive.breaking && !intent.same_owner(exclusive.file)) {
        const bool legacy =
            exclusive.kind == OplockKind::filter ? intent.breaks_filter : intent.to_two || intent.to_none;
        if (exclusive.kind == OplockKind::granular ? (exclusive.level & intent.cache) != 0 : legacy)
            return true;
    }
    return (intent.cache & cache_handle) &&
           std::any_of(handle_breaks.begin(), handle_breaks.end(),
                       [&](const HandleBreak& b) { return !intent.same_owner(b.file); });
}

bool Oplock::would_wait(const Intent& intent) const
{
    if (intent.empty())
        return false;
    if (must_wait(intent))
        return true;
    if (exclusive.file && !intent.same_owner(exclusive.file)) {
        if (exclusive.kind == OplockKind::granular)
            return (exclusive.level & intent.cache) != 0;
        if (exclusive.kind == OplockKind::filter)
            return intent.breaks_filter;
        return intent.to_two || intent.to_none;
    }
    return std::any_of(shared.begin(), shared.end(), [&](const Holder* h) {
        return (h->level & cache_handle) && (intent.cache & (cache_handle | cache_read)) &&
               !intent.same_owner(h->file);
    });
}

bool Oplock::break_exclusive(const Intent& intent, Completions& completions)
{
    Exclusive& ex = exclusive;
    if (!ex.file || intent.same_owner(ex.file))
        return false;

    const bool granular = ex.kind == OplockKind::granular;
    if (granular ? !(ex.level & intent.cache) : !(intent.to_two || intent.to_none))
        return false;
    if (ex.kind == OplockKind::filter && !intent.breaks_filter)
        return false;

    const bool none = intent.to_none || ex.kind == OplockKind::filter;
    ULONG level = (ex.breaking ? ex.target_level : ex.level) & ~intent.cache;
    if (!(level & cache_read))
        level = 0;

    if (ex.breaking) {
        if (granular)
            ex.target_level = level;
        else if (none && ex.target_kind == OplockKind::level_two)
            ex.two_to_none = true;
        return true;
    }
    if (!ex.holder->claim()) {
        // Being cancelled, which gives the oplock up without an acknowledgement.
        ex = {};
        return false;
    }
    ex.breaking = true;
    ex.target_kind = granular || none ? OplockKind::none : OplockKind::level_two;
    ex.target_level = granular ? level : 0;
    completions.oplock_irp(ex.holder, STATUS_SUCCESS,
                           granular ? level : (ex.target_kind == OplockKind::level_two), true, &intent);
    ex.holder = nullptr;
    return true;
}

bool Oplock::break_shared(const Intent& intent, Completions& completions)
{
    const bool loses_read = intent.cache & cache_read;
    const bool loses_handle = intent.cache & cache_handle;
    bool wait = false;

    for (HandleBreak& b : handle_breaks) {
        if (intent.same_owner(b.file))
            continue;
        if (loses_read)
            b.target = 0;
        wait |= loses_handle;
    }
    for (auto it = shared.begin(); it != shared.end();) {
        Holder* holder = *it;
        const bool level_two = holder->kind == OplockKind::level_two;
        bool breaks;
        if (level_two)
            breaks = intent.to_none; // whoever the owner is
        else
            breaks = (loses_read || (loses_handle && (holder->level & cache_handle))) &&
                     !intent.same_owner(holder->file);
        if (!breaks) {
            ++it;
            continue;
        }
        it = shared.erase(it);
        if (!holder->claim())
            continue;
        const bool acknowledge = !level_two && (holder->level & cache_handle);
        const ULONG level = loses_read || level_two ? 0 : cache_read;
        if (acknowledge) {
            handle_breaks.push_back({holder->file, level, level});
            // A break because of data goes ahead without the acknowledgement; one because of the
            // handle waits, for its point is that the owner closes it.
            wait |= loses_handle;
        }
        completions.oplock_irp(holder, STATUS_SUCCESS, level, acknowledge, &intent);
    }
    return wait;
}

bool Oplock::start_breaks(const Intent& intent, Completions& completions)
{
    if (intent.empty())
        return false;
    bool wait = reserved && !intent.same_owner(reserved);
    wait |= break_exclusive(intent, completions);
    wait |= break_shared(intent, completions);
    note_active();
    return wait;
}

void Oplock::release_waiters(Completions& completions)
{
    for (auto it = waiters.begin(); it != waiters.end();) {
        Waiter* waiter = *it;
        const bool waits = waiter->is_notify ? break_in_progress() : must_wait(waiter->intent);
        if (waits || !waiter->claim()) {
            ++it;
            continue;
        }
        it = waiters.erase(it);
        if (waiter->routine || waiter->is_notify) {
            completions.waiter(waiter);
        } else {
            waiter->done = true;
            waiter->changed.notify_all();
        }
    }
    note_active();
}

OplockPtr oplock_of(POPLOCK oplock)
{
    PVOID seen = __atomic_load_n(oplock, __ATOMIC_ACQUIRE);
    if (!seen) {
        auto fresh = std::make_unique<OplockPtr>(std::make_shared<Oplock>());
        if (__atomic_compare_exchange_n(oplock, &seen, static_cast<PVOID>(fresh.get()), false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            seen = fresh.release();
    }
    return *static_cast<OplockPtr*>(seen);
}

} // namespace fsp::ntos::fsrtl

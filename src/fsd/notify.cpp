// SPDX-License-Identifier: MIT
#include "change.h"
#include "node_access.h"
#include "notify_records.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

/// A batch of records on its way to the worker.
struct Batch : NonCopyable
{
    Batch(Volume& v, Buffer&& b) : volume(v), records(static_cast<Buffer&&>(b)) {}

    Volume& volume; // referenced
    Buffer records;
    WORK_QUEUE_ITEM work{};
};

/// The cached data of an open file is stale. What applications have written goes to the file system first.
void drop_cached_data(FileNode& node)
{
    if (node.is_directory || (!node.has_data_section() && !node.has_image_section()))
        return;
    NodeHold hold;
    hold.acquire(node, Part::full, Access::exclusive);
    TopLevel top(node);
    if (NT_SUCCESS(seh::cc_flush_cache(&node.sections, nullptr, 0)))
        (void)seh::cc_purge_cache_section(&node.sections, nullptr, 0, FALSE);
}

/// Full paths out of a batch's names: absolute ones, and names relative to the last absolute one.
class Paths : NonCopyable
{
  public:
    bool start() { return buffer_.allocate(FSP_FSCTL_TRANSACT_PATH_SIZEMAX); }

    /// The record's full path; false if it has none.
    bool resolve(const NotifyRecord& record, UNICODE_STRING* path, bool* absolute)
    {
        if (record.name_length == 0 || record.name_length > FSP_FSCTL_TRANSACT_PATH_SIZEMAX)
            return false;
        *absolute = record.name[0] == '\\';
        if (*absolute) {
            *path = name::view(record.name, static_cast<USHORT>(record.name_length));
            base_ = *path;
            return true;
        }
        if (base_.Length == 0)
            return false;
        const ULONG separator = name::is_root(base_) ? 0 : sizeof(WCHAR);
        const ULONG length = base_.Length + separator + record.name_length;
        if (length > FSP_FSCTL_TRANSACT_PATH_SIZEMAX)
            return false;
        Byte* to = buffer_.data();
        copy_bytes(to, base_.Buffer, base_.Length);
        if (separator)
            *reinterpret_cast<WCHAR*>(to + base_.Length) = '\\';
        copy_bytes(to + base_.Length + separator, record.name, record.name_length);
        *path = name::view(buffer_.as<WCHAR>(), static_cast<USHORT>(length));
        return true;
    }

  private:
    UNICODE_STRING base_{}; // points into the batch
    Buffer buffer_;
};

void process(Volume& volume, const NotifyRecord& record, const UNICODE_STRING& path, bool absolute)
{
    const FSP_FSCTL_VOLUME_PARAMS& params = volume.params();
    if (!name::valid_path(path, params.MaxComponentLength, params.NamedStreams))
        return;
    if (Ptr<FileNode> node = volume.nodes.lookup(path)) {
        drop_cached_data(*node);
        node->invalidate_all();
        break_oplock_for_outside_change(*node);
    }
    if (record.filter)
        report_change(volume, path, record.filter, record.action, absolute ? Stale::parent : Stale::nothing);
}

void end_one_session(Volume& volume)
{
    FastMutexGuard guard(volume.notify_session_mutex);
    if (volume.notify_sessions <= 0)
        return;
    --volume.notify_sessions;
    if (volume.notify_sessions == 0)
        volume.notify_rename_hold.release();
}

void process(Batch& batch)
{
    Volume& volume = batch.volume;
    Hold alive;
    alive.acquire(*volume.delete_lock.get(), Access::shared);
    if (volume.deleted())
        return;
    // A session that waits for renames which wait for the session would never end.
    Hold names;
    names.acquire_starving_exclusive(*volume.rename_lock.get());

    Paths paths;
    const bool have_paths = paths.start();
    NotifyRecords records(batch.records.data(), batch.records.size());
    for (;;) {
        NotifyRecord record;
        const NotifyRecords::Step step = records.next(record);
        if (step == NotifyRecords::Step::EndOfSession)
            end_one_session(volume);
        if (step != NotifyRecords::Step::Record)
            return;
        // What is left of a long batch does not keep a volume from ending.
        UNICODE_STRING path;
        bool absolute;
        if (have_paths && !volume.stopped() && paths.resolve(record, &path, &absolute))
            process(volume, record, path, absolute);
    }
}

VOID NTAPI worker(PVOID context)
{
    auto* batch = static_cast<Batch*>(context);
    Volume& volume = batch->volume;
    {
        CriticalRegion region;
        process(*batch);
        destroy(batch);
        volume.dereference();
    }
    end_background_work();
}

NTSTATUS begin_session(Volume& volume)
{
    FastMutexGuard guard(volume.notify_session_mutex);
    if (volume.notify_sessions < 0)
        return STATUS_CANCELLED;
    if (volume.notify_sessions == 0 &&
        !volume.notify_rename_hold.acquire(*volume.rename_lock.get(), Access::shared, Wait::no))
        return STATUS_CANT_WAIT;
    ++volume.notify_sessions;
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS notify_from_user_mode(Volume& volume, PIRP irp) noexcept
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const void* input = stack->Parameters.FileSystemControl.Type3InputBuffer;
    const ULONG length = stack->Parameters.FileSystemControl.InputBufferLength;
    if (length == 0)
        return begin_session(volume);
    if (length > FSP_FSCTL_NOTIFY_INFO_SIZEMAX)
        return STATUS_INVALID_PARAMETER;
    if (volume.deleted())
        return STATUS_CANCELLED;

    Buffer records;
    if (!records.allocate(length))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (!NT_SUCCESS(seh::copy_from_user(records.data(), input, length, irp->RequestorMode)))
        return STATUS_INVALID_USER_BUFFER;
    Batch* batch = create<Batch>(volume, static_cast<Buffer&&>(records));
    if (!batch)
        return STATUS_INSUFFICIENT_RESOURCES;

    volume.reference();
    begin_background_work();
    ExInitializeWorkItem(&batch->work, worker, batch);
    ExQueueWorkItem(&batch->work, DelayedWorkQueue); // it has no locks yet: see Holds
    return STATUS_SUCCESS;
}

void end_notify_session(Volume& volume) noexcept
{
    FastMutexGuard guard(volume.notify_session_mutex);
    if (volume.notify_sessions > 0)
        volume.notify_rename_hold.release();
    volume.notify_sessions = -1;
}

} // namespace fsp::fsd

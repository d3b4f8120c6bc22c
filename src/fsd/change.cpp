// SPDX-License-Identifier: MIT
#include "change.h"
#include "node_access.h"
#include "seh.h"
#include "system.h"

namespace fsp::fsd {

namespace {

bool has_stream_suffix(const UNICODE_STRING& name) { return name::main_part(name).Length != name.Length; }

/// What watchers of streams are told instead.
ULONG stream_filter(ULONG filter)
{
    ULONG mapped = 0;
    if (filter & (FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME))
        mapped |= FILE_NOTIFY_CHANGE_STREAM_NAME;
    if (filter & FILE_NOTIFY_CHANGE_SIZE)
        mapped |= FILE_NOTIFY_CHANGE_STREAM_SIZE;
    if (filter & FILE_NOTIFY_CHANGE_LAST_WRITE)
        mapped |= FILE_NOTIFY_CHANGE_STREAM_WRITE;
    return mapped;
}

ULONG stream_action(ULONG action)
{
    switch (action) {
    case FILE_ACTION_ADDED:
        return FILE_ACTION_ADDED_STREAM;
    case FILE_ACTION_REMOVED:
        return FILE_ACTION_REMOVED_STREAM;
    case FILE_ACTION_MODIFIED:
        return FILE_ACTION_MODIFIED_STREAM;
    default:
        return action;
    }
}

void tell_watchers(Volume& volume, const UNICODE_STRING& name, ULONG filter, ULONG action)
{
    if (!volume.notify_sync || !volume.was_watched)
        return;
    if (has_stream_suffix(name)) {
        filter = stream_filter(filter);
        action = stream_action(action);
    }
    if (!filter)
        return;
    UNICODE_STRING parent, last;
    name::split_last(name, &parent, &last);
    UNICODE_STRING text = name;
    const auto offset = static_cast<USHORT>((last.Buffer - name.Buffer) * static_cast<LONG>(sizeof(WCHAR)));
    Hold names;
    names.acquire(*volume.watch_names.get(), Access::shared);
    // Without memory for the report the watchers miss it; there is nobody to tell.
    (void)seh::fsrtl_notify_report_change(volume.notify_sync, &volume.notify_list, &text, offset, filter,
                                          action);
}

/// The breaking operation is none of the caller's IRPs: that may be over, or have nothing to do with the
/// broken file.
class BreakIrp : NonCopyable
{
  public:
    BreakIrp(Volume& volume, PFILE_OBJECT cause)
    {
        // Without it somebody would go on with stale data.
        while (!(irp_ = IoAllocateIrp(volume.device()->StackSize, FALSE)))
            wait_for_memory();
        IoSetNextIrpStackLocation(irp_);
        PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp_);
        stack->MajorFunction = IRP_MJ_WRITE;
        stack->FileObject = cause;
        irp_->RequestorMode = KernelMode;
    }
    ~BreakIrp() { IoFreeIrp(irp_); }
    PIRP get() const { return irp_; }

  private:
    PIRP irp_;
};

/// Takes read and write caching away from whoever has it, without waiting for an acknowledgement.
void break_caching(Volume& volume, FileNode& node, PFILE_OBJECT cause, ULONG flags)
{
    // Most files never had an oplock.
    if (!__atomic_load_n(&node.oplock, __ATOMIC_RELAXED) || !system.check_oplock_ex)
        return;
    BreakIrp irp(volume, cause);
    if (!cause)
        flags |= OPLOCK_FLAG_IGNORE_OPLOCK_KEYS; // nobody's own doing
    (void)check_oplock(&node.oplock, irp.get(), flags | OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr,
                       nullptr);
}

/// The node that holds what a listing says about `name`: its directory, or a stream's file.
Ptr<FileNode> container(Volume& volume, const UNICODE_STRING& name, bool stream)
{
    if (stream)
        return volume.nodes.lookup(name::main_part(name));
    if (name::is_root(name))
        return {};
    UNICODE_STRING parent, last;
    name::split_last(name, &parent, &last);
    return volume.nodes.lookup(parent);
}

void invalidate_container(Volume& volume, FileNode* node, bool stream)
{
    if (!node)
        return;
    if (stream)
        volume.stream_cache.invalidate(node->streams);
    else
        volume.directory_cache.invalidate(node->directory);
    node->invalidate_file_info(); // its times change with its entries
}

} // namespace

void report_change(Volume& volume, const UNICODE_STRING& name, ULONG filter, ULONG action, Stale stale,
                   PFILE_OBJECT cause) noexcept
{
    const bool stream = has_stream_suffix(name);
    {
        const Ptr<FileNode> node = container(volume, name, stream);
        if (stale == Stale::parent) {
            invalidate_container(volume, node.get(), stream);
            volume.invalidate_volume_info();
        }
        if (node && !stream)
            break_caching(volume, *node, cause, OPLOCK_FLAG_PARENT_OBJECT);
    }
    if (filter)
        tell_watchers(volume, name, filter, action);
}

void report_node_change(FileNode& node, ULONG filter, ULONG action, Stale stale, PFILE_OBJECT cause) noexcept
{
    // A change that is not reported leaves stale listings behind.
    NameCopy name;
    while (!name.assign(node))
        wait_for_memory();
    report_change(node.volume(), name.view(), filter, action, stale, cause);
}

void invalidate_parent(Volume& volume, const UNICODE_STRING& name, PFILE_OBJECT cause) noexcept
{
    report_change(volume, name, 0, 0, Stale::parent, cause);
}

void end_watches_of_handle(Volume& volume, PFILE_OBJECT file) noexcept
{
    if (volume.notify_sync)
        FsRtlNotifyCleanup(volume.notify_sync, &volume.notify_list, FileDesc::of(file));
}

void end_watches_of_deleted(Volume& volume, FileNode& directory) noexcept
{
    // Without an IRP the package ends the watches of all handles of this directory.
    if (volume.notify_sync)
        FsRtlNotifyFullChangeDirectory(volume.notify_sync, &volume.notify_list, &directory, nullptr, FALSE,
                                       FALSE, 0, nullptr, nullptr, nullptr);
}

void break_oplock_for_outside_change(FileNode& node) noexcept
{
    break_caching(node.volume(), node, nullptr, 0);
}

} // namespace fsp::fsd

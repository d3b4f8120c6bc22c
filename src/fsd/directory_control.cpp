// SPDX-License-Identifier: MIT
#include "directory_query.h"
#include "dispatch.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

IrpTask refuse(Volume&, PIRP) { co_return STATUS_INVALID_DEVICE_REQUEST; }

/// IRP_MN_NOTIFY_CHANGE_DIRECTORY: waits for changes.
IrpTask notify_directory(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    FileNode& node = *FileNode::of(stack->FileObject);
    FileDesc& desc = *FileDesc::of(stack->FileObject);
    const bool tree = stack->Flags & SL_WATCH_TREE;
    if (!node.is_directory)
        co_return STATUS_INVALID_PARAMETER;
    if (tree && !desc.has_traverse)
        co_return STATUS_ACCESS_DENIED;
    // The package writes the answer in somebody else's context.
    NTSTATUS status = lock_user_buffer(irp, stack->Parameters.NotifyDirectory.Length, IoWriteAccess);
    if (!NT_SUCCESS(status))
        co_return status;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (node.delete_pending)
        co_return STATUS_DELETE_PENDING;
    if (!may_claim(node, desc))
        co_return STATUS_NOTIFY_CLEANUP;
    volume.was_watched = true;
    // The package keeps the pointer to the name; see Volume::watch_names.
    status = seh::fsrtl_notify_change_directory(
        volume.notify_sync, &desc, const_cast<PUNICODE_STRING>(&node.name()), &volume.notify_list, tree,
        stack->Parameters.NotifyDirectory.CompletionFilter, irp);
    if (!NT_SUCCESS(status))
        co_return status;
    co_return IrpTaken{STATUS_PENDING};
}

} // namespace

/// IRP_MJ_DIRECTORY_CONTROL.
IrpTask directory_control(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (!FileNode::of(stack->FileObject))
        return refuse(volume, irp);
    switch (stack->MinorFunction) {
    case IRP_MN_QUERY_DIRECTORY:
        return query_directory(volume, irp);
    case IRP_MN_NOTIFY_CHANGE_DIRECTORY:
        return notify_directory(volume, irp);
    default:
        return refuse(volume, irp);
    }
}

} // namespace fsp::fsd

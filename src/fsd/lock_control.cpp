// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

/// IRP_MJ_LOCK_CONTROL: byte-range locks, by the system's file lock package.
IrpTask lock_control(Volume&, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    if (!FileNode::of(file))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *FileNode::of(file);
    if (node.is_directory)
        co_return STATUS_INVALID_PARAMETER;

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::main, Access::shared, Oplocks::check)) {
        const NTSTATUS status = co_await enter(node, irp, hold, Part::main, Access::shared, Oplocks::check);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (!may_claim(node, *FileDesc::of(file)))
        co_return STATUS_FILE_CLOSED;
    // The package completes the IRP, at once or when the range becomes free.
    bool taken = false;
    const NTSTATUS status = seh::fsrtl_process_file_lock(&node.file_lock, irp, nullptr, &taken);
    if (!taken)
        co_return status;
    co_return IrpTaken{status};
}

} // namespace fsp::fsd

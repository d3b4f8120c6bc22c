// SPDX-License-Identifier: MIT
#include "oplock.h"
#include "control_codes.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

struct Asked
{
    bool request = true;         // else an acknowledgement
    bool exclusive = true;       // one owner at a time
    bool until_deletion = false; // of no use on a file that is about to go
};

/// What the code and, for the newer kind, the input buffer ask for.
NTSTATUS parse(PIRP irp, FileNode& node, Asked* asked)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const auto& control = stack->Parameters.FileSystemControl;
    switch (control.FsControlCode) {
    case FSCTL_REQUEST_OPLOCK_LEVEL_1:
        break;
    case FSCTL_REQUEST_OPLOCK_LEVEL_2:
        asked->exclusive = false;
        break;
    case FSCTL_REQUEST_BATCH_OPLOCK:
    case FSCTL_REQUEST_FILTER_OPLOCK:
        asked->until_deletion = true;
        break;
    case FSCTL_REQUEST_OPLOCK: {
        const auto* input = static_cast<const OplockInput*>(irp->AssociatedIrp.SystemBuffer);
        if (!input || control.InputBufferLength < sizeof *input ||
            control.OutputBufferLength < oplock_output_size)
            return STATUS_BUFFER_TOO_SMALL;
        if (!(input->flags & (oplock_flag_request | oplock_flag_acknowledge)))
            return STATUS_INVALID_PARAMETER;
        asked->request = input->flags & oplock_flag_request;
        asked->exclusive = input->level & oplock_level_write;
        asked->until_deletion = input->level & oplock_level_handle;
        // A directory has nothing to write.
        return node.is_directory && asked->exclusive ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
    }
    default:
        asked->request = false;
        break;
    }
    return node.is_directory && asked->request ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

} // namespace

bool is_oplock_code(ULONG code)
{
    switch (code) {
    case FSCTL_REQUEST_OPLOCK_LEVEL_1:
    case FSCTL_REQUEST_OPLOCK_LEVEL_2:
    case FSCTL_REQUEST_BATCH_OPLOCK:
    case FSCTL_REQUEST_FILTER_OPLOCK:
    case FSCTL_OPLOCK_BREAK_ACKNOWLEDGE:
    case FSCTL_OPBATCH_ACK_CLOSE_PENDING:
    case FSCTL_OPLOCK_BREAK_NOTIFY:
    case FSCTL_OPLOCK_BREAK_ACK_NO_2:
    case FSCTL_REQUEST_OPLOCK:
        return true;
    default:
        return false;
    }
}

IrpTask oplock_control(Volume& volume, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    if (!FileNode::of(file))
        co_return STATUS_INVALID_PARAMETER;
    FileNode& node = *FileNode::of(file);
    Asked asked;
    NTSTATUS status = parse(irp, node, &asked);
    if (!NT_SUCCESS(status))
        co_return status;

    // Whoever checks oplocks does so under the same lock. Who asks for one waits for the lock on its own
    // thread: STATUS_PENDING says that the oplock is held, and must not be said before it is.
    NodeHold hold;
    if (asked.request) {
        hold.acquire(node, Part::main, Access::exclusive);
    } else if (!try_enter(node, irp, hold, Part::main, Access::shared, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::main, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (!may_claim(node, *FileDesc::of(file)))
        co_return STATUS_FILE_CLOSED;
    ULONG count = 0;
    if (asked.request) {
        FastMutexGuard guard(volume.nodes.mutex());
        if (asked.until_deletion && node.delete_pending)
            co_return STATUS_DELETE_PENDING;
        count = asked.exclusive ? static_cast<ULONG>(node.handle_count) : ULONG{node.has_file_locks()};
    }
    // The package completes the IRP: at once, or when the oplock breaks.
    bool taken = false;
    status = seh::fsrtl_oplock_fsctrl(&node.oplock, irp, count, &taken);
    if (!taken)
        co_return status;
    co_return IrpTaken{status};
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "change.h"
#include "set_information.h"

namespace fsp::fsd {

namespace {

constexpr ULONG flag_delete = 0x1;
constexpr ULONG flag_posix = 0x2;
constexpr ULONG flag_on_close = 0x8;
constexpr ULONG flag_ignore_readonly = 0x10;

/// What the caller wants. @return STATUS_SUCCESS, or why not
NTSTATUS parse(Volume& volume, PIRP irp, ULONG* flags)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (stack->Parameters.SetFile.FileInformationClass == FileDispositionInformation) {
        const auto* plain = set_buffer<FILE_DISPOSITION_INFORMATION>(irp);
        if (!plain)
            return STATUS_INVALID_PARAMETER;
        *flags = plain->DeleteFile ? flag_delete : 0;
        return STATUS_SUCCESS;
    }
    // Without the feature the system falls back to the plain class by itself.
    const auto* ex = set_buffer<ULONG>(irp);
    if (!ex || !volume.params().SupportsPosixUnlinkRename)
        return STATUS_INVALID_PARAMETER;
    if (*ex & flag_on_close)
        return STATUS_NOT_SUPPORTED;
    *flags = *ex & flag_delete ? *ex & (flag_delete | flag_posix | flag_ignore_readonly) : 0;
    return STATUS_SUCCESS;
}

/// Can the driver decide by itself? Directories are never: only the file system knows what is in them.
bool decide_alone(Volume& volume, FileNode& node, ULONG flags, NTSTATUS* status)
{
    *status = STATUS_SUCCESS;
    if (!volume.params().PostDispositionWhenNecessaryOnly || node.is_directory)
        return false;
    if (!(flags & flag_delete) || (flags & flag_ignore_readonly))
        return true;
    FSP_FSCTL_FILE_INFO info;
    if (!node.get_file_info(&info))
        return false;
    if (info.FileAttributes & FILE_ATTRIBUTE_READONLY)
        *status = STATUS_CANNOT_DELETE;
    return true;
}

/// Not STATUS_CANNOT_DELETE: whoever is told of a read-only file that way clears the attribute and tries
/// again, and when the driver decides alone it looks again, too.
void remember_failure(FileDesc& desc, ULONG flags, NTSTATUS status)
{
    if ((flags & flag_delete) && (status == STATUS_ACCESS_DENIED || status == STATUS_DIRECTORY_NOT_EMPTY))
        desc.disposition_failure = status;
}

} // namespace

/// FileDispositionInformation(Ex): marks for deletion, or not. The removal happens at cleanup.
IrpTask set_disposition(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    FileNode& node = *FileNode::of(file);
    FileDesc& desc = *FileDesc::of(file);

    ULONG flags = 0;
    NTSTATUS status = parse(volume, irp, &flags);
    if (!NT_SUCCESS(status))
        co_return status;
    if (node.is_root)
        co_return STATUS_CANNOT_DELETE;
    const bool deletes = flags & flag_delete;

    NodeHold hold;
    const Oplocks oplocks = deletes ? Oplocks::check : Oplocks::ignore;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, oplocks)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, oplocks);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (node.posix_deleted)
        co_return STATUS_FILE_DELETED;
    if (deletes) {
        TopLevel top(node);
        if (!MmFlushImageSection(&node.sections, MmFlushForDelete))
            co_return STATUS_CANNOT_DELETE;
    }

    if (deletes && !(flags & flag_ignore_readonly)) {
        if (!NT_SUCCESS(desc.disposition_failure))
            co_return desc.disposition_failure;
    } else {
        desc.disposition_failure = STATUS_SUCCESS;
    }

    const bool alone = decide_alone(volume, node, flags, &status);
    if (!alone) {
        NameCopy name;
        if (!name.assign(node))
            co_return STATUS_INSUFFICIENT_RESOURCES;
        RequestPtr request;
        status = Request::make(&request, FspFsctlTransactSetInformationKind, &name.view());
        if (!NT_SUCCESS(status))
            co_return status;
        set_context(request.operator->(), desc);
        request->Req.SetInformation.FileInformationClass = stack->Parameters.SetFile.FileInformationClass;
        request->Req.SetInformation.Info.DispositionEx.Flags = flags;
        const Response answer = co_await volume.ask(*request);
        status = answer.status();
        if (!NT_SUCCESS(status))
            remember_failure(desc, flags, status);
    }
    if (!NT_SUCCESS(status))
        co_return status;

    {
        FastMutexGuard guard(volume.nodes.mutex());
        node.delete_pending = deletes;
        ask_for_deletion(file, deletes);
        desc.posix_delete = deletes && (flags & flag_posix);
    }
    if (deletes && !alone && node.is_directory)
        end_watches_of_deleted(volume, node);
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

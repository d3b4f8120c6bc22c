// SPDX-License-Identifier: MIT
#include "change.h"
#include "dispatch.h"
#include "ea_records.h"
#include "metadata.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

/// Extended attributes exist on files of volumes that have them.
bool has_eas(Volume& volume, PIRP irp)
{
    return volume.params().ExtendedAttributes && FileNode::of(IoGetCurrentIrpStackLocation(irp)->FileObject);
}

/// The position of an enumeration: from the call, or where the handle stands.
NTSTATUS scan(FileNode& node, FileDesc& desc, PIO_STACK_LOCATION stack, const Metadata& eas,
              const ea::QueryRules& rules, void* out, ULONG* written)
{
    const bool restart = stack->Flags & SL_RESTART_SCAN;
    const bool indexed = stack->Flags & SL_INDEX_SPECIFIED;
    ULONG index = indexed                         ? stack->Parameters.QueryEa.EaIndex
                  : restart || desc.ea_index == 0 ? 1
                                                  : desc.ea_index;
    if (!indexed && !restart && desc.ea_index != 0 && desc.ea_change_number != node.base().ea_change_number())
        return STATUS_EA_CORRUPT_ERROR;
    const NTSTATUS status = ea::query_scan(eas.data(), eas.size(), indexed, &index, rules, out,
                                           stack->Parameters.QueryEa.Length, written);
    if (status == STATUS_SUCCESS || status == STATUS_BUFFER_OVERFLOW) {
        desc.ea_index = index;
        desc.ea_change_number = node.base().ea_change_number();
    }
    return status;
}

} // namespace

/// IRP_MJ_QUERY_EA.
IrpTask query_ea(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!has_eas(volume, irp))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *FileNode::of(file);
    FileDesc& desc = *FileDesc::of(file);
    const ULONG length = stack->Parameters.QueryEa.Length;
    void* buffer = nullptr;
    NTSTATUS status = map_user_buffer(volume, irp, length, IoWriteAccess, &buffer);
    if (!NT_SUCCESS(status))
        co_return status;

    Metadata eas;
    status = co_await fetch_metadata(ea_metadata, volume, irp, file, &eas);
    if (!NT_SUCCESS(status))
        co_return status;

    const ea::QueryRules rules{.preserve_case = volume.params().CasePreservedExtendedAttributes != 0,
                               .single_entry = (stack->Flags & SL_RETURN_SINGLE_ENTRY) != 0};
    ULONG written = 0;
    if (stack->Parameters.QueryEa.EaList && stack->Parameters.QueryEa.EaListLength) {
        ULONG bad_offset = 0;
        status = ea::query_list(eas.data(), eas.size(), stack->Parameters.QueryEa.EaList,
                                stack->Parameters.QueryEa.EaListLength, rules, buffer, length, &written,
                                &bad_offset);
        co_return {status, NT_SUCCESS(status) ? written : bad_offset};
    }
    status = scan(node, desc, stack, eas, rules, buffer, &written);
    co_return {status, written};
}

/// IRP_MJ_SET_EA.
IrpTask set_ea(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!has_eas(volume, irp))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *FileNode::of(file);
    const ULONG length = stack->Parameters.SetEa.Length;
    if (length > FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX)
        co_return STATUS_INVALID_PARAMETER;

    // Taken once: what is validated is what is sent. The request starts with nothing else in its variable
    // part.
    RequestPtr request;
    NTSTATUS status = Request::make(&request, FspFsctlTransactSetEaKind, nullptr, length);
    if (!NT_SUCCESS(status))
        co_return status;
    Buffer set;
    if (!set.allocate(length))
        co_return STATUS_INSUFFICIENT_RESOURCES;
    const void* source =
        irp->AssociatedIrp.SystemBuffer ? irp->AssociatedIrp.SystemBuffer : near_user_buffer(irp);
    const KPROCESSOR_MODE mode = irp->AssociatedIrp.SystemBuffer || irp->MdlAddress
                                     ? static_cast<KPROCESSOR_MODE>(KernelMode)
                                     : irp->RequestorMode;
    status = seh::copy_from_user(set.data(), source, length, mode);
    if (!NT_SUCCESS(status))
        co_return status;
    ULONG bad_offset = 0;
    status = ea::validate(set.data(), length, &bad_offset);
    if (!NT_SUCCESS(status))
        co_return {status, bad_offset};
    (*request).append(request->Req.SetEa.Ea, set.data(), static_cast<USHORT>(length));

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    set_context(request.operator->(), *FileDesc::of(file));
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();

    node.set_file_info(file, answer->Rsp.SetEa.FileInfo);
    const Span block = answer.span(answer->Rsp.SetEa.Ea, Offset::ignored);
    if (block && block.size && set.assign(block.data, block.size) &&
        NT_SUCCESS(ea::validate_answer(set.data(), set.size())))
        volume.ea_cache.replace(node.base().ea, set.data(), set.size());
    else
        volume.ea_cache.invalidate(node.base().ea);
    node.base().note_ea_change();
    report_node_change(node, FILE_NOTIFY_CHANGE_EA, FILE_ACTION_MODIFIED, Stale::nothing, file);
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "change.h"
#include "control_codes.h"
#include "dispatch.h"
#include "node_access.h"
#include "oplock.h"
#include "reparse.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

struct ControlParameters
{
    PFILE_OBJECT file;
    FileNode* node;
    ULONG code, input_length, output_length;
    Byte* system_buffer;

    explicit ControlParameters(PIRP irp)
    {
        PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
        file = stack->FileObject;
        node = FileNode::of(file);
        code = stack->Parameters.FileSystemControl.FsControlCode;
        input_length = stack->Parameters.FileSystemControl.InputBufferLength;
        output_length = stack->Parameters.FileSystemControl.OutputBufferLength;
        system_buffer = static_cast<Byte*>(irp->AssociatedIrp.SystemBuffer);
    }
};

IrpResult persistent_volume_state(const ControlParameters& p)
{
    if (!p.system_buffer)
        return {STATUS_INVALID_PARAMETER, 0};
    if (p.input_length < sizeof(PersistentVolumeState) || p.output_length < sizeof(PersistentVolumeState))
        return {STATUS_BUFFER_TOO_SMALL, 0};
    auto* state = reinterpret_cast<PersistentVolumeState*>(p.system_buffer);
    if (state->version != 1 || !(state->mask & short_name_creation_disabled))
        return {STATUS_INVALID_PARAMETER, 0};
    *state = {.flags = short_name_creation_disabled, .mask = 0, .version = 0, .reserved = 0};
    return {STATUS_SUCCESS, sizeof *state};
}

IrpResult statistics(Volume& volume, const ControlParameters& p)
{
    if (!p.system_buffer)
        return {STATUS_INVALID_PARAMETER, 0};
    ULONG written = 0;
    const NTSTATUS status = volume.statistics.copy(p.system_buffer, p.output_length, &written);
    return {status, written};
}

/// One extent, somewhere: what a defragmenter may know.
IrpResult retrieval_pointers(Volume& volume, PIRP irp, const ControlParameters& p)
{
    const void* input = IoGetCurrentIrpStackLocation(irp)->Parameters.FileSystemControl.Type3InputBuffer;
    if (!p.node)
        return {STATUS_INVALID_DEVICE_REQUEST, 0};
    if (!input || !irp->UserBuffer)
        return {STATUS_INVALID_PARAMETER, 0};
    if (p.input_length < sizeof(LONGLONG) || p.output_length < sizeof(RetrievalPointers))
        return {STATUS_BUFFER_TOO_SMALL, 0};
    LONGLONG start = 0;
    NTSTATUS status = seh::copy_from_user(&start, input, sizeof start, irp->RequestorMode);
    if (!NT_SUCCESS(status))
        return {status, 0};
    const auto units = static_cast<LONGLONG>(p.node->allocation_size() / volume.allocation_unit());
    if (start < 0 || start > units)
        return {STATUS_END_OF_FILE, 0};
    RetrievalPointers answer;
    RtlZeroMemory(&answer, sizeof answer);
    answer.extents = 1;
    answer.next_vcn = units;
    answer.lcn = -1;
    status = seh::copy_to_user(irp->UserBuffer, &answer, sizeof answer, irp->RequestorMode);
    return {status, sizeof answer};
}

/// Everything that is answered at once.
IrpTask answer_alone(Volume& volume, PIRP irp)
{
    const ControlParameters p(irp);
    switch (p.code) {
    case FSP_FSCTL_QUERY_WINFSP:
    case FSCTL_IS_VOLUME_MOUNTED:
        co_return STATUS_SUCCESS;
    case FSCTL_QUERY_PERSISTENT_VOLUME_STATE:
        co_return persistent_volume_state(p);
    case FSCTL_FILESYSTEM_GET_STATISTICS:
        co_return statistics(volume, p);
    case FSCTL_GET_RETRIEVAL_POINTERS:
        co_return retrieval_pointers(volume, irp, p);
    default:
        co_return STATUS_INVALID_DEVICE_REQUEST;
    }
}

NTSTATUS make_request(const ControlParameters& p, ULONG data_size, RequestPtr* request)
{
    NameCopy name;
    if (!name.assign(*p.node))
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status =
        Request::make(request, FspFsctlTransactFileSystemControlKind, &name.view(), data_size);
    if (!NT_SUCCESS(status))
        return status;
    set_context(request->operator->(), *FileDesc::of(p.file));
    (*request)->Req.FileSystemControl.FsControlCode = p.code;
    if (data_size)
        (**request).append((*request)->Req.FileSystemControl.Buffer, p.system_buffer,
                           static_cast<USHORT>(data_size));
    return STATUS_SUCCESS;
}

IrpTask get_reparse_point(Volume& volume, PIRP irp)
{
    const ControlParameters p(irp);
    if (!volume.params().ReparsePoints)
        co_return STATUS_INVALID_DEVICE_REQUEST;
    if (!p.node || p.input_length != 0)
        co_return STATUS_INVALID_PARAMETER;
    if (!p.system_buffer || p.output_length == 0)
        co_return STATUS_INVALID_USER_BUFFER;
    RequestPtr request;
    NTSTATUS status = make_request(p, 0, &request);
    if (!NT_SUCCESS(status))
        co_return status;

    NodeHold hold;
    if (!try_enter(*p.node, irp, hold, Part::full, Access::shared, Oplocks::ignore)) {
        status = co_await enter(*p.node, irp, hold, Part::full, Access::shared, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    const Span data = answer.span(answer->Rsp.FileSystemControl.Buffer, Offset::honoured);
    if (!data)
        co_return STATUS_IO_REPARSE_DATA_INVALID;
    status = validate_reparse_buffer(data.data, data.size);
    if (!NT_SUCCESS(status))
        co_return status;
    if (data.size > p.output_length)
        co_return STATUS_BUFFER_TOO_SMALL;
    copy_bytes(p.system_buffer, data.data, data.size);
    co_return {STATUS_SUCCESS, data.size};
}

/// A delete request is a header alone.
NTSTATUS check_delete(const ControlParameters& p)
{
    constexpr ULONG plain = 8, with_guid = 24;
    if (!p.system_buffer || (p.input_length != plain && p.input_length != with_guid))
        return STATUS_IO_REPARSE_DATA_INVALID;
    ULONG tag;
    USHORT length;
    RtlCopyMemory(&tag, p.system_buffer, sizeof tag);
    RtlCopyMemory(&length, p.system_buffer + sizeof tag, sizeof length);
    if (length != 0)
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (tag == 0 || tag == 1)
        return STATUS_IO_REPARSE_TAG_INVALID;
    const bool microsoft = (tag & 0x80000000) != 0;
    return microsoft || p.input_length == with_guid ? STATUS_SUCCESS : STATUS_IO_REPARSE_DATA_INVALID;
}

NTSTATUS check_set(const ControlParameters& p)
{
    if (!p.system_buffer || p.input_length == 0)
        return STATUS_INVALID_BUFFER_SIZE;
    if (p.output_length != 0)
        return STATUS_INVALID_PARAMETER;
    const ULONG name =
        p.node->name().Length + static_cast<ULONG>(sizeof(WCHAR)); // as a hint; make() counts again
    if (p.input_length + name > FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX)
        return STATUS_IO_REPARSE_DATA_INVALID;
    return validate_reparse_buffer(p.system_buffer, p.input_length);
}

bool may_create_symbolic_links()
{
    LUID privilege;
    privilege.LowPart = 35; // SE_CREATE_SYMBOLIC_LINK_PRIVILEGE
    privilege.HighPart = 0;
    return SeSinglePrivilegeCheck(privilege, UserMode);
}

IrpTask change_reparse_point(Volume& volume, PIRP irp)
{
    const ControlParameters p(irp);
    if (!volume.params().ReparsePoints)
        co_return STATUS_INVALID_DEVICE_REQUEST;
    if (!p.node)
        co_return STATUS_INVALID_PARAMETER;
    FileNode& node = *p.node;
    FileDesc& desc = *FileDesc::of(p.file);
    const bool deletes = p.code == FSCTL_DELETE_REPARSE_POINT;
    NTSTATUS status = deletes ? check_delete(p) : check_set(p);
    if (!NT_SUCCESS(status))
        co_return status;
    if (!(desc.granted_access & (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES)))
        co_return STATUS_ACCESS_DENIED;

    UNICODE_STRING target;
    bool relative = false;
    const bool symlink = !deletes && symlink_target(p.system_buffer, p.input_length, &target, &relative);
    if (symlink && volume.params().ReparsePointsAccessCheck && irp->RequestorMode == UserMode &&
        !may_create_symbolic_links())
        co_return STATUS_PRIVILEGE_NOT_HELD;

    RequestPtr request;
    status = make_request(p, p.input_length, &request);
    if (!NT_SUCCESS(status))
        co_return status;
    if (symlink && !relative && target.Length && target.Buffer[0] == '\\')
        request->Req.FileSystemControl.TargetOnFileSystem = target_on_file_system(volume, target);

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    node.base().invalidate_file_info();
    node.invalidate_file_info();
    desc.did_set_metadata = true;
    // Watchers learn of it at cleanup; those who cache the directory now.
    report_node_change(node, 0, 0, Stale::nothing, p.file);
    co_return STATUS_SUCCESS;
}

} // namespace

/// IRP_MJ_FILE_SYSTEM_CONTROL.
IrpTask file_system_control(Volume& volume, PIRP irp)
{
    const ULONG code = IoGetCurrentIrpStackLocation(irp)->Parameters.FileSystemControl.FsControlCode;
    switch (code) {
    case FSCTL_GET_REPARSE_POINT:
        return get_reparse_point(volume, irp);
    case FSCTL_SET_REPARSE_POINT:
    case FSCTL_DELETE_REPARSE_POINT:
        return change_reparse_point(volume, irp);
    case FSCTL_SET_ZERO_DATA:
        return set_zero_data(volume, irp);
    case FSCTL_QUERY_ALLOCATED_RANGES:
        return query_allocated_ranges(volume, irp);
    default:
        return is_oplock_code(code) ? oplock_control(volume, irp) : answer_alone(volume, irp);
    }
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "change.h"
#include "dispatch.h"
#include "metadata.h"
#include "seh.h"

namespace fsp::fsd {

/// IRP_MJ_QUERY_SECURITY.
IrpTask query_security(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!FileNode::of(file))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    const ULONG length = stack->Parameters.QuerySecurity.Length;
    void* buffer = nullptr;
    NTSTATUS status = map_user_buffer(volume, irp, length, IoWriteAccess, &buffer);
    if (!NT_SUCCESS(status))
        co_return status;

    Metadata descriptor;
    status = co_await fetch_metadata(security_metadata, volume, irp, file, &descriptor);
    if (!NT_SUCCESS(status))
        co_return status;
    SECURITY_INFORMATION wanted = stack->Parameters.QuerySecurity.SecurityInformation;
    ULONG size = length;
    status =
        seh::query_security_descriptor_info(&wanted, buffer, &size, const_cast<Byte*>(descriptor.data()));
    // The caller learns how much it would take.
    if (status == STATUS_BUFFER_TOO_SMALL)
        status = STATUS_BUFFER_OVERFLOW;
    co_return {status, size};
}

/// IRP_MJ_SET_SECURITY.
IrpTask set_security(Volume& volume, PIRP irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!FileNode::of(file))
        co_return STATUS_INVALID_DEVICE_REQUEST;
    FileNode& node = *FileNode::of(file);
    FileDesc& desc = *FileDesc::of(file);
    PSECURITY_DESCRIPTOR modification = stack->Parameters.SetSecurity.SecurityDescriptor;
    if (!modification || !RtlValidSecurityDescriptor(modification))
        co_return STATUS_INVALID_PARAMETER;

    ULONG length = RtlLengthSecurityDescriptor(modification);
    if (length > FSP_FSCTL_TRANSACT_REQ_BUFFER_SIZEMAX)
        co_return STATUS_INVALID_PARAMETER;
    Buffer descriptor;
    if (!descriptor.allocate(length))
        co_return STATUS_INSUFFICIENT_RESOURCES;
    if (static_cast<const SECURITY_DESCRIPTOR_RELATIVE*>(modification)->Control & SE_SELF_RELATIVE) {
        copy_bytes(descriptor.data(), modification, length);
    } else {
        const NTSTATUS made = RtlAbsoluteToSelfRelativeSD(modification, descriptor.data(), &length);
        if (!NT_SUCCESS(made))
            co_return made;
    }
    RequestPtr request;
    NTSTATUS status = Request::make(&request, FspFsctlTransactSetSecurityKind, nullptr, length);
    if (!NT_SUCCESS(status))
        co_return status;
    request->Req.SetSecurity.SecurityInformation = stack->Parameters.SetSecurity.SecurityInformation;
    (*request).append(request->Req.SetSecurity.SecurityDescriptor, descriptor.data(),
                      static_cast<USHORT>(length));
    set_context(request.operator->(), desc);

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        status = co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();

    const Span block = answer.span(answer->Rsp.SetSecurity.SecurityDescriptor, Offset::ignored);
    if (block && block.size && descriptor.assign(block.data, block.size) &&
        NT_SUCCESS(security_metadata.validate(descriptor.data(), descriptor.size())))
        volume.security_cache.replace(node.base().security, descriptor.data(), descriptor.size());
    else
        volume.security_cache.invalidate(node.base().security);
    node.base().invalidate_file_info(); // the time of its change
    desc.did_set_security = true;
    desc.did_set_metadata = true;
    report_node_change(node, FILE_NOTIFY_CHANGE_SECURITY, FILE_ACTION_MODIFIED, Stale::nothing, file);
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

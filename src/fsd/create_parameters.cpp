// SPDX-License-Identifier: MIT
#include "create_parameters.h"
#include "ea_records.h"
#include "node.h"
#include "reparse.h"
#include "wsl.h"

namespace fsp::fsd {

namespace {

constexpr WCHAR backslash = '\\';

void cut_front(UNICODE_STRING& text, USHORT bytes)
{
    text.Buffer += bytes / sizeof(WCHAR);
    text.Length = static_cast<USHORT>(text.Length - bytes);
}

bool ends_with_backslash(const UNICODE_STRING& text)
{
    return text.Length > sizeof(WCHAR) && text.Buffer[name::chars(text) - 1] == backslash;
}

NTSTATUS check_ea(const Volume& volume, ULONG options, const void* ea, ULONG size)
{
    if (!volume.params().ExtendedAttributes)
        return STATUS_EAS_NOT_SUPPORTED;
    if (options & FILE_NO_EA_KNOWLEDGE)
        return STATUS_ACCESS_DENIED;
    ULONG offset = 0;
    return ea::validate(ea, size, &offset);
}

} // namespace

NTSTATUS CreateParameters::parse(Volume& volume, PIRP irp, bool* is_volume_open) noexcept
{
    stack = IoGetCurrentIrpStackLocation(irp);
    file = stack->FileObject;
    const auto& parameters = stack->Parameters.Create;
    access_state = parameters.SecurityContext->AccessState;
    options = parameters.Options & 0x00ffffff;
    disposition = parameters.Options >> 24;
    share = parameters.ShareAccess;
    attributes = parameters.FileAttributes;
    user_mode = irp->RequestorMode != KernelMode || (stack->Flags & SL_FORCE_ACCESS_CHECK);
    open_target_directory = (stack->Flags & SL_OPEN_TARGET_DIRECTORY) != 0;

    const PFILE_OBJECT related = file->RelatedFileObject;
    *is_volume_open = file->FileName.Length == 0 && !(related && FileNode::of(related));
    if (*is_volume_open)
        return STATUS_SUCCESS;
    if (!volume.ready())
        return STATUS_CANCELLED;

    NTSTATUS status = check_options(volume, irp);
    if (NT_SUCCESS(status))
        status = take_security();
    if (NT_SUCCESS(status))
        status = find_path(volume);
    if (NT_SUCCESS(status))
        status = check_root();
    if (!NT_SUCCESS(status))
        return status;

    attributes &=
        ~static_cast<ULONG>(FILE_ATTRIBUTE_NORMAL | FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_REPARSE_POINT);
    if (options & FILE_DIRECTORY_FILE)
        attributes |= FILE_ATTRIBUTE_DIRECTORY;
    if (is_stream()) {
        if (options & FILE_DIRECTORY_FILE)
            return STATUS_NOT_A_DIRECTORY;
        if (open_target_directory)
            return STATUS_OBJECT_NAME_INVALID;
    }
    return STATUS_SUCCESS;
}

NTSTATUS CreateParameters::check_options(Volume& volume, PIRP irp) noexcept
{
    if (options & FILE_OPEN_BY_FILE_ID)
        return STATUS_NOT_IMPLEMENTED;
    const ULONG ea_length = stack->Parameters.Create.EaLength;
    if (volume.params().WslFeatures) {
        const NTSTATUS status = take_atomic_create(irp);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (ea_length != 0 && irp->AssociatedIrp.SystemBuffer) {
        const NTSTATUS status = check_ea(volume, options, irp->AssociatedIrp.SystemBuffer, ea_length);
        if (!NT_SUCCESS(status))
            return status;
        ea = {static_cast<Byte*>(irp->AssociatedIrp.SystemBuffer), ea_length};
    }
    if (stack->Flags & SL_OPEN_PAGING_FILE)
        return STATUS_ACCESS_DENIED;
    if ((options & FILE_DIRECTORY_FILE) && (options & FILE_NON_DIRECTORY_FILE))
        return STATUS_INVALID_PARAMETER;
    if ((options & FILE_DIRECTORY_FILE) && (attributes & FILE_ATTRIBUTE_TEMPORARY) &&
        (disposition == FILE_CREATE || disposition == FILE_OPEN_IF))
        return STATUS_INVALID_PARAMETER;
    allocation_size =
        volume.round_to_allocation_unit(static_cast<UINT64>(irp->Overlay.AllocationSize.QuadPart));
    return STATUS_SUCCESS;
}

/// A reparse point to be made with the file goes where extended attributes go.
NTSTATUS CreateParameters::take_atomic_create(PIRP irp) noexcept
{
    AtomicCreate* atomic;
    NTSTATUS status = find_atomic_create(irp, &atomic);
    if (!NT_SUCCESS(status) || !atomic)
        return status;
    if ((disposition != FILE_CREATE && disposition != FILE_OPEN_IF) || stack->Parameters.Create.EaLength != 0)
        return STATUS_INVALID_PARAMETER;
    if (!(atomic->in_flags & AtomicCreate::reparse_point))
        return STATUS_SUCCESS;
    status = atomic->reparse ? validate_reparse_buffer(atomic->reparse, atomic->reparse_size)
                             : STATUS_IO_REPARSE_DATA_INVALID;
    if (!NT_SUCCESS(status))
        return status;
    atomic->out_flags |= AtomicCreate::reparse_point;
    ea = {static_cast<Byte*>(atomic->reparse), atomic->reparse_size};
    ea_is_reparse_point = true;
    return STATUS_SUCCESS;
}

/// The descriptor that the creator wants, in the self-relative form that messages carry.
NTSTATUS CreateParameters::take_security() noexcept
{
    const PSECURITY_DESCRIPTOR descriptor = access_state->SecurityDescriptor;
    if (!descriptor)
        return STATUS_SUCCESS;
    SECURITY_DESCRIPTOR_CONTROL control = 0;
    ULONG revision = 0;
    NTSTATUS status = RtlGetControlSecurityDescriptor(descriptor, &control, &revision);
    if (!NT_SUCCESS(status))
        return status;
    if (control & SE_SELF_RELATIVE) {
        security_descriptor = {static_cast<Byte*>(descriptor), RtlLengthSecurityDescriptor(descriptor)};
        return STATUS_SUCCESS;
    }
    ULONG length = 0;
    RtlAbsoluteToSelfRelativeSD(descriptor, nullptr, &length);
    if (length == 0 || !security_storage.allocate(length))
        return STATUS_INSUFFICIENT_RESOURCES;
    status = RtlAbsoluteToSelfRelativeSD(descriptor, security_storage.data(), &length);
    if (!NT_SUCCESS(status))
        return status;
    security_descriptor = {security_storage.data(), length};
    return STATUS_SUCCESS;
}

NTSTATUS CreateParameters::compose_relative(UNICODE_STRING name) noexcept
{
    FileNode* const base = FileNode::of(file->RelatedFileObject);
    if (!base || file->RelatedFileObject->DeviceObject != file->DeviceObject ||
        !FileDesc::of(file->RelatedFileObject))
        return STATUS_OBJECT_PATH_NOT_FOUND;
    if (name.Length != 0 && name.Buffer[0] == backslash)
        return STATUS_INVALID_PARAMETER;

    const UNICODE_STRING& parent = base->name(); // stable under the rename lock
    const bool separator = !name::is_root(parent) && name.Length != 0 && name.Buffer[0] != ':';
    const ULONG length = parent.Length + (separator ? sizeof(WCHAR) : 0) + name.Length;
    if (length > 0xfffe)
        return STATUS_OBJECT_NAME_INVALID;
    if (!storage.allocate(length))
        return STATUS_INSUFFICIENT_RESOURCES;
    path = name::view(storage.as<WCHAR>(), static_cast<USHORT>(length));
    WCHAR* to = path.Buffer;
    copy_bytes(to, parent.Buffer, parent.Length);
    to += name::chars(parent);
    if (separator)
        *to++ = backslash;
    copy_bytes(to, name.Buffer, name.Length);
    return STATUS_SUCCESS;
}

NTSTATUS CreateParameters::find_path(Volume& volume) noexcept
{
    path = file->FileName;
    if (name::chars(path) >= 2 && path.Buffer[0] == backslash && path.Buffer[1] == backslash)
        cut_front(path, sizeof(WCHAR));

    relative = file->RelatedFileObject != nullptr;
    if (relative) {
        const UNICODE_STRING given = path; // what is composed replaces it
        const NTSTATUS status = compose_relative(given);
        if (!NT_SUCCESS(status))
            return status;
    } else if (path.Buffer[0] != backslash) {
        return STATUS_OBJECT_NAME_INVALID;
    }

    const FSP_FSCTL_VOLUME_PARAMS& params = volume.params();
    if (!name::valid_path(path, params.MaxComponentLength, params.NamedStreams, &parsed))
        return STATUS_OBJECT_NAME_INVALID;
    path.Length = parsed.length();

    if (volume.is_network() && !relative) {
        const UNICODE_STRING& prefix = volume.prefix();
        const bool exact = path.Length == prefix.Length;
        if (!name::starts_with(path, prefix, false) ||
            (!exact && path.Buffer[name::chars(prefix)] != backslash))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        if (exact) {
            static constexpr WCHAR root[] = FSP_L("\\");
            path = name::literal(root);
        } else {
            cut_front(path, prefix.Length);
        }
        parsed.main_length = exact ? path.Length : static_cast<USHORT>(parsed.main_length - prefix.Length);
    }
    if (!is_stream() && ends_with_backslash(path)) {
        path.Length = static_cast<USHORT>(path.Length - sizeof(WCHAR));
        parsed.main_length = path.Length;
        trailing_backslash = true;
    }
    if (parsed.data_type && (options & FILE_DIRECTORY_FILE))
        return STATUS_NOT_A_DIRECTORY;
    return STATUS_SUCCESS;
}

NTSTATUS CreateParameters::check_root() const noexcept
{
    if (!name::is_root(path))
        return STATUS_SUCCESS;
    if (disposition == FILE_CREATE || disposition == FILE_OVERWRITE || disposition == FILE_OVERWRITE_IF ||
        disposition == FILE_SUPERSEDE || open_target_directory)
        return STATUS_ACCESS_DENIED;
    if (options & FILE_DELETE_ON_CLOSE)
        return STATUS_CANNOT_DELETE;
    return STATUS_SUCCESS;
}

} // namespace fsp::fsd

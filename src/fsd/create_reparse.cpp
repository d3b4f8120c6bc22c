// SPDX-License-Identifier: MIT
#include "create_reparse.h"
#include "name.h"
#include "reparse.h"

namespace fsp::fsd {

namespace {

/// Up to three pieces as the file object's new name; the I/O manager owns it.
NTSTATUS rename_file_object(PFILE_OBJECT file, const UNICODE_STRING& a, const UNICODE_STRING& b,
                            const UNICODE_STRING& c)
{
    const ULONG length = static_cast<ULONG>(a.Length) + b.Length + c.Length;
    if (length > 0xfffe)
        return STATUS_REPARSE_POINT_NOT_RESOLVED;
    auto* const buffer = static_cast<WCHAR*>(pool_allocate_external(length + sizeof(WCHAR)));
    if (!buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    WCHAR* to = buffer;
    const UNICODE_STRING* const pieces[] = {&a, &b, &c};
    for (const UNICODE_STRING* piece : pieces) {
        copy_bytes(to, piece->Buffer, piece->Length);
        to += name::chars(*piece);
    }
    *to = 0;
    if (file->FileName.Buffer)
        ExFreePool(file->FileName.Buffer);
    file->FileName.Buffer = buffer;
    file->FileName.Length = static_cast<USHORT>(length);
    file->FileName.MaximumLength = static_cast<USHORT>(length + sizeof(WCHAR));
    return STATUS_SUCCESS;
}

bool is_absolute(const UNICODE_STRING& path)
{
    return path.Length >= sizeof(WCHAR) && path.Buffer[0] == '\\';
}

IrpResult restart(NTSTATUS status)
{
    return NT_SUCCESS(status) ? IrpResult{STATUS_REPARSE, IO_REPARSE} : IrpResult{status, 0};
}

IrpResult follow_path(PFILE_OBJECT file, const Span& data)
{
    if (!data || data.size % sizeof(WCHAR) != 0)
        return {STATUS_REPARSE_POINT_NOT_RESOLVED, 0};
    const UNICODE_STRING path = name::view(data.as<WCHAR>(), static_cast<USHORT>(data.size));
    if (!is_absolute(path))
        return {STATUS_REPARSE_POINT_NOT_RESOLVED, 0};
    return restart(rename_file_object(file, path, {}, {}));
}

IrpResult follow_symlink(const Volume& volume, PFILE_OBJECT file, const Span& data)
{
    if (!data || data.size < REPARSE_DATA_BUFFER_HEADER_SIZE ||
        !NT_SUCCESS(validate_reparse_buffer(data.data, data.size)))
        return {STATUS_REPARSE_POINT_NOT_RESOLVED, 0};
    const auto& link = data.as<REPARSE_DATA_BUFFER>()->SymbolicLinkReparseBuffer;
    const ULONG start = static_cast<ULONG>(reinterpret_cast<const Byte*>(link.PathBuffer) - data.data) +
                        link.SubstituteNameOffset;
    if (start > data.size || link.SubstituteNameLength > data.size - start)
        return {STATUS_REPARSE_POINT_NOT_RESOLVED, 0};
    const UNICODE_STRING target =
        name::view(reinterpret_cast<const WCHAR*>(data.data + start), link.SubstituteNameLength);
    if (!is_absolute(target))
        return {STATUS_REPARSE_POINT_NOT_RESOLVED, 0};
    if (link.Flags & SYMLINK_FLAG_RELATIVE)
        return restart(rename_file_object(file, volume.device_name(), volume.prefix(), target));
    return restart(rename_file_object(file, target, {}, {}));
}

/// Mount points, WSL links, cloud files...: the I/O manager or a filter knows what to do.
IrpResult pass_on(PIRP irp, const Span& data)
{
    if (!data || data.size < REPARSE_DATA_BUFFER_HEADER_SIZE)
        return {STATUS_IO_REPARSE_DATA_INVALID, 0};
    const NTSTATUS status = validate_reparse_buffer(data.data, data.size);
    if (!NT_SUCCESS(status))
        return {status, 0};
    // To the I/O manager this one, like those that validation refuses, is not a tag but an order.
    constexpr ULONG reparse_global = 2;
    if (data.as<REPARSE_DATA_BUFFER>()->ReparseTag == reparse_global)
        return {STATUS_IO_REPARSE_TAG_INVALID, 0};
    void* const copy = pool_allocate_external(data.size);
    if (!copy)
        return {STATUS_INSUFFICIENT_RESOURCES, 0};
    copy_bytes(copy, data.data, data.size);
    irp->Tail.Overlay.AuxiliaryBuffer = static_cast<PCHAR>(copy);
    return {STATUS_REPARSE, data.as<REPARSE_DATA_BUFFER>()->ReparseTag};
}

} // namespace

IrpResult finish_reparse(Volume& volume, PIRP irp, const Response& answer) noexcept
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    const Span given = answer.span(answer->Rsp.Create.Reparse.Buffer, Offset::honoured);
    // The file system may have put it at any byte; what reads it needs it aligned.
    Buffer copy;
    if (given && !copy.assign(given.data, given.size))
        return {STATUS_INSUFFICIENT_RESOURCES, 0};
    const Span data{copy.data(), copy.size()};
    switch (answer.information()) {
    case IO_REMOUNT:
        return {STATUS_REPARSE, IO_REMOUNT};
    case IO_REPARSE:
        return follow_path(file, data);
    case IO_REPARSE_TAG_SYMLINK:
        return follow_symlink(volume, file, data);
    default:
        return pass_on(irp, data);
    }
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
//
// FsRtlValidateReparsePointBuffer: reparse data from outside.
#include <cstddef>

#include "nt/rtl.h"

namespace {

/// Whether a name lies in the path buffer, in whole characters.
bool name_fits(ULONG offset, ULONG length, ULONG path_buffer)
{
    return offset % sizeof(WCHAR) == 0 && length % sizeof(WCHAR) == 0 && offset + length <= path_buffer;
}

NTSTATUS check_names(const REPARSE_DATA_BUFFER& buffer, ULONG path_buffer_at, bool need_substitute)
{
    // The two Microsoft link formats begin alike.
    const auto& link = buffer.MountPointReparseBuffer;
    const ULONG data = buffer.ReparseDataLength;
    const ULONG head = path_buffer_at - REPARSE_DATA_BUFFER_HEADER_SIZE;
    if (data < head)
        return STATUS_IO_REPARSE_DATA_INVALID;
    const ULONG room = data - head;
    if (!name_fits(link.SubstituteNameOffset, link.SubstituteNameLength, room) ||
        !name_fits(link.PrintNameOffset, link.PrintNameLength, room))
        return STATUS_IO_REPARSE_DATA_INVALID;
    return need_substitute && link.SubstituteNameLength == 0 ? STATUS_IO_REPARSE_DATA_INVALID
                                                             : STATUS_SUCCESS;
}

/// Mount points have the names one after the other, each terminated.
bool is_mount_point_shape(const REPARSE_DATA_BUFFER& buffer)
{
    const auto& link = buffer.MountPointReparseBuffer;
    const ULONG names = ULONG{link.SubstituteNameLength} + link.PrintNameLength + 2 * sizeof(WCHAR);
    return link.SubstituteNameOffset == 0 &&
           link.PrintNameOffset == link.SubstituteNameLength + sizeof(WCHAR) &&
           buffer.ReparseDataLength == offsetof(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer) -
                                           REPARSE_DATA_BUFFER_HEADER_SIZE + names;
}

} // namespace

NTSTATUS NTAPI FsRtlValidateReparsePointBuffer(ULONG BufferLength, PREPARSE_DATA_BUFFER ReparseBuffer)
{
    constexpr ULONG header = REPARSE_DATA_BUFFER_HEADER_SIZE;
    constexpr ULONG guid_header = REPARSE_GUID_DATA_BUFFER_HEADER_SIZE;

    if (BufferLength < header || BufferLength > MAXIMUM_REPARSE_DATA_BUFFER_SIZE)
        return STATUS_IO_REPARSE_DATA_INVALID;
    const ULONG tag = ReparseBuffer->ReparseTag;
    const ULONG data = ReparseBuffer->ReparseDataLength;
    const bool plain = header + data == BufferLength;
    if (!plain && guid_header + data != BufferLength)
        return STATUS_IO_REPARSE_DATA_INVALID;
    // Others than Microsoft carry their GUID.
    if (plain && !IsReparseTagMicrosoft(tag))
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (!plain) {
        const auto* with_guid = reinterpret_cast<const REPARSE_GUID_DATA_BUFFER*>(ReparseBuffer);
        if (!IsReparseTagMicrosoft(tag) && with_guid->ReparseGuid == GUID{})
            return STATUS_IO_REPARSE_DATA_INVALID;
    }
    if (!IsReparseTagValid(tag))
        return STATUS_IO_REPARSE_TAG_INVALID;

    if (tag == IO_REPARSE_TAG_MOUNT_POINT) {
        constexpr ULONG path_at = offsetof(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer);
        const NTSTATUS status =
            plain ? check_names(*ReparseBuffer, path_at, true) : STATUS_IO_REPARSE_DATA_INVALID;
        return NT_SUCCESS(status) && !is_mount_point_shape(*ReparseBuffer) ? STATUS_IO_REPARSE_DATA_INVALID
                                                                           : status;
    }
    if (tag == IO_REPARSE_TAG_SYMLINK) {
        constexpr ULONG path_at = offsetof(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer);
        return plain ? check_names(*ReparseBuffer, path_at, true) : STATUS_IO_REPARSE_DATA_INVALID;
    }
    return STATUS_SUCCESS;
}

// SPDX-License-Identifier: MIT
#include "reparse.h"
#include "memory.h"
#include "name.h"
#include "volume.h"

namespace fsp::fsd {

namespace {

/// The fixed head of both structures; the GUID follows it in the one that non-Microsoft tags demand.
struct Header
{
    ULONG tag;
    USHORT data_length;
    USHORT reserved;
};
constexpr ULONG guid_header_size = sizeof(Header) + sizeof(GUID);
constexpr ULONG tag_mount_point = 0xA0000003;
constexpr ULONG tag_symlink = 0xA000000C;
constexpr ULONG maximum_size = 16 * 1024;

struct SymbolicLink
{
    USHORT substitute_offset, substitute_length, print_offset, print_length;
    ULONG flags; // absent in mount points
};
constexpr ULONG mount_point_fixed = FIELD_OFFSET(SymbolicLink, flags);

bool microsoft(ULONG tag) { return (tag & 0x80000000) != 0; }

/// Do both names lie inside the `room` bytes of the path buffer?
bool names_inside(const SymbolicLink& link, ULONG room)
{
    return ULONG{link.substitute_offset} + link.substitute_length <= room &&
           ULONG{link.print_offset} + link.print_length <= room &&
           link.substitute_length % sizeof(WCHAR) == 0 && link.print_length % sizeof(WCHAR) == 0 &&
           link.substitute_offset % sizeof(WCHAR) == 0 && link.print_offset % sizeof(WCHAR) == 0 &&
           link.substitute_length > 0;
}

bool data_valid(ULONG tag, const Byte* data, ULONG length)
{
    SymbolicLink link{};
    switch (tag) {
    case tag_mount_point:
        if (length < mount_point_fixed)
            return false;
        RtlCopyMemory(&link, data, mount_point_fixed);
        // Both names are terminated, and the printed one follows the other.
        return names_inside(link, length - mount_point_fixed) && link.substitute_offset == 0 &&
               link.print_offset == link.substitute_length + sizeof(WCHAR) &&
               mount_point_fixed + link.print_offset + link.print_length + sizeof(WCHAR) == length;
    case tag_symlink:
        if (length < sizeof link)
            return false;
        RtlCopyMemory(&link, data, sizeof link);
        return names_inside(link, length - sizeof link);
    default:
        return true;
    }
}

/// A routine of the object manager; an executive without symbolic links for drivers has none.
template<class Routine, size_t n> Routine* system_routine(const WCHAR (&text)[n])
{
    UNICODE_STRING name = name::literal(text);
    return reinterpret_cast<Routine*>(MmGetSystemRoutineAddress(&name));
}

using OpenLink = NTSTATUS NTAPI(PHANDLE, ACCESS_MASK, POBJECT_ATTRIBUTES);
using QueryLink = NTSTATUS NTAPI(HANDLE, PUNICODE_STRING, PULONG);

/// Follows one symbolic link object. False if `name` is none.
bool query_link(const UNICODE_STRING& name, UNICODE_STRING* target)
{
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, const_cast<PUNICODE_STRING>(&name),
                               OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, nullptr, nullptr);
    auto* open = system_routine<OpenLink>(FSP_L("ZwOpenSymbolicLinkObject"));
    auto* query = system_routine<QueryLink>(FSP_L("ZwQuerySymbolicLinkObject"));
    HANDLE link;
    if (!open || !query || !NT_SUCCESS(open(&link, GENERIC_READ, &attributes)))
        return false;
    const bool found = NT_SUCCESS(query(link, target, nullptr));
    ZwClose(link);
    return found;
}

/// Does `text` begin with `prefix`, which ends there or at a backslash?
bool has_path_prefix(const UNICODE_STRING& text, const UNICODE_STRING& prefix)
{
    return name::starts_with(text, prefix, false) &&
           (text.Length == prefix.Length || text.Buffer[prefix.Length / sizeof(WCHAR)] == '\\');
}

/// Does a name of the object manager's lead to this volume? `length`: bytes of it that do.
bool names_volume(Volume& volume, const UNICODE_STRING& text, USHORT* length)
{
    const UNICODE_STRING& device = volume.device_name();
    if (!has_path_prefix(text, device))
        return false;
    *length = device.Length;
    const UNICODE_STRING rest = name::view(text.Buffer + device.Length / sizeof(WCHAR),
                                           static_cast<USHORT>(text.Length - device.Length));
    if (volume.prefix().Length && has_path_prefix(rest, volume.prefix()))
        *length = static_cast<USHORT>(*length + volume.prefix().Length);
    return true;
}

} // namespace

NTSTATUS validate_reparse_buffer(const void* data, ULONG size) noexcept
{
    Header header;
    if (size < sizeof header || size > maximum_size)
        return STATUS_IO_REPARSE_DATA_INVALID;
    RtlCopyMemory(&header, data, sizeof header);
    if (header.tag == 0 || header.tag == 1)
        return STATUS_IO_REPARSE_TAG_INVALID;

    const bool with_guid = size == guid_header_size + header.data_length;
    const bool without = size == sizeof header + header.data_length;
    if (!with_guid && !(without && microsoft(header.tag)))
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (!microsoft(header.tag))
        return STATUS_SUCCESS;
    const ULONG head = without ? static_cast<ULONG>(sizeof header) : guid_header_size;
    return data_valid(header.tag, static_cast<const Byte*>(data) + head, header.data_length)
               ? STATUS_SUCCESS
               : STATUS_IO_REPARSE_DATA_INVALID;
}

bool symlink_target(const void* data, ULONG size, UNICODE_STRING* target, bool* relative) noexcept
{
    Header header;
    SymbolicLink link;
    if (size < sizeof header + sizeof link)
        return false;
    RtlCopyMemory(&header, data, sizeof header);
    if (header.tag != tag_symlink)
        return false;
    const auto* body = static_cast<const Byte*>(data) + sizeof header;
    RtlCopyMemory(&link, body, sizeof link);
    if (!names_inside(link, size - static_cast<ULONG>(sizeof header + sizeof link)))
        return false;
    *target = name::view(reinterpret_cast<const WCHAR*>(body + sizeof link + link.substitute_offset),
                         link.substitute_length);
    *relative = link.flags & 1;
    return true;
}

USHORT target_on_file_system(Volume& volume, const UNICODE_STRING& target) noexcept
{
    USHORT length = 0;
    if (names_volume(volume, target, &length))
        return length;

    // "\??\X:\...", "\??\UNC\server\share\...": the first two components are the link.
    USHORT end = 0, separators = 0;
    for (; end < name::chars(target); ++end)
        if (target.Buffer[end] == '\\' && ++separators == 3)
            break;
    UNICODE_STRING head = name::view(target.Buffer, static_cast<USHORT>(end * sizeof(WCHAR)));
    const UNICODE_STRING rest =
        name::view(target.Buffer + end, static_cast<USHORT>(target.Length - head.Length));

    constexpr USHORT room = 1024 * sizeof(WCHAR);
    Buffer texts[2];
    if (!texts[0].allocate(room) || !texts[1].allocate(room))
        return 0;
    for (ULONG step = 0; step < 8; ++step) {
        UNICODE_STRING next{0, room, texts[step % 2].as<WCHAR>()};
        if (!query_link(head, &next))
            return 0;
        if (names_volume(volume, next, &length) && length == next.Length)
            return static_cast<USHORT>(end * sizeof(WCHAR));
        // A network path: the provider's device, and the prefix still to come.
        const UNICODE_STRING mup = name::literal(FSP_L("\\Device\\Mup"));
        if (volume.prefix().Length && name::equal(next, mup, false) && has_path_prefix(rest, volume.prefix()))
            return static_cast<USHORT>(end * sizeof(WCHAR) + volume.prefix().Length);
        head = next;
    }
    return 0;
}

} // namespace fsp::fsd

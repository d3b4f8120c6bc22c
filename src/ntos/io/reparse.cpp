// SPDX-License-Identifier: MIT
#include <string>

#include "ntos/io/open.h"

#include <vector>

namespace fsp::ntos::io {

namespace {

using Text = std::u16string;
using View = std::u16string_view;

/// A part of the path buffer behind a REPARSE_DATA_BUFFER's fixed fields. Sizes were checked by the file
/// system, but the I/O manager does not rely on that.
bool part(const REPARSE_DATA_BUFFER* b, const WCHAR* path, USHORT offset, USHORT length, View* out)
{
    const size_t before =
        reinterpret_cast<const char*>(path) - reinterpret_cast<const char*>(&b->GenericReparseBuffer);
    if (before + offset + length > b->ReparseDataLength || (offset | length) % sizeof(WCHAR) != 0)
        return false;
    *out = View(path + offset / sizeof(WCHAR), length / sizeof(WCHAR));
    return true;
}

/// "\a\b" and "..\c" -> "\a\c".
Text resolve(View directory, View relative)
{
    std::vector<View> parts;
    for (View from : {directory, relative})
        while (!from.empty()) {
            const size_t end = std::min(from.find(u'\\'), from.size());
            const View one = from.substr(0, end);
            from.remove_prefix(std::min(end + 1, from.size()));
            if (one == u"..") {
                if (!parts.empty())
                    parts.pop_back();
            } else if (!one.empty() && one != u".")
                parts.push_back(one);
        }
    Text result;
    for (View one : parts)
        (result += u'\\') += one;
    return result.empty() ? Text(u"\\") : result;
}

NTSTATUS symlink_name(View device, View opened, View rest, const REPARSE_DATA_BUFFER* b, Text* name)
{
    const auto& link = b->SymbolicLinkReparseBuffer;
    View target;
    if (!part(b, link.PathBuffer, link.SubstituteNameOffset, link.SubstituteNameLength, &target) ||
        target.empty())
        return STATUS_IO_REPARSE_DATA_INVALID;
    if ((link.Flags & SYMLINK_FLAG_RELATIVE) == 0)
        *name = Text(target) + Text(rest);
    else if (target[0] == u'\\')
        *name = Text(device) + Text(target) + Text(rest);
    else {
        View where = opened.substr(0, opened.size() - rest.size());
        while (!where.empty() && where.back() == u'\\')
            where.remove_suffix(1);
        const size_t cut = where.rfind(u'\\');
        where = cut == View::npos ? View() : where.substr(0, cut);
        *name = Text(device) + resolve(where, target) + Text(rest);
    }
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS reparse_name(View device, View opened, ULONG_PTR tag, const REPARSE_DATA_BUFFER* buffer, Text* name)
{
    if (tag == IO_REPARSE || tag == IO_REMOUNT) {
        // The file system put a whole new name into the file object; a remount goes on with the same file.
        *name = tag == IO_REPARSE ? Text(opened) : Text(device) + Text(opened);
        return STATUS_SUCCESS;
    }
    if (buffer == nullptr)
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (buffer->Reserved > opened.size() * sizeof(WCHAR))
        return STATUS_IO_REPARSE_DATA_INVALID;
    // Reserved tells how much of the name lies behind the reparse point.
    const View rest = opened.substr(opened.size() - buffer->Reserved / sizeof(WCHAR));
    if (tag == IO_REPARSE_TAG_SYMLINK)
        return symlink_name(device, opened, rest, buffer, name);
    if (tag != IO_REPARSE_TAG_MOUNT_POINT)
        return STATUS_IO_REPARSE_TAG_NOT_HANDLED;
    const auto& mount = buffer->MountPointReparseBuffer;
    View target;
    if (!part(buffer, mount.PathBuffer, mount.SubstituteNameOffset, mount.SubstituteNameLength, &target) ||
        target.empty())
        return STATUS_IO_REPARSE_DATA_INVALID;
    if (target.back() == u'\\' && !rest.empty() && rest[0] == u'\\')
        target.remove_suffix(1);
    *name = Text(target) + Text(rest);
    return STATUS_SUCCESS;
}

} // namespace fsp::ntos::io

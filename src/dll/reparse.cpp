// SPDX-License-Identifier: MIT
//
// Reparse points in names: finding them, following symbolic links, and when their data may be replaced.
#include <string>

#include "dll/dll.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

using GetReparsePointByName = NTSTATUS (*)(FSP_FILE_SYSTEM*, PVOID, PWSTR, BOOLEAN, PVOID, PSIZE_T);

constexpr int symlinks_max = 31;
constexpr ULONG header_size = REPARSE_DATA_BUFFER_HEADER_SIZE;
constexpr ULONG symlink_header_size = FIELD_OFFSET(REPARSE_DATA_BUFFER, SymbolicLinkReparseBuffer.PathBuffer);

bool ends_path(WCHAR c) { return c == 0 || c == ':'; }

/// Where the component at `from` ends: at a backslash, a colon or the end.
SIZE_T component_end(const WCHAR* path, SIZE_T from)
{
    while (path[from] != '\\' && !ends_path(path[from]))
        ++from;
    return from;
}

SIZE_T skip_backslashes(const WCHAR* path, SIZE_T from)
{
    while (path[from] == '\\')
        ++from;
    return from;
}

/// Cuts a path for the time of a call.
class Cut
{
  public:
    explicit Cut(WCHAR& place) : place_(place), saved_(place) { place_ = 0; }
    Cut(const Cut&) = delete;
    ~Cut() { place_ = saved_; }

  private:
    WCHAR& place_;
    WCHAR saved_;
};

/// One resolution: walks a path that changes as links are followed.
class Resolution
{
  public:
    Resolution(FSP_FILE_SYSTEM* fs, GetReparsePointByName get, PVOID context, const WCHAR* name, bool last,
               PVOID buffer, SIZE_T capacity)
        : fs_(fs), get_(get), context_(context), path_(name), last_(last), buffer_(buffer),
          capacity_(capacity)
    {}

    NTSTATUS run(UINT32 index, ULONG_PTR* information, SIZE_T* size);

  private:
    struct Component
    {
        SIZE_T begin, end;
    };

    NTSTATUS walk(SIZE_T position);
    NTSTATUS fetch(const Component& component, bool is_last, SIZE_T* size);
    NTSTATUS follow_link(const Component& component, SIZE_T size, SIZE_T* position);
    NTSTATUS finish_other(const Component& component, SIZE_T size);
    NTSTATUS finish_link();

    bool is_last(SIZE_T end) const { return ends_path(path_[skip_backslashes(path_.c_str(), end)]); }
    REPARSE_DATA_BUFFER* data() { return static_cast<REPARSE_DATA_BUFFER*>(buffer_); }

    /// Where the component before the one at `begin` starts; `begin` itself if there is none.
    SIZE_T previous(SIZE_T begin) const
    {
        SIZE_T at = begin;
        while (at > 0 && path_[at - 1] == '\\')
            --at;
        if (at == 0)
            return begin;
        while (at > 0 && path_[at - 1] != '\\')
            --at;
        return at;
    }

    FSP_FILE_SYSTEM* fs_;
    GetReparsePointByName get_;
    PVOID context_;
    std::basic_string<WCHAR> path_;
    bool last_;
    PVOID buffer_;
    SIZE_T capacity_;

    int links_ = 0;
    ULONG tag_ = IO_REPARSE_TAG_SYMLINK;
    bool absolute_ = false; // the path left the volume: it is an NT path
    bool other_ = false;    // the buffer holds the data of another kind of reparse point
    SIZE_T other_size_ = 0;
};

NTSTATUS Resolution::run(UINT32 index, ULONG_PTR* information, SIZE_T* size)
{
    if (index > path_.size())
        return STATUS_INVALID_PARAMETER;
    NTSTATUS status = walk(index);
    if (NT_SUCCESS(status) && !other_)
        status = finish_link();
    if (!NT_SUCCESS(status))
        return status;
    *information = tag_;
    *size = other_size_;
    return STATUS_REPARSE;
}

NTSTATUS Resolution::walk(SIZE_T position)
{
    for (;;) {
        const SIZE_T begin = skip_backslashes(path_.c_str(), position);
        const Component component = {begin, component_end(path_.c_str(), begin)};
        const SIZE_T length = component.end - component.begin;
        if (length == 0)
            return STATUS_SUCCESS;

        const WCHAR* text = path_.c_str() + component.begin;
        const bool dot = length == 1 && text[0] == '.';
        const bool dot_dot = length == 2 && text[0] == '.' && text[1] == '.';
        if (dot || dot_dot) {
            const SIZE_T from = dot ? component.begin : previous(component.begin);
            path_.erase(from, skip_backslashes(path_.c_str(), component.end) - from);
            position = from;
            continue;
        }

        const bool last = is_last(component.end);
        if (last && !last_)
            return STATUS_SUCCESS;

        SIZE_T size = capacity_;
        const NTSTATUS status = fetch(component, last, &size);
        if (status == STATUS_NOT_A_REPARSE_POINT) {
            position = component.end;
            continue;
        }
        if (status == STATUS_OBJECT_NAME_NOT_FOUND && last)
            return STATUS_SUCCESS;
        if (!NT_SUCCESS(status))
            return status == STATUS_OBJECT_NAME_NOT_FOUND ? status : STATUS_OBJECT_PATH_NOT_FOUND;

        tag_ = data()->ReparseTag;
        if (tag_ != IO_REPARSE_TAG_SYMLINK)
            return finish_other(component, size);
        const NTSTATUS followed = follow_link(component, size, &position);
        if (!NT_SUCCESS(followed) || absolute_)
            return followed;
    }
}

NTSTATUS Resolution::fetch(const Component& component, bool is_last, SIZE_T* size)
{
    const Cut cut(path_[component.end]);
    return get_(fs_, context_, path_.data(), !is_last, buffer_, size);
}

NTSTATUS Resolution::finish_other(const Component& component, SIZE_T size)
{
    if (size > capacity_ || size < header_size)
        return STATUS_IO_REPARSE_DATA_INVALID;
    // The I/O manager joins the target and what was not parsed yet.
    if (tag_ == IO_REPARSE_TAG_MOUNT_POINT)
        data()->Reserved = static_cast<USHORT>((path_.size() - component.end) * sizeof(WCHAR));
    other_ = true;
    other_size_ = size;
    return STATUS_SUCCESS;
}

NTSTATUS Resolution::follow_link(const Component& component, SIZE_T size, SIZE_T* position)
{
    if (++links_ > symlinks_max)
        return STATUS_REPARSE_POINT_NOT_RESOLVED;

    const auto& link = data()->SymbolicLinkReparseBuffer;
    if (size > capacity_ || size < symlink_header_size ||
        size - symlink_header_size < SIZE_T{link.SubstituteNameOffset} + link.SubstituteNameLength)
        return STATUS_IO_REPARSE_DATA_INVALID;
    const auto* text = reinterpret_cast<const WCHAR*>(reinterpret_cast<const UINT8*>(link.PathBuffer) +
                                                      link.SubstituteNameOffset);
    const std::basic_string<WCHAR> target(text, link.SubstituteNameLength / sizeof(WCHAR));
    const bool rooted = !target.empty() && target[0] == '\\';

    const SIZE_T from = rooted ? 0 : component.begin;
    path_.replace(from, component.end - from, target);
    absolute_ = rooted && (link.Flags & SYMLINK_FLAG_RELATIVE) == 0;
    *position = from;
    return path_.size() * sizeof(WCHAR) + symlink_header_size <= capacity_
               ? STATUS_SUCCESS
               : STATUS_REPARSE_POINT_NOT_RESOLVED;
}

/// The answer is itself a symbolic link, to the resolved path.
NTSTATUS Resolution::finish_link()
{
    // What "." and ".." at the end leave behind.
    while (!absolute_ && path_.size() > 1 && path_.back() == '\\')
        path_.pop_back();

    const SIZE_T length = path_.size() * sizeof(WCHAR);
    if (symlink_header_size + length > capacity_ || length > 0xFFFF - symlink_header_size)
        return STATUS_REPARSE_POINT_NOT_RESOLVED;

    std::memset(buffer_, 0, symlink_header_size);
    data()->ReparseTag = IO_REPARSE_TAG_SYMLINK;
    data()->ReparseDataLength = static_cast<USHORT>(symlink_header_size - header_size + length);
    auto& link = data()->SymbolicLinkReparseBuffer;
    link.SubstituteNameLength = static_cast<USHORT>(length);
    link.PrintNameLength = static_cast<USHORT>(length);
    link.Flags = absolute_ ? 0 : SYMLINK_FLAG_RELATIVE;
    std::memcpy(link.PathBuffer, path_.data(), length);
    other_size_ = symlink_header_size + length;
    return STATUS_SUCCESS;
}

} // namespace
} // namespace fsp::dll

BOOLEAN FspFileSystemFindReparsePoint(FSP_FILE_SYSTEM* FileSystem,
                                      NTSTATUS (*GetReparsePointByName)(FSP_FILE_SYSTEM* FileSystem,
                                                                        PVOID Context, PWSTR FileName,
                                                                        BOOLEAN IsDirectory, PVOID Buffer,
                                                                        PSIZE_T PSize),
                                      PVOID Context, PWSTR FileName, PUINT32 PReparsePointIndex)
{
    using namespace fsp::dll;
    for (SIZE_T begin = skip_backslashes(FileName, 0);;) {
        const SIZE_T end = component_end(FileName, begin);
        if (ends_path(FileName[end]))
            return FALSE;
        NTSTATUS status;
        {
            const Cut cut(FileName[end]);
            status = GetReparsePointByName(FileSystem, Context, FileName, TRUE, nullptr, nullptr);
        }
        if (NT_SUCCESS(status)) {
            if (PReparsePointIndex != nullptr)
                *PReparsePointIndex = static_cast<UINT32>(begin);
            return TRUE;
        }
        if (status != STATUS_NOT_A_REPARSE_POINT)
            return FALSE;
        begin = skip_backslashes(FileName, end);
    }
}

NTSTATUS FspFileSystemResolveReparsePoints(
    FSP_FILE_SYSTEM* FileSystem,
    NTSTATUS (*GetReparsePointByName)(FSP_FILE_SYSTEM* FileSystem, PVOID Context, PWSTR FileName,
                                      BOOLEAN IsDirectory, PVOID Buffer, PSIZE_T PSize),
    PVOID Context, PWSTR FileName, UINT32 ReparsePointIndex, BOOLEAN ResolveLastPathComponent,
    PIO_STATUS_BLOCK PIoStatus, PVOID Buffer, PSIZE_T PSize)
{
    fsp::dll::Resolution resolution(FileSystem, GetReparsePointByName, Context, FileName,
                                    ResolveLastPathComponent, Buffer, *PSize);
    ULONG_PTR information = 0;
    const NTSTATUS status = resolution.run(ReparsePointIndex, &information, PSize);
    PIoStatus->Status = status;
    PIoStatus->Information = information;
    return status;
}

NTSTATUS FspFileSystemCanReplaceReparsePoint(PVOID CurrentReparseData, SIZE_T CurrentReparseDataSize,
                                             PVOID ReplaceReparseData, SIZE_T ReplaceReparseDataSize)
{
    // Data of third parties begins with a GUID that tells whose it is ([MS-FSCC] 2.1.2.3).
    constexpr SIZE_T guid_offset = REPARSE_DATA_BUFFER_HEADER_SIZE;
    constexpr SIZE_T guid_end = guid_offset + sizeof(GUID);

    // Of a request, whose pieces are not aligned.
    ULONG current_tag, replace_tag;
    if (CurrentReparseDataSize < sizeof current_tag || ReplaceReparseDataSize < sizeof replace_tag)
        return STATUS_IO_REPARSE_DATA_INVALID;
    std::memcpy(&current_tag, CurrentReparseData, sizeof current_tag);
    std::memcpy(&replace_tag, ReplaceReparseData, sizeof replace_tag);
    if (current_tag != replace_tag)
        return STATUS_IO_REPARSE_TAG_MISMATCH;
    if ((current_tag & 0x80000000) == 0 &&
        (CurrentReparseDataSize < guid_end || ReplaceReparseDataSize < guid_end ||
         std::memcmp(static_cast<const UINT8*>(CurrentReparseData) + guid_offset,
                     static_cast<const UINT8*>(ReplaceReparseData) + guid_offset, sizeof(GUID)) != 0))
        return STATUS_REPARSE_ATTRIBUTE_CONFLICT;
    return STATUS_SUCCESS;
}

// SPDX-License-Identifier: MIT
#include "dll/fuse/reparse.h"

#include <string>

#include "dll/fuse/context.h"
#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"
#include "dll/fuse/system.h"
#include "nt/text.h"

namespace fsp::winfuse {
namespace {

constexpr size_t target_capacity = 1024; // bytes, of readlink

// Types of IO_REPARSE_TAG_NFS ([MS-FSCC] 2.1.2.6).
constexpr UINT64 nfs_link = 0x014B4E4C, nfs_character = 0x524843, nfs_block = 0x4B4C42, nfs_fifo = 0x4F464946,
                 nfs_socket = 0x4B434F53;

struct NfsData
{
    UINT64 type;
    UINT32 major, minor;
};

struct LinkHead
{
    USHORT substitute_offset, substitute_length, print_offset, print_length;
    ULONG flags;
};
static_assert(sizeof(LinkHead) == 12);

struct Piece
{
    const void* data;
    size_t size;
};

/// Reparse data of two pieces.
NTSTATUS put(ULONG tag, Piece head, Piece body, PVOID buffer, PSIZE_T size)
{
    struct
    {
        ULONG tag;
        USHORT length, reserved;
    } header{tag, static_cast<USHORT>(head.size + body.size), 0};
    const size_t whole = sizeof header + head.size + body.size;
    if (whole > *size)
        return STATUS_BUFFER_TOO_SMALL;
    auto* out = static_cast<UINT8*>(buffer);
    std::memcpy(out, &header, sizeof header);
    std::memcpy(out + sizeof header, head.data, head.size);
    if (body.size != 0)
        std::memcpy(out + sizeof header + head.size, body.data, body.size);
    *size = whole;
    return STATUS_SUCCESS;
}

NTSTATUS put_special(const Information& information, PVOID buffer, PSIZE_T size)
{
    NfsData data = {0, information.device >> 16 & 0xFFFF, information.device & 0xFFFF};
    size_t length = sizeof data.type;
    switch (information.mode & type_mask) {
    case type_fifo:
        data.type = nfs_fifo;
        break;
    case type_socket:
        data.type = nfs_socket;
        break;
    default:
        data.type = (information.mode & type_mask) == type_character ? nfs_character : nfs_block;
        length = sizeof data;
        break;
    }
    return put(IO_REPARSE_TAG_NFS, {&data, length}, {nullptr, 0}, buffer, size);
}

NTSTATUS put_link(const fuse& f, const char* path, PVOID buffer, PSIZE_T size)
{
    char target[target_capacity];
    const int result = f.on.readlink(path, target, sizeof target);
    if (result != 0)
        return result == -error_invalid ? STATUS_NOT_A_REPARSE_POINT : status_of(f.env, result);
    target[sizeof target - 1] = 0;
    if (target[0] == '/' && f.options.rellinks == 0)
        return STATUS_ACCESS_DENIED;
    OwnWidePath wide;
    const NTSTATUS status = wide.from_posix(target);
    if (!NT_SUCCESS(status))
        return status;
    const auto length = static_cast<USHORT>(nt::length(wide.get()) * sizeof(WCHAR));
    const LinkHead head = {0, length, 0, length, SYMLINK_FLAG_RELATIVE};
    return put(IO_REPARSE_TAG_SYMLINK, {&head, sizeof head}, {wide.get(), length}, buffer, size);
}

// ---- Making one -------------------------------------------------------------------------------------

/// What reparse data asks for: a link to `target`, or a special file.
struct Wanted
{
    UINT32 type = 0; ///< of the mode
    UINT32 device = 0;
    std::string target;
};

std::string to_utf8(const UINT8* text, size_t bytes, bool translate)
{
    std::basic_string<WCHAR> wide(bytes / sizeof(WCHAR), 0);
    std::memcpy(wide.data(), text, wide.size() * sizeof(WCHAR));
    std::string result;
    char* path = nullptr;
    if (NT_SUCCESS(FspPosixMapWindowsToPosixPathEx(wide.data(), &path, translate)))
        result = path;
    FspPosixDeletePath(path);
    return result;
}

NTSTATUS parse_link(const UINT8* data, size_t size, Wanted* out)
{
    LinkHead head;
    if (size < sizeof head)
        return STATUS_IO_REPARSE_DATA_INVALID;
    std::memcpy(&head, data, sizeof head);
    if (size - sizeof head < size_t{head.substitute_offset} + head.substitute_length)
        return STATUS_IO_REPARSE_DATA_INVALID;
    const UINT8* text = data + sizeof head + head.substitute_offset;
    size_t length = head.substitute_length;
    WCHAR first = 0;
    if (length >= sizeof first)
        std::memcpy(&first, text, sizeof first);
    if ((head.flags & SYMLINK_FLAG_RELATIVE) == 0 && first == '\\') {
        // An NT path: the driver has found which part of it is a path of this volume.
        const FSP_FILE_SYSTEM_OPERATION_CONTEXT* context = FspFileSystemGetOperationContext();
        const size_t offset =
            context != nullptr ? context->Request->Req.FileSystemControl.TargetOnFileSystem : 0;
        if (offset == 0 || offset > length)
            return STATUS_ACCESS_DENIED;
        text += offset;
        length -= offset;
    }
    out->type = type_link;
    out->target = to_utf8(text, length, true);
    return STATUS_SUCCESS;
}

NTSTATUS parse_nfs(const UINT8* data, size_t size, Wanted* out)
{
    NfsData nfs = {};
    if (size < sizeof nfs.type)
        return STATUS_IO_REPARSE_DATA_INVALID;
    std::memcpy(&nfs, data, size < sizeof nfs ? sizeof nfs.type : sizeof nfs);
    switch (nfs.type) {
    case nfs_link:
        out->type = type_link;
        out->target = to_utf8(data + sizeof nfs.type, size - sizeof nfs.type, false);
        return STATUS_SUCCESS;
    case nfs_fifo:
        out->type = type_fifo;
        return STATUS_SUCCESS;
    case nfs_socket:
        out->type = type_socket;
        return STATUS_SUCCESS;
    case nfs_character:
    case nfs_block:
        if (size < sizeof nfs)
            return STATUS_IO_REPARSE_DATA_INVALID;
        out->type = nfs.type == nfs_character ? type_character : type_block;
        out->device = nfs.major << 16 | (nfs.minor & 0xFFFF);
        return STATUS_SUCCESS;
    default:
        return STATUS_IO_REPARSE_DATA_INVALID;
    }
}

NTSTATUS parse(const UINT8* buffer, size_t size, Wanted* out)
{
    struct
    {
        ULONG tag;
        USHORT length, reserved;
    } header;
    if (size < sizeof header)
        return STATUS_IO_REPARSE_DATA_INVALID;
    std::memcpy(&header, buffer, sizeof header);
    if (size - sizeof header < header.length)
        return STATUS_IO_REPARSE_DATA_INVALID;
    switch (header.tag) {
    case IO_REPARSE_TAG_SYMLINK:
        return parse_link(buffer + sizeof header, header.length, out);
    case IO_REPARSE_TAG_NFS:
        return parse_nfs(buffer + sizeof header, header.length, out);
    default:
        return STATUS_IO_REPARSE_TAG_MISMATCH;
    }
}

bool has_operations(const fuse_operations& on, const Wanted& wanted, bool directory)
{
    const bool maker = wanted.type == type_link ? on.symlink != nullptr : on.mknod != nullptr;
    return maker && on.rename != nullptr && on.unlink != nullptr && (!directory || on.rmdir != nullptr);
}

/// A free name in the directory of a path; empty if there is none.
std::string temporary_name(const fuse& f, const char* path)
{
    const std::string directory(path, static_cast<size_t>(std::strrchr(path, '/') - path) + 1);
    for (int tries = 0; tries != 3; ++tries) {
        std::string name = directory + ".fuse_hidden";
        UINT64 number = system::random_number();
        for (int digit = 0; digit != 16; ++digit, number >>= 4)
            name += "0123456789abcdef"[number & 15];
        fuse_stat_ex st = {};
        if (f.on.getattr == nullptr || f.on.getattr(name.c_str(), reinterpret_cast<struct fuse_stat*>(&st)))
            return name;
    }
    return {};
}

/// Puts the link or special file in the place of what is there. @return 0 or an error number
int make_and_replace(const fuse& f, const Wanted& wanted, const Information& before, const char* temporary,
                     const char* path, bool directory)
{
    const fuse_operations& on = f.on;
    fuse_context* const context = thread_context(f.env);
    context->uid = before.uid;
    context->gid = before.gid;
    int result = wanted.type == type_link
                     ? on.symlink(wanted.target.c_str(), temporary)
                     : on.mknod(temporary, (before.mode & ~type_mask) | wanted.type, wanted.device);
    context->uid = context->gid = static_cast<fuse_uid_t>(-1);
    if (result != 0)
        return result;
    if (directory)
        result = on.rmdir(path);
    if (result == 0)
        result = on.rename(temporary, path);
    if (result != 0)
        on.unlink(temporary);
    return result;
}

} // namespace

NTSTATUS get_reparse_data(fuse& f, const char* path, const char* link, PVOID buffer, PSIZE_T size)
{
    Information information = {};
    if (link != nullptr && std::strcmp(path, link) == 0)
        information.file.ReparseTag = IO_REPARSE_TAG_SYMLINK;
    else {
        const NTSTATUS status = get_own_information(f, path, nullptr, &information);
        if (status != STATUS_SUCCESS)
            return status;
    }
    if (information.file.ReparseTag == 0)
        return STATUS_NOT_A_REPARSE_POINT;
    if (buffer == nullptr)
        return STATUS_SUCCESS;
    return information.file.ReparseTag == IO_REPARSE_TAG_SYMLINK ? put_link(f, path, buffer, size)
                                                                 : put_special(information, buffer, size);
}

NTSTATUS reparse_data_by_name(FSP_FILE_SYSTEM* native, PVOID link, PWSTR name, BOOLEAN, PVOID buffer,
                              PSIZE_T size)
{
    OwnPath path;
    const NTSTATUS status = path.from_windows(name);
    return NT_SUCCESS(status)
               ? get_reparse_data(of(native), path.get(), static_cast<const char*>(link), buffer, size)
               : status;
}

namespace native {

NTSTATUS resolve_reparse_points(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 index, BOOLEAN last,
                                PIO_STATUS_BLOCK io, PVOID buffer, PSIZE_T size)
{
    return FspFileSystemResolveReparsePoints(fs, reparse_data_by_name, nullptr, name, index, last, io, buffer,
                                             size);
}

NTSTATUS get_reparse_point(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PVOID buffer, PSIZE_T size)
{
    return get_reparse_data(of(fs), static_cast<Handle*>(context)->path(), nullptr, buffer, size);
}

NTSTATUS set_reparse_point(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PVOID buffer, SIZE_T size)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    Wanted wanted;
    NTSTATUS status = parse(static_cast<const UINT8*>(buffer), size, &wanted);
    if (!NT_SUCCESS(status))
        return status;
    const bool directory = handle.directory && !handle.reparse;
    if (directory && wanted.type != type_link)
        return STATUS_ACCESS_DENIED;
    if (!has_operations(f.on, wanted, directory))
        return STATUS_INVALID_DEVICE_REQUEST;
    Information before;
    status = get_information(f, handle, &before);
    if (status != STATUS_SUCCESS)
        return status;
    const std::string temporary = temporary_name(f, handle.path());
    if (temporary.empty())
        return STATUS_DEVICE_BUSY;
    if (const int result = make_and_replace(f, wanted, before, temporary.c_str(), handle.path(), directory))
        return status_of(f.env, result);

    // What the program has open is gone.
    release(f, handle);
    handle.reparse = true;
    handle.flags = 0;
    handle.fh = no_file;
    return STATUS_SUCCESS;
}

NTSTATUS delete_reparse_point(FSP_FILE_SYSTEM*, PVOID, PWSTR, PVOID, SIZE_T) { return STATUS_ACCESS_DENIED; }

} // namespace native
} // namespace fsp::winfuse

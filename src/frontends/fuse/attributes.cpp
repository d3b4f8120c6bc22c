// SPDX-License-Identifier: MIT
#include "frontends/fuse/attributes.h"

#include <cstring>

#include <sys/sysmacros.h>

#include "frontends/fuse/names.h"
#include "frontends/fuse/nt_file.h"
#include "frontends/fuse/ownership.h"
#include "frontends/fuse/session.h"
#include "frontends/fuse/times.h"

namespace fsp::fuse {
namespace {

constexpr mode_t special_bits = S_ISUID | S_ISGID | S_ISVTX;

bool read_mode_ea(HANDLE file, mode_t* mode)
{
    alignas(4) char buffer[sizeof(ModeEa) + 16];
    ULONG size;
    const NTSTATUS status = query_ea(file, mode_ea, buffer, sizeof buffer, &size);
    const auto* ea = reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(buffer);
    if (!NT_SUCCESS(status) || size < sizeof(ModeEa::bytes) || ea->EaValueLength != sizeof(uint32_t))
        return false;
    uint32_t value;
    std::memcpy(&value, ea->EaName + ea->EaNameLength + 1, sizeof value);
    *mode = value & 07777;
    return true;
}

/// The text of a link within a reparse buffer.
std::u16string_view reparse_text(const REPARSE_DATA_BUFFER& data, size_t size, const WCHAR* base,
                                 size_t offset, size_t length)
{
    const size_t start =
        size_t(reinterpret_cast<const char*>(base) - reinterpret_cast<const char*>(&data)) + offset;
    if (start > size || length > size - start)
        return {};
    return {reinterpret_cast<const char16_t*>(reinterpret_cast<const char*>(&data) + start),
            length / sizeof(char16_t)};
}

void read_nfs(const uint8_t* data, size_t size, Attributes* out)
{
    uint64_t kind;
    if (size < sizeof kind)
        return;
    std::memcpy(&kind, data, sizeof kind);
    switch (kind) {
    case NFS_SPECFILE_FIFO:
        out->type = S_IFIFO;
        break;
    case NFS_SPECFILE_SOCK:
        out->type = S_IFSOCK;
        break;
    case NFS_SPECFILE_LNK:
        out->type = S_IFLNK;
        out->link =
            to_linux_link({reinterpret_cast<const char16_t*>(data + 8), (size - 8) / sizeof(char16_t)});
        break;
    case NFS_SPECFILE_CHR:
    case NFS_SPECFILE_BLK: {
        uint32_t numbers[2];
        if (size < 8 + sizeof numbers)
            return;
        std::memcpy(numbers, data + 8, sizeof numbers);
        out->type = kind == NFS_SPECFILE_CHR ? S_IFCHR : S_IFBLK;
        out->device = makedev(numbers[0], numbers[1]);
        break;
    default:
        break;
    }
    }
}

} // namespace

mode_t type_of(ULONG nt_attributes, ULONG reparse_tag)
{
    if (nt_attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        switch (reparse_tag) {
        case IO_REPARSE_TAG_SYMLINK:
        case IO_REPARSE_TAG_LX_SYMLINK:
            return S_IFLNK;
        case IO_REPARSE_TAG_AF_UNIX:
            return S_IFSOCK;
        case IO_REPARSE_TAG_LX_FIFO:
            return S_IFIFO;
        case IO_REPARSE_TAG_NFS:
            return 0; // the data tells
        default:
            break;
        }
    return nt_attributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR : S_IFREG;
}

NTSTATUS query_basic(HANDLE file, Attributes* out)
{
    // The name at the end need not fit.
    alignas(8) char buffer[sizeof(FILE_ALL_INFORMATION)];
    const NTSTATUS status = query_file(file, FileAllInformation, buffer, sizeof buffer);
    if (!NT_SUCCESS(status) && status != STATUS_BUFFER_OVERFLOW)
        return status;
    const auto& all = *reinterpret_cast<const FILE_ALL_INFORMATION*>(buffer);
    out->accessed = all.BasicInformation.LastAccessTime.QuadPart;
    out->modified = all.BasicInformation.LastWriteTime.QuadPart;
    out->changed = all.BasicInformation.ChangeTime.QuadPart;
    out->nt_attributes = all.BasicInformation.FileAttributes;
    out->size = uint64_t(all.StandardInformation.EndOfFile.QuadPart);
    out->allocated = uint64_t(all.StandardInformation.AllocationSize.QuadPart);
    out->links = all.StandardInformation.NumberOfLinks;
    out->index = uint64_t(all.InternalInformation.IndexNumber.QuadPart);
    out->ea_size = all.EaInformation.EaSize;
    out->type = out->nt_attributes & FILE_ATTRIBUTE_DIRECTORY ? S_IFDIR : S_IFREG;
    return STATUS_SUCCESS;
}

NTSTATUS query_times(HANDLE file, Attributes* out)
{
    FILE_NETWORK_OPEN_INFORMATION open;
    const NTSTATUS status = query_file(file, FileNetworkOpenInformation, &open, sizeof open);
    if (!NT_SUCCESS(status))
        return status;
    out->accessed = open.LastAccessTime.QuadPart;
    out->modified = open.LastWriteTime.QuadPart;
    out->changed = open.ChangeTime.QuadPart;
    out->nt_attributes = open.FileAttributes;
    out->size = uint64_t(open.EndOfFile.QuadPart);
    out->allocated = uint64_t(open.AllocationSize.QuadPart);
    return STATUS_SUCCESS;
}

NTSTATUS query_ownership(const Session& session, HANDLE file, const Attributes& basic, Ownership* out)
{
    constexpr SECURITY_INFORMATION parts =
        OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION;
    *out = {session.mounted_by(), session.mounted_by_group(), 0777};
    if (session.traits().persistent_acls) {
        alignas(8) char buffer[2048];
        std::unique_ptr<char[]> large;
        PSECURITY_DESCRIPTOR descriptor = buffer;
        ULONG needed = 0;
        NTSTATUS status = query_security(file, parts, buffer, sizeof buffer, &needed);
        if (status == STATUS_BUFFER_TOO_SMALL || status == STATUS_BUFFER_OVERFLOW) {
            large.reset(new char[needed]);
            descriptor = large.get();
            status = query_security(file, parts, descriptor, needed, &needed);
        }
        if (!NT_SUCCESS(status))
            return status;
        from_descriptor(descriptor, needed, out);
    }
    mode_t exact;
    if (basic.ea_size != 0 && session.traits().extended_attributes && read_mode_ea(file, &exact))
        // The permission bits of the descriptor are the truth, as whoever checks access sees them.
        out->mode = (out->mode & ~special_bits) | (exact & special_bits);
    return STATUS_SUCCESS;
}

void query_reparse(HANDLE file, Attributes* out)
{
    constexpr size_t capacity = MAXIMUM_REPARSE_DATA_BUFFER_SIZE;
    static thread_local const std::unique_ptr<uint64_t[]> buffer(new uint64_t[capacity / sizeof(uint64_t)]);
    ULONG size;
    if (!NT_SUCCESS(get_reparse(file, buffer.get(), capacity, &size)) ||
        size < REPARSE_DATA_BUFFER_HEADER_SIZE)
        return;
    const auto& data = *reinterpret_cast<const REPARSE_DATA_BUFFER*>(buffer.get());
    if (const mode_t type = type_of(out->nt_attributes, data.ReparseTag))
        out->type = type;
    const auto* bytes = data.GenericReparseBuffer.DataBuffer;
    const size_t bytes_size =
        std::min<size_t>(data.ReparseDataLength, size - REPARSE_DATA_BUFFER_HEADER_SIZE);
    switch (data.ReparseTag) {
    case IO_REPARSE_TAG_SYMLINK: {
        const auto& link = data.SymbolicLinkReparseBuffer;
        out->link = to_linux_link(
            reparse_text(data, size, link.PathBuffer, link.SubstituteNameOffset, link.SubstituteNameLength));
        break;
    }
    case IO_REPARSE_TAG_LX_SYMLINK:
        if (bytes_size > sizeof(uint32_t)) // a version, then UTF-8
            out->link.assign(reinterpret_cast<const char*>(bytes) + sizeof(uint32_t),
                             bytes_size - sizeof(uint32_t));
        break;
    case IO_REPARSE_TAG_NFS:
        read_nfs(bytes, bytes_size, out);
        break;
    default:
        break;
    }
}

NTSTATUS query_attributes(const Session& session, HANDLE file, Attributes* out)
{
    NTSTATUS status = query_basic(file, out);
    if (!NT_SUCCESS(status))
        return status;
    if (out->nt_attributes & FILE_ATTRIBUTE_REPARSE_POINT)
        query_reparse(file, out);
    return query_ownership(session, file, *out, &out->ownership);
}

void fill(const Inode& inode, const Attributes& attributes, struct stat* out)
{
    *out = {};
    out->st_ino = inode.number;
    out->st_nlink = inode.orphan ? 0 : 1;
    out->st_mode = attributes.type | attributes.ownership.mode;
    if (attributes.type == S_IFLNK)
        out->st_mode = S_IFLNK | 0777;
    out->st_uid = attributes.ownership.uid;
    out->st_gid = attributes.ownership.gid;
    out->st_rdev = attributes.device;
    out->st_size = off_t(attributes.size);
    if (attributes.type == S_IFLNK)
        out->st_size = off_t(attributes.link.size());
    else if (attributes.type != S_IFREG && attributes.type != S_IFDIR)
        out->st_size = 0;
    out->st_blksize = 4096;
    out->st_blocks = blkcnt_t(attributes.allocated / 512 + (attributes.allocated % 512 != 0));
    out->st_atim = to_timespec(attributes.accessed);
    int64_t modified = attributes.modified;
    int64_t changed = attributes.changed;
    if (const int64_t written = inode.written_at) {
        // The file system learns of it when the file is closed.
        modified = std::max(modified, written);
        changed = std::max(changed, written);
    }
    out->st_mtim = to_timespec(modified);
    out->st_ctim = to_timespec(changed);
}

ModeEa make_mode_ea(mode_t mode)
{
    ModeEa out{};
    auto* ea = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(out.bytes);
    ea->EaNameLength = sizeof mode_ea - 1;
    ea->EaValueLength = sizeof(uint32_t);
    std::memcpy(ea->EaName, mode_ea, sizeof mode_ea);
    const uint32_t value = mode & 07777;
    std::memcpy(ea->EaName + sizeof mode_ea, &value, sizeof value);
    return out;
}

} // namespace fsp::fuse

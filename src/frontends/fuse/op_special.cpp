// SPDX-License-Identifier: MIT
//
// Symbolic links, fifos, sockets and devices: reparse points.
#include <cerrno>
#include <cstring>

#include <sys/sysmacros.h>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

/// A reparse buffer of a tag of Microsoft's.
class ReparseBuffer
{
  public:
    ReparseBuffer(ULONG tag, const void* data, size_t size) : bytes_(REPARSE_DATA_BUFFER_HEADER_SIZE + size)
    {
        auto* header = reinterpret_cast<REPARSE_DATA_BUFFER*>(bytes_.data());
        header->ReparseTag = tag;
        header->ReparseDataLength = USHORT(size);
        header->Reserved = 0;
        std::memcpy(bytes_.data() + REPARSE_DATA_BUFFER_HEADER_SIZE, data, size);
    }

    const void* data() const { return bytes_.data(); }
    ULONG size() const { return ULONG(bytes_.size()); }

  private:
    std::vector<uint8_t> bytes_;
};

ReparseBuffer link_buffer(std::u16string_view target)
{
    struct Head
    {
        USHORT substitute_offset, substitute_length, print_offset, print_length;
        ULONG flags;
    };
    const size_t text = target.size() * sizeof(char16_t);
    // A target that begins with a backslash means the root of the volume to Windows; to Linux it is whatever
    // '/' is where it is read. The flag says that it is not an NT path in either case. The name to show is
    // the same text, not a second copy, for which a long target has no room.
    const Head head{0, USHORT(text), 0, USHORT(text), SYMLINK_FLAG_RELATIVE};
    std::string data(reinterpret_cast<const char*>(&head), sizeof head);
    data.append(reinterpret_cast<const char*>(target.data()), text);
    return {IO_REPARSE_TAG_SYMLINK, data.data(), data.size()};
}

ReparseBuffer special_buffer(mode_t type, dev_t device)
{
    struct
    {
        uint64_t kind;
        uint32_t major, minor;
    } data{0, uint32_t(major(device)), uint32_t(minor(device))};
    size_t size = sizeof data.kind;
    switch (type) {
    case S_IFIFO:
        data.kind = NFS_SPECFILE_FIFO;
        break;
    case S_IFSOCK:
        data.kind = NFS_SPECFILE_SOCK;
        break;
    default:
        data.kind = type == S_IFCHR ? NFS_SPECFILE_CHR : NFS_SPECFILE_BLK;
        size = sizeof data;
        break;
    }
    return {IO_REPARSE_TAG_NFS, &data, size};
}

/// Creates a file and makes it a reparse point, or nothing.
void make_special(Request& request, fuse_ino_t parent_number, const char* text, mode_t mode,
                  const ReparseBuffer& reparse)
{
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    if (!request.session().traits().reparse_points)
        return void(request.fail(EPERM));

    NewFile file;
    NTSTATUS status = create_file(request, parent, name.view(), mode,
                                  FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | FILE_WRITE_DATA | DELETE,
                                  FILE_NON_DIRECTORY_FILE, &file);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    status = set_reparse(file.handle.get(), reparse.data(), reparse.size());
    if (NT_SUCCESS(status)) {
        const Ownership ownership = file.attributes.ownership;
        status = query_basic(file.handle.get(), &file.attributes);
        if (file.attributes.nt_attributes & FILE_ATTRIBUTE_REPARSE_POINT)
            query_reparse(file.handle.get(), &file.attributes);
        file.attributes.ownership = ownership;
        // The driver sets the time of a change when the handle closes, unless it was set here.
        if (NT_SUCCESS(status)) {
            FILE_BASIC_INFORMATION basic{};
            basic.ChangeTime.QuadPart = file.attributes.changed;
            set_file(file.handle.get(), FileBasicInformation, &basic, sizeof basic);
        }
    }
    if (!NT_SUCCESS(status)) {
        set_delete(request.session(), file.handle.get());
        return void(request.refuse(status));
    }
    file.handle.reset();
    reply_entry(request, parent, name.view(), file.attributes);
}

void symlink(fuse_req_t handle, const char* target, fuse_ino_t parent, const char* name)
{
    Request request(handle);
    make_special(request, parent, name, S_IFLNK | 0777, link_buffer(to_nt_link(target)));
}

void mknod(fuse_req_t handle, fuse_ino_t parent_number, const char* text, mode_t mode, dev_t device)
{
    Request request(handle);
    const mode_t type = mode & S_IFMT;
    if (type != S_IFREG && type != 0)
        return make_special(request, parent_number, text, mode, special_buffer(type, device));

    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    NewFile file;
    const NTSTATUS status =
        create_file(request, parent, name.view(), mode, FILE_READ_ATTRIBUTES, FILE_NON_DIRECTORY_FILE, &file);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file.handle.reset();
    reply_entry(request, parent, name.view(), file.attributes);
}

void readlink(fuse_req_t handle, fuse_ino_t number)
{
    Request request(handle);
    Access access;
    Attributes attributes;
    NTSTATUS status = request.access_attributes(request.inode(number), &access);
    if (NT_SUCCESS(status))
        status = query_basic(access.get(), &attributes);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    query_reparse(access.get(), &attributes);
    if (attributes.type != S_IFLNK)
        return void(request.fail(EINVAL));
    request.link(attributes.link.c_str());
}

/// The driver has no hard links; EPERM is what link(2) says then.
void link(fuse_req_t handle, fuse_ino_t, fuse_ino_t, const char*)
{
    Request request(handle);
    request.fail(EPERM);
}

} // namespace

void add_special_operations(fuse_lowlevel_ops& operations)
{
    operations.symlink = symlink;
    operations.mknod = mknod;
    operations.readlink = readlink;
    operations.link = link;
}

} // namespace fsp::fuse

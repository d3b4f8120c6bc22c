// SPDX-License-Identifier: MIT
#include <cerrno>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

void lookup(fuse_req_t handle, fuse_ino_t parent_number, const char* text)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));

    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL | FILE_READ_EA;
    NtHandle file;
    NTSTATUS status = request.open(parent, name.view(), what, &file);
    if (status == STATUS_ACCESS_DENIED)
    {
        // Linux asks for the right to search the parent, which the kernel has checked, and for nothing else.
        request.impersonate_system();
        what.options = FILE_OPEN_FOR_BACKUP_INTENT;
        status = request.open(parent, name.view(), what, &file);
    }
    Attributes attributes;
    if (NT_SUCCESS(status))
        status = query_attributes(request.session(), file.get(), &attributes);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file.reset();
    reply_entry(request, parent, name.view(), attributes);
}

void forget(fuse_req_t request, fuse_ino_t number, uint64_t count)
{
    InodeTable& inodes = static_cast<Session*>(fuse_req_userdata(request))->inodes();
    inodes.forget(*inodes.from_number(number), count);
    fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets)
{
    InodeTable& inodes = static_cast<Session*>(fuse_req_userdata(request))->inodes();
    for (size_t i = 0; i < count; ++i)
        inodes.forget(*inodes.from_number(forgets[i].ino), forgets[i].nlookup);
    fuse_reply_none(request);
}

void getattr(fuse_req_t handle, fuse_ino_t number, fuse_file_info*)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    Attributes attributes;
    Access access;
    NTSTATUS status = request.access_attributes(inode, &access);
    if (NT_SUCCESS(status))
        status = query_attributes(request.session(), access.get(), &attributes);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    access.reset();
    remember(request, inode, attributes);
    struct stat out;
    fill(inode, attributes, &out);
    request.attr(out, 0);
}

} // namespace

void remember(Request& request, Inode& inode, const Attributes& attributes)
{
    std::lock_guard guard(request.inodes().lock());
    inode.ownership = attributes.ownership;
    inode.ownership_known = true;
    inode.type = attributes.type;
    inode.directory = attributes.type == S_IFDIR;
    inode.privileged = attributes.type == S_IFREG && (attributes.ownership.mode & (S_ISUID | S_ISGID)) != 0;
}

fuse_entry_param make_entry(Request& request, Inode& parent, std::u16string_view name, const Attributes& attributes)
{
    Inode& inode = *request.inodes().found(parent, name, attributes.index);
    remember(request, inode, attributes);
    fuse_entry_param entry{};
    entry.ino = request.inodes().to_number(inode);
    entry.generation = 1;
    fill(inode, attributes, &entry.attr);
    return entry;
}

void take_back(Request& request, const fuse_entry_param& entry)
{
    request.inodes().forget(request.inode(entry.ino), 1);
}

void reply_entry(Request& request, Inode& parent, std::u16string_view name, const Attributes& attributes)
{
    const fuse_entry_param entry = make_entry(request, parent, name, attributes);
    if (!request.entry(entry))
        take_back(request, entry);
}

void add_lookup_operations(fuse_lowlevel_ops& operations)
{
    operations.lookup = lookup;
    operations.forget = forget;
    operations.forget_multi = forget_multi;
    operations.getattr = getattr;
}

} // namespace fsp::fuse

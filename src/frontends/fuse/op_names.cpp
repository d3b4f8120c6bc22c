// SPDX-License-Identifier: MIT
//
// Names come, move and go: mkdir, unlink, rmdir, rename; and the creation that create, mknod and symlink
// share.
#include <cerrno>
#include <cstring>

#include "frontends/fuse/operations.h"
#include "frontends/fuse/ownership.h"

namespace fsp::fuse {
namespace {

#ifndef RENAME_NOREPLACE
constexpr unsigned RENAME_NOREPLACE = 1;
#endif

void mkdir(fuse_req_t handle, fuse_ino_t parent_number, const char* text, mode_t mode)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    NewFile directory;
    const NTSTATUS status = create_file(request, parent, name.view(), S_IFDIR | (mode & 07777),
                                        FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE, &directory);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    directory.handle.reset();
    reply_entry(request, parent, name.view(), directory.attributes);
}

void remove(fuse_req_t handle, fuse_ino_t parent_number, const char* text, bool directory)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    request.refuse(remove_file(request, parent, name.view(), directory));
}

void unlink(fuse_req_t handle, fuse_ino_t parent, const char* name) { remove(handle, parent, name, false); }
void rmdir(fuse_req_t handle, fuse_ino_t parent, const char* name) { remove(handle, parent, name, true); }

struct RenameTarget
{
    Inode& parent;
    std::u16string_view name;
    bool same_directory;
};

/// One rename request to the driver.
NTSTATUS rename_handle(Request& request, HANDLE file, const RenameTarget& target, bool replace)
{
    // Within a directory a name without a path suffices, and spares the driver a look at the target
    // directory.
    std::u16string path;
    if (target.same_directory)
        path = target.name;
    else {
        if (!request.inodes().path(target.parent, target.name, &path))
            return STATUS_OBJECT_PATH_NOT_FOUND;
        path.erase(0, 1); // relative to the root
    }

    std::vector<uint8_t> buffer(sizeof(FILE_RENAME_INFORMATION) + path.size() * sizeof(char16_t));
    auto* rename = reinterpret_cast<FILE_RENAME_INFORMATION*>(buffer.data());
    rename->RootDirectory = target.same_directory ? nullptr : request.session().root();
    rename->FileNameLength = ULONG(path.size() * sizeof(char16_t));
    std::memcpy(rename->FileName, path.data(), rename->FileNameLength);
    if (request.session().traits().posix_unlink_rename) {
        rename->Flags = FILE_RENAME_POSIX_SEMANTICS | FILE_RENAME_IGNORE_READONLY_ATTRIBUTE |
                        (replace ? FILE_RENAME_REPLACE_IF_EXISTS : 0);
        const NTSTATUS status = set_file(file, FileRenameInformationEx, buffer.data(), buffer.size());
        if (status != STATUS_INVALID_PARAMETER)
            return status;
    }
    rename->Flags = 0;
    rename->ReplaceIfExists = replace ? TRUE : FALSE;
    return set_file(file, FileRenameInformation, buffer.data(), buffer.size());
}

/// Renames a directory over an empty one. NT never replaces a directory, so the target steps aside first; it
/// is removed last, and comes back if the rename fails.
NTSTATUS replace_directory(Request& request, HANDLE source, const RenameTarget& target)
{
    OpenRequest what;
    what.access = DELETE | FILE_READ_ATTRIBUTES;
    what.options = FILE_DIRECTORY_FILE;
    NtHandle old;
    NTSTATUS status = request.open(target.parent, target.name, what, &old);
    if (!NT_SUCCESS(status))
        return status;

    static std::atomic<unsigned> counter = 0;
    char text[48];
    std::snprintf(text, sizeof text, ".replaced-%x-%x", unsigned(getpid()), ++counter);
    Name aside;
    to_nt_name(text, Name::capacity, &aside);

    // Whether it is empty is for the file system to say, by agreeing to delete it.
    const RenameTarget hidden{target.parent, aside.view(), true};
    status = rename_handle(request, old.get(), hidden, false);
    if (!NT_SUCCESS(status))
        return status;
    status = set_delete(request.session(), old.get());
    if (NT_SUCCESS(status))
        status = rename_handle(request, source, target, false);
    if (!NT_SUCCESS(status)) {
        FILE_DISPOSITION_INFORMATION keep{FALSE};
        set_file(old.get(), FileDispositionInformation, &keep, sizeof keep);
        rename_handle(request, old.get(), {target.parent, target.name, true}, false);
    }
    return status;
}

void rename(fuse_req_t handle, fuse_ino_t parent_number, const char* text, fuse_ino_t new_parent_number,
            const char* new_text, unsigned flags)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Inode& new_parent = request.inode(new_parent_number);
    Name name, new_name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    if (const int error = request.name(new_text, &new_name))
        return void(request.fail(error));
    if (flags & ~RENAME_NOREPLACE)
        return void(request.fail(EINVAL));
    const bool replace = !(flags & RENAME_NOREPLACE);

    OpenRequest what;
    what.access = DELETE | FILE_READ_ATTRIBUTES;
    NtHandle source;
    NTSTATUS status = request.open(parent, name.view(), what, &source);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    const RenameTarget target{new_parent, new_name.view(), &parent == &new_parent};
    status = rename_handle(request, source.get(), target, replace);
    if (replace && (status == STATUS_ACCESS_DENIED || status == STATUS_OBJECT_NAME_COLLISION ||
                    status == STATUS_FILE_IS_A_DIRECTORY))
    {
        Attributes attributes;
        query_basic(source.get(), &attributes);
        if (attributes.type == S_IFDIR) {
            const NTSTATUS replaced = replace_directory(request, source.get(), target);
            if (replaced != STATUS_OBJECT_NAME_NOT_FOUND && replaced != STATUS_NOT_A_DIRECTORY)
                status = replaced;
        }
    }
    if (NT_SUCCESS(status))
        request.inodes().rename(parent, name.view(), new_parent, new_name.view());
    request.refuse(status);
}

} // namespace

NTSTATUS new_ownership(Request& request, Inode& parent, mode_t mode, Ownership* out)
{
    *out = {request.caller().uid, request.caller().gid, mode & 07777};
    Ownership above;
    bool known;
    {
        // The kernel has just looked at the parent to check permissions, so this is as new as its own
        // knowledge.
        std::lock_guard guard(request.inodes().lock());
        above = parent.ownership;
        known = parent.ownership_known;
    }
    if (!known) {
        Access access;
        Attributes attributes;
        NTSTATUS status = request.access_attributes(parent, &access);
        if (NT_SUCCESS(status))
            status = query_attributes(request.session(), access.get(), &attributes);
        if (!NT_SUCCESS(status))
            return status;
        above = attributes.ownership;
        remember(request, parent, attributes);
    }
    if (!(above.mode & S_ISGID))
        return STATUS_SUCCESS;
    if (S_ISDIR(mode))
        out->mode |= S_ISGID;
    else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && out->uid != 0 && out->gid != above.gid)
        out->mode &= ~mode_t(S_ISGID); // not a way to get set-group-ID of somebody else's group
    out->gid = above.gid;
    return STATUS_SUCCESS;
}

NTSTATUS create_file(Request& request, Inode& parent, std::u16string_view name, mode_t mode,
                     ACCESS_MASK access, ULONG options, NewFile* out)
{
    const VolumeTraits& traits = request.session().traits();
    Ownership ownership;
    NTSTATUS status = new_ownership(request, parent, mode, &ownership);
    if (!NT_SUCCESS(status))
        return status;

    OpenRequest what;
    what.access = access | FILE_READ_ATTRIBUTES;
    what.disposition = FILE_CREATE;
    what.options = options;
    what.attributes = FILE_ATTRIBUTE_NORMAL;
    const auto descriptor = to_descriptor(ownership, S_ISDIR(mode));
    if (traits.persistent_acls)
        what.descriptor = descriptor->get();
    ModeEa ea;
    if (!descriptor->exact && !S_ISLNK(mode) && traits.extended_attributes) {
        ea = make_mode_ea(ownership.mode);
        what.ea = ea.bytes;
        what.ea_size = sizeof ea.bytes;
    }
    status = request.open(parent, name, what, &out->handle);
    if (!NT_SUCCESS(status))
        return status;
    status = query_basic(out->handle.get(), &out->attributes);
    out->attributes.ownership = ownership;
    if (!traits.persistent_acls)
        query_ownership(request.session(), out->handle.get(), out->attributes, &out->attributes.ownership);
    return status;
}

NTSTATUS set_delete(const Session& session, HANDLE file)
{
    if (session.traits().posix_unlink_rename) {
        FILE_DISPOSITION_INFORMATION_EX posix{FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS |
                                              FILE_DISPOSITION_IGNORE_READONLY_ATTRIBUTE};
        const NTSTATUS status = set_file(file, FileDispositionInformationEx, &posix, sizeof posix);
        if (status != STATUS_INVALID_PARAMETER)
            return status;
    }
    FILE_DISPOSITION_INFORMATION plain{TRUE};
    return set_file(file, FileDispositionInformation, &plain, sizeof plain);
}

NTSTATUS remove_file(Request& request, Inode& parent, std::u16string_view name, bool directory)
{
    OpenRequest what;
    what.access = DELETE;
    what.options = directory ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE;
    NtHandle file;
    NTSTATUS status = request.open(parent, name, what, &file);
    if (NT_SUCCESS(status))
        status = set_delete(request.session(), file.get());
    if (!NT_SUCCESS(status))
        return status;
    // From here on requests for the file go through the handles that are open.
    if (Inode* inode = request.inodes().child(parent, name)) {
        request.inodes().orphan(*inode);
        request.session().leases().drop(*inode);
        request.inodes().release(*inode);
    }
    return STATUS_SUCCESS;
}

void add_name_operations(fuse_lowlevel_ops& operations)
{
    operations.mkdir = mkdir;
    operations.unlink = unlink;
    operations.rmdir = rmdir;
    operations.rename = rename;
}

} // namespace fsp::fuse

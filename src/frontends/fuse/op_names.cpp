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
        // A FUSE program may say so, too, and means it.
        if (status != STATUS_INVALID_PARAMETER || request.session().posix())
            return status;
    }
    rename->Flags = 0;
    rename->ReplaceIfExists = replace ? TRUE : FALSE;
    return set_file(file, FileRenameInformation, buffer.data(), buffer.size());
}

/// What the table knows of a name.
mode_t known_type(Request& request, Inode& parent, std::u16string_view name)
{
    Inode* const inode = request.inodes().child(parent, name);
    const mode_t type = inode ? inode->type.load() : 0;
    if (inode)
        request.inodes().release(*inode);
    return type;
}

/// A name that is not in use.
Name new_hidden_name(const Session& session)
{
    static std::atomic<unsigned> counter = 0;
    char text[64];
    std::snprintf(text, sizeof text, "%s%x", session.hidden_prefix().c_str(), ++counter);
    Name out;
    to_nt_name(text, Name::capacity, &out);
    return out;
}

/// Closes what is open of a name for the mount's own sake, also below it, where that would be in the way.
void close_own_handles(Request& request, Inode& parent, std::u16string_view name)
{
    InodeTable& inodes = request.inodes();
    Inode* const self = inodes.child(parent, name);
    if (!self)
        return;
    std::vector<Inode*> leased;
    if (self->directory) {
        request.session().leases().give_up_below(*self);
        inodes.for_each([&](Inode& inode) {
            for (const Inode* up = &inode; up && inode.data_leased; up = up->parent)
                if (up == self) {
                    ++inode.references;
                    leased.push_back(&inode);
                    break;
                }
        });
    }
    request.session().file_leases().drop(*self);
    inodes.release(*self);
    for (Inode* inode : leased) {
        request.session().file_leases().drop(*inode);
        inodes.release(*inode);
    }
}

bool is_open(Request& request, Inode& parent, std::u16string_view name)
{
    Inode* const inode = request.inodes().child(parent, name);
    OpenFile* const file = inode ? borrow(request.inodes(), *inode, 0) : nullptr;
    give_back(request.inodes(), file);
    if (inode)
        request.inodes().release(*inode);
    return file != nullptr;
}

/// Where a volume cannot take the name from a file that is open, the file gets another one that nobody sees,
/// in the root directory, where it is in nobody's way.
NTSTATUS hide(Request& request, HANDLE file)
{
    const Name hidden = new_hidden_name(request.session());
    return rename_handle(request, file, {request.inodes().root(), hidden.view(), false}, false);
}

NTSTATUS set_plain_delete(HANDLE file, bool deletes)
{
    FILE_DISPOSITION_INFORMATION disposition{deletes ? BOOLEAN(TRUE) : BOOLEAN(FALSE)};
    return set_file(file, FileDispositionInformation, &disposition, sizeof disposition);
}

/// Whether a directory is empty is for the file system to say, by agreeing to delete it; it does not yet.
NTSTATUS agree_to_delete(HANDLE file)
{
    const NTSTATUS status = set_plain_delete(file, true);
    return NT_SUCCESS(status) ? set_plain_delete(file, false) : status;
}

/// Renames a directory over an empty one. NT never replaces a directory, so the target steps aside first; it
/// is removed last, and comes back if the rename fails.
NTSTATUS replace_directory(Request& request, HANDLE source, const RenameTarget& target)
{
    OpenRequest what;
    what.access = DELETE;
    what.options = FILE_DIRECTORY_FILE;
    NtHandle old;
    NTSTATUS status = request.open(target.parent, target.name, what, &old);
    if (NT_SUCCESS(status))
        status = agree_to_delete(old.get());
    if (!NT_SUCCESS(status))
        return status;

    const Name aside = new_hidden_name(request.session());
    status = rename_handle(request, old.get(), {target.parent, aside.view(), true}, false);
    if (!NT_SUCCESS(status))
        return status;
    status = set_delete(request.session(), old.get());
    if (NT_SUCCESS(status))
        status = rename_handle(request, source, target, false);
    if (!NT_SUCCESS(status)) {
        set_plain_delete(old.get(), false);
        rename_handle(request, old.get(), {target.parent, target.name, true}, false);
    }
    return status;
}

/// Root replaces whatever it likes, but NT asks for the right to delete the target, whatever privileges say;
/// its owner always has it.
NTSTATUS replace_as_root(Request& request, HANDLE source, const RenameTarget& target)
{
    NtHandle old;
    Attributes attributes;
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | FILE_READ_EA | READ_CONTROL;
    NTSTATUS status = request.open(target.parent, target.name, what, &old);
    if (NT_SUCCESS(status))
        status = query_attributes(request.session(), old.get(), &attributes);
    old.reset();
    if (!NT_SUCCESS(status))
        return status;
    request.impersonate_root_and(attributes.ownership.uid);
    return rename_handle(request, source, target, true);
}

/// On a volume that does not replace a file that is open: the target gets out of the way, and is deleted when
/// it is closed.
NTSTATUS replace_open(Request& request, HANDLE source, const RenameTarget& target)
{
    OpenRequest what;
    what.access = DELETE;
    what.options = FILE_NON_DIRECTORY_FILE;
    NtHandle old;
    NTSTATUS status = request.open(target.parent, target.name, what, &old);
    if (NT_SUCCESS(status))
        status = hide(request, old.get());
    if (!NT_SUCCESS(status))
        return status;
    status = rename_handle(request, source, target, false);
    if (NT_SUCCESS(status))
        set_plain_delete(old.get(), true);
    else
        rename_handle(request, old.get(), {target.parent, target.name, false}, false);
    return status;
}

/// Renames for the kernel, which has looked both names up; as POSIX has it, or not replacing.
NTSTATUS move(Request& request, Inode& parent, std::u16string_view name, const RenameTarget& target,
              bool replace)
{
    OpenRequest what;
    what.access = DELETE; // nothing more: it is enough to have the right from the parent
    NtHandle source;
    NTSTATUS status = request.open(parent, name, what, &source);
    if (!NT_SUCCESS(status))
        return status;

    status = rename_handle(request, source.get(), target, replace);
    if (status == STATUS_ACCESS_DENIED && !request.session().traits().posix_unlink_rename) {
        close_own_handles(request, parent, name);
        close_own_handles(request, target.parent, target.name);
        status = rename_handle(request, source.get(), target, replace);
    }
    if (replace && (status == STATUS_ACCESS_DENIED || status == STATUS_OBJECT_NAME_COLLISION ||
                    status == STATUS_FILE_IS_A_DIRECTORY))
    {
        if (known_type(request, parent, name) == S_IFDIR) {
            const NTSTATUS second = replace_directory(request, source.get(), target);
            if (second != STATUS_OBJECT_NAME_NOT_FOUND && second != STATUS_NOT_A_DIRECTORY)
                status = second;
        } else {
            if (request.caller().uid == 0 && status == STATUS_ACCESS_DENIED) {
                const NTSTATUS second = replace_as_root(request, source.get(), target);
                if (NT_SUCCESS(second))
                    status = second;
            }
            if (status == STATUS_ACCESS_DENIED && !request.session().traits().posix_unlink_rename) {
                const NTSTATUS second = replace_open(request, source.get(), target);
                if (NT_SUCCESS(second))
                    status = second;
            }
        }
    }
    if (NT_SUCCESS(status)) {
        Inode* const replaced = replace ? request.inodes().child(target.parent, target.name) : nullptr;
        request.inodes().rename(parent, name, target.parent, target.name);
        if (replaced) {
            if (replaced->orphan)
                request.session().file_leases().drop(*replaced);
            request.inodes().release(*replaced);
        }
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

    // The release of a file that was written is not to set its time of change back.
    Inode* const moved = request.inodes().child(parent, name.view());
    NTSTATUS status;
    {
        std::unique_lock<SmallMutex> times;
        if (moved && moved->written_at != 0)
            times = std::unique_lock(moved->times);
        status = move(request, parent, name.view(), {new_parent, new_name.view(), &parent == &new_parent},
                      replace);
    }
    if (moved)
        request.inodes().release(*moved);
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
    else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !request.may_have_group(above.gid))
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

NTSTATUS rename_file(Request& request, HANDLE file, Inode& new_parent, std::u16string_view new_name,
                     bool same_directory, bool replace)
{
    return rename_handle(request, file, {new_parent, new_name, same_directory}, replace);
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
    // On a volume that keeps the name of an open file until it is closed, it is at least not in the way. What
    // is open of a directory is not known here.
    bool hides = false;
    if (NT_SUCCESS(status) && !request.session().traits().posix_unlink_rename) {
        close_own_handles(request, parent, name);
        if (directory || is_open(request, parent, name)) {
            status = agree_to_delete(file.get());
            hides = NT_SUCCESS(status) && NT_SUCCESS(hide(request, file.get()));
        }
    }
    if (NT_SUCCESS(status))
        status = set_delete(request.session(), file.get());
    if (!NT_SUCCESS(status) && hides)
        rename_handle(request, file.get(), {parent, name, false}, false);
    if (!NT_SUCCESS(status))
        return status;
    // From here on requests for the file go through the handles that are open.
    if (Inode* inode = request.inodes().child(parent, name)) {
        request.inodes().orphan(*inode);
        request.session().leases().drop(*inode);
        request.session().file_leases().drop(*inode);
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

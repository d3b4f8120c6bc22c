// SPDX-License-Identifier: MIT
//
// chmod, chown, truncate, utimens. The kernel has checked who may (default_permissions); the driver checks
// again when the file is opened. Set-user-ID and set-group-ID bits fall with a change of owner or content
// (FUSE_HANDLE_KILLPRIV_V2).
#include <cerrno>

#include "frontends/fuse/operations.h"
#include "frontends/fuse/ownership.h"
#include "frontends/fuse/times.h"

namespace fsp::fuse {
namespace {

constexpr int sets_ownership = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
constexpr int sets_times = FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME |
                           FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;

/// A mode without the bits that a change of owner or content takes away.
mode_t without_privileges(const Request& request, const Ownership& ownership)
{
    mode_t mode = ownership.mode & ~mode_t(S_ISUID);
    // Without execution the bit means something else, and stays for those who could set it.
    if ((mode & S_IXGRP) || !request.may_have_group(ownership.gid))
        mode &= ~mode_t(S_ISGID);
    return mode;
}

/// @param out the file before; its EA size stays right as far as it says that there are EAs
NTSTATUS set_ownership(Request& request, HANDLE file, const struct stat& wanted, int which, Attributes* out)
{
    Attributes& now = *out;
    NTSTATUS status = query_attributes(request.session(), file, &now);
    if (!NT_SUCCESS(status))
        return status;

    Ownership next = now.ownership;
    if (which & FUSE_SET_ATTR_MODE)
        next.mode = wanted.st_mode & 07777;
    if (which & FUSE_SET_ATTR_UID)
        next.uid = wanted.st_uid;
    if (which & FUSE_SET_ATTR_GID)
        next.gid = wanted.st_gid;
    if (!(which & FUSE_SET_ATTR_MODE) && now.type != S_IFDIR)
        next.mode = without_privileges(request, now.ownership);
    const Session& session = request.session();
    // Where there is no security a mode has no effect, and programs that set one are not to fail for that.
    if (!session.traits().persistent_acls)
        return next.uid == now.ownership.uid && next.gid == now.ownership.gid ? STATUS_SUCCESS
                                                                              : STATUS_PRIVILEGE_NOT_HELD;

    const auto descriptor = to_descriptor(next, now.type == S_IFDIR);
    SECURITY_INFORMATION parts = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // Only what changes: an owner who is not root may not even set himself anew as the owner on some file
    // systems.
    if (next.uid != now.ownership.uid)
        parts |= OWNER_SECURITY_INFORMATION;
    if (next.gid != now.ownership.gid || now.ownership.one_sid)
        parts |= GROUP_SECURITY_INFORMATION;
    status = set_security(file, parts, descriptor->get());
    if (!NT_SUCCESS(status) || !session.traits().extended_attributes)
        return status;
    if (!descriptor->exact) {
        now.ea_size = sizeof(ModeEa);
        return set_mode_ea(file, next.mode);
    }
    if (now.ea_size != 0)
        return set_mode_ea(file, 0);
    return STATUS_SUCCESS;
}

NTSTATUS set_size(HANDLE file, uint64_t size)
{
    FILE_END_OF_FILE_INFORMATION end;
    end.EndOfFile.QuadPart = LONGLONG(size);
    return set_file(file, FileEndOfFileInformation, &end, sizeof end);
}

NTSTATUS set_times(Request& request, Inode& inode, HANDLE file, const struct stat& wanted, int which)
{
    const int64_t now = nt_now();
    FILE_BASIC_INFORMATION basic{};
    if (which & FUSE_SET_ATTR_ATIME_NOW)
        basic.LastAccessTime.QuadPart = now;
    else if (which & FUSE_SET_ATTR_ATIME)
        basic.LastAccessTime.QuadPart = to_nt_time(wanted.st_atim);
    if (which & FUSE_SET_ATTR_MTIME_NOW)
        basic.LastWriteTime.QuadPart = now;
    else if (which & FUSE_SET_ATTR_MTIME)
        basic.LastWriteTime.QuadPart = to_nt_time(wanted.st_mtim);
    basic.ChangeTime.QuadPart = now;
    if (basic.LastAccessTime.QuadPart == 0)
        basic.LastAccessTime.QuadPart = keep_time;

    // Handles through which the file was written would put the time of their write over this one when they
    // close. Setting a time through a handle tells the driver to leave it alone.
    if (basic.LastWriteTime.QuadPart != 0) {
        inode.written_at = 0;
        while (OpenFile* open = borrow_written(request.inodes(), inode)) {
            set_file(open->nt(), FileBasicInformation, &basic, sizeof basic);
            give_back(request.inodes(), open);
        }
    }
    return set_file(file, FileBasicInformation, &basic, sizeof basic);
}

/// Sets the times that the driver would set when the handle closes, and then leaves alone.
/// @return false if times were set already
bool settle_change(HANDLE file, int which)
{
    if (!(which & (sets_ownership | FUSE_SET_ATTR_SIZE)) || (which & sets_times))
        return false;
    FILE_BASIC_INFORMATION basic{};
    basic.LastAccessTime.QuadPart = keep_time;
    basic.ChangeTime.QuadPart = nt_now();
    if (which & FUSE_SET_ATTR_SIZE)
        basic.LastWriteTime = basic.ChangeTime;
    return NT_SUCCESS(set_file(file, FileBasicInformation, &basic, sizeof basic));
}

bool is_owner(Request& request, Inode& inode)
{
    if (request.caller().uid == 0)
        return true;
    std::lock_guard guard(request.inodes().lock());
    return inode.ownership_known && inode.ownership.uid == request.caller().uid;
}

/// Sets what was asked for, and leaves the access open if it need not be closed for the times to be right.
///
/// @param file where it is through this file that the size is set, otherwise null
/// @param[out] before set with the ownership: what the file was like
NTSTATUS change(Request& request, Inode& inode, OpenFile* file, Access& access, const struct stat& wanted,
                int which, Attributes* before)
{
    const std::lock_guard guard(inode.times);
    NTSTATUS status = STATUS_SUCCESS;
    if (which & FUSE_SET_ATTR_SIZE) {
        drop_privileges(request, inode);
        status = set_size(file ? file->nt() : access.get(), uint64_t(wanted.st_size));
        if (NT_SUCCESS(status) && file)
            note_write(inode, *file);
    }
    if (NT_SUCCESS(status) && (which & sets_ownership)) {
        ownership_changes(request, inode);
        status = set_ownership(request, access.get(), wanted, which, before);
        ownership_changes(request, inode);
    }
    if (NT_SUCCESS(status) && (which & sets_times))
        status = set_times(request, inode, access.get(), wanted, which);
    if (!NT_SUCCESS(status))
        return status;
    // The driver sets times of what was changed when the handle closes.
    if (file || !settle_change(access.get(), which))
        access.reset();
    if ((which & FUSE_SET_ATTR_SIZE) && !file)
        note_change(inode);
    return status;
}

void setattr(fuse_req_t handle, fuse_ino_t number, struct stat* wanted, int which, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    OpenFile* const file = info ? reinterpret_cast<OpenFile*>(info->fh) : nullptr;

    // A request to set nothing is one to clear set-user-ID (libfuse 3.14 does not know the flag that says
    // so): chown to nobody new by the owner, or a change of content, which clears the bits itself.
    if (which == 0 && is_owner(request, inode)) {
        drop_privileges(request, inode, true);
        which = FUSE_SET_ATTR_CTIME;
    }

    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL;
    if (which & sets_ownership) {
        what.access |= WRITE_DAC;
        if (which & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
            what.access |= WRITE_OWNER;
        if (request.session().traits().extended_attributes)
            what.access |= FILE_READ_EA | FILE_WRITE_EA;
    }
    if (which & sets_times)
        what.access |= FILE_WRITE_ATTRIBUTES;
    const bool through_file = file && (which & FUSE_SET_ATTR_SIZE);
    if ((which & FUSE_SET_ATTR_SIZE) && !through_file) {
        what.access |= FILE_WRITE_DATA;
        what.options |= FILE_NO_INTERMEDIATE_BUFFERING;
    }

    Access access;
    NTSTATUS status = STATUS_SUCCESS;
    if (through_file && !(which & (sets_ownership | sets_times)))
        access = Access(request.inodes(), reference(*file));
    else {
        // An owner mostly has this right, too, which settle_change uses.
        OpenRequest more = what;
        more.access |= FILE_WRITE_ATTRIBUTES;
        status = request.access(inode, which & sets_ownership ? more : what, &access);
        if (status == STATUS_ACCESS_DENIED && more.access != what.access)
            status = request.access(inode, what, &access);
    }

    Attributes attributes;
    if (NT_SUCCESS(status))
        status = change(request, inode, through_file ? file : nullptr, access, *wanted, which, &attributes);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    const Standing standing = request.session().leases().over(inode);
    const bool is_open = access.get() != nullptr;
    if (!is_open)
        status = request.access_attributes(inode, &access);
    if (is_open && (which & sets_ownership) && !(which & FUSE_SET_ATTR_SIZE)) {
        status = query_times(access.get(), &attributes); // the rest was asked for before the change
        if (NT_SUCCESS(status))
            status = query_ownership(request.session(), access.get(), attributes, &attributes.ownership);
    } else if (NT_SUCCESS(status))
        status = query_attributes(request.session(), access.get(), &attributes);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    remember(request, inode, attributes, standing);
    struct stat out;
    fill(inode, attributes, &out);
    request.attr(out, attribute_timeout(request.session(), inode));
}

} // namespace

void drop_privileges(Request& request, Inode& inode, bool anybody)
{
    if (!inode.privileged || (request.caller().uid == 0 && !anybody))
        return;
    mode_t mode;
    {
        std::lock_guard guard(request.inodes().lock());
        inode.privileged = false;
        mode = inode.ownership.mode = without_privileges(request, inode.ownership);
    }
    // Whoever may write may not change the mode, so this is not the caller's doing.
    request.impersonate_system();
    OpenRequest what;
    what.access = FILE_WRITE_EA;
    what.options = FILE_OPEN_FOR_BACKUP_INTENT;
    Access access;
    ownership_changes(request, inode);
    if (NT_SUCCESS(request.access(inode, what, &access)))
        set_mode_ea(access.get(), mode & (S_ISUID | S_ISGID | S_ISVTX) ? mode : 0);
    ownership_changes(request, inode);
    access.reset();
    request.impersonate();
    // The kernel does not think of the mode as something that a write changes.
    fuse_lowlevel_notify_inval_inode(request.session().connection(), request.inodes().to_number(inode), -1,
                                     0);
}

NTSTATUS set_mode_ea(HANDLE file, mode_t mode)
{
    ModeEa ea = make_mode_ea(mode);
    auto* entry = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(ea.bytes);
    ULONG size = sizeof ea.bytes;
    if (mode == 0) {
        entry->EaValueLength = 0; // removes it
        size -= sizeof(uint32_t);
    }
    return set_ea(file, ea.bytes, size);
}

void add_setattr_operations(fuse_lowlevel_ops& operations) { operations.setattr = setattr; }

} // namespace fsp::fuse

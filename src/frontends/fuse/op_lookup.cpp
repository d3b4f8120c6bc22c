// SPDX-License-Identifier: MIT
#include <cerrno>

#include "frontends/fuse/operations.h"
#include "frontends/fuse/rename_target.h"

namespace fsp::fuse {
namespace {

constexpr double for_ever = 1e9; // seconds

/// Of the root, which is in no directory that could be leased.
constexpr double root_timeout = 1;

/// On a volume that ignores case a name has other spellings, which the kernel would remember as other names.
bool may_remember_name(Session& session, Inode& parent)
{
    return !session.traits().ignore_case && session.leases().held(parent);
}

/// The directory that a file is in, with a reference; null for the root and for orphans.
Inode* parent_of(Session& session, Inode& inode)
{
    std::lock_guard guard(session.inodes().lock());
    Inode* const parent = inode.parent;
    if (parent)
        ++parent->references;
    return parent;
}

/// Leases what attribute_timeout asks for.
void hold_for_attributes(Session& session, Inode& inode)
{
    if (inode.directory)
        session.leases().hold(inode);
    if (Inode* parent = parent_of(session, inode)) {
        session.leases().hold(*parent);
        session.inodes().release(*parent);
    }
}

/// The name stands in another spelling for a file that is known, and a rename is to give it this one.
bool changes_case(Request& request, Inode& parent, std::u16string_view name, const char* text)
{
    if (!request.session().traits().ignore_case)
        return false;
    Inode* const known = request.inodes().child(parent, name);
    if (!known)
        return false;
    bool same;
    {
        std::lock_guard guard(request.inodes().lock());
        same = known->name == name;
    }
    request.inodes().release(*known);
    return !same && is_rename_target(request.caller().pid, text);
}

void lookup(fuse_req_t handle, fuse_ino_t parent_number, const char* text)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));

    if (changes_case(request, parent, name.view(), text))
        return void(request.fail(ENOENT));
    request.session().leases().hold(parent);
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL | FILE_READ_EA;
    NtHandle file;
    NTSTATUS status = request.open(parent, name.view(), what, &file);
    if (status == STATUS_ACCESS_DENIED) {
        // Linux asks for the right to search the parent, which the kernel has checked, and for nothing else.
        request.impersonate_system();
        what.options = FILE_OPEN_FOR_BACKUP_INTENT;
        status = request.open(parent, name.view(), what, &file);
    }
    Attributes attributes;
    if (NT_SUCCESS(status))
        status = query_attributes(request.session(), file.get(), &attributes);
    if (to_errno(status) == ENOENT && may_remember_name(request.session(), parent) &&
        request.session().leases().note_missing(parent, text))
    {
        fuse_entry_param missing{};
        missing.entry_timeout = for_ever;
        return void(request.entry(missing));
    }
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file.reset();
    reply_entry(request, parent, name.view(), attributes);
}

void forget_one(Session& session, fuse_ino_t number, uint64_t count)
{
    Inode& inode = *session.inodes().from_number(number);
    session.inodes().reference(inode);
    session.inodes().forget(inode, count);
    if (session.inodes().is_forgotten(inode)) {
        // Their references would keep the inode.
        session.leases().drop(inode);
        session.file_leases().drop(inode);
    }
    session.inodes().release(inode);
}

void forget(fuse_req_t request, fuse_ino_t number, uint64_t count)
{
    forget_one(*static_cast<Session*>(fuse_req_userdata(request)), number, count);
    fuse_reply_none(request);
}

void forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets)
{
    auto& session = *static_cast<Session*>(fuse_req_userdata(request));
    for (size_t i = 0; i < count; ++i)
        forget_one(session, forgets[i].ino, forgets[i].nlookup);
    fuse_reply_none(request);
}

/// What does not change unnoticed under the lease is not read again.
NTSTATUS read_attributes(Request& request, Inode& inode, Standing standing, HANDLE file, Attributes* out)
{
    bool known;
    {
        std::lock_guard guard(request.inodes().lock());
        known = standing.lease != 0 && inode.ownership_standing == standing &&
                (inode.type == S_IFDIR || inode.type == S_IFREG);
        out->ownership = inode.ownership;
        out->type = inode.type;
    }
    if (known) {
        const NTSTATUS status = query_times(file, out);
        if (!NT_SUCCESS(status) || type_of(out->nt_attributes, 0) == out->type)
            return status;
    }
    return query_attributes(request.session(), file, out);
}

NTSTATUS look_at(Request& request, Inode& inode, Standing standing, Attributes* out)
{
    // After each change in a directory the kernel asks for the directory's attributes again; its lease has a
    // handle.
    if (DirectoryLease* own = request.session().leases().borrow(inode)) {
        const NTSTATUS status = read_attributes(request, inode, standing, own->handle.get(), out);
        Leases::give_back(own);
        return status;
    }
    Access access;
    const NTSTATUS status = request.access_attributes(inode, &access);
    return NT_SUCCESS(status) ? read_attributes(request, inode, standing, access.get(), out) : status;
}

/// Of what has lost its name and is not open here, but somewhere in use (a fifo, a working directory): what
/// is remembered of it.
Attributes last_known(Request& request, Inode& inode)
{
    Attributes out;
    std::lock_guard guard(request.inodes().lock());
    out.type = inode.type;
    out.ownership = inode.ownership;
    out.accessed = out.modified = out.changed = inode.written_at;
    return out;
}

void getattr(fuse_req_t handle, fuse_ino_t number, fuse_file_info*)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    Leases& leases = request.session().leases();
    Standing standing = leases.over(inode);
    if (standing.lease == 0) {
        hold_for_attributes(request.session(), inode);
        standing = leases.over(inode);
    }
    Attributes attributes;
    const NTSTATUS status = look_at(request, inode, standing, &attributes);
    if (!NT_SUCCESS(status) && inode.orphan && inode.ownership_known)
        attributes = last_known(request, inode);
    else if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    remember(request, inode, attributes, NT_SUCCESS(status) ? standing : Standing());
    struct stat out;
    fill(inode, attributes, &out);
    request.attr(out, attribute_timeout(request.session(), inode));
}

} // namespace

void remember(Request& request, Inode& inode, const Attributes& attributes, Standing standing)
{
    std::lock_guard guard(request.inodes().lock());
    inode.ownership = attributes.ownership;
    inode.ownership_standing = standing;
    inode.ownership_known = true;
    inode.type = attributes.type;
    inode.directory = attributes.type == S_IFDIR;
    inode.privileged = attributes.type == S_IFREG && (attributes.ownership.mode & (S_ISUID | S_ISGID)) != 0;
}

void ownership_changes(Request& request, Inode& inode)
{
    std::lock_guard guard(request.inodes().lock());
    ++inode.ownership_changes;
    inode.ownership_standing = {};
}

fuse_entry_param make_entry(Request& request, Inode& parent, std::u16string_view name,
                            const Attributes& attributes)
{
    Inode& inode = *request.inodes().found(parent, name, attributes.index);
    remember(request, inode, attributes);
    fuse_entry_param entry{};
    entry.ino = request.inodes().to_number(inode);
    entry.generation = 1;
    fill(inode, attributes, &entry.attr);
    entry.attr_timeout = attribute_timeout(request.session(), inode);
    entry.entry_timeout = may_remember_name(request.session(), parent) ? for_ever : 0;
    return entry;
}

double attribute_timeout(Session& session, Inode& inode)
{
    // The times of a directory change with its names, which is for its own lease to tell.
    if (&inode == &session.inodes().root())
        return session.leases().held(inode) ? root_timeout : 0;
    return session.leases().over(inode).lease != 0 ? for_ever : 0;
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

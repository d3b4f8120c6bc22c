// SPDX-License-Identifier: MIT
//
// Requests on a volume that keeps POSIX objects (nt/posix_call.h). Names are opened, made, renamed and
// removed as on every volume, through the driver; what NT has no words for goes beside, so nothing of it is
// translated.
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "frontends/fuse/operations.h"

namespace fsp::fuse {
namespace {

using nt::PosixAction;
using nt::PosixCall;

const nt::PosixMount& mount_of(Request& request) { return *request.session().posix(); }

struct stat shown(Request& request, const Inode& inode, const struct stat& attributes)
{
    struct stat out = attributes;
    if (!mount_of(request).own_inode_numbers || out.st_ino == 0)
        out.st_ino = inode.number;
    return out;
}

void note(Request& request, Inode& inode, const struct stat& now)
{
    std::lock_guard guard(request.inodes().lock());
    inode.type = now.st_mode & S_IFMT;
    inode.directory = S_ISDIR(now.st_mode);
}

fuse_entry_param entry_of(Request& request, Inode& parent, std::u16string_view name)
{
    return posix_entry(request, parent, name, request.posix().attributes);
}

void answer_entry(Request& request, Inode& parent, std::u16string_view name)
{
    const fuse_entry_param entry = entry_of(request, parent, name);
    if (!request.entry(entry))
        take_back(request, entry);
}

/// Opens a name without opening the file: what is behind it is in the record afterwards.
NTSTATUS look(Request& request, Inode& parent, std::u16string_view name, NtHandle* file)
{
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES;
    return request.open(parent, name, what, file);
}

/// Opens a file by an inode that the kernel has; the file system need not find out what it is.
NTSTATUS open_known(Request& request, Inode& inode, const OpenRequest& what, NtHandle* file)
{
    request.posix().known_type = inode.type;
    const NTSTATUS status = request.open(inode, what, file);
    request.posix().known_type = 0;
    return status;
}

/// Opens a name that the kernel has looked up before.
NTSTATUS open_name(Request& request, Inode& parent, std::u16string_view name, ACCESS_MASK access,
                   NtHandle* file)
{
    OpenRequest what;
    what.access = access;
    Inode* const inode = request.inodes().child(parent, name);
    request.posix().known_type = inode ? inode->type.load() : 0;
    const NTSTATUS status = request.open(parent, name, what, file);
    request.posix().known_type = 0;
    if (inode)
        request.inodes().release(*inode);
    return status;
}

/// A handle for asking about a file: of the open file, if the request comes with one, else of its name.
int reach(Request& request, Inode& inode, fuse_file_info* info, Access* access,
          ACCESS_MASK wanted = FILE_READ_ATTRIBUTES)
{
    request.posix().by_name = !info;
    if (info && info->fh != 0 && !inode.directory) {
        *access = Access(request.inodes(), reference(*reinterpret_cast<OpenFile*>(info->fh)));
        return 0;
    }
    OpenRequest what;
    what.access = wanted;
    request.posix().known_type = inode.type;
    const NTSTATUS status = request.access(inode, what, access);
    request.posix().known_type = 0;
    return NT_SUCCESS(status) ? 0 : request.error_of(status);
}

/// Runs one action on a file and answers with nothing but its outcome.
void act(Request& request, fuse_ino_t number, fuse_file_info* info, PosixAction action)
{
    Access access;
    int error = reach(request, request.inode(number), info, &access);
    if (error == 0)
        error = request.act(access.get(), action);
    access.reset();
    request.fail(error);
}

/// An action that may wait for what others do with the file. The driver would keep them away from it
/// meanwhile; so it goes by the root. @return 0 or an error number
int act_aside(Request& request, fuse_ino_t number, fuse_file_info* info, PosixAction action)
{
    Access access;
    int error = reach(request, request.inode(number), info, &access);
    if (error == 0)
        error = request.act(access.get(), PosixAction::identify);
    if (error == 0)
        error = request.act(request.session().root(), action);
    request.posix().subject = nullptr;
    return error;
}

// ---- Names ------------------------------------------------------------------------------------------

/// Looks a name up. The kernel lets others remove, make and rename names meanwhile when it only looks whether
/// what it knows is still there; then what was seen may not be what has the name in the end.
NTSTATUS find(Request& request, Inode& parent, std::u16string_view name, fuse_entry_param* entry)
{
    InodeTable& inodes = request.inodes();
    for (int tries = 0;; ++tries) {
        Inode* const before = inodes.child(parent, name);
        NtHandle file;
        const NTSTATUS status = look(request, parent, name, &file);
        file.reset();
        bool stable = true;
        if (NT_SUCCESS(status)) {
            *entry = entry_of(request, parent, name);
            Inode& after = request.inode(entry->ino);
            std::lock_guard guard(inodes.lock());
            stable = before ? &after == before : after.lookups == 1;
        }
        if (before)
            inodes.release(*before);
        if (stable || tries == 16)
            return status;
        take_back(request, *entry);
    }
}

void lookup(fuse_req_t handle, fuse_ino_t parent_number, const char* text)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    fuse_entry_param entry;
    const NTSTATUS status = find(request, parent, name.view(), &entry);
    if (NT_SUCCESS(status)) {
        if (!request.entry(entry))
            take_back(request, entry);
        return;
    }
    const int error = request.error_of(status);
    if (error != ENOENT || mount_of(request).negative_timeout == 0)
        return void(request.fail(error));
    fuse_entry_param missing{};
    missing.entry_timeout = mount_of(request).negative_timeout;
    request.entry(missing);
}

/// Creates what the record describes.
NTSTATUS make(Request& request, Inode& parent, std::u16string_view name, ACCESS_MASK access, ULONG options,
              NtHandle* file)
{
    request.posix().creates = true;
    OpenRequest what;
    what.access = access | FILE_READ_ATTRIBUTES;
    what.disposition = FILE_CREATE;
    what.options = options;
    what.attributes = FILE_ATTRIBUTE_NORMAL;
    const NTSTATUS status = request.open(parent, name, what, file);
    request.posix().creates = false;
    // A plain file would be there instead of what was asked for.
    return NT_SUCCESS(status) && !request.posix().taken ? STATUS_INTERNAL_ERROR : status;
}

void make_name(fuse_req_t handle, fuse_ino_t parent_number, const char* text, mode_t mode, dev_t device,
               const char* target)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    request.posix().mode = mode;
    request.posix().device = device;
    request.posix().target = target;
    NtHandle file;
    const NTSTATUS status = make(request, parent, name.view(), 0,
                                 S_ISDIR(mode) ? FILE_DIRECTORY_FILE : FILE_NON_DIRECTORY_FILE, &file);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file.reset();
    answer_entry(request, parent, name.view());
}

void mknod(fuse_req_t handle, fuse_ino_t parent, const char* name, mode_t mode, dev_t device)
{
    make_name(handle, parent, name, mode, device, nullptr);
}

void mkdir(fuse_req_t handle, fuse_ino_t parent, const char* name, mode_t mode)
{
    make_name(handle, parent, name, S_IFDIR | mode, 0, nullptr);
}

void symlink(fuse_req_t handle, const char* target, fuse_ino_t parent, const char* name)
{
    make_name(handle, parent, name, S_IFLNK | 0777, 0, target);
}

void remove(fuse_req_t handle, fuse_ino_t parent_number, const char* text)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    NtHandle file;
    NTSTATUS status = open_name(request, parent, name.view(), DELETE, &file);
    if (NT_SUCCESS(status))
        status = set_delete(request.session(), file.get());
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file.reset(); // which is when the file system removes the name
    if (const int error = request.posix().cleanup_error)
        return void(request.fail(error));
    if (Inode* inode = request.inodes().child(parent, name.view())) {
        request.inodes().orphan(*inode);
        request.inodes().release(*inode);
    }
    request.done();
}

void unlink(fuse_req_t handle, fuse_ino_t parent, const char* name) { remove(handle, parent, name); }
void rmdir(fuse_req_t handle, fuse_ino_t parent, const char* name) { remove(handle, parent, name); }

/// "\a\b" as "/a/b"
bool linux_path(Request& request, Inode& parent, std::u16string_view name, std::string* out)
{
    std::u16string path;
    if (!request.inodes().path(parent, name, &path))
        return false;
    *out = to_linux_link(path);
    return true;
}

void rename(fuse_req_t handle, fuse_ino_t parent_number, const char* text, fuse_ino_t new_parent_number,
            const char* new_text, unsigned flags)
{
    constexpr unsigned no_replace = 1, exchange = 2;
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Inode& new_parent = request.inode(new_parent_number);
    Name name, new_name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    if (const int error = request.name(new_text, &new_name))
        return void(request.fail(error));

    std::string new_path;
    NtHandle source;
    NTSTATUS status = open_name(request, parent, name.view(), DELETE | FILE_READ_ATTRIBUTES, &source);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    request.posix().rename_flags = flags;
    if (flags & exchange) {
        // Two names change places, which no native request says.
        if (!linux_path(request, new_parent, new_name.view(), &new_path))
            return void(request.fail(ENOENT));
        request.posix().name = new_path.c_str();
        const int error = request.act(source.get(), PosixAction::exchange);
        if (error == 0)
            request.inodes().exchange(parent, name.view(), new_parent, new_name.view());
        return void(request.fail(error));
    }
    request.posix().renames = true;
    request.posix().known_type = S_IFDIR; // of the new name's parent
    status = rename_file(request, source.get(), new_parent, new_name.view(), &parent == &new_parent,
                         !(flags & no_replace));
    if (NT_SUCCESS(status))
        request.inodes().rename(parent, name.view(), new_parent, new_name.view());
    source.reset();
    request.refuse(status);
}

void link(fuse_req_t handle, fuse_ino_t number, fuse_ino_t parent_number, const char* text)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    std::string path;
    Access access;
    int error = reach(request, request.inode(number), nullptr, &access);
    if (error == 0 && !linux_path(request, parent, name.view(), &path))
        error = ENOENT;
    if (error == 0) {
        request.posix().name = path.c_str();
        error = request.act(access.get(), PosixAction::link);
    }
    if (error != 0)
        return void(request.fail(error));
    access.reset();
    NtHandle made;
    const NTSTATUS status = look(request, parent, name.view(), &made);
    made.reset();
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    answer_entry(request, parent, name.view());
}

void readlink(fuse_req_t handle, fuse_ino_t number)
{
    char target[4096 + 1];
    Request request(handle);
    Access access;
    int error = reach(request, request.inode(number), nullptr, &access);
    if (error == 0) {
        request.posix().out = target;
        request.posix().size = sizeof target;
        error = request.act(access.get(), PosixAction::read_link);
    }
    if (error != 0)
        return void(request.fail(error));
    target[sizeof target - 1] = 0;
    request.link(target);
}

// ---- Attributes -------------------------------------------------------------------------------------

void answer_attributes(Request& request, Inode& inode)
{
    const struct stat& attributes = request.posix().attributes;
    note(request, inode, attributes);
    request.attr(shown(request, inode, attributes), mount_of(request).attribute_timeout);
}

int look_at(Request& request, Inode& inode, fuse_file_info* info)
{
    for (int tries = 0;; ++tries) {
        const bool orphan = inode.orphan;
        Access access;
        request.posix().has_attributes = false;
        int error = reach(request, inode, info, &access);
        // Opening a name has told already; a handle that was open is asked.
        if (error == 0 && !request.posix().has_attributes)
            error = request.act(access.get(), PosixAction::stat);
        // The name may have gone to something else meanwhile. An inode never becomes another type, it would
        // be lost to the kernel.
        const mode_t type = inode.type;
        if (error == 0 && type != 0 && type != (request.posix().attributes.st_mode & S_IFMT))
            error = ENOENT;
        if (error != ENOENT || orphan == inode.orphan || tries == 16)
            return error;
    }
}

void getattr(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    if (const int error = look_at(request, inode, info))
        return void(request.fail(error));
    answer_attributes(request, inode);
}

void set_times(int which, const struct stat& wanted, struct stat* out)
{
    out->st_atim = {0, UTIME_OMIT};
    out->st_mtim = {0, UTIME_OMIT};
    if (which & FUSE_SET_ATTR_ATIME_NOW)
        out->st_atim = {0, UTIME_NOW};
    else if (which & FUSE_SET_ATTR_ATIME)
        out->st_atim = wanted.st_atim;
    if (which & FUSE_SET_ATTR_MTIME_NOW)
        out->st_mtim = {0, UTIME_NOW};
    else if (which & FUSE_SET_ATTR_MTIME)
        out->st_mtim = wanted.st_mtim;
}

void setattr(fuse_req_t handle, fuse_ino_t number, struct stat* wanted, int which, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    PosixCall& posix = request.posix();
    Access access;
    int error = reach(request, inode, info, &access,
                      FILE_READ_ATTRIBUTES | (which & FUSE_SET_ATTR_SIZE ? FILE_WRITE_DATA : 0));

    posix.attributes = *wanted;
    posix.which = (which & FUSE_SET_ATTR_MODE ? nt::posix_set_mode : 0) |
                  (which & FUSE_SET_ATTR_UID ? nt::posix_set_uid : 0) |
                  (which & FUSE_SET_ATTR_GID ? nt::posix_set_gid : 0);
    if (error == 0 && posix.which != 0)
        error = request.act(access.get(), PosixAction::set_attributes);
    if (error == 0 && (which & FUSE_SET_ATTR_SIZE)) {
        FILE_END_OF_FILE_INFORMATION end;
        end.EndOfFile.QuadPart = LONGLONG(wanted->st_size);
        const NTSTATUS status = set_file(access.get(), FileEndOfFileInformation, &end, sizeof end);
        error = NT_SUCCESS(status) ? 0 : request.error_of(status);
    }
    constexpr int times =
        FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;
    if (error == 0 && (which & times)) {
        set_times(which, *wanted, &posix.attributes);
        posix.which = nt::posix_set_times;
        error = request.act(access.get(), PosixAction::set_attributes);
    }
    if (error == 0)
        error = request.act(access.get(), PosixAction::stat);
    access.reset();
    if (error != 0)
        return void(request.fail(error));
    answer_attributes(request, inode);
}

void access(fuse_req_t handle, fuse_ino_t number, int mask)
{
    Request request(handle);
    request.posix().flags = unsigned(mask);
    Access file;
    int error = reach(request, request.inode(number), nullptr, &file);
    if (error == 0)
        error = request.act(file.get(), PosixAction::access);
    request.fail(error);
}

void statfs(fuse_req_t handle, fuse_ino_t number)
{
    Request request(handle);
    Access file;
    int error = reach(request, request.inode(number), nullptr, &file);
    if (error == 0)
        error = request.act(file.get(), PosixAction::volume);
    if (error != 0)
        return void(request.fail(error));
    request.statfs(request.posix().volume);
}

// ---- Open files -------------------------------------------------------------------------------------

ACCESS_MASK data_access(int flags)
{
    switch (flags & O_ACCMODE) {
    case O_WRONLY:
        return FILE_WRITE_DATA;
    case O_RDWR:
        return FILE_READ_DATA | FILE_WRITE_DATA;
    default:
        return FILE_READ_DATA;
    }
}

constexpr ACCESS_MASK always = FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES | READ_CONTROL;
constexpr ULONG data_options = FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING;

void tell_kernel(const PosixCall& posix, fuse_file_info* info)
{
    info->direct_io = posix.direct_io;
    info->keep_cache = posix.keep_cache;
    info->nonseekable = posix.nonseekable;
    info->noflush = posix.noflush;
}

void open(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    auto file = std::make_unique<OpenFile>();
    file->flags = info->flags;
    file->inode = &inode;
    file->access = data_access(info->flags) | always;
    if (inode.orphan) {
        file->lender = borrow(request.inodes(), inode, data_access(info->flags));
        if (!file->lender)
            return void(request.fail(ENOENT));
    } else {
        request.posix().open_flags = info->flags;
        OpenRequest what;
        what.access = file->access;
        what.options = data_options;
        const NTSTATUS status = open_known(request, inode, what, &file->handle);
        if (!NT_SUCCESS(status))
            return void(request.refuse(status));
    }
    OpenFile* const opened = file.release();
    attach(request.inodes(), *opened);
    info->fh = reinterpret_cast<uint64_t>(opened);
    tell_kernel(request.posix(), info);
    if (!request.opened(*info))
        give_back(request.inodes(), opened);
}

void create(fuse_req_t handle, fuse_ino_t parent_number, const char* text, mode_t mode, fuse_file_info* info)
{
    Request request(handle);
    Inode& parent = request.inode(parent_number);
    Name name;
    if (const int error = request.name(text, &name))
        return void(request.fail(error));
    auto file = std::make_unique<OpenFile>();
    file->flags = info->flags;
    file->access = data_access(info->flags) | always;
    request.posix().open_flags = info->flags;
    request.posix().mode = S_IFREG | mode;
    NTSTATUS status = make(request, parent, name.view(), file->access, data_options, &file->handle);
    if (request.error_of(status) == EEXIST && !(info->flags & O_EXCL)) {
        // Somebody was faster; without O_EXCL that is an ordinary open.
        OpenRequest what;
        what.access = file->access;
        what.options = data_options;
        status = request.open(parent, name.view(), what, &file->handle);
    }
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    const fuse_entry_param entry = entry_of(request, parent, name.view());
    OpenFile* const opened = file.release();
    opened->inode = &request.inode(entry.ino);
    attach(request.inodes(), *opened);
    info->fh = reinterpret_cast<uint64_t>(opened);
    tell_kernel(request.posix(), info);
    if (!request.created(entry, *info)) {
        take_back(request, entry);
        give_back(request.inodes(), opened);
    }
}

void release(fuse_req_t handle, fuse_ino_t, fuse_file_info* info)
{
    Request request(handle);
    auto* file = reinterpret_cast<OpenFile*>(info->fh);
    request.posix().flags = info->flush;
    request.posix().which = info->flock_release;
    request.posix().owner = info->lock_owner;
    request.posix().open_flags = info->flags;
    give_back(request.inodes(), file);
    request.done();
}

void write(fuse_req_t handle, fuse_ino_t, const char* data, size_t size, off_t offset, fuse_file_info* info)
{
    Request request(handle);
    auto& file = *reinterpret_cast<OpenFile*>(info->fh);
    request.posix().flags = info->writepage;
    uint32_t done = 0;
    const NTSTATUS status = write_file(file.nt(), data, uint32_t(size), uint64_t(offset), &done);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    request.written(done);
}

void flush(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    request.posix().owner = info->lock_owner;
    act(request, number, info, PosixAction::flush);
}

void fsync(fuse_req_t handle, fuse_ino_t number, int data_only, fuse_file_info* info)
{
    Request request(handle);
    request.posix().flags = unsigned(data_only);
    act(request, number, info, PosixAction::sync);
}

void fallocate(fuse_req_t handle, fuse_ino_t number, int mode, off_t offset, off_t length,
               fuse_file_info* info)
{
    Request request(handle);
    request.posix().flags = unsigned(mode);
    request.posix().offset = offset;
    request.posix().length = length;
    act(request, number, info, PosixAction::allocate);
}

void lseek(fuse_req_t handle, fuse_ino_t number, off_t offset, int whence, fuse_file_info* info)
{
    Request request(handle);
    request.posix().flags = unsigned(whence);
    request.posix().offset = offset;
    Access access;
    int error = reach(request, request.inode(number), info, &access);
    if (error == 0)
        error = request.act(access.get(), PosixAction::seek);
    if (error != 0)
        return void(request.fail(error));
    request.position(request.posix().result);
}

void bmap(fuse_req_t handle, fuse_ino_t number, size_t block_size, uint64_t block)
{
    Request request(handle);
    request.posix().size = block_size;
    request.posix().offset = int64_t(block);
    Access access;
    int error = reach(request, request.inode(number), nullptr, &access);
    if (error == 0)
        error = request.act(access.get(), PosixAction::map_block);
    if (error != 0)
        return void(request.fail(error));
    if (request.claim())
        fuse_reply_bmap(request.handle(), uint64_t(request.posix().result));
}

void copy_file_range(fuse_req_t handle, fuse_ino_t source_number, off_t source_offset,
                     fuse_file_info* source_info, fuse_ino_t number, off_t offset, fuse_file_info* info,
                     size_t size, int flags)
{
    Request request(handle);
    PosixCall& posix = request.posix();
    Access source, target;
    int error = reach(request, request.inode(source_number), source_info, &source);
    if (error == 0)
        error = reach(request, request.inode(number), info, &target);
    if (error == 0)
        error = request.act(source.get(), PosixAction::identify);
    posix.copy_source = std::exchange(posix.subject, nullptr);
    posix.offset = source_offset;
    posix.target_offset = offset;
    posix.length = int64_t(size);
    posix.flags = unsigned(flags);
    if (error == 0)
        error = request.act(target.get(), PosixAction::copy);
    if (error != 0)
        return void(request.fail(error));
    request.written(size_t(posix.result));
}

// ---- Locks, poll, ioctl -----------------------------------------------------------------------------

void lock(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info, struct flock* lock, int command)
{
    Request request(handle);
    request.posix().flags = unsigned(command);
    request.posix().lock = lock;
    request.posix().owner = info->lock_owner;
    const int error = act_aside(request, number, info, PosixAction::lock);
    if (error != 0 || command != F_GETLK)
        return void(request.fail(error));
    if (request.claim())
        fuse_reply_lock(request.handle(), lock);
}

void getlk(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info, struct flock* range)
{
    lock(handle, number, info, range, F_GETLK);
}

void setlk(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info, struct flock* range, int sleep)
{
    lock(handle, number, info, range, sleep ? F_SETLKW : F_SETLK);
}

void flock(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info, int operation)
{
    Request request(handle);
    request.posix().flags = unsigned(operation);
    request.posix().owner = info->lock_owner;
    request.fail(act_aside(request, number, info, PosixAction::whole_lock));
}

void poll(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info, fuse_pollhandle* poll_handle)
{
    Request request(handle);
    request.posix().events = info->poll_events;
    request.posix().poll_handle = poll_handle; // the file system's from here on
    const int error = act_aside(request, number, info, PosixAction::poll);
    if (error != 0)
        return void(request.fail(error));
    if (request.claim())
        fuse_reply_poll(request.handle(), unsigned(request.posix().result));
}

void ioctl(fuse_req_t handle, fuse_ino_t number, unsigned command, void* argument, fuse_file_info* info,
           unsigned flags, const void* in, size_t in_size, size_t out_size)
{
    Request request(handle);
    if (flags & FUSE_IOCTL_UNRESTRICTED)
        return void(request.fail(EPERM));
    std::vector<char> data(std::max(in_size, out_size));
    if (in_size != 0)
        std::memcpy(data.data(), in, in_size);
    PosixCall& posix = request.posix();
    posix.flags = command;
    posix.control_flags = flags;
    posix.argument = argument;
    posix.out = data.empty() ? nullptr : data.data();
    posix.size = data.size();
    const int error = act_aside(request, number, info, PosixAction::control);
    if (error != 0)
        return void(request.fail(error));
    if (request.claim())
        fuse_reply_ioctl(request.handle(), int(posix.result), data.data(), out_size);
}

// ---- Extended attributes ----------------------------------------------------------------------------

constexpr size_t value_max = 64 * 1024; // XATTR_SIZE_MAX, XATTR_LIST_MAX

void ask_xattr(Request& request, fuse_ino_t number, PosixAction action, size_t size)
{
    std::vector<char> data(std::min(size, value_max));
    request.posix().out = size != 0 ? data.data() : nullptr;
    request.posix().size = data.size();
    Access access;
    int error = reach(request, request.inode(number), nullptr, &access);
    if (error == 0)
        error = request.act(access.get(), action);
    if (error != 0)
        return void(request.fail(error));
    const auto length = size_t(request.posix().result);
    if (size == 0)
        request.xattr_size(length);
    else
        request.bytes(data.data(), std::min(length, data.size()));
}

void getxattr(fuse_req_t handle, fuse_ino_t number, const char* name, size_t size)
{
    Request request(handle);
    request.posix().name = name;
    ask_xattr(request, number, PosixAction::get_xattr, size);
}

void listxattr(fuse_req_t handle, fuse_ino_t number, size_t size)
{
    Request request(handle);
    ask_xattr(request, number, PosixAction::list_xattr, size);
}

void setxattr(fuse_req_t handle, fuse_ino_t number, const char* name, const char* value, size_t size,
              int flags)
{
    Request request(handle);
    request.posix().name = name;
    request.posix().in = value;
    request.posix().in_size = size;
    request.posix().flags = unsigned(flags);
    act(request, number, nullptr, PosixAction::set_xattr);
}

void removexattr(fuse_req_t handle, fuse_ino_t number, const char* name)
{
    Request request(handle);
    request.posix().name = name;
    act(request, number, nullptr, PosixAction::remove_xattr);
}

// ---- Directories ------------------------------------------------------------------------------------

void opendir(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    auto directory = std::make_unique<OpenDirectory>();
    OpenRequest what;
    what.access = FILE_LIST_DIRECTORY;
    what.options = FILE_DIRECTORY_FILE;
    request.posix().open_flags = info->flags;
    const NTSTATUS status = open_known(request, inode, what, &directory->handle);
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    directory->inode = &inode;
    info->cache_readdir = request.posix().cache_readdir;
    info->keep_cache = request.posix().keep_cache;
    OpenDirectory* const opened = request.session().directories().add(std::move(directory));
    info->fh = reinterpret_cast<uint64_t>(opened);
    if (!request.opened(*info))
        request.session().directories().remove(opened);
}

void fsyncdir(fuse_req_t handle, fuse_ino_t, int data_only, fuse_file_info* info)
{
    Request request(handle);
    request.posix().flags = unsigned(data_only);
    request.fail(request.act(reinterpret_cast<OpenDirectory*>(info->fh)->handle.get(), PosixAction::sync));
}

} // namespace

fuse_entry_param posix_entry(Request& request, Inode& parent, std::u16string_view name,
                             const struct stat& attributes)
{
    // By name alone: numbers of a FUSE program need not be unique. The type of an inode never changes.
    InodeTable& inodes = request.inodes();
    Inode* found = inodes.found(parent, name, 0);
    if (const mode_t type = found->type; type != 0 && type != (attributes.st_mode & S_IFMT)) {
        inodes.orphan(*found);
        inodes.forget(*found, 1);
        found = inodes.found(parent, name, 0);
    }
    Inode& inode = *found;
    note(request, inode, attributes);
    fuse_entry_param entry{};
    entry.ino = request.inodes().to_number(inode);
    entry.generation = 1;
    entry.attr = shown(request, inode, attributes);
    entry.attr_timeout = mount_of(request).attribute_timeout;
    entry.entry_timeout = mount_of(request).entry_timeout;
    return entry;
}

void add_posix_operations(fuse_lowlevel_ops& on, const nt::PosixMount& posix)
{
    add_posix_list_operations(on);
    on.lookup = lookup;
    on.getattr = getattr;
    on.setattr = setattr;
    on.readlink = readlink;
    on.mknod = mknod;
    on.mkdir = mkdir;
    on.unlink = unlink;
    on.rmdir = rmdir;
    on.symlink = symlink;
    on.rename = rename;
    on.link = link;
    on.statfs = statfs;
    on.open = open;
    on.create = create;
    on.release = release;
    on.write = write;
    on.opendir = opendir;
    // What the file system does not do the kernel learns from ENOSYS, and does not ask again.
    on.access = posix.has_access ? access : nullptr;
    on.flush = posix.has_flush ? flush : nullptr;
    on.fsync = posix.has_sync ? fsync : nullptr;
    on.fsyncdir = posix.has_sync_directory ? fsyncdir : nullptr;
    on.fallocate = posix.has_allocate ? fallocate : nullptr;
    on.lseek = posix.has_seek ? lseek : nullptr;
    on.copy_file_range = posix.has_copy ? copy_file_range : nullptr;
    on.bmap = posix.has_block_map ? bmap : nullptr;
    on.getlk = posix.has_locks ? getlk : nullptr;
    on.setlk = posix.has_locks ? setlk : nullptr;
    on.flock = posix.has_whole_locks ? flock : nullptr;
    on.poll = posix.has_poll ? poll : nullptr;
    on.ioctl = posix.has_control ? ioctl : nullptr;
    on.getxattr = posix.has_xattr ? getxattr : nullptr;
    on.setxattr = posix.has_xattr ? setxattr : nullptr;
    on.listxattr = posix.has_xattr ? listxattr : nullptr;
    on.removexattr = posix.has_xattr ? removexattr : nullptr;
}

} // namespace fsp::fuse

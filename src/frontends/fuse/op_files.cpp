// SPDX-License-Identifier: MIT
//
// Open files: create, open, release, fsync.
#include <cerrno>

#include <fcntl.h>

#include "frontends/fuse/operations.h"
#include "frontends/fuse/times.h"

namespace fsp::fuse {
namespace {

/// The kernel passes this on for a file that is about to be executed (FMODE_EXEC).
constexpr int open_for_execution = 040;

/// Every open file may be asked for its attributes and security, also when it has no name any more.
constexpr ACCESS_MASK always = FILE_READ_ATTRIBUTES | READ_CONTROL;

ACCESS_MASK data_access(int flags)
{
    // Not FILE_APPEND_DATA: where an append goes is said with each write, because the kernel writes pages of
    // a mapping through any handle of the file.
    const ACCESS_MASK truncates = flags & O_TRUNC ? FILE_WRITE_DATA : 0;
    switch (flags & O_ACCMODE) {
    case O_WRONLY:
        return FILE_WRITE_DATA;
    case O_RDWR:
        return FILE_READ_DATA | FILE_WRITE_DATA;
    default:
        return (flags & open_for_execution ? FILE_EXECUTE : FILE_READ_DATA) | truncates;
    }
}

/// More rights for owners, so that fchmod and futimens work on a file without a name.
ACCESS_MASK owner_access(const Request& request, const Ownership& ownership)
{
    if (request.caller().uid != 0 && request.caller().uid != ownership.uid)
        return 0;
    return FILE_WRITE_ATTRIBUTES | WRITE_DAC | WRITE_OWNER | FILE_READ_EA | FILE_WRITE_EA;
}

/// Our pages are the kernel's; the driver's cache below them would hold everything twice.
constexpr ULONG data_options = FILE_NON_DIRECTORY_FILE | FILE_NO_INTERMEDIATE_BUFFERING;

NTSTATUS truncate(HANDLE file)
{
    FILE_END_OF_FILE_INFORMATION end{};
    return set_file(file, FileEndOfFileInformation, &end, sizeof end);
}

NTSTATUS open_data(Request& request, Inode& inode, int flags, OpenFile& file)
{
    OpenRequest what;
    what.options = data_options;
    Ownership ownership;
    bool known;
    {
        std::lock_guard guard(request.inodes().lock());
        ownership = inode.ownership;
        known = inode.ownership_known;
    }
    const ACCESS_MASK wanted = data_access(flags) | always;
    if (inode.orphan) {
        // Through /proc/PID/fd a file without a name can be opened again. The kernel has checked the mode.
        file.lender = borrow(request.inodes(), inode, wanted & ~ACCESS_MASK(FILE_EXECUTE));
        file.access = file.lender ? file.lender->access : 0;
        return file.lender ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    }
    const ACCESS_MASK more = known ? owner_access(request, ownership) : 0;
    what.access = file.access = wanted | more;
    NTSTATUS status = request.open(inode, what, &file.handle);
    if (status == STATUS_ACCESS_DENIED && more != 0) {
        what.access = file.access = wanted;
        status = request.open(inode, what, &file.handle);
    }
    if (!NT_SUCCESS(status) || !(wanted & FILE_EXECUTE))
        return status;

    // A program that may be executed but not read is read by the kernel for its caller.
    NtHandle checked = std::move(file.handle);
    what.access = file.access = wanted | FILE_READ_DATA;
    status = request.open(inode, what, &file.handle);
    if (status == STATUS_ACCESS_DENIED) {
        request.impersonate_system();
        what.options |= FILE_OPEN_FOR_BACKUP_INTENT;
        status = request.open(inode, what, &file.handle);
    }
    return status;
}

void open(fuse_req_t handle, fuse_ino_t number, fuse_file_info* info)
{
    Request request(handle);
    Inode& inode = request.inode(number);
    auto file = std::make_unique<OpenFile>();
    file->flags = info->flags;
    file->inode = &inode;

    NTSTATUS status = open_data(request, inode, info->flags, *file);
    if (NT_SUCCESS(status) && (info->flags & O_TRUNC)) {
        drop_privileges(request, inode);
        status = truncate(file->nt());
        if (NT_SUCCESS(status))
            note_write(inode, *file);
    }
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));

    OpenFile* const opened = file.release();
    attach(request.inodes(), *opened);
    info->fh = reinterpret_cast<uint64_t>(opened);
    info->keep_cache = inode.data_leased; // asked after the file counts as a reader
    info->noflush = 1;                    // nothing is left to write when an application closes
    const bool direct = (info->flags & O_DIRECT) && request.session().kernel_offer().direct_io;
    if (!(direct ? request.opened_direct(*info) : request.opened(*info)))
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
    file->access = data_access(info->flags) | always | FILE_WRITE_ATTRIBUTES | WRITE_DAC | WRITE_OWNER |
                   FILE_READ_EA | FILE_WRITE_EA;
    NewFile made;
    NTSTATUS status = create_file(request, parent, name.view(), S_IFREG | (mode & 07777), file->access,
                                  data_options, &made);
    bool truncated = false;
    if (status == STATUS_OBJECT_NAME_COLLISION && !(info->flags & O_EXCL)) {
        // Somebody was faster; without O_EXCL that is an ordinary open.
        OpenRequest what;
        what.access = file->access = data_access(info->flags) | always;
        what.options = data_options;
        status = request.open(parent, name.view(), what, &made.handle);
        if (NT_SUCCESS(status) && (info->flags & O_TRUNC))
            status = truncate(made.handle.get());
        truncated = NT_SUCCESS(status) && (info->flags & O_TRUNC);
        if (NT_SUCCESS(status))
            status = query_attributes(request.session(), made.handle.get(), &made.attributes);
        if (NT_SUCCESS(status) && made.attributes.type != S_IFREG)
            status = STATUS_OBJECT_NAME_COLLISION;
    }
    if (!NT_SUCCESS(status))
        return void(request.refuse(status));
    file->handle = std::move(made.handle);

    const fuse_entry_param entry = make_entry(request, parent, name.view(), made.attributes);
    OpenFile* const opened = file.release();
    opened->inode = &request.inode(entry.ino);
    attach(request.inodes(), *opened);
    if (truncated)
        note_write(*opened->inode, *opened);
    info->fh = reinterpret_cast<uint64_t>(opened);
    info->noflush = 1;
    if (!request.created(entry, *info)) {
        take_back(request, entry);
        give_back(request.inodes(), opened);
    }
}

/// The time of the last write becomes the file's, and stays when the handle closes.
void settle_times(OpenFile& file)
{
    Inode& inode = *file.inode;
    const std::lock_guard guard(inode.times);
    if (file.written_at.exchange(0) == 0)
        return;
    FILE_BASIC_INFORMATION now{};
    query_file(file.nt(), FileBasicInformation, &now, sizeof now);
    int64_t written = inode.written_at; // 0: another handle has told it
    FILE_BASIC_INFORMATION basic{};
    basic.LastAccessTime.QuadPart = keep_time;
    basic.LastWriteTime.QuadPart = written != 0 ? written : now.LastWriteTime.QuadPart;
    // What was changed after the write has moved the time of change on.
    basic.ChangeTime.QuadPart = std::max<int64_t>(written, now.ChangeTime.QuadPart);
    set_file(file.nt(), FileBasicInformation, &basic, sizeof basic);
    inode.written_at.compare_exchange_strong(written, 0);
}

void release(fuse_req_t handle, fuse_ino_t, fuse_file_info* info)
{
    Request request(handle);
    auto* file = reinterpret_cast<OpenFile*>(info->fh);
    if (file->written_at != 0)
        settle_times(*file);
    give_back(request.inodes(), file);
    request.done();
}

void fsync(fuse_req_t handle, fuse_ino_t, int, fuse_file_info* info)
{
    Request request(handle);
    auto& file = *reinterpret_cast<OpenFile*>(info->fh);
    if ((info->flags & O_ACCMODE) == O_RDONLY)
        return void(request.done()); // the driver flushes only what may be written
    request.refuse(flush_file(file.nt()));
}

} // namespace

void add_file_operations(fuse_lowlevel_ops& operations)
{
    operations.open = open;
    operations.create = create;
    operations.release = release;
    operations.fsync = fsync;
}

} // namespace fsp::fuse

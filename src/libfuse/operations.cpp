// SPDX-License-Identifier: MIT
//
// The native operations, as calls of a FUSE program.
//
// A request of the Linux mount has a record of what the caller means (nt/posix_call.h) and is done to the
// letter; one without a record comes from a native program and goes by the rules of Windows.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "frontends/fuse/names.h"
#include "libfuse/file_system.h"
#include "nt/posix_call.h"
#include "nt/text.h"

namespace fsp::libfuse {
namespace {

Handle& handle_of(PVOID context) { return *static_cast<Handle*>(context); }

bool is_special(mode_t mode) { return !S_ISDIR(mode) && !S_ISREG(mode); }

// ---- What a file is ---------------------------------------------------------------------------------

NTSTATUS descriptor_of(const struct stat& info, PSECURITY_DESCRIPTOR out, SIZE_T* size)
{
    PSECURITY_DESCRIPTOR made;
    const NTSTATUS status =
        FspPosixMapPermissionsToSecurityDescriptor(info.st_uid, info.st_gid, info.st_mode, &made);
    if (!NT_SUCCESS(status))
        return status;
    const SIZE_T needed = GetSecurityDescriptorLength(made);
    const bool fits = needed <= *size;
    if (fits && out)
        std::memcpy(out, made, needed);
    *size = needed;
    FspDeleteSecurityDescriptor(made, reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void*>(
                                          FspPosixMapPermissionsToSecurityDescriptor)));
    return fits ? STATUS_SUCCESS : STATUS_BUFFER_OVERFLOW;
}

/// Whether the name that is asked about is the one of the request, and not the directory that it is in.
bool is_target(PWSTR name)
{
    const FSP_FILE_SYSTEM_OPERATION_CONTEXT* context = FspFileSystemGetOperationContext();
    return !context || context->Request->Kind != FspFsctlTransactCreateKind ||
           context->Request->FileName.Size == (nt::length(name) + 1) * sizeof(WCHAR);
}

/// The first component before the last that is a link.
NTSTATUS link_on_the_way(Entry& entry, const std::string& path, PUINT32 index)
{
    for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
        struct stat info;
        const std::string above = path.substr(0, end);
        if (entry.fs.stat(above, nullptr, &info) != 0)
            return STATUS_SUCCESS;
        if (S_ISLNK(info.st_mode)) {
            const std::u16string wide = fuse::to_nt_link(above);
            *index = UINT32(wide.rfind(u'\\') + 1);
            return STATUS_REPARSE;
        }
    }
    return STATUS_SUCCESS;
}

NTSTATUS get_security_by_name(FSP_FILE_SYSTEM* fs, PWSTR name, PUINT32 attributes,
                              PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    Entry entry(fs);
    const std::string path = to_path(name);
    struct stat info = {};
    if (entry.call && is_target(name)) {
        if (entry.call->renames)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        info.st_mode = entry.call->known_type;
    } else if (entry.call && (entry.call->creates || entry.call->known_type != 0))
        info.st_mode = S_IFDIR; // where the kernel knows or makes something
    NTSTATUS status = STATUS_SUCCESS;
    if (info.st_mode == 0)
        if (const int result = entry.fs.stat(path, nullptr, &info))
            status = FileSystem::fail(result);
    if (entry.call) {
        // The kernel has walked the path, and it or the program decides who may what.
        if (size)
            *size = 0;
    } else {
        UINT32 index = 0;
        if (status == STATUS_SUCCESS || status == STATUS_OBJECT_NAME_NOT_FOUND ||
            status == STATUS_NOT_A_DIRECTORY)
            if (link_on_the_way(entry, path, &index) == STATUS_REPARSE) {
                if (attributes)
                    *attributes = index;
                return STATUS_REPARSE;
            }
    }
    if (status != STATUS_SUCCESS)
        return status;
    FSP_FSCTL_FILE_INFO file_info;
    entry.fs.to_file_info(path, info, &file_info);
    if (attributes)
        *attributes = file_info.FileAttributes;
    return size && !entry.call ? descriptor_of(info, descriptor, size) : STATUS_SUCCESS;
}

/// getattr of an open file.
NTSTATUS look(Entry& entry, Handle& handle, struct stat* info)
{
    const std::string path = entry.fs.paths().path_of(handle.node);
    if (const int result = entry.fs.stat(path, &handle, info))
        return FileSystem::fail(result);
    entry.fs.to_file_info(path, *info, &handle.known);
    return STATUS_SUCCESS;
}

NTSTATUS look(Entry& entry, Handle& handle, FSP_FSCTL_FILE_INFO* out)
{
    struct stat info;
    const NTSTATUS status = look(entry, handle, &info);
    *out = handle.known;
    return status;
}

NTSTATUS get_file_info(FSP_FILE_SYSTEM* fs, PVOID context, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    // What Linux wants to know it asks by an action; the driver on its behalf only wants to know the type.
    if (entry.call && !entry.fs.paths().is_open_natively(entry.fs.paths().path_of(handle.node))) {
        *out = handle.known;
        return STATUS_SUCCESS;
    }
    return look(entry, handle, out);
}

NTSTATUS get_security(FSP_FILE_SYSTEM* fs, PVOID context, PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    Entry entry(fs);
    struct stat info;
    const NTSTATUS status = look(entry, handle_of(context), &info);
    return NT_SUCCESS(status) ? descriptor_of(info, descriptor, size) : status;
}

// ---- Opening and closing ----------------------------------------------------------------------------

/// A handle on its way to the driver.
class NewHandle
{
  public:
    NewHandle(Entry& entry, const std::string& path) : entry_(entry), handle_(new Handle)
    {
        handle_->native = !entry.call;
        handle_->node = entry.fs.paths().open(path, handle_->native);
    }
    NewHandle(const NewHandle&) = delete;
    ~NewHandle()
    {
        if (!handle_)
            return;
        entry_.fs.release(*handle_, nullptr);
        entry_.fs.paths().close(handle_->node, handle_->native);
    }

    Handle* operator->() { return handle_.get(); }
    Handle& operator*() { return *handle_; }

    /// The program has opened it.
    void opened()
    {
        handle_->opened = true;
        if (!handle_->directory)
            entry_.fs.paths().count_open(handle_->node);
    }

    /// @param complete there is more in `info` than the type
    NTSTATUS give(const struct stat& info, bool complete, PVOID* context, FSP_FSCTL_FILE_INFO* out)
    {
        entry_.fs.to_file_info(entry_.fs.paths().path_of(handle_->node), info, &handle_->known);
        *out = handle_->known;
        if (complete)
            handle_->node->size = handle_->known.FileSize;
        if (nt::PosixCall* call = entry_.call) {
            call->attributes = info;
            call->has_attributes = complete;
            if (handle_->opened)
                tell(*call, info);
        }
        *context = handle_.release();
        return STATUS_SUCCESS;
    }

  private:
    void tell(nt::PosixCall& call, const struct stat& info)
    {
        const Config& config = entry_.fs.config();
        const OpenInfo& fi = handle_->info;
        call.direct_io = fi.direct_io || config.direct_io;
        call.keep_cache = fi.keep_cache || config.kernel_cache || (config.auto_cache && is_unchanged(info));
        call.nonseekable = fi.nonseekable;
        call.cache_readdir = fi.cache_readdir;
        call.noflush = fi.noflush || (config.no_rofd_flush && (fi.flags & O_ACCMODE) == O_RDONLY);
    }

    bool is_unchanged(const struct stat& info)
    {
        Node& node = *handle_->node;
        const bool same = node.cached_size == info.st_size && node.cached_seconds == info.st_mtim.tv_sec &&
                          node.cached_nanoseconds == info.st_mtim.tv_nsec;
        node.cached_size = info.st_size;
        node.cached_seconds = info.st_mtim.tv_sec;
        node.cached_nanoseconds = info.st_mtim.tv_nsec;
        return same;
    }

    Entry& entry_;
    std::unique_ptr<Handle> handle_;
};

/// open(2)'s flags for what a native program wants; -1: nothing that needs an open file.
int flags_of(UINT32 access)
{
    if (access & (FILE_WRITE_DATA | FILE_APPEND_DATA))
        return access & (FILE_READ_DATA | FILE_EXECUTE) ? O_RDWR : O_WRONLY;
    return access & (FILE_READ_DATA | FILE_EXECUTE) ? O_RDONLY : -1;
}

/// Whether the type, which the kernel knows, is all that matters: no native program has the file open, for
/// which the driver keeps its size, and auto_cache has nothing to compare.
bool is_known(Entry& entry, const std::string& path)
{
    return entry.call && entry.call->known_type != 0 &&
           (entry.call->open_flags < 0 || !entry.fs.config().auto_cache) &&
           !entry.fs.paths().is_open_natively(path);
}

NTSTATUS open(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32, UINT32 access, PVOID* context,
              FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    const std::string path = to_path(name);
    struct stat info = {};
    const bool known = is_known(entry, path);
    if (known)
        info.st_mode = entry.call->known_type;
    else if (const int result = entry.fs.stat(path, nullptr, &info))
        return FileSystem::fail(result);

    NewHandle handle(entry, path);
    handle->directory = S_ISDIR(info.st_mode);
    handle->special = is_special(info.st_mode);
    const int flags = entry.call ? entry.call->open_flags : flags_of(access);
    // A link cannot be opened; fifos, sockets and devices are the kernel's business, but a record has the
    // last word.
    if (flags < 0 || (handle->special && !entry.call) || S_ISLNK(info.st_mode))
        return handle.give(info, !known, context, out);

    handle->info.flags = flags & ~(O_CREAT | O_EXCL | O_NOCTTY);
    const int result = handle->directory ? entry.program.opendir(path.c_str(), &handle->info)
                                         : entry.program.open(path.c_str(), &handle->info);
    if (result != 0)
        return FileSystem::fail(result);
    handle.opened();
    handle->info.flags &= ~O_TRUNC;
    if (flags & O_TRUNC)
        FileSystem::forget_seen();
    return handle.give(info, !known, context, out);
}

struct NewFile
{
    bool directory;
    mode_t mode; ///< with its type
    bool owner = false;
    uid_t uid = 0;
    gid_t gid = 0;
};

NTSTATUS describe_new(PSECURITY_DESCRIPTOR descriptor, NewFile* out)
{
    out->mode = (out->directory ? S_IFDIR : S_IFREG) | 0777;
    if (!descriptor)
        return STATUS_SUCCESS;
    UINT32 uid, gid, mode;
    const NTSTATUS status = FspPosixMapSecurityDescriptorToPermissions(descriptor, &uid, &gid, &mode);
    if (!NT_SUCCESS(status))
        return status;
    out->mode = (out->mode & S_IFMT) | mode;
    out->owner = true;
    out->uid = uid;
    out->gid = gid;
    return STATUS_SUCCESS;
}

/// Makes the file, and opens it if it is to be opened. @return 0 or a negative error number
int make(Entry& entry, const std::string& path, const NewFile& what, NewHandle& handle, bool* opened)
{
    Program& on = entry.program;
    const nt::PosixCall* call = entry.call;
    *opened = false;
    if (S_ISDIR(what.mode))
        return on.mkdir(path.c_str(), what.mode & ~S_IFMT);
    if (S_ISLNK(what.mode))
        return on.symlink(call && call->target ? call->target : "", path.c_str());
    if (!S_ISREG(what.mode) || (call && call->open_flags < 0)) {
        if (S_ISREG(what.mode) && on.has.create) {
            // mknod is optional; to make a file and not open it, create will do.
            const int result = on.mknod(path.c_str(), what.mode, 0);
            if (result != -ENOSYS)
                return result;
            OpenInfo made;
            made.flags = O_CREAT | O_EXCL | O_WRONLY;
            const int created = on.create(path.c_str(), what.mode, &made);
            if (created == 0)
                on.release(path.c_str(), &made);
            return created;
        }
        return on.mknod(path.c_str(), what.mode, call ? call->device : 0);
    }
    handle->info.flags = call ? call->open_flags : O_CREAT | O_EXCL | O_RDWR;
    int result = on.has.create ? on.create(path.c_str(), what.mode, &handle->info) : -ENOSYS;
    if (result == -ENOSYS) {
        result = on.mknod(path.c_str(), what.mode, 0);
        handle->info.flags &= ~(O_CREAT | O_EXCL | O_NOCTTY);
        if (result == 0)
            result = on.open(path.c_str(), &handle->info);
    }
    handle->info.flags &= ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    *opened = result == 0;
    return result;
}

int set_attribute(Program& on, const char* path, const FILE_FULL_EA_INFORMATION& ea)
{
    const std::string name(ea.EaName, ea.EaNameLength);
    if (ea.EaValueLength == 0) {
        on.removexattr(path, name.c_str());
        return 0;
    }
    return on.setxattr(path, name.c_str(), ea.EaName + ea.EaNameLength + 1, ea.EaValueLength, 0);
}

/// Each attribute of a list that the driver has checked.
template<class Visit> int for_each_attribute(const void* list, ULONG size, Visit visit)
{
    const auto* bytes = static_cast<const char*>(list);
    for (ULONG at = 0; at + sizeof(FILE_FULL_EA_INFORMATION) <= size;) {
        const auto& ea = *reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(bytes + at);
        if (const int result = visit(ea))
            return result;
        if (ea.NextEntryOffset == 0)
            break;
        at += ea.NextEntryOffset;
    }
    return 0;
}

NTSTATUS create_ex(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 options, UINT32, UINT32,
                   PSECURITY_DESCRIPTOR descriptor, UINT64, PVOID extra, ULONG extra_length,
                   BOOLEAN extra_is_reparse_point, PVOID* context, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    if (extra && extra_is_reparse_point)
        return STATUS_INVALID_PARAMETER;
    if (extra && !entry.program.has.xattr)
        return STATUS_EAS_NOT_SUPPORTED;
    NewFile what{.directory = (options & FILE_DIRECTORY_FILE) != 0, .mode = 0};
    if (entry.call && entry.call->creates)
        what.mode = entry.call->mode;
    else if (const NTSTATUS status = describe_new(descriptor, &what); !NT_SUCCESS(status))
        return status;

    const std::string path = to_path(name);
    NewHandle handle(entry, path);
    handle->directory = S_ISDIR(what.mode);
    handle->special = is_special(what.mode);
    FileSystem::forget_seen();
    bool opened;
    int result = make(entry, path, what, handle, &opened);
    if (result != 0)
        return FileSystem::fail(result);
    if (opened)
        handle.opened();
    if (what.owner) {
        result = entry.program.chown(path.c_str(), what.uid, what.gid, nullptr);
        if (result != 0 && result != -ENOSYS && result != -EPERM)
            return FileSystem::fail(result);
    }
    if (extra)
        result = for_each_attribute(extra, extra_length, [&](const FILE_FULL_EA_INFORMATION& ea) {
            const int set = set_attribute(entry.program, path.c_str(), ea);
            return set == -ENOSYS ? 0 : set;
        });
    struct stat info;
    if (result == 0 || result == -ENOSYS || result == -EPERM)
        result = entry.fs.stat(path, &*handle, &info);
    return result == 0 ? handle.give(info, true, context, out) : FileSystem::fail(result);
}

NTSTATUS overwrite_ex(FSP_FILE_SYSTEM* fs, PVOID context, UINT32, BOOLEAN, UINT64,
                      PFILE_FULL_EA_INFORMATION ea, ULONG ea_length, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (handle.directory || handle.special)
        return STATUS_ACCESS_DENIED;
    const std::string path = entry.fs.paths().path_of(handle.node);
    if (ea) {
        if (!entry.program.has.xattr)
            return STATUS_EAS_NOT_SUPPORTED;
        std::vector<char> names(64 * 1024 + 1); // a list may have no end
        const int size = entry.program.listxattr(path.c_str(), names.data(), names.size() - 1);
        for (const char* old = names.data(); size > 0 && old < names.data() + size;
             old += std::strlen(old) + 1)
            entry.program.removexattr(path.c_str(), old);
        for_each_attribute(ea, ea_length, [&](const FILE_FULL_EA_INFORMATION& one) {
            set_attribute(entry.program, path.c_str(), one);
            return 0;
        });
    }
    FileSystem::forget_seen();
    if (const int result = entry.program.truncate(path.c_str(), 0, handle.opened ? &handle.info : nullptr))
        return FileSystem::fail(result);
    return look(entry, handle, out);
}

VOID cleanup(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, ULONG flags)
{
    Entry entry(fs);
    if (!(flags & FspCleanupDelete))
        return;
    const int result = entry.fs.remove(handle_of(context));
    if (entry.call && result < 0)
        entry.call->cleanup_error = -result;
}

VOID close(FSP_FILE_SYSTEM* fs, PVOID context)
{
    Entry entry(fs);
    const std::unique_ptr<Handle> handle(&handle_of(context));
    entry.fs.release(*handle, entry.call);
    FspFileSystemDeleteDirectoryBuffer(&handle->directory_buffer);
    entry.fs.paths().close(handle->node, handle->native);
}

// ---- Data -------------------------------------------------------------------------------------------

NTSTATUS read(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, PULONG done)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (handle.directory || !handle.opened)
        return STATUS_ACCESS_DENIED;
    const std::string path = entry.fs.paths().path_of(handle.node);
    const int result =
        entry.program.read(path.c_str(), static_cast<char*>(buffer), length, off_t(offset), &handle.info);
    if (result < 0)
        return FileSystem::fail(result);
    *done = std::min<ULONG>(ULONG(result), length);
    return result == 0 ? STATUS_END_OF_FILE : STATUS_SUCCESS;
}

NTSTATUS write(FSP_FILE_SYSTEM* fs, PVOID context, PVOID buffer, UINT64 offset, ULONG length, BOOLEAN to_end,
               BOOLEAN constrained, PULONG done, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (handle.directory || !handle.opened)
        return STATUS_ACCESS_DENIED;
    const std::string path = entry.fs.paths().path_of(handle.node);
    if (!entry.call || entry.fs.paths().is_open_natively(path)) {
        const NTSTATUS status = look(entry, handle, out);
        if (!NT_SUCCESS(status))
            return status;
        const UINT64 size = handle.known.FileSize;
        if (to_end)
            offset = size;
        if (constrained) {
            if (offset >= size)
                return *done = 0, STATUS_SUCCESS;
            length = ULONG(std::min<UINT64>(length, size - offset));
        }
    }
    FileSystem::forget_seen();
    handle.info.writepage = entry.call && entry.call->flags != 0;
    const int result = entry.program.write(path.c_str(), static_cast<const char*>(buffer), length,
                                           off_t(offset), &handle.info);
    handle.info.writepage = false;
    if (result < 0)
        return FileSystem::fail(result);
    *done = std::min<ULONG>(ULONG(result), length);
    uint64_t size = handle.node->size;
    const uint64_t end = offset + *done;
    while (end > size && !handle.node->size.compare_exchange_weak(size, end))
        ;
    *out = handle.known;
    out->FileSize = handle.node->size;
    out->AllocationSize = (out->FileSize + 4095) / 4096 * 4096;
    return STATUS_SUCCESS;
}

NTSTATUS flush(FSP_FILE_SYSTEM* fs, PVOID context, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    if (!context)
        return STATUS_SUCCESS;
    Handle& handle = handle_of(context);
    const std::string path = entry.fs.paths().path_of(handle.node);
    OpenInfo* const fi = handle.opened ? &handle.info : nullptr;
    int result = 0;
    if (fi)
        result = handle.directory ? entry.program.fsyncdir(path.c_str(), 0, fi)
                                  : entry.program.fsync(path.c_str(), 0, fi);
    if (result != 0 && result != -ENOSYS)
        return FileSystem::fail(result);
    return look(entry, handle, out);
}

NTSTATUS set_file_size(FSP_FILE_SYSTEM* fs, PVOID context, UINT64 size, BOOLEAN allocation,
                       FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (handle.directory || handle.special)
        return STATUS_ACCESS_DENIED;
    const std::string path = entry.fs.paths().path_of(handle.node);
    if (allocation || entry.fs.paths().is_open_natively(path)) {
        const NTSTATUS status = look(entry, handle, out);
        if (!NT_SUCCESS(status) || (allocation && size >= out->FileSize))
            return status;
    }
    FileSystem::forget_seen();
    const int result =
        entry.program.truncate(path.c_str(), off_t(size), handle.opened ? &handle.info : nullptr);
    if (result != 0)
        return FileSystem::fail(result);
    handle.node->size = size;
    *out = handle.known;
    out->FileSize = size;
    out->AllocationSize = (size + 4095) / 4096 * 4096;
    return STATUS_SUCCESS;
}

// ---- Changing what a file is ------------------------------------------------------------------------

struct timespec to_timespec(UINT64 time)
{
    if (time == 0)
        return {0, UTIME_OMIT};
    __int3264 unix_time[2];
    FspPosixFileTimeToUnixTime(time, unix_time);
    if (unix_time[1] < 0) {
        --unix_time[0];
        unix_time[1] += 1000000000;
    }
    return {unix_time[0], unix_time[1]};
}

NTSTATUS set_basic_info(FSP_FILE_SYSTEM* fs, PVOID context, UINT32, UINT64, UINT64 accessed, UINT64 written,
                        UINT64, FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (accessed != 0 || written != 0) {
        const std::string path = entry.fs.paths().path_of(handle.node);
        const struct timespec times[2] = {to_timespec(accessed), to_timespec(written)};
        FileSystem::forget_seen();
        const int result = entry.program.utimens(path.c_str(), times, handle.opened ? &handle.info : nullptr);
        if (result != 0 && result != -ENOSYS)
            return FileSystem::fail(result);
    }
    return look(entry, handle, out);
}

NTSTATUS set_security(FSP_FILE_SYSTEM* fs, PVOID context, SECURITY_INFORMATION what,
                      PSECURITY_DESCRIPTOR modification)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    struct stat info;
    NTSTATUS status = look(entry, handle, &info);
    if (!NT_SUCCESS(status))
        return status;

    PSECURITY_DESCRIPTOR now, next;
    status = FspPosixMapPermissionsToSecurityDescriptor(info.st_uid, info.st_gid, info.st_mode, &now);
    if (!NT_SUCCESS(status))
        return status;
    status = FspSetSecurityDescriptor(now, what, modification, &next);
    FspDeleteSecurityDescriptor(now, reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void*>(
                                         FspPosixMapPermissionsToSecurityDescriptor)));
    if (!NT_SUCCESS(status))
        return status;
    UINT32 uid, gid, mode;
    status = FspPosixMapSecurityDescriptorToPermissions(next, &uid, &gid, &mode);
    FspDeleteSecurityDescriptor(
        next, reinterpret_cast<NTSTATUS (*)()>(reinterpret_cast<void*>(FspSetSecurityDescriptor)));
    if (!NT_SUCCESS(status))
        return status;

    const std::string path = entry.fs.paths().path_of(handle.node);
    OpenInfo* const fi = handle.opened ? &handle.info : nullptr;
    FileSystem::forget_seen();
    // What a descriptor cannot hold of a mode stays.
    int result = 0;
    if (mode != (info.st_mode & 01777))
        result = entry.program.chmod(path.c_str(), (info.st_mode & (S_ISUID | S_ISGID)) | mode, fi);
    if (result == 0 && (uid != info.st_uid || gid != info.st_gid))
        result = entry.program.chown(path.c_str(), uid, gid, fi);
    return result == 0 ? STATUS_SUCCESS : FileSystem::fail(result);
}

NTSTATUS can_delete(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (entry.call || !handle.directory)
        return STATUS_SUCCESS; // Linux learns it from rmdir itself
    const std::string path = entry.fs.paths().path_of(handle.node);
    OpenInfo own;
    OpenInfo* fi = handle.opened ? &handle.info : &own;
    int result = handle.opened ? 0 : entry.program.opendir(path.c_str(), &own);
    if (result != 0)
        return FileSystem::fail(result);
    bool empty = true;
    result = entry.program.readdir(
        path.c_str(),
        [&](const char* name, const struct stat*, off_t, bool) {
            return empty = std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0;
        },
        0, fi, false);
    if (!handle.opened)
        entry.program.releasedir(path.c_str(), &own);
    if (!empty)
        return STATUS_DIRECTORY_NOT_EMPTY;
    return result == 0 ? STATUS_SUCCESS : FileSystem::fail(result);
}

NTSTATUS rename(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PWSTR new_name, BOOLEAN replace)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    const std::string from = entry.fs.paths().path_of(handle.node);
    const std::string to = to_path(new_name);
    unsigned flags = 0;
    if (entry.call)
        flags = entry.call->rename_flags;
    else {
        struct stat info;
        const int result = entry.fs.stat(to, nullptr, &info);
        if (result != 0 && result != -ENOENT)
            return FileSystem::fail(result);
        if (result == 0 && from != to) {
            if (!replace)
                return STATUS_OBJECT_NAME_COLLISION;
            if (S_ISDIR(info.st_mode))
                return STATUS_ACCESS_DENIED;
        }
    }
    FileSystem::forget_seen();
    constexpr unsigned exchange = 2;
    if (!entry.fs.config().hard_remove && !(flags & exchange) && from != to)
        if (const NodePtr replaced = entry.fs.paths().find_open(to))
            if (const int result = entry.fs.hide(replaced, to))
                return FileSystem::fail(result);
    if (const int result = entry.program.rename(from.c_str(), to.c_str(), flags))
        return FileSystem::fail(result);
    entry.fs.paths().renamed(from, to);
    return STATUS_SUCCESS;
}

// ---- Directories ------------------------------------------------------------------------------------

/// A directory entry with room for its name.
struct DirectoryEntry
{
    alignas(FSP_FSCTL_DIR_INFO) char bytes[sizeof(FSP_FSCTL_DIR_INFO) + fuse::Name::capacity * sizeof(WCHAR)];
    FSP_FSCTL_DIR_INFO& info() { return *reinterpret_cast<FSP_FSCTL_DIR_INFO*>(bytes); }

    bool set_name(const char* name)
    {
        fuse::Name wide;
        if (fuse::to_nt_name(name, fuse::Name::capacity, &wide) != 0)
            return false;
        const std::u16string_view text = wide.view();
        std::memset(bytes, 0, sizeof(FSP_FSCTL_DIR_INFO));
        info().Size = UINT16(sizeof(FSP_FSCTL_DIR_INFO) + text.size() * sizeof(WCHAR));
        std::memcpy(info().FileNameBuf, text.data(), text.size() * sizeof(WCHAR));
        return true;
    }
};

NTSTATUS fill_listing(Entry& entry, Handle& handle, const std::string& path)
{
    NTSTATUS status = STATUS_SUCCESS;
    if (!FspFileSystemAcquireDirectoryBuffer(&handle.directory_buffer, TRUE, &status))
        return status;
    DirectoryEntry one;
    const bool root = path == "/";
    const std::string prefix = root ? path : path + "/";
    const auto add = [&](const char* name, const struct stat* attributes, off_t, bool complete) {
        if (root && (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0))
            return true; // a root has none
        if (!one.set_name(name))
            return true;
        struct stat info = {};
        if (attributes)
            info = *attributes;
        if (!complete && entry.fs.stat(prefix + name, nullptr, &info) != 0)
            return true; // gone again
        if (complete)
            entry.fs.apply_options(&info);
        entry.fs.to_file_info(prefix + name, info, &one.info().FileInfo);
        return FspFileSystemFillDirectoryBuffer(&handle.directory_buffer, &one.info(), &status) != FALSE;
    };
    const int result = entry.program.readdir(path.c_str(), add, 0, &handle.info, false);
    FspFileSystemReleaseDirectoryBuffer(&handle.directory_buffer);
    return result != 0 ? FileSystem::fail(result) : status;
}

NTSTATUS read_directory(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PWSTR marker, PVOID buffer, ULONG length,
                        PULONG done)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (!handle.directory)
        return STATUS_ACCESS_DENIED;
    if (!marker || !handle.directory_buffer) {
        const std::string path = entry.fs.paths().path_of(handle.node);
        const NTSTATUS status = fill_listing(entry, handle, path);
        if (!NT_SUCCESS(status))
            return status;
    }
    FspFileSystemReadDirectoryBuffer(&handle.directory_buffer, marker, buffer, length, done);
    return STATUS_SUCCESS;
}

NTSTATUS get_dir_info_by_name(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR name, FSP_FSCTL_DIR_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    if (!handle.directory)
        return STATUS_ACCESS_DENIED;
    const std::string path = entry.fs.paths().path_of(handle.node);
    const std::string full = (path == "/" ? path : path + "/") + to_path(name);
    struct stat info;
    if (entry.fs.stat(full, nullptr, &info) != 0)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    const size_t length = nt::length(name, 255);
    entry.fs.to_file_info(full, info, &out->FileInfo);
    out->Size = UINT16(sizeof *out + length * sizeof(WCHAR));
    std::memcpy(out->FileNameBuf, name, length * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

// ---- Volume -----------------------------------------------------------------------------------------

NTSTATUS get_volume_info(FSP_FILE_SYSTEM* fs, FSP_FSCTL_VOLUME_INFO* out)
{
    Entry entry(fs);
    struct statvfs info = {};
    const int result = entry.program.statfs("/", &info);
    if (result != 0 && result != -ENOSYS)
        return FileSystem::fail(result);
    const UINT64 unit = info.f_frsize != 0 ? info.f_frsize : info.f_bsize;
    out->TotalSize = info.f_blocks * unit;
    out->FreeSize = info.f_bfree * unit;
    const nt::WideString label = nt::to_wide(entry.fs.options().volume_label);
    const size_t length = std::min(label.size(), std::size(out->VolumeLabel));
    out->VolumeLabelLength = UINT16(length * sizeof(WCHAR));
    std::memcpy(out->VolumeLabel, label.data(), length * sizeof(WCHAR));
    return STATUS_SUCCESS;
}

NTSTATUS set_volume_label(FSP_FILE_SYSTEM*, PWSTR, FSP_FSCTL_VOLUME_INFO*)
{
    return STATUS_INVALID_PARAMETER;
}

// ---- Reparse points ---------------------------------------------------------------------------------

NTSTATUS put_reparse(ULONG tag, const void* data, size_t size, PVOID buffer, PSIZE_T capacity)
{
    if (!buffer)
        return STATUS_SUCCESS;
    const size_t whole = REPARSE_DATA_BUFFER_HEADER_SIZE + size;
    if (whole > *capacity)
        return STATUS_BUFFER_TOO_SMALL;
    auto* out = static_cast<REPARSE_DATA_BUFFER*>(buffer);
    out->ReparseTag = tag;
    out->ReparseDataLength = USHORT(size);
    out->Reserved = 0;
    std::memcpy(out->GenericReparseBuffer.DataBuffer, data, size);
    *capacity = whole;
    return STATUS_SUCCESS;
}

NTSTATUS put_link(const char* target, PVOID buffer, PSIZE_T capacity)
{
    const std::u16string text = fuse::to_nt_link(target);
    const auto length = USHORT(std::min<size_t>(text.size() * sizeof(WCHAR), 0x3F00));
    struct Head
    {
        USHORT substitute_offset, substitute_length, print_offset, print_length;
        ULONG flags;
    } head{0, length, 0, length, SYMLINK_FLAG_RELATIVE};
    std::vector<char> data(sizeof head + length);
    std::memcpy(data.data(), &head, sizeof head);
    std::memcpy(data.data() + sizeof head, text.data(), length);
    return put_reparse(IO_REPARSE_TAG_SYMLINK, data.data(), data.size(), buffer, capacity);
}

NTSTATUS put_special(const struct stat& info, PVOID buffer, PSIZE_T capacity)
{
    struct
    {
        uint64_t kind;
        uint32_t numbers[2];
    } data{0, {unsigned(info.st_rdev >> 8 & 0xFFF), unsigned(info.st_rdev & 0xFF)}};
    size_t size = sizeof data.kind;
    switch (info.st_mode & S_IFMT) {
    case S_IFIFO:
        data.kind = NFS_SPECFILE_FIFO;
        break;
    case S_IFSOCK:
        data.kind = NFS_SPECFILE_SOCK;
        break;
    case S_IFCHR:
    case S_IFBLK:
        data.kind = S_ISCHR(info.st_mode) ? NFS_SPECFILE_CHR : NFS_SPECFILE_BLK;
        size = sizeof data;
        break;
    default:
        return STATUS_NOT_A_REPARSE_POINT;
    }
    return put_reparse(IO_REPARSE_TAG_NFS, &data, size, buffer, capacity);
}

NTSTATUS reparse_of(Entry& entry, const std::string& path, PVOID buffer, PSIZE_T capacity)
{
    struct stat info;
    if (const int result = entry.fs.stat(path, nullptr, &info))
        return FileSystem::fail(result);
    if (!is_special(info.st_mode))
        return STATUS_NOT_A_REPARSE_POINT;
    if (!S_ISLNK(info.st_mode))
        return put_special(info, buffer, capacity);
    char target[4096 + 1] = {};
    const int result = entry.program.readlink(path.c_str(), target, sizeof target);
    if (result != 0)
        return result == -EINVAL ? STATUS_NOT_A_REPARSE_POINT : FileSystem::fail(result);
    return put_link(target, buffer, capacity);
}

NTSTATUS reparse_by_name(FSP_FILE_SYSTEM* fs, PVOID, PWSTR name, BOOLEAN, PVOID buffer, PSIZE_T size)
{
    Entry entry(fs);
    return reparse_of(entry, to_path(name), buffer, size);
}

NTSTATUS resolve_reparse_points(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 index, BOOLEAN last,
                                PIO_STATUS_BLOCK io, PVOID buffer, PSIZE_T size)
{
    return FspFileSystemResolveReparsePoints(fs, reparse_by_name, nullptr, name, index, last, io, buffer,
                                             size);
}

NTSTATUS get_reparse_point(FSP_FILE_SYSTEM* fs, PVOID context, PWSTR, PVOID buffer, PSIZE_T size)
{
    Entry entry(fs);
    return reparse_of(entry, entry.fs.paths().path_of(handle_of(context).node), buffer, size);
}

NTSTATUS delete_reparse_point(FSP_FILE_SYSTEM*, PVOID, PWSTR, PVOID, SIZE_T) { return STATUS_ACCESS_DENIED; }

// ---- Extended attributes ----------------------------------------------------------------------------

/// Whether NT can have such a name; the driver would give up the whole list for another one.
bool is_ea_name(std::string_view name)
{
    return !name.empty() && name.size() <= 255 && name.find_first_of("\"*+,/:;<=>?[\\]|") == name.npos &&
           std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
}

NTSTATUS get_ea(FSP_FILE_SYSTEM* fs, PVOID context, PFILE_FULL_EA_INFORMATION list, ULONG length, PULONG done)
{
    Entry entry(fs);
    const std::string path = entry.fs.paths().path_of(handle_of(context).node);
    std::vector<char> names(64 * 1024 + 1); // a list may have no end
    const int size = entry.program.listxattr(path.c_str(), names.data(), names.size() - 1);
    if (size < 0)
        return FileSystem::fail(size);
    std::vector<char> one(sizeof(FILE_FULL_EA_INFORMATION) + 256 + 64 * 1024);
    auto& ea = *reinterpret_cast<FILE_FULL_EA_INFORMATION*>(one.data());
    for (const char* name = names.data(); name < names.data() + size; name += std::strlen(name) + 1) {
        const size_t name_length = std::strlen(name);
        if (!is_ea_name({name, name_length}))
            continue;
        char* const value = ea.EaName + name_length + 1;
        const int value_length = entry.program.getxattr(path.c_str(), name, value, 0xFFFF);
        if (value_length <= 0 || value_length > 0xFFFF)
            continue;
        ea.NextEntryOffset = 0;
        ea.Flags = 0;
        ea.EaNameLength = UCHAR(name_length);
        ea.EaValueLength = USHORT(value_length);
        std::memcpy(ea.EaName, name, name_length + 1);
        if (!FspFileSystemAddEa(&ea, list, length, done))
            return STATUS_SUCCESS;
    }
    FspFileSystemAddEa(nullptr, list, length, done);
    return STATUS_SUCCESS;
}

NTSTATUS set_ea(FSP_FILE_SYSTEM* fs, PVOID context, PFILE_FULL_EA_INFORMATION list, ULONG length,
                FSP_FSCTL_FILE_INFO* out)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    const std::string path = entry.fs.paths().path_of(handle.node);
    const int result = for_each_attribute(list, length, [&](const FILE_FULL_EA_INFORMATION& ea) {
        return set_attribute(entry.program, path.c_str(), ea);
    });
    return result != 0 ? FileSystem::fail(result) : look(entry, handle, out);
}

// ---- Control ----------------------------------------------------------------------------------------

NTSTATUS control(FSP_FILE_SYSTEM* fs, PVOID context, UINT32 code, PVOID in, ULONG in_length, PVOID out,
                 ULONG out_length, PULONG done)
{
    Entry entry(fs);
    Handle& handle = handle_of(context);
    *done = 0;
    if (code == nt::posix_control_code)
        return entry.call ? posix_action(entry, handle) : STATUS_INVALID_DEVICE_REQUEST;

    // DeviceIoControl of native programs: FSP_FUSE_CTLCODE_FROM_IOCTL and FSP_FUSE_IOCTL of <fuse.h>.
    constexpr UINT32 device_type = 0x8000 | 'W' | 'F' * 0x100;
    if (code >> 16 != device_type || (in_length != 0 && out_length != 0 && in_length != out_length))
        return STATUS_INVALID_DEVICE_REQUEST;
    const UINT32 command = (out_length != 0 ? 1u << 31 : 0) | (in_length != 0 ? 1u << 30 : 0) |
                           (in_length | out_length) << 16 | (code >> 2 & 0xFFF);
    void* data = in;
    if (out_length != 0) {
        if (in_length != 0)
            std::memcpy(out, in, in_length);
        data = out;
    }
    const std::string path = entry.fs.paths().path_of(handle.node);
    const int result =
        entry.program.ioctl(path.c_str(), command, nullptr, handle.opened ? &handle.info : nullptr, 0, data);
    if (result != 0)
        return FileSystem::fail(result);
    *done = out_length;
    return STATUS_SUCCESS;
}

VOID dispatcher_stopped(FSP_FILE_SYSTEM* fs, BOOLEAN) { FileSystem::of(fs).exit(); }

FSP_FILE_SYSTEM_INTERFACE make_operations()
{
    FSP_FILE_SYSTEM_INTERFACE on{};
    on.GetVolumeInfo = get_volume_info;
    on.SetVolumeLabel = set_volume_label;
    on.GetSecurityByName = get_security_by_name;
    on.CreateEx = create_ex;
    on.Open = open;
    on.OverwriteEx = overwrite_ex;
    on.Cleanup = cleanup;
    on.Close = close;
    on.Read = read;
    on.Write = write;
    on.Flush = flush;
    on.GetFileInfo = get_file_info;
    on.SetBasicInfo = set_basic_info;
    on.SetFileSize = set_file_size;
    on.CanDelete = can_delete;
    on.Rename = rename;
    on.GetSecurity = get_security;
    on.SetSecurity = set_security;
    on.ReadDirectory = read_directory;
    on.GetDirInfoByName = get_dir_info_by_name;
    on.ResolveReparsePoints = resolve_reparse_points;
    on.GetReparsePoint = get_reparse_point;
    on.DeleteReparsePoint = delete_reparse_point;
    on.GetEa = get_ea;
    on.SetEa = set_ea;
    on.Control = control;
    on.DispatcherStopped = dispatcher_stopped;
    return on;
}

} // namespace

const FSP_FILE_SYSTEM_INTERFACE native_operations = make_operations();

} // namespace fsp::libfuse

// SPDX-License-Identifier: MIT
//
// Opening and making files.
#include <memory>

#include "dll/fuse/attributes.h"
#include "dll/fuse/context.h"
#include "dll/fuse/handle.h"
#include "dll/fuse/native_operations.h"
#include "dll/fuse/reparse.h"
#include "dll/fuse/security.h"
#include "nt/text.h"

namespace fsp::winfuse {
namespace {

/// Whether a link on the way may be why: programs do not follow links, and say either.
bool is_missing(NTSTATUS status)
{
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ||
           status == STATUS_NOT_A_DIRECTORY;
}

/// A handle on its way to the driver: what the program has opened is released if it does not arrive.
class NewHandle
{
  public:
    NewHandle(fuse& f, const char* path) : f_(f), handle_(Handle::make(path)) {}
    NewHandle(const NewHandle&) = delete;
    ~NewHandle()
    {
        if (handle_ && opened_)
            release(f_, *handle_);
    }

    explicit operator bool() const { return handle_ != nullptr; }
    Handle* operator->() const { return handle_.get(); }

    void opened(const fuse_file_info& info)
    {
        opened_ = true;
        handle_->flags = info.flags;
        handle_->fh = info.fh;
        direct_io_ = info.direct_io;
    }

    NTSTATUS give(const FSP_FSCTL_FILE_INFO& info, PVOID* context, FSP_FSCTL_FILE_INFO* out)
    {
        *out = info;
        normalize_name(*FspFileSystemGetOpenFileInfo(out));
        if (direct_io_)
            FspFileSystemGetOperationContext()->Response->Rsp.Create.Opened.DisableCache = 1;
        *context = handle_.release();
        return STATUS_SUCCESS;
    }

  private:
    void normalize_name(FSP_FSCTL_OPEN_FILE_INFO& info)
    {
        fuse_file_info fi = handle_->info();
        OwnWidePath stored;
        if (!get_stored_path(f_, handle_->path(), fi.fh != no_file ? &fi : nullptr, &stored))
            return;
        const size_t size = nt::length(stored.get()) * sizeof(WCHAR);
        if (size > info.NormalizedNameSize)
            return;
        std::memcpy(info.NormalizedName, stored.get(), size);
        info.NormalizedNameSize = static_cast<UINT16>(size);
    }

    fuse& f_;
    std::unique_ptr<Handle> handle_;
    bool opened_ = false;
    bool direct_io_ = false;
};

/// Owner and mode of a new file, without its type.
NTSTATUS describe_new(const fuse& f, const fuse_context& context, bool directory,
                      PSECURITY_DESCRIPTOR descriptor, Permissions* out)
{
    *out = {context.uid, context.gid, 0777};
    if (descriptor != nullptr) {
        const NTSTATUS status =
            FspPosixMapSecurityDescriptorToPermissions(descriptor, &out->uid, &out->gid, &out->mode);
        if (!NT_SUCCESS(status))
            return status;
    }
    out->mode &= ~context.umask;
    const Options& options = f.options;
    if (directory ? options.set_create_dir_umask : options.set_create_file_umask)
        out->mode =
            0777 & ~static_cast<UINT32>(directory ? options.create_dir_umask : options.create_file_umask);
    else if (options.set_create_umask != 0)
        out->mode = 0777 & ~static_cast<UINT32>(options.create_umask);
    return STATUS_SUCCESS;
}

/// Makes a directory, and opens it if that is an operation of the program's.
NTSTATUS make_directory(fuse& f, const char* path, UINT32 mode, NewHandle& handle)
{
    if (f.on.mkdir == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (const int result = f.on.mkdir(path, mode))
        return status_of(f.env, result);
    if (f.on.opendir == nullptr)
        return STATUS_SUCCESS;
    fuse_file_info info = {};
    info.flags = create_flags(f.env);
    if (const int result = f.on.opendir(path, &info))
        return status_of(f.env, result);
    handle.opened(info);
    return STATUS_SUCCESS;
}

NTSTATUS make_file(fuse& f, const char* path, UINT32 mode, NewHandle& handle)
{
    fuse_file_info info = {};
    info.flags = create_flags(f.env);
    int result;
    if (f.on.create != nullptr)
        result = f.on.create(path, mode, &info);
    else if (f.on.mknod != nullptr && f.on.open != nullptr) {
        result = f.on.mknod(path, mode, 0);
        if (result == 0)
            result = f.on.open(path, &info);
    } else
        return STATUS_INVALID_DEVICE_REQUEST;
    if (result != 0)
        return status_of(f.env, result);
    handle.opened(info);
    return STATUS_SUCCESS;
}

/// A program may say that it has not got what is only desirable.
NTSTATUS desirable(const fuse& f, int result)
{
    return result == -not_supported(f.env) ? STATUS_SUCCESS : status_of(f.env, result);
}

NTSTATUS set_flags(const fuse& f, const char* path, UINT32 attributes, bool directory)
{
    if (attributes == 0 || !f.wants(FSP_FUSE_CAP_STAT_EX) || f.on.chflags == nullptr)
        return STATUS_SUCCESS;
    if (!directory)
        attributes |= FILE_ATTRIBUTE_ARCHIVE;
    return desirable(f, f.on.chflags(path, to_flags(attributes)));
}

/// An open flag for what may be done with the handle.
int open_flags(UINT32 access, bool directory)
{
    const bool reads = (access & FILE_READ_DATA) != 0, writes = (access & FILE_WRITE_DATA) != 0;
    if (writes)
        return reads ? read_write : write_only;
    return !directory && !reads && (access & FILE_APPEND_DATA) != 0 ? write_only : read_only;
}

} // namespace

NTSTATUS check_delete_access(const fuse& f, const char* path)
{
    if (!f.wants(FSP_FUSE_CAP_DELETE_ACCESS) || f.on.access == nullptr)
        return STATUS_SUCCESS;
    const NTSTATUS status = desirable(f, f.on.access(path, FSP_FUSE_DELETE_OK));
    return status == STATUS_ACCESS_DENIED ? STATUS_CANNOT_DELETE : status;
}

bool get_stored_path(const fuse& f, const char* path, fuse_file_info* fi, OwnWidePath* out)
{
    char stored[1024];
    if (!f.wants(FUSE_CAP_CASE_INSENSITIVE) || f.on.getpath == nullptr ||
        f.on.getpath(path, stored, sizeof stored, fi) != 0)
        return false;
    stored[sizeof stored - 1] = 0;
    return stored[0] == '/' && NT_SUCCESS(out->from_posix(stored));
}

namespace native {

NTSTATUS get_security_by_name(FSP_FILE_SYSTEM* fs, PWSTR name, PUINT32 attributes,
                              PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    fuse& f = of(fs);
    OwnPath path;
    NTSTATUS status = path.from_windows(name);
    if (!NT_SUCCESS(status))
        return status;
    Information information;
    status = get_information(f, path.get(), nullptr, &information);
    if (status != STATUS_SUCCESS && !is_missing(status))
        return status;
    if (status == STATUS_SUCCESS && size != nullptr)
        if (const NTSTATUS made = get_descriptor(f, information, descriptor, size); !NT_SUCCESS(made))
            return made;
    if (f.has_links && FspFileSystemFindReparsePoint(fs, reparse_data_by_name, nullptr, name, attributes))
        return STATUS_REPARSE;
    if (status == STATUS_SUCCESS && attributes != nullptr)
        *attributes = information.file.FileAttributes;
    return status;
}

NTSTATUS create_ex(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 options, UINT32, UINT32 attributes,
                   PSECURITY_DESCRIPTOR descriptor, UINT64, PVOID extra, ULONG extra_length,
                   BOOLEAN extra_is_reparse_data, PVOID* context, FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    if (extra != nullptr && extra_is_reparse_data)
        return STATUS_INVALID_PARAMETER;
    if (extra != nullptr && !has_attribute_operations(f.on))
        return STATUS_EAS_NOT_SUPPORTED;
    const bool directory = (options & FILE_DIRECTORY_FILE) != 0;
    const fuse_context& caller = *thread_context(f.env);
    Permissions wanted;
    NTSTATUS status = describe_new(f, caller, directory, descriptor, &wanted);
    OwnPath path;
    if (NT_SUCCESS(status))
        status = path.from_windows(name);
    if (!NT_SUCCESS(status))
        return status;
    NewHandle handle(f, path.get());
    if (!handle)
        return STATUS_INSUFFICIENT_RESOURCES;
    handle->directory = directory;

    status = directory ? make_directory(f, path.get(), wanted.mode, handle)
                       : make_file(f, path.get(), wanted.mode, handle);
    if (NT_SUCCESS(status))
        status = set_flags(f, path.get(), attributes, directory);
    if (NT_SUCCESS(status) && (wanted.uid != caller.uid || wanted.gid != caller.gid) && f.on.chown != nullptr)
        status = desirable(f, f.on.chown(path.get(), wanted.uid, wanted.gid));
    if (NT_SUCCESS(status) && extra != nullptr)
        status =
            set_new_attributes(f, path.get(), static_cast<PFILE_FULL_EA_INFORMATION>(extra), extra_length);
    Information information;
    if (NT_SUCCESS(status)) {
        fuse_file_info info = handle->info();
        status = get_information(f, path.get(), directory ? nullptr : &info, &information);
    }
    return NT_SUCCESS(status) ? handle.give(information.file, context, out) : status;
}

NTSTATUS open(FSP_FILE_SYSTEM* fs, PWSTR name, UINT32 options, UINT32 access, PVOID* context,
              FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    OwnPath path;
    NTSTATUS status = path.from_windows(name);
    if (NT_SUCCESS(status) && (options & FILE_DELETE_ON_CLOSE) != 0)
        status = check_delete_access(f, path.get());
    Information information;
    if (NT_SUCCESS(status))
        status = get_information(f, path.get(), nullptr, &information);
    if (!NT_SUCCESS(status))
        return status;
    NewHandle handle(f, path.get());
    if (!handle)
        return STATUS_INSUFFICIENT_RESOURCES;
    handle->directory = (information.file.FileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    handle->reparse = information.file.ReparseTag != 0;

    fuse_file_info info = {};
    info.flags = open_flags(access, handle->directory);
    const auto opens = handle->directory ? f.on.opendir : f.on.open;
    if (handle->reparse || (handle->directory && opens == nullptr))
        return handle.give(information.file, context, out);
    if (opens == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    if (const int result = opens(path.get(), &info))
        return status_of(f.env, result);
    handle.opened(info);
    return handle.give(information.file, context, out);
}

NTSTATUS overwrite_ex(FSP_FILE_SYSTEM* fs, PVOID context, UINT32 attributes, BOOLEAN, UINT64,
                      PFILE_FULL_EA_INFORMATION ea, ULONG ea_length, FSP_FSCTL_FILE_INFO* out)
{
    fuse& f = of(fs);
    auto& handle = *static_cast<Handle*>(context);
    const char* const path = handle.path();
    if (!handle.is_file())
        return STATUS_ACCESS_DENIED;
    if (ea != nullptr) {
        if (!has_attribute_operations(f.on))
            return STATUS_EAS_NOT_SUPPORTED;
        remove_all_attributes(f, path);
        if (const NTSTATUS status = set_new_attributes(f, path, ea, ea_length); !NT_SUCCESS(status))
            return status;
    }
    NTSTATUS status = truncate(f, handle, 0);
    if (NT_SUCCESS(status))
        status = set_flags(f, path, attributes, false);
    return NT_SUCCESS(status) ? winfuse::get_file_info(f, handle, out) : status;
}

} // namespace native
} // namespace fsp::winfuse

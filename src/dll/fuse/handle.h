// SPDX-License-Identifier: MIT
//
// An open file; the FileContext of the native operations.
#pragma once

#include <cstdlib>
#include <new>

#include "dll/fuse/information.h"

namespace fsp::winfuse {

class Handle
{
  public:
    /// Null without memory.
    static Handle* make(const char* path)
    {
        auto* handle = new (std::nothrow) Handle;
        if (handle != nullptr && !handle->set_path(path)) {
            delete handle;
            handle = nullptr;
        }
        return handle;
    }
    Handle(const Handle&) = delete;
    ~Handle()
    {
        FspFileSystemDeleteDirectoryBuffer(&listing);
        for (Name* name = path_; name != nullptr;) {
            Name* const before = name->before;
            std::free(name);
            name = before;
        }
    }

    /// Valid as long as the handle, also when a rename gives it another one.
    const char* path() const { return path_.load(std::memory_order_acquire)->text; }

    /// After a rename. Renames exclude each other. @return false without memory: the old path stays
    bool set_path(const char* path)
    {
        const size_t size = std::strlen(path) + 1;
        auto* name = static_cast<Name*>(std::malloc(offsetof(Name, text) + size));
        if (name == nullptr)
            return false;
        name->before = path_;
        std::memcpy(name->text, path, size);
        path_.store(name, std::memory_order_release);
        return true;
    }

    /// What the program gets with a call: a copy, whose changes are dropped.
    fuse_file_info info() const
    {
        fuse_file_info info = {};
        info.flags = flags;
        info.fh = fh;
        return info;
    }

    /// Neither a directory nor a link or special file.
    bool is_file() const { return !directory && !reparse; }

    bool directory = false;
    bool reparse = false; ///< a link or a special file, which the program does not open
    int flags = 0;
    UINT64 fh = no_file;
    PVOID listing = nullptr; ///< directory buffer

  private:
    struct Name
    {
        Name* before; ///< of earlier renames: calls in progress may use it
        char text[1];
    };

    Handle() = default;

    std::atomic<Name*> path_ = nullptr;
};

/// getattr or fgetattr of an open file; directories are asked about by name.
inline NTSTATUS get_information(fuse& f, const Handle& handle, Information* out)
{
    fuse_file_info info = handle.info();
    return get_information(f, handle.path(), handle.directory ? nullptr : &info, out);
}
inline NTSTATUS get_file_info(fuse& f, const Handle& handle, FSP_FSCTL_FILE_INFO* out)
{
    Information information;
    const NTSTATUS status = get_information(f, handle, &information);
    if (status == STATUS_SUCCESS)
        *out = information.file;
    return status;
}

/// Ends what the program knows of a handle.
void release(fuse& f, const Handle& handle);

/// ftruncate, or truncate if there is only that.
NTSTATUS truncate(const fuse& f, const Handle& handle, UINT64 size);

/// Whether the program lets a file go (FSP_FUSE_DELETE_OK).
NTSTATUS check_delete_access(const fuse& f, const char* path);

/// The name of a file as it is stored, on a volume that ignores case. @return false if the program does not
/// say it
bool get_stored_path(const fuse& f, const char* path, fuse_file_info* fi, OwnWidePath* out);

} // namespace fsp::winfuse

// SPDX-License-Identifier: MIT
//
// A FUSE program as a file system of the native API.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include <semaphore.h>

#include <winfsp/winfsp.h>

#include "libfuse/context.h"
#include "libfuse/options.h"
#include "libfuse/paths.h"
#include "libfuse/program.h"

namespace fsp::libfuse {

/// An open handle of the driver; the FileContext of the native operations.
struct Handle
{
    NodePtr node;
    bool native = false; ///< came with a native request
    bool directory = false;
    bool special = false; ///< a symbolic link, fifo, socket or device
    bool opened = false;  ///< by the program: info is what it knows the file by
    OpenInfo info;
    PVOID directory_buffer = nullptr;
    FSP_FSCTL_FILE_INFO known = {}; ///< as it was last seen
};

/// struct fuse, and struct fuse_session: one for each mount, from fuse_new to fuse_destroy.
class FileSystem
{
  public:
    FileSystem(std::unique_ptr<Program> program, LibraryOptions library, void* data);
    FileSystem(const FileSystem&) = delete;
    ~FileSystem();

    /// Where to; the mount is made by the loop, whose process has the threads. @return false after a message
    bool set_mount(const std::string& mount_point, const MountOptions& options, Version version);
    void unmount();

    /// Mounts and serves until exit(), a signal or an unmount. @return 0; -1 after a message
    int loop(bool multi_threaded);

    /// Async-signal-safe.
    void exit();
    bool exited() const { return exited_; }
    void reset() { exited_ = false; }
    /// @return 0 or a negative error number
    int invalidate(const char* path);
    /// For programs that want to mark a descriptor or wait for it; never readable.
    int descriptor() const { return descriptor_; }

    // What the operations use.

    Program& program() { return *program_; }
    const Config& config() const { return library_.config; }
    const LibraryOptions& options() const { return library_; }
    const MountOptions& mount_options() const { return mount_; }
    Paths& paths() { return paths_; }
    void* private_data() const { return private_data_; }

    /// The status for a negative error number, which the caller on the other side gets as it is.
    static NTSTATUS fail(int result);

    /// getattr and what the options change in it. @param handle may be null. @return 0 or a negative error
    /// number
    int stat(const std::string& path, Handle* handle, struct stat* out);
    /// Something changed: what this request has seen so far is old.
    static void forget_seen();
    void apply_options(struct stat* out) const;
    void to_file_info(const std::string& path, const struct stat& from, FSP_FSCTL_FILE_INFO* out) const;

    /// Keeps a file that is open and is about to lose its name. @return 0 or a negative error number
    int hide(const NodePtr& node, const std::string& path);
    /// Removes a name, or hides it while somebody has the file open. @return 0 or a negative error number
    int remove(Handle& handle);
    /// Ends what the program knows of a handle.
    void release(Handle& handle, const nt::PosixCall* call);

    static FileSystem& of(FSP_FILE_SYSTEM* fs) { return *static_cast<FileSystem*>(fs->UserContext); }

  private:
    void start(Connection* connection);
    bool run(const Connection& connection, bool multi_threaded);
    NTSTATUS create_volume();
    nt::PosixMount describe_mount(const Connection& connection) const;

    const std::unique_ptr<Program> program_;
    LibraryOptions library_;
    MountOptions mount_;
    std::string mount_point_;
    Version version_ = Version::three;
    void* private_data_;
    Paths paths_;
    FSP_FILE_SYSTEM* native_ = nullptr;
    sem_t wake_;
    std::atomic<bool> exited_ = false;
    bool initialized_ = false;
    int descriptor_ = -1;
};

/// Enters a request: the record of the POSIX caller if there is one, and the context of the callbacks.
class Entry
{
  public:
    explicit Entry(FSP_FILE_SYSTEM* fs);
    Entry(const Entry&) = delete;
    ~Entry();

    FileSystem& fs;
    nt::PosixCall* const call; ///< null: a native request
    Program& program;

  private:
    ContextScope context_;
};

/// Does what the record of the thread says with an open handle.
NTSTATUS posix_action(Entry& entry, Handle& handle);

extern const FSP_FILE_SYSTEM_INTERFACE native_operations;

std::string to_path(PWSTR name);

} // namespace fsp::libfuse

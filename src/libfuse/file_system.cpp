// SPDX-License-Identifier: MIT
#include "libfuse/file_system.h"

#include <cstdio>
#include <cstring>

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dll/posix_mount.h"
#include "frontends/fuse/names.h"
#include "libfuse/background.h"
#include "nt/errno_map.h"
#include "nt/text.h"

namespace fsp::libfuse {
namespace {

constexpr unsigned all_capabilities = 0x07FFFFFF & ~(1u << 2 | 1u << 21 | 1u << 22);
constexpr unsigned splice = 7u << 7;
constexpr unsigned transfer_max = 1024 * 1024;

void copy_text(const std::string& text, WCHAR* out, size_t capacity)
{
    const nt::WideString wide = nt::to_wide(text);
    const size_t length = std::min(wide.size(), capacity - 1);
    std::memcpy(out, wide.data(), length * sizeof(WCHAR));
    out[length] = 0;
}

/// The attributes that one request of the kernel saw last: opening a file asks several times.
struct Seen
{
    uint64_t serial = 0;
    void* fs = nullptr;
    std::string path;
    struct stat attributes;
};
thread_local Seen seen;

UINT64 to_file_time(const struct timespec& time)
{
    return UINT64(time.tv_sec) * 10000000 + UINT64(time.tv_nsec) / 100 + 116444736000000000;
}

} // namespace

FileSystem::FileSystem(std::unique_ptr<Program> program, LibraryOptions library, void* data)
    : program_(std::move(program)), library_(std::move(library)), private_data_(data)
{
    sem_init(&wake_, 0, 0);
    descriptor_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

FileSystem::~FileSystem()
{
    if (descriptor_ >= 0)
        close(descriptor_);
    sem_destroy(&wake_);
}

bool FileSystem::set_mount(const std::string& mount_point, const MountOptions& options, Version version)
{
    char real[4096];
    struct stat info;
    mount_ = options;
    version_ = version;
    if (mount_point.empty()) {
        std::fputs("fuse: no mount point\n", stderr);
        return false;
    }
    mount_point_ = realpath(mount_point.c_str(), real) ? real : mount_point;
    if (::stat(mount_point_.c_str(), &info) != 0 && errno != ENOTCONN && errno != ECONNABORTED) {
        std::fprintf(stderr, "fuse: bad mount point `%s': %s\n", mount_point.c_str(), std::strerror(errno));
        return false;
    }
    const nt::PosixMount mount = describe_mount({});
    return NT_SUCCESS(fsp_fuse_posix_check(mount_point_.c_str(), &mount));
}

void FileSystem::unmount() { mount_point_.clear(); }

void FileSystem::exit()
{
    exited_ = true;
    sem_post(&wake_);
}

int FileSystem::invalidate(const char* path)
{
    if (!native_)
        return -ENOENT;
    const std::u16string name = fuse::to_nt_link(path);
    return -fsp_fuse_posix_invalidate(native_, name.c_str());
}

NTSTATUS FileSystem::fail(int result)
{
    const NTSTATUS status = result < 0 ? nt::status_of_errno(-result) : STATUS_IO_DEVICE_ERROR;
    if (nt::PosixCall* call = fsp_fuse_posix_call()) {
        call->error = result < 0 ? -result : EIO;
        call->status = status;
    }
    return status;
}

void FileSystem::apply_options(struct stat* out) const
{
    const Config& config = library_.config;
    if (config.set_mode)
        out->st_mode = (out->st_mode & S_IFMT) | (0777 & ~config.umask);
    if (config.set_uid)
        out->st_uid = config.uid;
    if (config.set_gid)
        out->st_gid = config.gid;
}

int FileSystem::stat(const std::string& path, Handle* handle, struct stat* out)
{
    nt::PosixCall* const call = fsp_fuse_posix_call();
    if (call && seen.serial == call->serial && seen.fs == this && seen.path == path) {
        *out = seen.attributes;
    } else {
        *out = {};
        const int result =
            program_->getattr(path.c_str(), out, handle && handle->opened ? &handle->info : nullptr);
        if (result != 0)
            return result;
        apply_options(out);
        if (call) {
            seen.serial = call->serial;
            seen.fs = this;
            seen.path = path;
            seen.attributes = *out;
        }
    }
    if (handle && handle->node)
        handle->node->size = uint64_t(out->st_size);
    return 0;
}

void FileSystem::forget_seen() { seen.serial = 0; }

void FileSystem::to_file_info(const std::string& path, const struct stat& from,
                              FSP_FSCTL_FILE_INFO* out) const
{
    *out = {};
    switch (from.st_mode & S_IFMT) {
    case S_IFDIR:
        out->FileAttributes = FILE_ATTRIBUTE_DIRECTORY;
        break;
    case S_IFREG:
        break;
    case S_IFLNK:
        out->FileAttributes = FILE_ATTRIBUTE_REPARSE_POINT;
        out->ReparseTag = IO_REPARSE_TAG_SYMLINK;
        break;
    default: // special, or of a kind that is not known
        out->FileAttributes = FILE_ATTRIBUTE_REPARSE_POINT;
        out->ReparseTag = IO_REPARSE_TAG_NFS;
        break;
    }
    if (library_.dot_hidden && path[path.rfind('/') + 1] == '.')
        out->FileAttributes |= FILE_ATTRIBUTE_HIDDEN;
    constexpr UINT64 unit = 4096;
    out->FileSize = UINT64(from.st_size);
    out->AllocationSize = (out->FileSize + unit - 1) / unit * unit;
    out->CreationTime = out->ChangeTime = to_file_time(from.st_ctim);
    out->LastAccessTime = to_file_time(from.st_atim);
    out->LastWriteTime = to_file_time(from.st_mtim);
    out->IndexNumber = from.st_ino;
}

int FileSystem::hide(const NodePtr& node, const std::string& path)
{
    static std::atomic<unsigned> counter = 0;
    for (int tries = 0; tries < 10; ++tries) {
        char name[48];
        std::snprintf(name, sizeof name, ".fuse_hidden%08x%08x", unsigned(getpid()), ++counter);
        const std::string hidden = path.substr(0, path.rfind('/') + 1) + name;
        struct stat info = {};
        if (program_->getattr(hidden.c_str(), &info, nullptr) == 0)
            continue;
        const int result = program_->rename(path.c_str(), hidden.c_str(), 0);
        if (result != 0)
            return result;
        paths_.renamed(path, hidden);
        paths_.hidden(node);
        return 0;
    }
    return -EBUSY;
}

int FileSystem::remove(Handle& handle)
{
    forget_seen();
    const std::string path = paths_.path_of(handle.node);
    if (handle.directory && !handle.special) {
        const int result = program_->rmdir(path.c_str());
        if (result == 0)
            paths_.removed(handle.node);
        return result;
    }
    if (!config().hard_remove && program_->has.rename && paths_.open_elsewhere(handle.node, handle.opened))
        return hide(handle.node, path);
    const int result = program_->unlink(path.c_str());
    if (result == 0)
        paths_.removed(handle.node);
    return result;
}

void FileSystem::release(Handle& handle, const nt::PosixCall* call)
{
    if (!handle.opened)
        return;
    handle.opened = false;
    const std::string path = paths_.path_of(handle.node);
    if (handle.directory) {
        program_->releasedir(path.c_str(), &handle.info);
        return;
    }
    // Another request may have borrowed the handle, and give it back last.
    const bool is_release = call && call->open_flags >= 0;
    if (handle.native || (is_release && call->flags)) // a native close is also the flush of close(2)
        program_->flush(path.c_str(), &handle.info);
    if (is_release) {
        handle.info.lock_owner = call->owner;
        handle.info.flush = call->flags != 0;
        handle.info.flock_release = call->which != 0;
        handle.info.flags = call->open_flags;
    }
    program_->release(path.c_str(), &handle.info);
    std::string hidden;
    if (paths_.count_close(handle.node, &hidden))
        program_->unlink(hidden.c_str());
}

// ---- The loop ---------------------------------------------------------------------------------------

nt::PosixMount FileSystem::describe_mount(const Connection& connection) const
{
    const Config& config = library_.config;
    const Program::Has& has = program_->has;
    nt::PosixMount mount{};
    mount.source = !mount_.source.empty() ? mount_.source.c_str()
                   : !mount_.type.empty() ? mount_.type.c_str()
                                          : "openfsp";
    mount.type = mount_.type.empty() ? nullptr : mount_.type.c_str();
    mount.options = mount_.kernel.c_str();
    mount.entry_timeout = config.entry_timeout;
    mount.attribute_timeout = config.attr_timeout;
    mount.negative_timeout = config.negative_timeout;
    mount.want = connection.want;
    mount.refuse = all_capabilities & ~connection.want;
    mount.max_write = connection.max_write;
    mount.max_read = mount_.max_read != 0 ? mount_.max_read : connection.max_read;
    mount.max_readahead = connection.max_readahead;
    mount.max_background = connection.max_background;
    mount.congestion_threshold = connection.congestion_threshold;
    mount.any_mount_point = version_ == Version::three || mount_.nonempty;
    mount.own_inode_numbers = config.use_ino;
    mount.default_permissions = mount_.default_permissions;
    mount.kernel_cache = config.kernel_cache;
    mount.automatic_cache = config.auto_cache;
    mount.direct_io = config.direct_io;
    mount.has_flush = has.flush || has.lock;
    mount.has_open = has.open;
    mount.has_opendir = has.opendir;
    mount.has_access = has.access;
    mount.has_locks = has.lock;
    mount.has_whole_locks = has.flock;
    mount.has_xattr = has.xattr;
    mount.has_poll = has.poll;
    mount.has_control = has.ioctl;
    mount.has_allocate = has.fallocate;
    mount.has_seek = has.lseek;
    mount.has_copy = has.copy_file_range;
    mount.has_block_map = has.bmap;
    mount.has_sync = has.fsync;
    mount.has_sync_directory = has.fsyncdir;
    return mount;
}

NTSTATUS FileSystem::create_volume()
{
    FSP_FSCTL_VOLUME_PARAMS params{};
    params.Version = sizeof params;
    params.SectorSize = 4096;
    params.SectorsPerAllocationUnit = 1;
    params.MaxComponentLength = 255;
    params.VolumeCreationTime = to_file_time({time(nullptr), 0});
    params.VolumeSerialNumber = UINT32(params.VolumeCreationTime ^ params.VolumeCreationTime >> 32);
    // What is behind the program may change without a word; the kernel remembers for as long as the options
    // say.
    params.FileInfoTimeout = 0;
    params.CaseSensitiveSearch = params.CasePreservedNames = 1;
    params.PersistentAcls = params.ReparsePoints = 1;
    params.ExtendedAttributes = program_->has.xattr;
    params.PostCleanupWhenModifiedOnly = 1;
    params.PassQueryDirectoryFileName = 1;
    params.FlushAndPurgeOnCleanup = 1;
    params.DeviceControl = 1;
    params.UmFileContextIsUserContext2 = 1;
    params.UmNoReparsePointsDirCheck = 1;
    params.RejectIrpPriorToTransact0 = 1;
    params.SupportsPosixUnlinkRename = 1;
    params.PostDispositionWhenNecessaryOnly = 1;
    std::string prefix = library_.unc_prefix;
    for (char& c : prefix)
        if (c == '/')
            c = '\\';
    copy_text(prefix, params.Prefix, std::size(params.Prefix));
    const std::string& name = library_.file_system_name;
    copy_text(name.empty() ? "FUSE" : "FUSE-" + name, params.FileSystemName,
              std::size(params.FileSystemName));
    return FspFileSystemCreate(const_cast<PWSTR>(prefix.empty() ? FSP_L("" FSP_FSCTL_DISK_DEVICE_NAME)
                                                                : FSP_L("" FSP_FSCTL_NET_DEVICE_NAME)),
                               &params, &native_operations, &native_);
}

void FileSystem::start(Connection* connection)
{
    const bool three = version_ == Version::three;
    connection->capable = three ? all_capabilities : 0xFFFu & ~(1u << 2);
    // As the real library has it before a program says otherwise: async_read; and atomic_o_trunc, ioctl_dir,
    // auto_inval_data, readdirplus with and without auto, async_dio, parallel_dirops, killpriv.
    connection->want = 1u << 0;
    if (three)
        connection->want |= 1u << 3 | 1u << 11 | 1u << 12 | 3u << 13 | 1u << 15 | 1u << 18 | 1u << 20;
    if (program_->has.lock)
        connection->want |= 1u << 1;
    if (program_->has.flock)
        connection->want |= 1u << 10;
    connection->want = (connection->want | library_.want) & ~library_.refuse;
    connection->max_write = library_.max_write >= 0 ? unsigned(library_.max_write) : transfer_max;
    connection->max_readahead = library_.max_readahead >= 0 ? unsigned(library_.max_readahead) : 131072;
    connection->max_background = library_.max_background >= 0 ? unsigned(library_.max_background) : 0;
    connection->congestion_threshold =
        library_.congestion_threshold >= 0 ? unsigned(library_.congestion_threshold) : 0;
    connection->max_read = mount_.max_read;

    const ContextScope scope(this, private_data_, nullptr);
    Context& now = context();
    now.uid = 0;
    now.gid = 0;
    now.pid = 0;
    private_data_ = program_->init(*connection, library_.config);
    initialized_ = true;
    if (!three)
        connection->want |= library_.want;
    connection->want &= ~(library_.refuse | splice);
}

bool FileSystem::run(const Connection& connection, bool multi_threaded)
{
    NTSTATUS status = create_volume();
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "fuse: the volume cannot be created: status %08x\n", unsigned(status));
        return false;
    }
    native_->UserContext = this;
    FspFileSystemSetOperationGuardStrategy(native_, multi_threaded
                                                        ? FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE
                                                        : FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE);
    if (config().debug)
        FspFileSystemSetDebugLog(native_, ~UINT32{0});
    status = FspFileSystemStartDispatcher(native_, 2);
    if (!NT_SUCCESS(status)) {
        std::fprintf(stderr, "fuse: the file system cannot be started: status %08x\n", unsigned(status));
        return false;
    }
    fsp_fuse_posix_inline(native_);
    const nt::PosixMount mount = describe_mount(connection);
    const bool mounted = NT_SUCCESS(fsp_fuse_posix_mount(native_, mount_point_.c_str(), &mount));
    if (mounted) {
        leave_terminal();
        while (!exited_)
            sem_wait(&wake_);
        FspFileSystemRemoveMountPoint(native_);
    }
    FspFileSystemStopDispatcher(native_);
    return mounted;
}

int FileSystem::loop(bool multi_threaded)
{
    if (mount_point_.empty()) {
        std::fputs("fuse: not mounted\n", stderr);
        return -1;
    }
    Connection connection;
    start(&connection);
    const bool done = run(connection, multi_threaded);
    if (initialized_) {
        const ContextScope scope(this, private_data_, nullptr);
        program_->destroy(private_data_);
    }
    if (native_) {
        FspFileSystemDelete(native_);
        native_ = nullptr;
    }
    return done ? 0 : -1;
}

// ---- Entering ---------------------------------------------------------------------------------------

Entry::Entry(FSP_FILE_SYSTEM* native)
    : fs(FileSystem::of(native)), call(fsp_fuse_posix_call()), program(fs.program()),
      context_(&fs, fs.private_data(), call)
{
    if (call)
        call->taken = true;
}

Entry::~Entry() = default;

std::string to_path(PWSTR name)
{
    std::string path = fuse::to_linux_link({name, nt::length(name)});
    return path;
}

} // namespace fsp::libfuse

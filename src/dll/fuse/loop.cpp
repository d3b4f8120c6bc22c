// SPDX-License-Identifier: MIT
//
// From the first callback of a program to its last.
#include "dll/fuse/context.h"
#include "dll/fuse/file_system.h"
#include "dll/fuse/information.h"
#include "dll/os.h"
#include "dll/semaphore.h"
#include "dll/srw_lock.h"

namespace fsp::winfuse {
namespace {

using dll::ExclusiveHold;
namespace os = dll::os;

constexpr UINT32 capable = FUSE_CAP_ASYNC_READ | FUSE_CAP_BIG_WRITES | FUSE_CAP_DONT_MASK |
                           FSP_FUSE_CAP_READDIR_PLUS | FSP_FUSE_CAP_READ_ONLY | FSP_FUSE_CAP_STAT_EX |
                           FSP_FUSE_CAP_DELETE_ACCESS | FUSE_CAP_CASE_INSENSITIVE;
static_assert(capable == 0x21E00061);

// ---- The loops of this process, which all end with its service --------------------------------------

class Running;
SRWLOCK loops_lock = SRWLOCK_INIT; ///< guards what follows
Running* loops = nullptr;
bool service_started = false;
bool service_ended = false;

NTSTATUS nothing_to_start(FSP_SERVICE*, ULONG, PWSTR*) { return STATUS_SUCCESS; }
NTSTATUS nothing_to_stop(FSP_SERVICE*) { return STATUS_SUCCESS; }
void run_service(PVOID);

/// A loop, from before its first callback until after its last.
class Running
{
  public:
    explicit Running(fuse* f) : f_(f)
    {
        const ExclusiveHold hold(loops_lock);
        next_ = loops;
        loops = this;
    }
    Running(const Running&) = delete;
    ~Running()
    {
        {
            const ExclusiveHold hold(loops_lock);
            Running** at = &loops;
            while (*at != this)
                at = &(*at)->next_;
            *at = next_;
        }
        if (wake_.valid())
            wake_.close();
    }

    /// The service that a console or the service manager stops: one for all loops, once in a process.
    NTSTATUS start_service()
    {
        if (!wake_.valid())
            return STATUS_INSUFFICIENT_RESOURCES;
        const ExclusiveHold hold(loops_lock);
        if (service_started)
            return STATUS_SUCCESS;
        const NTSTATUS status = os::start_detached_thread(run_service, nullptr);
        service_started = NT_SUCCESS(status);
        return status;
    }

    void wait()
    {
        while (!is_over())
            wake_.wait();
    }

    /// Lets loops look whether they are over: that of `f`, or all of them. Under the lock.
    static void wake_locked(const fuse* f)
    {
        for (Running* loop = loops; loop != nullptr; loop = loop->next_)
            if (f == nullptr || loop->f_ == f)
                loop->wake_.post();
    }

  private:
    bool is_over() const
    {
        const ExclusiveHold hold(loops_lock);
        return service_ended || f_->exited != 0;
    }

    fuse* const f_;
    Running* next_;
    dll::Semaphore wake_;
};

void run_service(PVOID)
{
    FspServiceRunEx(const_cast<PWSTR>(os::program_name()), nothing_to_start, nothing_to_stop, nullptr,
                    nullptr);
    const ExclusiveHold hold(loops_lock);
    service_ended = true;
    Running::wake_locked(nullptr);
}

// ---- What the program says of itself ----------------------------------------------------------------

void negotiate(fuse* f)
{
    if (f->on.init == nullptr)
        return;
    fuse_conn_info conn = {};
    conn.proto_major = 7;
    conn.proto_minor = 12;
    conn.async_read = 1;
    conn.max_write = 0xFFFFFFFF;
    conn.capable = capable;
    f->private_data = f->on.init(&conn);
    f->want = conn.want;
}

/// Sizes and lengths, from statfs.
NTSTATUS ask_volume(const fuse& f, FSP_FSCTL_VOLUME_PARAMS* params)
{
    fuse_statvfs info = {};
    if (f.on.statfs != nullptr)
        if (const int result = f.on.statfs("/", &info))
            return status_of(f.env, result);
    if (params->SectorSize == 0)
        params->SectorSize = static_cast<UINT16>(info.f_frsize);
    if (params->SectorSize < 512 || params->SectorSize > 4096)
        params->SectorSize = 4096;
    if (params->MaxComponentLength == 0)
        params->MaxComponentLength = static_cast<UINT16>(info.f_namemax);
    if (params->MaxComponentLength == 0 || params->MaxComponentLength > 255)
        params->MaxComponentLength = 255;
    return STATUS_SUCCESS;
}

/// When the volume was made, from the root directory.
NTSTATUS ask_root(const fuse& f, FSP_FSCTL_VOLUME_PARAMS* params)
{
    fuse_stat_ex root = {};
    if (f.on.getattr != nullptr)
        if (const int result = f.on.getattr("/", reinterpret_cast<struct fuse_stat*>(&root)))
            return status_of(f.env, result);
    if (params->VolumeCreationTime == 0 && root.st_birthtim.tv_sec != 0)
        params->VolumeCreationTime = to_file_time(root.st_birthtim);
    if (params->VolumeCreationTime == 0 && root.st_ctim.tv_sec != 0)
        params->VolumeCreationTime = to_file_time(root.st_ctim);
    if (params->VolumeCreationTime == 0) {
        FILETIME now;
        GetSystemTimeAsFileTime(&now);
        params->VolumeCreationTime = UINT64{now.dwHighDateTime} << 32 | now.dwLowDateTime;
    }
    if (params->VolumeSerialNumber == 0)
        params->VolumeSerialNumber =
            static_cast<UINT32>(params->VolumeCreationTime >> 32 ^ params->VolumeCreationTime);
    return STATUS_SUCCESS;
}

/// What a program does not have it may say by ENOSYS, too.
void probe(fuse* f)
{
    char buffer[1024];
    const fuse_operations& on = f->on;
    f->has_links =
        on.readlink != nullptr && on.readlink("/", buffer, sizeof buffer) != -not_supported(f->env);
    if (f->has_links && on.getattr != nullptr) {
        fuse_stat_ex info = {};
        f->has_slash_dot = on.getattr("/.", reinterpret_cast<struct fuse_stat*>(&info)) == 0 &&
                           (info.st_mode & type_mask) == type_directory;
    }
    f->has_attributes =
        has_attribute_operations(on) && on.getxattr("/", "non-existant-a11ec902d22f4ec49003af15282d3b00",
                                                    buffer, sizeof buffer) != -not_supported(f->env);
}

void finish_params(const fuse& f, FSP_FSCTL_VOLUME_PARAMS* params)
{
    params->ExtendedAttributes = f.has_attributes;
    params->ReadOnlyVolume = f.wants(FSP_FUSE_CAP_READ_ONLY);
    if (f.wants(FUSE_CAP_CASE_INSENSITIVE)) {
        params->CaseSensitiveSearch = 0;
        if (f.on.getpath == nullptr)
            params->PassQueryDirectoryFileName = 0;
    }
    if (f.wants(FSP_FUSE_CAP_DELETE_ACCESS) && f.on.access != nullptr)
        params->PostDispositionWhenNecessaryOnly = 0;
}

void set_native(fuse* f, FSP_FILE_SYSTEM* native)
{
    const ExclusiveHold nobody_notifies(f->native_lock);
    f->native = native;
}

NTSTATUS start_volume(fuse* f, bool multi_threaded)
{
    negotiate(f);
    FSP_FSCTL_VOLUME_PARAMS params;
    fill_params(*f, &params);
    NTSTATUS status = ask_volume(*f, &params);
    if (NT_SUCCESS(status))
        status = ask_root(*f, &params);
    if (!NT_SUCCESS(status))
        return status;
    probe(f);
    finish_params(*f, &params);
    f->allocation_unit = ULONG{params.SectorSize} * params.SectorsPerAllocationUnit;

    FSP_FILE_SYSTEM* native;
    status = FspFileSystemCreate(const_cast<PWSTR>(device_of(*f)), &params, &operations, &native);
    if (!NT_SUCCESS(status))
        return status;
    native->UserContext = f;
    FspFileSystemSetOperationGuard(native, enter, leave);
    FspFileSystemSetOperationGuardStrategy(native, multi_threaded
                                                       ? FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE
                                                       : FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE);
    if (f->options.debug != 0)
        FspFileSystemSetDebugLog(native, 0xFFFFFFFF);
    set_native(f, native);

    const bool automatic = f->mount_point[0] == '*' && f->mount_point[1] == 0;
    status = FspFileSystemSetMountPoint(native, automatic ? nullptr : f->mount_point);
    return NT_SUCCESS(status) ? FspFileSystemStartDispatcher(native, f->options.thread_count) : status;
}

void stop_volume(fuse* f)
{
    FSP_FILE_SYSTEM* const native = f->native;
    if (native == nullptr)
        return;
    FspFileSystemStopDispatcher(native);
    set_native(f, nullptr);
    FspFileSystemDelete(native);
}

} // namespace

bool run_loop(fuse* f, bool multi_threaded)
{
    fuse_context* context = thread_context(f->env);
    if (context == nullptr)
        return false;
    Running running(f);
    set_nobody(context, f->handle, f->private_data);
    NTSTATUS status = start_volume(f, multi_threaded);
    if (NT_SUCCESS(status))
        status = running.start_service();
    if (NT_SUCCESS(status))
        running.wait();
    else
        say(EVENTLOG_ERROR_TYPE, FSP_L("fuse: the file system cannot be started: %s (Status=%lx)."),
            reason_of(status), status);
    stop_volume(f);
    set_nobody(context, f->handle, f->private_data);
    if (f->on.destroy != nullptr)
        f->on.destroy(f->private_data);
    set_nobody(context, nullptr, nullptr);
    return NT_SUCCESS(status);
}

void exit_loop(fuse* f)
{
    const ExclusiveHold hold(loops_lock);
    __atomic_store_n(&f->exited, 1, __ATOMIC_SEQ_CST); // fuse_exited reads it without the lock
    Running::wake_locked(f);
}

} // namespace fsp::winfuse

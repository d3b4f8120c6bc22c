// SPDX-License-Identifier: MIT
#include "volume.h"
#include "change.h"
#include "device_security.h"
#include "dispatch.h"
#include "mount_manager.h"
#include "seh.h"
#include "system.h"

namespace fsp::fsd {

constinit VolumeList volumes{};

namespace {

constexpr ULONG process_buffer_size = 64 * 1024;

UINT64 timeout_100ns(UINT32 ms) { return ms == 0xffffffff ? ~UINT64{0} : UINT64{ms} * 10'000; }

WCHAR hex_digit(ULONG value) { return static_cast<WCHAR>(value < 10 ? '0' + value : 'a' + value - 10); }

/// `\Device\Volume{guid}` in lower case.
void make_device_name(const GUID& guid, WCHAR* buffer, UNICODE_STRING* name)
{
    static constexpr WCHAR start[] = FSP_L("\\Device\\Volume{");
    // Byte order of the text form: the first three fields are numbers.
    static constexpr UINT8 order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    ULONG length = 0;
    for (; start[length]; length++)
        buffer[length] = start[length];
    const auto* bytes = reinterpret_cast<const UINT8*>(&guid);
    for (ULONG i = 0; i < sizeof order; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            buffer[length++] = '-';
        buffer[length++] = hex_digit(bytes[order[i]] >> 4);
        buffer[length++] = hex_digit(bytes[order[i]] & 15);
    }
    buffer[length++] = '}';
    *name = name::view(buffer, static_cast<USHORT>(length * sizeof(WCHAR)));
}

void list_volume(LIST_ENTRY& link)
{
    FastMutexGuard guard(volumes.lock);
    InsertTailList(&volumes.head, &link);
}

void unlist_volume(LIST_ENTRY& link)
{
    FastMutexGuard guard(volumes.lock);
    RemoveEntryList(&link);
}

} // namespace

// ---- Creation -----------------------------------------------------------------------------------------

Volume::Volume(bool network, const FSP_FSCTL_VOLUME_PARAMS& params, FSP_FSEXT_PROVIDER* provider,
               PDEVICE_OBJECT device) noexcept
    : nodes(params.CaseSensitiveSearch), network_(network), provider_(provider), params_(params),
      device_(device), process_(PsGetCurrentProcess()),
      file_info_timeout_(timeout_100ns(params.FileInfoTimeout))
{
    ObReferenceObject(process_);
    ioq.initialize(params.IrpCapacity, params.IrpTimeout);
    security_cache.init(params.SecurityTimeout, metacache_capacity, security_item_limit, true);
    directory_cache.init(params.DirInfoTimeout, metacache_capacity, directory_item_limit, true);
    stream_cache.init(params.StreamInfoTimeout, metacache_capacity, stream_item_limit, true);
    ea_cache.init(params.EaTimeout, metacache_capacity, ea_item_limit, false);
    KeInitializeSpinLock(&info_lock);
    InitializeListHead(&notify_list);
    ExInitializeFastMutex(&notify_session_mutex);
    ExInitializeFastMutex(&mount_mutex);
    ExInitializeFastMutex(&inline_mutex_);
    KeInitializeEvent(&inline_idle_, NotificationEvent, TRUE);
    buffer_limit_ = lesser<ULONG>(greater<ULONG>(processor_count(), 2), buffer_slots);
    volume_fcb_.NodeTypeCode = node_type_volume;
    volume_fcb_.NodeByteSize = sizeof volume_fcb_;
}

Volume::~Volume()
{
    free_process_buffers();
    if (notify_sync)
        FsRtlNotifyUninitializeSync(&notify_sync);
    security_cache.fini();
    directory_cache.fini();
    stream_cache.fini();
    ea_cache.fini();
    ObDereferenceObject(process_);
    if (provider_ && provider_->DeviceFini)
        provider_->DeviceFini(device_);
}

NTSTATUS Volume::create(bool network, FSP_FSCTL_VOLUME_PARAMS params, FSP_FSEXT_PROVIDER* provider,
                        Volume** created) noexcept
{
    const ULONG size =
        provider ? provider->DeviceExtensionOffset + provider->DeviceExtensionSize : sizeof(Volume);
    PDEVICE_OBJECT device = nullptr;
    NTSTATUS status = IoCreateDevice(driver.object, size, nullptr,
                                     network ? FILE_DEVICE_NETWORK_FILE_SYSTEM : FILE_DEVICE_DISK_FILE_SYSTEM,
                                     network ? FILE_REMOTE_DEVICE : 0, FALSE, &device);
    if (!NT_SUCCESS(status))
        return status;
    if (provider && provider->DeviceInit) {
        status = provider->DeviceInit(device, &params);
        if (!NT_SUCCESS(status)) {
            IoDeleteDevice(device);
            return status;
        }
    }
    device->SectorSize = params.SectorSize;

    auto* const volume =
        new (FspPlacement{device->DeviceExtension}) Volume(network, params, provider, device);
    status = volume->initialize();
    if (!NT_SUCCESS(status)) {
        volume->~Volume();
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    begin_background_work(); // until the device is deleted: files of network volumes keep no device of ours
    list_volume(volume->list_link);
    *created = volume;
    return STATUS_SUCCESS;
}

NTSTATUS Volume::initialize() noexcept
{
    GUID guid;
    NTSTATUS status = make_guid(&guid);
    if (!NT_SUCCESS(status))
        return status;
    make_device_name(guid, device_name_buffer_, &device_name_);

    status = seh::fsrtl_notify_initialize_sync(&notify_sync);
    if (!NT_SUCCESS(status))
        return status;
    statistics.init(processor_count()); // without memory there are no statistics

    if (network_) {
        USHORT length = 0;
        while (params_.Prefix[length])
            length++;
        prefix_ = name::view(params_.Prefix, static_cast<USHORT>(length * sizeof(WCHAR)));
        return register_prefix(*this);
    }

    PDEVICE_OBJECT disk = nullptr;
    status =
        IoCreateDevice(driver.object, sizeof(VirtualDisk), &device_name_, FILE_DEVICE_DISK, 0, FALSE, &disk);
    if (!NT_SUCCESS(status))
        return status;
    auto* const extension = new (FspPlacement{disk->DeviceExtension}) VirtualDisk;
    extension->volume = this;
    extension->sector_size = params_.SectorSize;
    disk->SectorSize = params_.SectorSize;
    status = secure_device(disk, DeviceAccess::virtual_disk);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(disk);
        return status;
    }
    disk_device_ = disk;
    link_vpb();
    disk->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    return STATUS_SUCCESS;
}

/// Mounts the volume right away. A mount request would reach only a registered file system, and a
/// registered one could never unload.
void Volume::link_vpb() noexcept
{
    KIRQL irql;
    IoAcquireVpbSpinLock(&irql);
    vpb_ = disk_device_->Vpb;
    // Kept for the volume's life: a failing open that drops the count to zero would free the VPB.
    vpb_->ReferenceCount++;
    vpb_->DeviceObject = device_;
    vpb_->RealDevice = disk_device_;
    vpb_->SerialNumber = params_.VolumeSerialNumber;
    vpb_->Flags |= VPB_MOUNTED;
    IoReleaseVpbSpinLock(irql);
    device_->StackSize = static_cast<CCHAR>(disk_device_->StackSize + 1);
}

UINT64 Volume::round_to_allocation_unit(UINT64 size) const noexcept
{
    const UINT64 unit = allocation_unit();
    size = lesser(size, largest_file);
    if ((unit & (unit - 1)) == 0)
        return (size + unit - 1) & ~(unit - 1);
    return (size + unit - 1) / unit * unit;
}

// ---- End ----------------------------------------------------------------------------------------------

void Volume::stop(bool cancel) noexcept
{
    ioq.stop();
    if (cancel)
        ioq.cancel_all(*this);
}

void Volume::begin_delete() noexcept
{
    // First: the work of NOTIFY may be waiting for a rename, and that for an answer which will not come.
    stop(true);
    {
        Hold hold;
        hold.acquire(*delete_lock.get(), Access::exclusive);
        deleted_ = true;
    }
    unlist_volume(list_link);
    unmount_manager_points(*this);
    set_inline_dispatch(FSP_FSCTL_INLINE_INFO{});

    if (network_)
        unregister_prefix(*this);
    else
        unlink_disk();

    end_notify_session(*this);
    close_sections();
    // The process may be gone when the last file closes.
    free_process_buffers();
}

/// The disk's name is free at once; the device object follows its last file.
void Volume::unlink_disk() noexcept
{
    {
        FastMutexGuard guard(volumes.lock);
        static_cast<VirtualDisk*>(disk_device_->DeviceExtension)->volume = nullptr;
    }
    KIRQL irql;
    IoAcquireVpbSpinLock(&irql);
    if (disk_device_->Vpb == vpb_)
        disk_device_->Vpb = nullptr;
    IoReleaseVpbSpinLock(irql);
    IoDeleteDevice(exchange<PDEVICE_OBJECT>(disk_device_, nullptr));
}

/// Takes the memory manager's references off the files that are still active.
void Volume::close_sections() noexcept
{
    Ptr<FileNode> node;
    for (;;) {
        {
            // A node that left the table meanwhile has no neighbours: begin again. Sections that are closed
            // already cost nothing, and the table only shrinks now.
            FastMutexGuard guard(nodes.mutex());
            FileNode* const next = node && node->in_table ? NodeTable::next(node.get()) : nodes.first();
            Ptr<FileNode> following(next);
            guard.unlock();
            node = move(following);
        }
        if (!node)
            return;
        TopLevel owner(*node);
        MmForceSectionClosed(&node->sections, FALSE);
    }
}

void Volume::dereference() noexcept
{
    if (InterlockedDecrement(&references_) != 0)
        return;
    if (vpb_) {
        // Opens that failed touch the VPB after their IRP completed.
        begin_background_work();
        ExInitializeWorkItem(&vpb_item_, delayed_vpb_work, this);
        ExQueueWorkItem(&vpb_item_, DelayedWorkQueue);
        return;
    }
    delete_device();
}

void Volume::delete_device() noexcept
{
    const PDEVICE_OBJECT device = device_;
    this->~Volume();
    IoDeleteDevice(device);
    end_background_work();
}

VOID NTAPI Volume::delayed_vpb_work(PVOID context)
{
    auto* const volume = static_cast<Volume*>(context);
    for (;;) {
        KIRQL irql;
        IoAcquireVpbSpinLock(&irql);
        const bool ours_alone = volume->vpb_->ReferenceCount <= 1;
        IoReleaseVpbSpinLock(irql);
        if (ours_alone)
            break;
        LARGE_INTEGER pause;
        pause.QuadPart = -10 * 10'000; // 10 ms
        KeDelayExecutionThread(KernelMode, FALSE, &pause);
    }
    ExFreePool(volume->vpb_);
    volume->delete_device();
    end_background_work();
}

// ---- In-line dispatch ---------------------------------------------------------------------------------

bool Volume::may_run_in_line() const noexcept
{
    // Without a limit the order of requests is the callers' business, and each needs its own thread.
    const bool open = inline_limit_ == MAXLONG ? !ioq.stopped() : ioq.is_idle();
    return inline_dispatch() != nullptr && open && KeGetCurrentIrql() == PASSIVE_LEVEL;
}

bool Volume::enter_in_line() noexcept
{
    if (!may_run_in_line())
        return false;
    if (InterlockedIncrement(&inline_running_) <= inline_limit_ && inline_dispatch())
        return true;
    leave_in_line();
    return false;
}

void Volume::leave_in_line() noexcept
{
    if (InterlockedDecrement(&inline_running_) == 0 && !inline_dispatch())
        KeSetEvent(&inline_idle_, IO_NO_INCREMENT, FALSE);
}

InLine Volume::run_in_line(Request& request) noexcept
{
    if (!enter_in_line())
        return InLine::unavailable;
    // Unregistering waits for us, so the pair stays valid.
    const FSP_FSCTL_INLINE_DISPATCH dispatch = inline_dispatch();
    const PVOID context = inline_context_;

    const NTSTATUS status = request.enter_user_mode(*this, true);
    if (!NT_SUCCESS(status)) {
        leave_in_line();
        request.response() = Response(status);
        return InLine::finished;
    }
    ioq.assign_hint(request);
    if (!dispatch || !ioq.begin_processing(request, Request::State::in_line)) {
        request.leave_user_mode(*this);
        leave_in_line();
        return InLine::unavailable;
    }

    // The handler is user code: it may do anything a thread outside the driver may do. Locks held for the
    // request belong to the request, not to this thread.
    const PIRP top_level = IoGetTopLevelIrp();
    IoSetTopLevelIrp(nullptr);
    KeLeaveCriticalRegion();
    FSP_FSCTL_TRANSACT_RSP* response = nullptr;
    const BOOLEAN answered = dispatch(context, request.message(), &response);
    KeEnterCriticalRegion();
    IoSetTopLevelIrp(top_level);
    leave_in_line();

    if (answered && response) {
        // Somebody who answered first (a stop, or a stray transact) has left a copy.
        if (ioq.end_in_line(request))
            request.response() = response->Size >= sizeof *response ? Response(response, response->Size)
                                                                    : Response(STATUS_INTERNAL_ERROR);
    } else {
        if (request.context)
            request.context->pend();
        if (ioq.defer_in_line(request))
            return InLine::deferred;
    }
    request.leave_user_mode(*this);
    return InLine::finished;
}

void Volume::set_inline_dispatch(const FSP_FSCTL_INLINE_INFO& info) noexcept
{
    FastMutexGuard guard(inline_mutex_);
    publish_inline_dispatch(nullptr);
    KeMemoryBarrier();
    for (;;) {
        KeClearEvent(&inline_idle_);
        if (__atomic_load_n(&inline_running_, __ATOMIC_SEQ_CST) == 0)
            break;
        KeWaitForSingleObject(&inline_idle_, Executive, KernelMode, FALSE, nullptr);
    }
    if (deleted_)
        return; // whoever registers late would never be unregistered
    inline_context_ = info.Context;
    inline_limit_ = static_cast<LONG>(lesser<UINT32>(info.MaxConcurrency, MAXLONG));
    publish_inline_dispatch(info.Dispatch);
}

void Volume::post_detached(Request& request) noexcept
{
    switch (run_in_line(request)) {
    case InLine::finished:
        request.resume();
        return;
    case InLine::deferred:
        return;
    case InLine::unavailable:
        break;
    }
    const NTSTATUS status = ioq.post(request, Post::best_effort);
    if (!NT_SUCCESS(status)) {
        request.response() = Response(status);
        request.resume();
    }
}

// ---- Process buffers ----------------------------------------------------------------------------------

void* Volume::take_process_buffer(ULONG size) noexcept
{
    if (size <= process_buffer_size) {
        for (ULONG i = 0; i < buffer_limit_; i++) {
            if (void* buffer = InterlockedExchangePointer(const_cast<PVOID volatile*>(&buffers_[i]), nullptr))
                return buffer;
        }
    }
    void* buffer = nullptr;
    SIZE_T length = greater(size, process_buffer_size);
    const NTSTATUS status =
        ZwAllocateVirtualMemory(NtCurrentProcess(), &buffer, 0, &length, MEM_COMMIT, PAGE_READWRITE);
    return NT_SUCCESS(status) ? buffer : nullptr;
}

void Volume::give_process_buffer(void* buffer, ULONG size) noexcept
{
    if (size <= process_buffer_size && !deleted_) {
        for (ULONG i = 0; i < buffer_limit_; i++) {
            if (!InterlockedCompareExchangePointer(const_cast<PVOID volatile*>(&buffers_[i]), buffer,
                                                   nullptr))
                return;
        }
    }
    SIZE_T length = 0;
    ZwFreeVirtualMemory(NtCurrentProcess(), &buffer, &length, MEM_RELEASE);
}

void Volume::free_process_buffers() noexcept
{
    // In any other process the addresses mean nothing; that process's end frees what is left.
    const bool here = PsGetCurrentProcess() == process_;
    for (auto& slot : buffers_) {
        void* buffer = InterlockedExchangePointer(const_cast<PVOID volatile*>(&slot), nullptr);
        SIZE_T length = 0;
        if (buffer && here)
            ZwFreeVirtualMemory(NtCurrentProcess(), &buffer, &length, MEM_RELEASE);
    }
}

// ---- Time ---------------------------------------------------------------------------------------------

void Volume::expire() noexcept
{
    const UINT64 now = interrupt_time();
    ioq.expire(*this, now);
    security_cache.expire(now);
    directory_cache.expire(now);
    stream_cache.expire(now);
    if (provider_ && provider_->DeviceExpirationRoutine)
        provider_->DeviceExpirationRoutine(device_, now);
}

} // namespace fsp::fsd

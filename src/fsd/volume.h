// SPDX-License-Identifier: MIT
#pragma once

/// A volume: the device extension of an fsvol device.

#include "ioq.h"
#include "memory.h"
#include "metacache.h"
#include "node.h"
#include "provider.h"
#include "published.h"
#include "request.h"
#include "resource.h"
#include "statistics.h"
#include "turns.h"
#include "wdk.h"

namespace fsp::fsd {

enum class DeviceKind : ULONG
{
    disk_control = 0x46530001, // \Device\WinFsp.Disk
    net_control,               // \Device\WinFsp.Net
    virtual_disk,              // fsvrt
    volume,                    // fsvol
    mup,                       // fsmup
};

/// Every device extension of the driver begins with this.
struct DeviceHeader
{
    DeviceKind kind;
};

struct VirtualDisk
{
    DeviceHeader header{DeviceKind::virtual_disk};
    Volume* volume = nullptr; // null once the volume is being deleted; see VolumeList::lock
    ULONG sector_size = 512;
};

/// What became of an attempt to run a request on the requestor's thread.
enum class InLine : UINT8
{
    unavailable, // not tried: queue it
    finished,    // the response is there
    deferred,    // the answer comes through a transact; the request is not ours any more
};

class Volume : NonCopyable
{
  public:
    DeviceHeader header{DeviceKind::volume};

    /// Creates devices and volume from decoded, sanitized parameters; on success the control handle owns
    /// one reference.
    /// @param provider  of a volume that is answered in kernel mode; null: it is answered in user mode
    static NTSTATUS create(bool network, FSP_FSCTL_VOLUME_PARAMS params, FSP_FSEXT_PROVIDER* provider,
                           Volume** volume) noexcept;
    static Volume* of(PDEVICE_OBJECT device) noexcept
    {
        auto* volume = static_cast<Volume*>(device->DeviceExtension);
        return volume && volume->header.kind == DeviceKind::volume ? volume : nullptr;
    }
    /// The volume a control handle owns, or null.
    static Volume* of_control_handle(PFILE_OBJECT file) noexcept
    {
        return static_cast<Volume*>(file->FsContext2);
    }

    // ---- life: one reference per control handle, file object, close on its way, and delayed work ----
    void reference() noexcept { InterlockedIncrement(&references_); }
    /// Deletes the device with the last one: the caller must not touch volume or device afterwards.
    void dereference() noexcept;
    /// At CLEANUP of the control handle (spec 3.1).
    void begin_delete() noexcept;
    /// STOP0: queue stopped. STOP: and everything in it cancelled.
    void stop(bool cancel) noexcept;
    bool deleted() const { return deleted_; }
    bool stopped() const { return ioq.stopped(); }
    /// Transact0 has happened.
    bool ready() const { return ready_; }
    void set_ready() noexcept { ready_ = true; }

    // ---- asking user mode ----
    /// Sends the request and waits for its answer; in line where possible, through the queue otherwise.
    Asking ask(Request& request, Post post = Post::normal) noexcept { return Asking(*this, request, post); }
    Later later(Request& request) noexcept { return Later(*this, request); }
    /// Sends a request whose `done` is set; best effort. `done` is called even if it cannot be sent.
    void post_detached(Request& request) noexcept;
    /// See dispatch of Asking and post_detached.
    InLine run_in_line(Request& request) noexcept;
    /// Would a request of this thread run in line now? A hint: buffers need not be locked then.
    bool may_run_in_line() const noexcept;
    /// FSP_FSCTL_INLINE: waits for running calls, then registers, or with a null Dispatch unregisters.
    void set_inline_dispatch(const FSP_FSCTL_INLINE_INFO& info) noexcept;

    // ---- constant ----
    bool is_network() const { return network_; }
    const FSP_FSCTL_VOLUME_PARAMS& params() const { return params_; }
    bool case_sensitive() const { return params_.CaseSensitiveSearch; }
    ULONG allocation_unit() const { return ULONG{params_.SectorSize} * params_.SectorsPerAllocationUnit; }
    /// No file is larger, whatever anybody says: the next multiple of any allocation unit still is a
    /// LONGLONG.
    static constexpr UINT64 largest_file = 0x7fffffff00000000;
    UINT64 round_to_allocation_unit(UINT64 size) const noexcept;
    PDEVICE_OBJECT device() const { return device_; }            // fsvol
    PDEVICE_OBJECT virtual_disk() const { return disk_device_; } // fsvrt, null for network volumes
    /// `\Device\Volume{guid}`, without prefix.
    const UNICODE_STRING& device_name() const { return device_name_; }
    /// `\Server\Share` of network volumes, else empty. What name queries put before a node's name.
    const UNICODE_STRING& prefix() const { return prefix_; }
    /// 100 ns; ~0 = never expires; 0 = do not cache.
    UINT64 file_info_timeout() const { return file_info_timeout_; }
    /// FileInfoTimeout is infinite: data may be cached.
    bool caches_data() const { return params_.FileInfoTimeout == 0xffffffff; }
    /// What a successful open puts into FileObject->Vpb; null for network volumes.
    PVPB vpb() const { return vpb_; }
    /// What an empty-name open has in FsContext.
    PVOID volume_fcb() { return &volume_fcb_; }
    /// Null for a volume that is answered in user mode.
    const FSP_FSEXT_PROVIDER* provider() const { return provider_; }

    // ---- state shared by the handlers ----
    Ioq ioq;
    NodeTable nodes;
    Resource delete_lock;     // exclusive: deletion; shared: work of NOTIFY
    Resource rename_lock;     // shared: creates, notify; exclusive: renames
    Turns renames;            // of renames, before they ask for the lock
    Published<bool> renaming; // somebody has rename_lock exclusively

    MetaCache security_cache, directory_cache, stream_cache, ea_cache;

    // Volume information (volume_information.cpp), under info_lock.
    KSPIN_LOCK info_lock;
    FSP_FSCTL_VOLUME_INFO info{};
    Published<UINT64> info_expiration; // interrupt time, 0 = invalid
    volatile LONG info_change_number = 0;
    void invalidate_volume_info() noexcept
    {
        InterlockedIncrement(&info_change_number);
        info_expiration = 0;
    }

    // Change notification (change.cpp, notify.cpp).
    PNOTIFY_SYNC notify_sync = nullptr;
    LIST_ENTRY notify_list;
    Published<bool> was_watched; // the list is the package's: only it may look whether it is empty
    Resource watch_names; // shared: reports; exclusive: a rename changing the names that watches point to
    FAST_MUTEX notify_session_mutex;
    LONG notify_sessions = 0; // open sessions; -1 once the volume is deleted
    Hold notify_rename_hold;  // shared, while a session is open

    Statistics statistics;

    // Cache manager callbacks get the node as context (cache.cpp).

    // ---- MOUNTDEV / MOUNTMGR (control.cpp) ----
    Resource mount_point_lock; // exclusive: mount_manager_point, while the Mount Manager is asked
    FAST_MUTEX mount_mutex;
    bool mount_device = false; // answers IOCTL_MOUNTDEV_xxx
    bool mount_persistent = false;
    GUID unique_id{};
    UNICODE_STRING mount_manager_point{}; // empty = not mounted by us; pool buffer

    // ---- process buffers (data_buffer.cpp) ----
    /// The file system process; requests' tokens and buffers live there.
    PEPROCESS process() const { return process_; }

    /// Called once a second at PASSIVE_LEVEL.
    void expire() noexcept;

    LIST_ENTRY list_link; // global volume list

  private:
    friend class Asking;
    friend class Request;
    Volume(bool network, const FSP_FSCTL_VOLUME_PARAMS& params, FSP_FSEXT_PROVIDER* provider,
           PDEVICE_OBJECT device) noexcept;
    ~Volume();
    NTSTATUS initialize() noexcept;
    void* take_process_buffer(ULONG size) noexcept;
    void give_process_buffer(void* buffer, ULONG size) noexcept;
    void free_process_buffers() noexcept;
    void link_vpb() noexcept;
    void unlink_disk() noexcept;
    void close_sections() noexcept;
    void delete_device() noexcept;
    bool enter_in_line() noexcept;
    void leave_in_line() noexcept;
    static VOID NTAPI delayed_vpb_work(PVOID context);

    bool network_;
    FSP_FSEXT_PROVIDER* provider_;
    Published<bool> deleted_;
    Published<bool> ready_;
    volatile LONG references_ = 1;
    FSP_FSCTL_VOLUME_PARAMS params_;
    PDEVICE_OBJECT device_;
    PDEVICE_OBJECT disk_device_ = nullptr;
    PEPROCESS process_ = nullptr;
    UINT64 file_info_timeout_;
    UNICODE_STRING device_name_{};
    WCHAR device_name_buffer_[64];
    UNICODE_STRING prefix_{};
    FSRTL_COMMON_FCB_HEADER volume_fcb_{};
    PVPB vpb_ = nullptr; // linked; holds one extra reference
    WORK_QUEUE_ITEM vpb_item_;

    // In-line dispatch.
    FAST_MUTEX inline_mutex_; // of those who register and unregister
    FSP_FSCTL_INLINE_DISPATCH inline_dispatch() const noexcept
    {
        return __atomic_load_n(&inline_dispatch_, __ATOMIC_SEQ_CST);
    }
    void publish_inline_dispatch(FSP_FSCTL_INLINE_DISPATCH dispatch) noexcept
    {
        __atomic_store_n(&inline_dispatch_, dispatch, __ATOMIC_SEQ_CST);
    }
    FSP_FSCTL_INLINE_DISPATCH inline_dispatch_ = nullptr; // the other values may be used while it is set
    PVOID inline_context_ = nullptr;
    volatile LONG inline_running_ = 0;
    Published<LONG> inline_limit_;
    KEVENT inline_idle_;

    // Process buffers of 64 KiB.
    static constexpr ULONG buffer_slots = 8;
    void* volatile buffers_[buffer_slots] = {};
    ULONG buffer_limit_ = 2;
};

/// The driver's volumes (VOLUME_LIST, mount requests, UNLOAD).
struct VolumeList
{
    FAST_MUTEX lock;
    LIST_ENTRY head;
};
extern VolumeList volumes;

/// Driver-wide things.
struct Driver
{
    PDRIVER_OBJECT object = nullptr;
    PDEVICE_OBJECT disk_control = nullptr;
    PDEVICE_OBJECT net_control = nullptr;
    PDEVICE_OBJECT mup = nullptr; // network.cpp
    UNICODE_STRING name_suffix{}; // "+ident" of a side-by-side instance, else empty
    WCHAR name_suffix_buffer[40]{};
    bool linked = false;           // a side-by-side instance made the plain names
    UNICODE_STRING service_name{}; // registry path of the driver's service
    WCHAR service_name_buffer[160]{};
    volatile LONG unloading = 0;
    volatile LONG background_work = 0; // volumes, and work items on their way; unload waits for zero
    // Once a second while there are volumes.
    KTIMER timer;
    KDPC timer_dpc;
    WORK_QUEUE_ITEM timer_item;
    volatile LONG timer_busy = 0;
};
extern Driver driver;
/// At least 1.
ULONG processor_count() noexcept;
/// A random (version 4) GUID.
NTSTATUS make_guid(GUID* guid) noexcept;
/// Removes the control devices; they vanish with their last handle. Idempotent.
void remove_control_devices() noexcept;
/// Brackets every work item, and the life of a volume.
void begin_background_work() noexcept;
void end_background_work() noexcept;

} // namespace fsp::fsd

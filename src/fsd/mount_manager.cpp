// SPDX-License-Identifier: MIT
#include "mount_manager.h"
#include "dispatch.h"
#include "name.h"
#include "registry.h"
#include "storage_ioctl.h"

namespace fsp::fsd {

namespace {

constexpr WCHAR manager_name[] = FSP_L("\\Device\\MountPointManager");
constexpr WCHAR link_prefix[] = FSP_L("\\DosDevices\\");

// Not in every header: 'm' codes of the Mount Manager.
constexpr ULONG query_auto_mount = CTL_CODE('m', 15, METHOD_BUFFERED, FILE_ANY_ACCESS);
constexpr ULONG set_auto_mount = CTL_CODE('m', 16, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS);

/// A request to the Mount Manager: waits for the answer.
NTSTATUS call_manager(ULONG code, void* input, ULONG input_size, void* output = nullptr,
                      ULONG output_size = 0)
{
    UNICODE_STRING device_name = name::literal(manager_name);
    PFILE_OBJECT file = nullptr;
    PDEVICE_OBJECT device = nullptr;
    NTSTATUS status = IoGetDeviceObjectPointer(&device_name, FILE_READ_ATTRIBUTES, &file, &device);
    if (!NT_SUCCESS(status))
        return status;
    KEVENT event;
    KeInitializeEvent(&event, NotificationEvent, FALSE);
    IO_STATUS_BLOCK io_status{};
    PIRP irp = IoBuildDeviceIoControlRequest(code, device, input, input_size, output, output_size, FALSE,
                                             &event, &io_status);
    if (irp) {
        IoGetNextIrpStackLocation(irp)->FileObject = file;
        status = IoCallDriver(device, irp);
        if (status == STATUS_PENDING) {
            KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, nullptr);
            status = io_status.Status;
        }
    } else {
        status = STATUS_INSUFFICIENT_RESOURCES;
    }
    ObDereferenceObject(file);
    return status;
}

/// A structure of 16-bit offsets and lengths, followed by the strings that they name.
class Message
{
  public:
    bool make(ULONG header, ULONG strings)
    {
        used_ = header;
        if (!buffer_.allocate(header + strings))
            return false;
        RtlZeroMemory(buffer_.data(), buffer_.size());
        return true;
    }
    template<class Offset> void add(ULONG offset_at, ULONG length_at, const UNICODE_STRING& text)
    {
        *reinterpret_cast<Offset*>(buffer_.data() + offset_at) = static_cast<Offset>(used_);
        *reinterpret_cast<USHORT*>(buffer_.data() + length_at) = text.Length;
        copy_bytes(buffer_.data() + used_, text.Buffer, text.Length);
        used_ += text.Length;
    }
    void* data() const { return buffer_.data(); }
    ULONG size() const { return buffer_.size(); }

  private:
    Buffer buffer_;
    ULONG used_ = 0;
};

NTSTATUS announce_volume(const UNICODE_STRING& device_name)
{
    // The Mount Manager would give every new volume a letter of its own choice.
    ULONG previous = 0, disabled = 0;
    NTSTATUS status = call_manager(query_auto_mount, nullptr, 0, &previous, sizeof previous);
    if (!NT_SUCCESS(status))
        return status;
    status = call_manager(set_auto_mount, &disabled, sizeof disabled);
    if (!NT_SUCCESS(status))
        return status;
    Buffer target;
    status = STATUS_INSUFFICIENT_RESOURCES;
    if (target.allocate(static_cast<ULONG>(sizeof(USHORT)) + device_name.Length)) {
        *target.as<USHORT>() = device_name.Length;
        RtlCopyMemory(target.data() + sizeof(USHORT), device_name.Buffer, device_name.Length);
        status = call_manager(IOCTL_MOUNTMGR_VOLUME_ARRIVAL_NOTIFICATION, target.data(), target.size());
    }
    call_manager(set_auto_mount, &previous, sizeof previous);
    return status;
}

bool is_drive(const UNICODE_STRING& point) { return point.Length == 2 * sizeof(WCHAR); }

/// MOUNTMGR_CREATE_POINT_INPUT and MOUNTMGR_VOLUME_MOUNT_POINT have the same shape.
NTSTATUS two_names(ULONG code, const UNICODE_STRING& link, const UNICODE_STRING& device_name)
{
    Message message;
    if (!message.make(4 * sizeof(USHORT), link.Length + device_name.Length))
        return STATUS_INSUFFICIENT_RESOURCES;
    message.add<USHORT>(0, 2, link);
    message.add<USHORT>(4, 6, device_name);
    return call_manager(code, message.data(), message.size());
}

/// MOUNTMGR_MOUNT_POINT: three pairs of ULONG offset and USHORT length (padded).
NTSTATUS delete_points(const UNICODE_STRING* link, const GUID* unique_id)
{
    Message message;
    if (!message.make(24,
                      (link ? link->Length : 0) + (unique_id ? static_cast<ULONG>(sizeof *unique_id) : 0)))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (link)
        message.add<ULONG>(0, 4, *link);
    if (unique_id)
        message.add<ULONG>(8, 12, name::view(reinterpret_cast<const WCHAR*>(unique_id), sizeof *unique_id));
    Buffer output;
    if (!output.allocate(4096))
        return STATUS_INSUFFICIENT_RESOURCES;
    return call_manager(IOCTL_MOUNTMGR_DELETE_POINTS, message.data(), message.size(), output.data(),
                        output.size());
}

bool registry_allows()
{
    RegistryKey key;
    Buffer value;
    return NT_SUCCESS(key.open(name::literal(FSP_SETTINGS_KEY), KEY_QUERY_VALUE)) &&
           NT_SUCCESS(key.read(name::literal(FSP_L("MountUseMountmgrFromFSD")), REG_DWORD, &value)) &&
           value.size() == sizeof(ULONG) && *value.as<ULONG>() == 1;
}

/// The Mount Manager keeps links by the volume's unique id, which ends with the volume.
void forget_links(const GUID& unique_id)
{
    RegistryKey key;
    if (NT_SUCCESS(key.open(name::literal(FSP_L("\\Registry\\Machine\\System\\MountedDevices")),
                            KEY_QUERY_VALUE | KEY_SET_VALUE)))
        key.delete_values(&unique_id, sizeof unique_id);
}

NTSTATUS mount(Volume& volume, const UNICODE_STRING& point)
{
    const WCHAR letter = name::upcase(point.Buffer[0]);
    if (name::chars(point) < 2 || letter < 'A' || letter > 'Z' || point.Buffer[1] != ':')
        return STATUS_INVALID_PARAMETER;
    if (volume.mount_manager_point.Buffer)
        return STATUS_INVALID_PARAMETER;
    if (!registry_allows())
        return STATUS_ACCESS_DENIED;
    GUID id;
    NTSTATUS status = make_mount_device(volume, false, &id);
    if (!NT_SUCCESS(status))
        return status;

    constexpr USHORT prefix_size = sizeof link_prefix - sizeof(WCHAR);
    UNICODE_STRING link;
    link.Length = link.MaximumLength = static_cast<USHORT>(prefix_size + point.Length);
    link.Buffer = static_cast<WCHAR*>(pool_allocate(link.Length));
    if (!link.Buffer)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlCopyMemory(link.Buffer, link_prefix, prefix_size);
    RtlCopyMemory(link.Buffer + prefix_size / sizeof(WCHAR), point.Buffer, point.Length);
    link.Buffer[prefix_size / sizeof(WCHAR)] = letter;

    status = announce_volume(volume.device_name());
    if (NT_SUCCESS(status))
        status = two_names(is_drive(point) ? IOCTL_MOUNTMGR_CREATE_POINT
                                           : IOCTL_MOUNTMGR_VOLUME_MOUNT_POINT_CREATED,
                           link, volume.device_name());
    if (!NT_SUCCESS(status)) {
        pool_free(link.Buffer);
        return status;
    }
    forget_links(id);
    volume.mount_manager_point = link;
    return STATUS_SUCCESS;
}

NTSTATUS unmount(Volume& volume)
{
    UNICODE_STRING link = exchange(volume.mount_manager_point, UNICODE_STRING{});
    if (!link.Buffer)
        return STATUS_INVALID_PARAMETER;
    if (link.Length == sizeof link_prefix - sizeof(WCHAR) + 2 * sizeof(WCHAR))
        delete_points(&link, nullptr);
    else
        two_names(IOCTL_MOUNTMGR_VOLUME_MOUNT_POINT_DELETED, link, volume.device_name());
    pool_free(link.Buffer);
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS mount_manager_request(Volume& volume, const void* text, ULONG size) noexcept
{
    if (volume.is_network() || size > FSP_FSCTL_TRANSACT_PATH_SIZEMAX || size % sizeof(WCHAR) != 0)
        return STATUS_INVALID_PARAMETER;
    Hold one_at_a_time;
    one_at_a_time.acquire(*volume.mount_point_lock.get(), Access::exclusive);
    if (volume.deleted())
        return STATUS_CANCELLED;
    if (size == 0)
        return unmount(volume);
    return mount(volume, name::view(static_cast<const WCHAR*>(text), static_cast<USHORT>(size)));
}

void unmount_manager_points(Volume& volume) noexcept
{
    Hold one_at_a_time;
    one_at_a_time.acquire(*volume.mount_point_lock.get(), Access::exclusive);
    unmount(volume);
    bool listed;
    {
        FastMutexGuard guard(volume.mount_mutex);
        listed = volume.mount_device && !volume.mount_persistent;
    }
    if (listed)
        delete_points(nullptr, &volume.unique_id);
}

} // namespace fsp::fsd

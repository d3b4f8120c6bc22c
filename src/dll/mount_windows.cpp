// SPDX-License-Identifier: MIT
//
// Mount points: a drive letter is a symbolic link of the object manager, a directory is one with a mount
// point reparse buffer, and the mount manager knows both.
#include <string>

#include "dll/module_windows.h"
#include "dll/mount_point.h"
#include "nt/text.h"

extern "C" {
NTSYSAPI NTSTATUS NTAPI NtOpenSymbolicLinkObject(PHANDLE link, ACCESS_MASK, POBJECT_ATTRIBUTES);
NTSYSAPI NTSTATUS NTAPI NtMakeTemporaryObject(HANDLE);
NTSYSAPI NTSTATUS NTAPI NtFsControlFile(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, ULONG code,
                                        PVOID in, ULONG in_size, PVOID out, ULONG out_size);
}

namespace fsp::dll {
namespace {

bool is_manager_form(const WCHAR* text)
{
    return text[0] == '\\' && text[1] == '\\' && (text[2] == '.' || text[2] == '?') && text[3] == '\\';
}

/// Tells the driver that the file system will answer: whoever hears of the drive may look at it at once.
NTSTATUS announce(HANDLE volume) { return FspFsctlTransact(volume, nullptr, 0, nullptr, nullptr, FALSE); }

// ---- Drive letters ----

/// The link vanishes with the process that holds the handle.
HANDLE make_temporary(const WCHAR* drive)
{
    WCHAR path[] = FSP_L("\\??\\X:");
    path[4] = drive[0];
    UNICODE_STRING name{sizeof path - sizeof(WCHAR), sizeof path, path};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    HANDLE link;
    if (!NT_SUCCESS(NtOpenSymbolicLinkObject(&link, DELETE, &attributes)))
        return nullptr;
    NtMakeTemporaryObject(link);
    return link;
}

NTSTATUS set_drive(const WCHAR* volume_name, const WCHAR* drive, HANDLE* mount)
{
    if (!DefineDosDeviceW(DDD_RAW_TARGET_PATH, drive, volume_name))
        return FspNtStatusFromWin32(GetLastError());
    *mount = make_temporary(drive);
    return STATUS_SUCCESS;
}

NTSTATUS set_any_drive(const WCHAR* volume_name, WCHAR* drive, HANDLE* mount)
{
    const DWORD used = GetLogicalDrives();
    for (WCHAR letter = 'Z'; letter >= 'D'; --letter) {
        if ((used >> (letter - 'A') & 1) != 0)
            continue;
        drive[0] = letter;
        if (NT_SUCCESS(set_drive(volume_name, drive, mount)))
            return STATUS_SUCCESS;
    }
    drive[0] = '*';
    return STATUS_NO_SUCH_DEVICE;
}

// ---- Directories ----

NTSTATUS set_directory(const WCHAR* volume_name, const WCHAR* directory, PSECURITY_DESCRIPTOR descriptor,
                       HANDLE* mount)
{
    size_t backslashes = 0;
    for (const WCHAR* at = volume_name; *at != 0; ++at)
        backslashes += *at == '\\';
    if (backslashes >= 3)
        return STATUS_NETWORK_ACCESS_DENIED; // reparse points lead to local volumes only

    UNICODE_STRING path;
    if (!RtlDosPathNameToNtPathName_U(directory, &path, nullptr, nullptr))
        return STATUS_OBJECT_NAME_INVALID;
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &path, 0, nullptr, descriptor);
    IO_STATUS_BLOCK io{};
    HANDLE handle;
    NTSTATUS status = NtCreateFile(
        &handle, FILE_WRITE_ATTRIBUTES | DELETE | SYNCHRONIZE, &attributes, &io, nullptr,
        FILE_ATTRIBUTE_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, FILE_CREATE,
        FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_REPARSE_POINT | FILE_DELETE_ON_CLOSE,
        nullptr, 0);
    RtlFreeUnicodeString(&path);
    if (!NT_SUCCESS(status))
        return status;

    const size_t name_size = (nt::length(volume_name) + 1) * sizeof(WCHAR); // with a backslash behind it
    alignas(8) UCHAR buffer[2 * 1024];
    auto* reparse = reinterpret_cast<REPARSE_DATA_BUFFER*>(buffer);
    const size_t header = FIELD_OFFSET(REPARSE_DATA_BUFFER, MountPointReparseBuffer.PathBuffer);
    const size_t size = header + 2 * (name_size + sizeof(WCHAR));
    if (size > sizeof buffer) {
        CloseHandle(handle);
        return STATUS_INVALID_PARAMETER;
    }
    std::memset(buffer, 0, size);
    reparse->ReparseTag = IO_REPARSE_TAG_MOUNT_POINT;
    reparse->ReparseDataLength = static_cast<USHORT>(size - REPARSE_DATA_BUFFER_HEADER_SIZE);
    auto& point = reparse->MountPointReparseBuffer;
    point.SubstituteNameLength = point.PrintNameLength = static_cast<USHORT>(name_size);
    point.PrintNameOffset = static_cast<USHORT>(name_size + sizeof(WCHAR));
    for (WCHAR* to : {point.PathBuffer, point.PathBuffer + name_size / sizeof(WCHAR) + 1}) {
        std::memcpy(to, volume_name, name_size - sizeof(WCHAR));
        to[name_size / sizeof(WCHAR) - 1] = '\\';
    }
    status = NtFsControlFile(handle, nullptr, nullptr, nullptr, &io, FSCTL_SET_REPARSE_POINT, buffer,
                             static_cast<ULONG>(size), nullptr, 0);
    if (!NT_SUCCESS(status)) {
        CloseHandle(handle); // and the directory is gone
        return status;
    }
    *mount = handle;
    return STATUS_SUCCESS;
}

// ---- The mount manager ----

constexpr ULONG manager_code(ULONG function, ULONG access)
{
    return CTL_CODE('m', function, METHOD_BUFFERED, access);
}
constexpr ULONG create_point = manager_code(0, FILE_READ_ACCESS | FILE_WRITE_ACCESS);
constexpr ULONG delete_points = manager_code(1, FILE_READ_ACCESS | FILE_WRITE_ACCESS);
constexpr ULONG point_created = manager_code(6, FILE_READ_ACCESS | FILE_WRITE_ACCESS);
constexpr ULONG point_deleted = manager_code(7, FILE_READ_ACCESS | FILE_WRITE_ACCESS);
constexpr ULONG volume_arrival = manager_code(11, FILE_READ_ACCESS);
constexpr ULONG query_auto_mount = manager_code(15, FILE_ANY_ACCESS);
constexpr ULONG set_auto_mount = manager_code(16, FILE_READ_ACCESS | FILE_WRITE_ACCESS);

class MountManager
{
  public:
    MountManager()
        : handle_(CreateFileW(FSP_L("\\\\.\\MountPointManager"), GENERIC_READ | GENERIC_WRITE,
                              FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING, 0, nullptr))
    {}
    MountManager(const MountManager&) = delete;
    ~MountManager()
    {
        if (handle_ != INVALID_HANDLE_VALUE)
            CloseHandle(handle_);
    }

    NTSTATUS ask(ULONG code, const void* in, size_t in_size, void* out = nullptr, size_t out_size = 0) const
    {
        DWORD returned = 0;
        if (handle_ == INVALID_HANDLE_VALUE)
            return STATUS_NO_SUCH_DEVICE;
        return DeviceIoControl(handle_, code, const_cast<void*>(in), static_cast<DWORD>(in_size), out,
                               static_cast<DWORD>(out_size), &returned, nullptr)
                   ? STATUS_SUCCESS
                   : FspNtStatusFromWin32(GetLastError());
    }

    /// MOUNTMGR_CREATE_POINT_INPUT and MOUNTMGR_VOLUME_MOUNT_POINT: two texts, each a 16-bit offset and
    /// length.
    NTSTATUS ask_two(ULONG code, const nt::WideString& first, const nt::WideString& second) const
    {
        return ask_texts(code, {&first, &second}, 4);
    }
    NTSTATUS remove_point(const nt::WideString& link) const
    {
        // MOUNTMGR_MOUNT_POINT: three texts with 32-bit offsets; only the link is given.
        alignas(8) UCHAR in[24 + 512], out[4096];
        const size_t size = link.size() * sizeof(WCHAR);
        if (size > 512)
            return STATUS_INVALID_PARAMETER;
        std::memset(in, 0, sizeof in);
        const ULONG offset = 24;
        const auto length = static_cast<USHORT>(size);
        std::memcpy(in, &offset, sizeof offset);
        std::memcpy(in + 4, &length, sizeof length);
        std::memcpy(in + offset, link.data(), size);
        return ask(delete_points, in, offset + size, out, sizeof out);
    }

    NTSTATUS announce_volume(const WCHAR* volume_name) const
    {
        ULONG before = 0, off = 0;
        NTSTATUS status = ask(query_auto_mount, nullptr, 0, &before, sizeof before);
        if (NT_SUCCESS(status))
            status = ask(set_auto_mount, &off, sizeof off);
        if (!NT_SUCCESS(status))
            return status;
        alignas(8) UCHAR in[2 + 512];
        const size_t size = nt::length(volume_name) * sizeof(WCHAR);
        status = STATUS_INVALID_PARAMETER;
        if (size <= 512) {
            const auto length = static_cast<USHORT>(size);
            std::memcpy(in, &length, sizeof length);
            std::memcpy(in + 2, volume_name, size);
            status = ask(volume_arrival, in, 2 + size);
        }
        (void)ask(set_auto_mount, &before, sizeof before);
        return status;
    }

  private:
    NTSTATUS ask_texts(ULONG code, std::initializer_list<const nt::WideString*> texts, size_t entry) const
    {
        alignas(8) UCHAR in[2048];
        size_t at = 0, offset = texts.size() * entry;
        for (const nt::WideString* text : texts) {
            const size_t size = text->size() * sizeof(WCHAR);
            if (size > sizeof in - offset)
                return STATUS_INVALID_PARAMETER;
            const USHORT place[2] = {static_cast<USHORT>(offset), static_cast<USHORT>(size)};
            std::memcpy(in + at, place, sizeof place);
            std::memcpy(in + offset, text->data(), size);
            at += entry;
            offset += size;
        }
        return ask(code, in, offset);
    }

    HANDLE handle_;
};

/// The system remembers drive letters by unique id; ours are gone with the process.
void forget_volume(const GUID& id)
{
    HKEY key;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, FSP_L("System\\MountedDevices"), 0, KEY_READ | KEY_SET_VALUE,
                      &key) != ERROR_SUCCESS)
        return;
    for (DWORD i = 0;;) {
        WCHAR name[256];
        BYTE data[sizeof id];
        DWORD name_length = sizeof name / sizeof *name, size = sizeof data, type = 0;
        const LSTATUS status = RegEnumValueW(key, i, name, &name_length, nullptr, &type, data, &size);
        if (status == ERROR_NO_MORE_ITEMS || (status != ERROR_SUCCESS && status != ERROR_MORE_DATA))
            break;
        if (status == ERROR_SUCCESS && size == sizeof id && std::memcmp(data, &id, sizeof id) == 0 &&
            RegDeleteValueW(key, name) == ERROR_SUCCESS)
            continue;
        ++i;
    }
    RegCloseKey(key);
}

nt::WideString dos_device(const WCHAR* point)
{
    nt::WideString link = FSP_L("\\DosDevices\\");
    link += point;
    if (link[12] >= 'a' && link[12] <= 'z')
        link[12] = static_cast<WCHAR>(link[12] & ~0x20);
    return link;
}

constexpr DWORD by_driver = 1;
const HANDLE no_handle = reinterpret_cast<HANDLE>(static_cast<ULONG_PTR>(~3)); // a mount without one

NTSTATUS set_by_manager(FSP_MOUNT_DESC* desc, const WCHAR* point)
{
    if (product_setting(FSP_L("MountUseMountmgrFromFSD"), 0) == by_driver) {
        const NTSTATUS status = FspFsctlUseMountmgr(desc->VolumeHandle, const_cast<PWSTR>(point));
        if (NT_SUCCESS(status))
            desc->MountHandle = no_handle;
        return status;
    }
    const bool drive = point[2] == 0;
    const MountManager manager;
    GUID id;
    NTSTATUS status = FspFsctlMakeMountdev(desc->VolumeHandle, FALSE, &id);
    if (NT_SUCCESS(status))
        status = manager.announce_volume(desc->VolumeName);
    HANDLE mount = no_handle;
    if (NT_SUCCESS(status))
        status = drive ? manager.ask_two(create_point, dos_device(point), desc->VolumeName)
                       : set_directory(desc->VolumeName, point, desc->Security, &mount);
    if (NT_SUCCESS(status) && !drive)
        (void)manager.ask_two(point_created, dos_device(point), desc->VolumeName);
    if (NT_SUCCESS(status)) {
        forget_volume(id);
        desc->MountHandle = mount;
    }
    return status;
}

NTSTATUS remove_by_manager(FSP_MOUNT_DESC* desc, const WCHAR* point)
{
    if (product_setting(FSP_L("MountUseMountmgrFromFSD"), 0) == by_driver)
        return FspFsctlUseMountmgr(desc->VolumeHandle, nullptr);
    const MountManager manager;
    if (point[2] == 0)
        return manager.remove_point(dos_device(point));
    (void)manager.ask_two(point_deleted, dos_device(point), desc->VolumeName);
    CloseHandle(desc->MountHandle);
    return STATUS_SUCCESS;
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspMountSet(FSP_MOUNT_DESC* Desc)
{
    Desc->MountHandle = nullptr;
    PWSTR point = Desc->MountPoint;
    if (point == nullptr || point[0] == 0)
        return STATUS_INVALID_PARAMETER;
    if (!is_drive_mount_point(point))
        return set_directory(Desc->VolumeName, point, Desc->Security, &Desc->MountHandle);
    const NTSTATUS status = announce(Desc->VolumeHandle);
    if (!NT_SUCCESS(status))
        return status;
    if (is_manager_form(point))
        return set_by_manager(Desc, point + 4);
    return point[0] == '*' ? set_any_drive(Desc->VolumeName, point, &Desc->MountHandle)
                           : set_drive(Desc->VolumeName, point, &Desc->MountHandle);
}

NTSTATUS FspMountRemove(FSP_MOUNT_DESC* Desc)
{
    PWSTR point = Desc->MountPoint;
    if (point == nullptr)
        return STATUS_INVALID_PARAMETER;
    if (!is_drive_mount_point(point)) {
        if (Desc->MountHandle == nullptr)
            return STATUS_INVALID_PARAMETER;
        CloseHandle(Desc->MountHandle);
    } else if (is_manager_form(point)) {
        const NTSTATUS status = remove_by_manager(Desc, point + 4);
        if (!NT_SUCCESS(status))
            return status;
    } else {
        if (!DefineDosDeviceW(DDD_RAW_TARGET_PATH | DDD_REMOVE_DEFINITION | DDD_EXACT_MATCH_ON_REMOVE, point,
                              Desc->VolumeName))
            return FspNtStatusFromWin32(GetLastError());
        if (Desc->MountHandle != nullptr)
            CloseHandle(Desc->MountHandle);
    }
    Desc->MountHandle = nullptr;
    return STATUS_SUCCESS;
}

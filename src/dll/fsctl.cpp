// SPDX-License-Identifier: MIT
//
// The control codes of the driver as functions.
#include <string>

#include "dll/dll.h"
#include "dll/os.h"
#include "dll/transport.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

constexpr WCHAR device_folder[] = FSP_L("\\Device\\");
constexpr WCHAR params_prefix[] = FSP_L("" FSP_FSCTL_VOLUME_PARAMS_PREFIX);

std::basic_string<WCHAR> device_path(const WCHAR* device)
{
    std::basic_string<WCHAR> path(device[0] == '\\' ? FSP_L("") : device_folder);
    path += device;
    // An installation beside others has devices of its own.
    if (const WCHAR* ident = FspSxsIdent(); ident[0] != 0) {
        path += '+';
        path += ident;
    }
    return path;
}

/// The volume parameters travel in the name of the file that is opened, one byte in each character.
void append_params(std::basic_string<WCHAR>& path, const FSP_FSCTL_VOLUME_PARAMS* params, SIZE_T size)
{
    path += params_prefix;
    const auto* bytes = reinterpret_cast<const UINT8*>(params);
    for (SIZE_T i = 0; i != size; ++i)
        path += static_cast<WCHAR>(0xF000 | bytes[i]);
}

NTSTATUS open_device(const std::basic_string<WCHAR>& path, HANDLE* device)
{
    const NTSTATUS status = transport::open(path.c_str(), device);
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND
               ? STATUS_NO_SUCH_DEVICE
               : status;
}

NTSTATUS stop(HANDLE handle, ULONG code)
{
    return os::insist([&] { return transport::control(handle, code, nullptr, 0, nullptr, 0, nullptr); });
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;
namespace transport = fsp::transport;

NTSTATUS FspFsctlCreateVolume(PWSTR DevicePath, const FSP_FSCTL_VOLUME_PARAMS* VolumeParams,
                              PWCHAR VolumeNameBuf, SIZE_T VolumeNameSize, PHANDLE PVolumeHandle)
{
    if (VolumeNameSize >= sizeof(WCHAR))
        VolumeNameBuf[0] = 0;
    *PVolumeHandle = INVALID_HANDLE_VALUE;

    const SIZE_T params_size =
        VolumeParams->Version == 0 ? sizeof(FSP_FSCTL_VOLUME_PARAMS_V0) : VolumeParams->Version;
    if (params_size > sizeof *VolumeParams)
        return STATUS_INVALID_PARAMETER;
    auto path = device_path(DevicePath);
    append_params(path, VolumeParams, params_size);
    if (path.size() > UNICODE_STRING_MAX_CHARS)
        return STATUS_INVALID_PARAMETER;

    HANDLE volume;
    NTSTATUS status = FspFsctlStartService();
    if (NT_SUCCESS(status))
        status = open_device(path, &volume);
    if (!NT_SUCCESS(status))
        return status;
    const ULONG name_size = VolumeNameSize > 0xFFFF ? 0xFFFF : static_cast<ULONG>(VolumeNameSize);
    status = transport::control(volume, FSP_FSCTL_VOLUME_NAME, nullptr, 0, VolumeNameBuf, name_size, nullptr);
    if (!NT_SUCCESS(status)) {
        if (VolumeNameSize >= sizeof(WCHAR))
            VolumeNameBuf[0] = 0;
        transport::close(volume);
        return status;
    }
    *PVolumeHandle = volume;
    return STATUS_SUCCESS;
}

NTSTATUS FspFsctlMakeMountdev(HANDLE VolumeHandle, BOOLEAN Persistent, GUID* UniqueId)
{
    return transport::control(VolumeHandle, FSP_FSCTL_MOUNTDEV, &Persistent, sizeof Persistent, UniqueId,
                              sizeof *UniqueId, nullptr);
}

NTSTATUS FspFsctlUseMountmgr(HANDLE VolumeHandle, PWSTR MountPoint)
{
    const SIZE_T size = MountPoint != nullptr ? fsp::nt::length(MountPoint) * sizeof(WCHAR) : 0;
    return transport::control(VolumeHandle, FSP_FSCTL_MOUNTMGR, MountPoint, static_cast<ULONG>(size), nullptr,
                              0, nullptr);
}

NTSTATUS FspFsctlTransact(HANDLE VolumeHandle, PVOID ResponseBuf, SIZE_T ResponseBufSize, PVOID RequestBuf,
                          SIZE_T* PRequestBufSize, BOOLEAN Batch)
{
    const ULONG capacity = PRequestBufSize != nullptr ? static_cast<ULONG>(*PRequestBufSize) : 0;
    if (PRequestBufSize != nullptr)
        *PRequestBufSize = 0;

    // The driver takes responses only when it can finish the call: no answer is lost, none is taken twice.
    ULONG received = 0;
    const ULONG code = Batch ? FSP_FSCTL_TRANSACT_BATCH : FSP_FSCTL_TRANSACT;
    const NTSTATUS status = os::insist([&] {
        return transport::control(VolumeHandle, code, ResponseBuf, static_cast<ULONG>(ResponseBufSize),
                                  RequestBuf, capacity, &received);
    });
    if (NT_SUCCESS(status) && PRequestBufSize != nullptr)
        *PRequestBufSize = received;
    return status;
}

NTSTATUS FspFsctlStop(HANDLE VolumeHandle) { return stop(VolumeHandle, FSP_FSCTL_STOP); }
NTSTATUS FspFsctlStop0(HANDLE VolumeHandle) { return stop(VolumeHandle, FSP_FSCTL_STOP0); }

NTSTATUS FspFsctlNotify(HANDLE VolumeHandle, FSP_FSCTL_NOTIFY_INFO* NotifyInfo, SIZE_T Size)
{
    if (Size > FSP_FSCTL_NOTIFY_INFO_SIZEMAX)
        return STATUS_INVALID_PARAMETER;
    return transport::control(VolumeHandle, FSP_FSCTL_NOTIFY, NotifyInfo, static_cast<ULONG>(Size), nullptr,
                              0, nullptr);
}

NTSTATUS FspFsctlGetVolumeList(PWSTR DevicePath, PWCHAR VolumeListBuf, PSIZE_T PVolumeListSize)
{
    if (*PVolumeListSize > 0xFFFF)
        return STATUS_INVALID_PARAMETER;
    HANDLE device;
    NTSTATUS status = open_device(device_path(DevicePath), &device);
    if (!NT_SUCCESS(status))
        return status;
    ULONG size = 0;
    status = transport::control(device, FSP_FSCTL_VOLUME_LIST, nullptr, 0, VolumeListBuf,
                                static_cast<ULONG>(*PVolumeListSize), &size);
    transport::close(device);
    if (NT_SUCCESS(status))
        *PVolumeListSize = size;
    return status;
}

NTSTATUS FspFsctlPreflight(PWSTR DevicePath)
{
    NTSTATUS status = FspFsctlStartService();
    if (!NT_SUCCESS(status))
        return status;
    SIZE_T size = 0;
    status = FspFsctlGetVolumeList(DevicePath, nullptr, &size);
    return status == STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status;
}

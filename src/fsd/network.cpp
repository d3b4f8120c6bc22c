// SPDX-License-Identifier: MIT

/// Network volumes: the device that stands behind every UNC name "\Server\Share", the prefixes registered for
/// it, and the way from a file object of that device to its volume.

#include "dispatch.h"
#include "memory.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

/// A registered prefix. Volumes of this kind are few: a list is enough.
struct Prefix
{
    LIST_ENTRY link;
    Volume* volume;
};

struct Network
{
    FAST_MUTEX lock;
    LIST_ENTRY prefixes;
    HANDLE provider = nullptr;
    bool old_provider = false; // the kernel has FsRtlRegisterUncProvider only
    KMUTEX registration;       // with such a kernel: around changes of `provider`
    UNICODE_STRING device_name{};
    WCHAR name_buffer[64]{};
};
Network network;

using RegisterEx = NTSTATUS NTAPI(PHANDLE, PUNICODE_STRING, PDEVICE_OBJECT, ULONG);
using Register = NTSTATUS NTAPI(PHANDLE, PUNICODE_STRING, BOOLEAN);
using Deregister = VOID NTAPI(HANDLE);

template<class Routine, size_t n> Routine* system_routine(const WCHAR (&text)[n])
{
    UNICODE_STRING name = name::literal(text);
    return reinterpret_cast<Routine*>(MmGetSystemRoutineAddress(&name));
}

FSP_INIT void compose_device_name()
{
    constexpr WCHAR base[] = FSP_L("\\Device\\" FSP_FSCTL_MUP_DEVICE_NAME);
    constexpr USHORT base_size = sizeof base - sizeof(WCHAR);
    const USHORT room = sizeof network.name_buffer;
    const USHORT suffix = lesser<USHORT>(driver.name_suffix.Length, room - base_size);
    RtlCopyMemory(network.name_buffer, base, base_size);
    copy_bytes(reinterpret_cast<Byte*>(network.name_buffer) + base_size, driver.name_suffix.Buffer, suffix);
    network.device_name = name::view(network.name_buffer, static_cast<USHORT>(base_size + suffix));
}

FSP_INIT NTSTATUS create_device(PUNICODE_STRING name)
{
    const NTSTATUS status =
        IoCreateDevice(driver.object, sizeof(DeviceHeader), name, FILE_DEVICE_NETWORK_FILE_SYSTEM,
                       FILE_REMOTE_DEVICE, FALSE, &driver.mup);
    if (!NT_SUCCESS(status))
        return status;
    static_cast<DeviceHeader*>(driver.mup->DeviceExtension)->kind = DeviceKind::mup;
    driver.mup->Flags &= ~ULONG{DO_DEVICE_INITIALIZING};
    return STATUS_SUCCESS;
}

/// Does `path` begin with `prefix`, which ends there or at a backslash?
bool below(const UNICODE_STRING& path, const UNICODE_STRING& prefix)
{
    return name::starts_with(path, prefix, false) &&
           (path.Length == prefix.Length || path.Buffer[prefix.Length / sizeof(WCHAR)] == '\\');
}

/// The first component of a path: "\Server".
UNICODE_STRING class_of(const UNICODE_STRING& path)
{
    USHORT end = 1;
    while (end < name::chars(path) && path.Buffer[end] != '\\')
        ++end;
    return name::view(path.Buffer, static_cast<USHORT>(lesser<ULONG>(end * sizeof(WCHAR), path.Length)));
}

/// The volume with the longest prefix of `path`, referenced.
Volume* find_volume(const UNICODE_STRING& path)
{
    FastMutexGuard guard(network.lock);
    Volume* found = nullptr;
    for (PLIST_ENTRY e = network.prefixes.Flink; e != &network.prefixes; e = e->Flink) {
        Volume* volume = CONTAINING_RECORD(e, Prefix, link)->volume;
        if (below(path, volume->prefix()) && (!found || volume->prefix().Length > found->prefix().Length))
            found = volume;
    }
    if (found)
        found->reference();
    return found;
}

/// The volume whose volume handle this is, referenced.
Volume* find_volume_handle(PVOID context)
{
    FastMutexGuard guard(network.lock);
    for (PLIST_ENTRY e = network.prefixes.Flink; e != &network.prefixes; e = e->Flink) {
        Volume* volume = CONTAINING_RECORD(e, Prefix, link)->volume;
        if (volume->volume_fcb() == context) {
            volume->reference();
            return volume;
        }
    }
    return nullptr;
}

bool class_known(const UNICODE_STRING& name)
{
    FastMutexGuard guard(network.lock);
    for (PLIST_ENTRY e = network.prefixes.Flink; e != &network.prefixes; e = e->Flink)
        if (name::equal(class_of(CONTAINING_RECORD(e, Prefix, link)->volume->prefix()), name, false))
            return true;
    return false;
}

/// The volume that an open file of this device belongs to, referenced; null for the device itself.
Volume* volume_of(PFILE_OBJECT file)
{
    if (FileNode::of(file)) {
        Volume& volume = FileDesc::of(file)->volume;
        volume.reference();
        return &volume;
    }
    return file->FsContext ? find_volume_handle(file->FsContext) : nullptr;
}

NTSTATUS forward(Volume* volume, PIRP irp)
{
    const NTSTATUS status = volume_dispatch(*volume, irp);
    volume->dereference();
    return status;
}

NTSTATUS open(PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    PFILE_OBJECT outermost = file;
    while (outermost->RelatedFileObject)
        outermost = outermost->RelatedFileObject;
    if (outermost == file && file->FileName.Length == 0) {
        file->FsContext = file->FsContext2 = nullptr;
        return complete_irp(irp, STATUS_SUCCESS, FILE_OPENED);
    }
    Volume* volume = outermost != file ? volume_of(file->RelatedFileObject) : nullptr;
    if (!volume)
        volume = find_volume(outermost->FileName);
    return volume ? forward(volume, irp) : complete_irp(irp, STATUS_BAD_NETWORK_PATH);
}

/// The provider of all UNC names asks whose a path is. The whole class, "\\Server\", is claimed.
NTSTATUS query_path(PIRP irp, ULONG code)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    const auto& control = stack->Parameters.DeviceIoControl;
    if (irp->RequestorMode != KernelMode || !control.Type3InputBuffer || !irp->UserBuffer ||
        control.OutputBufferLength < sizeof(QUERY_PATH_RESPONSE))
        return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);

    UNICODE_STRING path;
    if (code == IOCTL_REDIR_QUERY_PATH) {
        const auto* request = static_cast<const QUERY_PATH_REQUEST*>(control.Type3InputBuffer);
        if (control.InputBufferLength < FIELD_OFFSET(QUERY_PATH_REQUEST, FilePathName) ||
            request->PathNameLength >
                control.InputBufferLength - FIELD_OFFSET(QUERY_PATH_REQUEST, FilePathName) ||
            request->PathNameLength > 0xfffe)
            return complete_irp(irp, STATUS_INVALID_PARAMETER);
        path = name::view(request->FilePathName, static_cast<USHORT>(request->PathNameLength));
    } else {
        const auto* request = static_cast<const QUERY_PATH_REQUEST_EX*>(control.Type3InputBuffer);
        if (control.InputBufferLength < sizeof *request)
            return complete_irp(irp, STATUS_INVALID_PARAMETER);
        path = request->PathName;
    }
    const UNICODE_STRING name = class_of(path);
    if (path.Length < 2 * sizeof(WCHAR) || path.Buffer[0] != '\\' || !class_known(name))
        return complete_irp(irp, STATUS_BAD_NETWORK_PATH);
    static_cast<QUERY_PATH_RESPONSE*>(irp->UserBuffer)->LengthAccepted = name.Length;
    return complete_irp(irp, STATUS_SUCCESS);
}

void deregister_provider()
{
    if (HANDLE provider = exchange<HANDLE>(network.provider, nullptr))
        if (auto* deregister = system_routine<Deregister>(FSP_L("FsRtlDeregisterUncProvider")))
            deregister(provider);
}

/// An old multiple UNC provider opens our device and keeps it open, so that the driver could not be unloaded
/// any more: it knows of us only while there are network volumes. Where it does not run, volumes do without.
void update_old_provider()
{
    if (!network.old_provider)
        return;
    KeWaitForSingleObject(&network.registration, Executive, KernelMode, FALSE, nullptr);
    bool wanted;
    {
        FastMutexGuard guard(network.lock);
        wanted = !IsListEmpty(&network.prefixes);
    }
    if (!wanted)
        deregister_provider();
    else if (auto* add = system_routine<Register>(FSP_L("FsRtlRegisterUncProvider"));
             add && !network.provider && !NT_SUCCESS(add(&network.provider, &network.device_name, FALSE)))
        network.provider = nullptr;
    KeReleaseMutex(&network.registration, FALSE);
}

NTSTATUS answer_for_device(PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MajorFunction) {
    case IRP_MJ_CLEANUP:
    case IRP_MJ_CLOSE:
        return complete_irp(irp, STATUS_SUCCESS);
    case IRP_MJ_QUERY_INFORMATION:
    case IRP_MJ_SET_INFORMATION:
        return complete_irp(irp, STATUS_INVALID_PARAMETER);
    default:
        return complete_irp(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

} // namespace

FSP_INIT NTSTATUS initialize_network() noexcept
{
    ExInitializeFastMutex(&network.lock);
    InitializeListHead(&network.prefixes);
    compose_device_name();

    // The newer kind of provider gives the device its name. Otherwise the device has it itself, and where
    // nobody serves UNC names it can still be opened by that name.
    if (auto* register_ex = system_routine<RegisterEx>(FSP_L("FsRtlRegisterUncProviderEx"))) {
        NTSTATUS status = create_device(nullptr);
        if (NT_SUCCESS(status))
            status = register_ex(&network.provider, &network.device_name, driver.mup, 0);
        if (!NT_SUCCESS(status))
            finish_network();
        return status;
    }
    KeInitializeMutex(&network.registration, 0);
    network.old_provider = true;
    return create_device(&network.device_name);
}

void finish_network() noexcept
{
    deregister_provider();
    if (PDEVICE_OBJECT device = exchange<PDEVICE_OBJECT>(driver.mup, nullptr))
        IoDeleteDevice(device);
}

NTSTATUS register_prefix(Volume& volume) noexcept
{
    Owned<Prefix> fresh(create<Prefix>());
    if (!fresh)
        return STATUS_INSUFFICIENT_RESOURCES;
    fresh->volume = &volume;
    {
        FastMutexGuard guard(network.lock);
        for (PLIST_ENTRY e = network.prefixes.Flink; e != &network.prefixes; e = e->Flink)
            if (name::equal(CONTAINING_RECORD(e, Prefix, link)->volume->prefix(), volume.prefix(), false))
                return STATUS_OBJECT_NAME_COLLISION;
        InsertTailList(&network.prefixes, &fresh.release()->link);
    }
    UNICODE_STRING link = volume.device_name();
    const NTSTATUS status = IoCreateSymbolicLink(&link, &network.device_name);
    if (NT_SUCCESS(status))
        update_old_provider();
    else
        unregister_prefix(volume);
    return status;
}

void unregister_prefix(Volume& volume) noexcept
{
    Owned<Prefix> gone;
    {
        FastMutexGuard guard(network.lock);
        for (PLIST_ENTRY e = network.prefixes.Flink; e != &network.prefixes; e = e->Flink)
            if (CONTAINING_RECORD(e, Prefix, link)->volume == &volume) {
                RemoveEntryList(e);
                gone.reset(CONTAINING_RECORD(e, Prefix, link));
                break;
            }
    }
    if (gone) {
        UNICODE_STRING link = volume.device_name();
        IoDeleteSymbolicLink(&link);
        update_old_provider();
    }
}

NTSTATUS mup_dispatch(PDEVICE_OBJECT, PIRP irp) noexcept
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    if (stack->MajorFunction == IRP_MJ_CREATE)
        return open(irp);
    if (stack->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        const ULONG code = stack->Parameters.DeviceIoControl.IoControlCode;
        if (code == IOCTL_REDIR_QUERY_PATH || code == IOCTL_REDIR_QUERY_PATH_EX)
            return query_path(irp, code);
    }
    Volume* volume = stack->FileObject ? volume_of(stack->FileObject) : nullptr;
    return volume ? forward(volume, irp) : answer_for_device(irp);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "ntos/io/open.h"

#include "ntos/file_flags.h"
#include "ntos/io/device.h"
#include "ntos/io/file_object.h"
#include "ntos/io/irp.h"
#include "ntos/ob/close.h"
#include "ntos/ob/namespace.h"
#include "ntos/se/access_state.h"
#include "ntos/se/capture.h"
#include "ntos/se/token.h"
#include "ntos/verifier.h"

#include <vector>

namespace fsp::ntos::io {

namespace {

constexpr int max_reparses = 63;
constexpr ULONG name_tag = 0x6d4e6f49;

/// Options that make sense together with FILE_DIRECTORY_FILE.
constexpr ULONG directory_options =
    FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT | FILE_WRITE_THROUGH |
    FILE_COMPLETE_IF_OPLOCKED | FILE_OPEN_FOR_BACKUP_INTENT | FILE_DELETE_ON_CLOSE |
    FILE_OPEN_FOR_FREE_SPACE_QUERY | FILE_OPEN_BY_FILE_ID | FILE_NO_COMPRESSION | FILE_OPEN_REPARSE_POINT |
    FILE_OPEN_REQUIRING_OPLOCK | FILE_DISALLOW_EXCLUSIVE | FILE_SESSION_AWARE | FILE_NO_EA_KNOWLEDGE |
    FILE_OPEN_NO_RECALL;

bool has_all(ULONG value, ULONG bits) { return (value & bits) == bits; }

/// What NtCreateFile refuses before anyone else sees it.
NTSTATUS check_parameters(const OpenRequest& r)
{
    if ((r.file_attributes & ~static_cast<ULONG>(FILE_ATTRIBUTE_VALID_FLAGS)) != 0 ||
        (r.share_access & ~static_cast<ULONG>(FILE_SHARE_VALID_FLAGS)) != 0 ||
        r.disposition > FILE_MAXIMUM_DISPOSITION ||
        (r.create_options & ~static_cast<ULONG>(FILE_VALID_OPTION_FLAGS)) != 0)
        return STATUS_INVALID_PARAMETER;

    const ULONG o = r.create_options;
    constexpr ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    if (has_all(o, synchronous) || ((o & synchronous) != 0 && (r.desired_access & SYNCHRONIZE) == 0))
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_DELETE_ON_CLOSE) != 0 && (r.desired_access & DELETE) == 0)
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_DIRECTORY_FILE) != 0 && (o & FILE_NON_DIRECTORY_FILE) == 0 &&
        ((o & ~directory_options) != 0 ||
         (r.disposition != FILE_CREATE && r.disposition != FILE_OPEN && r.disposition != FILE_OPEN_IF)))
        return STATUS_INVALID_PARAMETER;
    if (has_all(o, FILE_COMPLETE_IF_OPLOCKED | FILE_RESERVE_OPFILTER))
        return STATUS_INVALID_PARAMETER;
    if ((o & FILE_NO_INTERMEDIATE_BUFFERING) != 0 && (r.desired_access & FILE_APPEND_DATA) != 0 &&
        (r.desired_access & FILE_WRITE_DATA) == 0)
        return STATUS_INVALID_PARAMETER;
    if (r.allocation_size != nullptr && r.allocation_size->QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

/// What a caller passes by pointer, copied: the driver must see what was checked.
class Captured
{
  public:
    Captured() = default;
    Captured(const Captured&) = delete;
    ~Captured()
    {
        if (descriptor != nullptr)
            ExFreePool(descriptor);
    }

    NTSTATUS take(const OpenRequest& r, const OBJECT_ATTRIBUTES& attributes)
    {
        if (attributes.SecurityDescriptor != nullptr) {
            const NTSTATUS status = se::capture_descriptor(attributes.SecurityDescriptor, &descriptor);
            if (!NT_SUCCESS(status))
                return status;
        }
        if (r.ea == nullptr || r.ea_length == 0)
            return STATUS_SUCCESS;
        ea.assign(static_cast<const char*>(r.ea), static_cast<const char*>(r.ea) + r.ea_length);
        ULONG offset = 0;
        return (r.options & IO_NO_PARAMETER_CHECKING) != 0
                   ? STATUS_SUCCESS
                   : IoCheckEaBufferValidity(reinterpret_cast<PFILE_FULL_EA_INFORMATION>(ea.data()),
                                             r.ea_length, &offset);
    }

    std::vector<char> ea;
    PSECURITY_DESCRIPTOR descriptor = nullptr; // in pool
};

ULONG file_flags(const OpenRequest& r, bool case_sensitive)
{
    const ULONG o = r.create_options;
    ULONG flags = 0;
    if ((o & (FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT)) != 0)
        flags |= FO_SYNCHRONOUS_IO;
    if ((o & FILE_SYNCHRONOUS_IO_ALERT) != 0)
        flags |= FO_ALERTABLE_IO;
    if ((o & FILE_NO_INTERMEDIATE_BUFFERING) != 0)
        flags |= FO_NO_INTERMEDIATE_BUFFERING;
    if ((o & FILE_WRITE_THROUGH) != 0)
        flags |= FO_WRITE_THROUGH;
    if ((o & FILE_SEQUENTIAL_ONLY) != 0)
        flags |= FO_SEQUENTIAL_ONLY;
    if ((o & FILE_RANDOM_ACCESS) != 0)
        flags |= FO_RANDOM_ACCESS;
    if (case_sensitive)
        flags |= FO_OPENED_CASE_SENSITIVE;
    return flags;
}

/// Backup intent lets the holders of the privileges have what an access check would refuse. Without any it is
/// ignored.
void grant_backup_intent(const OpenRequest& r, ACCESS_STATE& state, KPROCESSOR_MODE mode,
                         ULONG* create_options)
{
    constexpr ACCESS_MASK read = READ_CONTROL | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_READ | FILE_TRAVERSE;
    constexpr ACCESS_MASK write = WRITE_DAC | WRITE_OWNER | ACCESS_SYSTEM_SECURITY | FILE_GENERIC_WRITE |
                                  FILE_ADD_FILE | FILE_ADD_SUBDIRECTORY | DELETE;
    const bool maximum = (state.RemainingDesiredAccess & MAXIMUM_ALLOWED) != 0;
    const ACCESS_MASK desired = state.RemainingDesiredAccess | (maximum ? read | write : 0);
    bool held = false;

    if (((desired & read) != 0 || r.disposition == FILE_OPEN) &&
        se::holds_privilege(state.SubjectSecurityContext, SE_BACKUP_PRIVILEGE, mode))
    {
        held = true;
        state.Flags |= TOKEN_HAS_BACKUP_PRIVILEGE;
        state.PreviouslyGrantedAccess |= desired & read;
        state.RemainingDesiredAccess &= ~(desired & read);
    }
    if (((desired & write) != 0 || r.disposition != FILE_OPEN) &&
        se::holds_privilege(state.SubjectSecurityContext, SE_RESTORE_PRIVILEGE, mode))
    {
        held = true;
        state.Flags |= TOKEN_HAS_RESTORE_PRIVILEGE;
        state.PreviouslyGrantedAccess |= desired & write;
        state.RemainingDesiredAccess &= ~(desired & write);
    }
    if (!held)
        *create_options &= ~static_cast<ULONG>(FILE_OPEN_FOR_BACKUP_INTENT);
}

/// The security of the device itself decides when there is no file behind the name, or when the device says
/// so.
NTSTATUS check_device_access(PDEVICE_OBJECT device, bool named, ACCESS_STATE& state, KPROCESSOR_MODE mode)
{
    if (mode == KernelMode || device->SecurityDescriptor == nullptr)
        return STATUS_SUCCESS;
    const bool whole = !named || (device->Characteristics & FILE_DEVICE_SECURE_OPEN) != 0;
    if (!whole && (state.Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE) != 0)
        return STATUS_SUCCESS;

    ACCESS_MASK granted = 0;
    NTSTATUS status = STATUS_ACCESS_DENIED;
    const ACCESS_MASK desired = whole ? state.RemainingDesiredAccess : ACCESS_MASK{FILE_TRAVERSE};
    const BOOLEAN ok = SeAccessCheck(device->SecurityDescriptor, &state.SubjectSecurityContext, FALSE,
                                     desired, whole ? state.PreviouslyGrantedAccess : 0, nullptr,
                                     &ob::file_type.mapping, mode, &granted, &status);
    if (!ok)
        return status;
    if (whole) {
        state.PreviouslyGrantedAccess |= granted;
        state.RemainingDesiredAccess &= ~(granted | MAXIMUM_ALLOWED);
    }
    return STATUS_SUCCESS;
}

/// One name on one device: from the device found to the completed IRP_MJ_CREATE.
struct Opening
{
    const OpenRequest& request;
    ACCESS_STATE& state;
    /// After backup intent was looked at.
    ULONG create_options;
    PDEVICE_OBJECT device;
    PFILE_OBJECT related;
    std::u16string_view name;
    PVOID ea;
    /// Out: for STATUS_REPARSE.
    PVOID auxiliary;
};

/// Undoes the references of an open that did not come about.
class OpenRefs
{
  public:
    ~OpenRefs()
    {
        if (vpb != nullptr)
            dereference_volume(vpb);
        if (device != nullptr)
            close_device(device);
    }
    PDEVICE_OBJECT device = nullptr;
    PVPB vpb = nullptr;
    void keep()
    {
        device = nullptr;
        vpb = nullptr;
    }
};

bool is_direct_open(const Opening& o)
{
    constexpr ACCESS_MASK harmless =
        SYNCHRONIZE | FILE_READ_ATTRIBUTES | READ_CONTROL | ACCESS_SYSTEM_SECURITY | WRITE_OWNER | WRITE_DAC;
    return o.name.empty() && o.related == nullptr && (o.state.OriginalDesiredAccess & ~harmless) == 0;
}

bool set_name(PFILE_OBJECT file, std::u16string_view name)
{
    if (name.empty())
        return true;
    // A little room, because file systems like to append.
    const size_t size = name.size() * sizeof(WCHAR);
    const size_t room = size + 56;
    file->FileName.Buffer = static_cast<PWSTR>(ExAllocatePoolWithTag(NonPagedPool, room, name_tag));
    if (file->FileName.Buffer == nullptr)
        return false;
    std::memcpy(file->FileName.Buffer, name.data(), size);
    file->FileName.Length = static_cast<USHORT>(size);
    file->FileName.MaximumLength = static_cast<USHORT>(std::min<size_t>(room, 0xFFFE));
    return true;
}

void fill_create(const Opening& o, PFILE_OBJECT file, IO_SECURITY_CONTEXT& security, Request& create)
{
    const OpenRequest& r = o.request;
    PIRP irp = create.irp;
    irp->Flags |= IRP_CREATE_OPERATION;
    if (r.allocation_size != nullptr)
        irp->Overlay.AllocationSize = *r.allocation_size;
    irp->AssociatedIrp.SystemBuffer = r.ea_length != 0 ? o.ea : nullptr;
    if (r.driver_context != nullptr && r.driver_context->ExtraCreateParameter != nullptr)
        prefix_of(irp)->ecps = reinterpret_cast<_ECP_LIST*>(r.driver_context->ExtraCreateParameter);

    PIO_STACK_LOCATION stack = create.stack;
    const bool force_check =
        (r.options & IO_FORCE_ACCESS_CHECK) != 0 || (r.attributes->Attributes & OBJ_FORCE_ACCESS_CHECK) != 0;
    stack->Flags =
        static_cast<UCHAR>(((flags_of(file) & FO_OPENED_CASE_SENSITIVE) != 0 ? SL_CASE_SENSITIVE : 0) |
                           ((r.options & IO_OPEN_TARGET_DIRECTORY) != 0 ? SL_OPEN_TARGET_DIRECTORY : 0) |
                           (force_check ? SL_FORCE_ACCESS_CHECK : 0));
    security.SecurityQos = static_cast<PSECURITY_QUALITY_OF_SERVICE>(r.attributes->SecurityQualityOfService);
    security.AccessState = &o.state;
    security.DesiredAccess = o.state.OriginalDesiredAccess;
    security.FullCreateOptions = o.create_options;
    auto& p = stack->Parameters.Create;
    p.SecurityContext = &security;
    p.Options = (r.disposition << 24) | (o.create_options & FILE_VALID_OPTION_FLAGS);
    p.FileAttributes = static_cast<USHORT>(r.file_attributes);
    p.ShareAccess = static_cast<USHORT>(r.share_access);
    p.EaLength = r.ea_length;
}

/// FastIoQueryOpen instead of a create. @return true if it answered; the IRP is gone then
bool query_open(PDEVICE_OBJECT device, Request& create, PFILE_NETWORK_OPEN_INFORMATION info,
                IO_STATUS_BLOCK* iosb)
{
    const FAST_IO_DISPATCH* fast = device->DriverObject->FastIoDispatch;
    if (fast == nullptr ||
        RTL_SIZEOF_THROUGH_FIELD(FAST_IO_DISPATCH, FastIoQueryOpen) > fast->SizeOfFastIoDispatch ||
        fast->FastIoQueryOpen == nullptr)
        return false;
    IoSetNextIrpStackLocation(create.irp);
    create.stack->DeviceObject = device;
    if (fast->FastIoQueryOpen(create.irp, info, device)) {
        *iosb = create.irp->IoStatus;
        prefix_of(create.irp)->ecps = nullptr;
        IoFreeIrp(create.irp);
        return true;
    }
    create.stack->Control = 0;
    IoSkipCurrentIrpStackLocation(create.irp);
    return false;
}

/// Sends the create and waits. The extra parameters stay the caller's.
IO_STATUS_BLOCK send_create(PDEVICE_OBJECT device, PIRP irp, PVOID* auxiliary)
{
    Waiter waiter;
    irp->UserIosb = &waiter.iosb;
    irp->UserEvent = &waiter.done;
    irp->Flags |= IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    prefix_of(irp)->auxiliary = auxiliary;
    enqueue(irp);
    const NTSTATUS status = IofCallDriver(device, irp);
    if (status != STATUS_PENDING) {
        irp->UserEvent = nullptr; // nobody waits
        finish(irp);
    } else
        KeWaitForSingleObject(&waiter.done, Executive, KernelMode, FALSE, nullptr);
    return waiter.iosb;
}

NTSTATUS open_on_device(Opening& o, OpenResult* result)
{
    const OpenRequest& r = o.request;
    const bool force_check =
        (r.options & IO_FORCE_ACCESS_CHECK) != 0 || (r.attributes->Attributes & OBJ_FORCE_ACCESS_CHECK) != 0;
    const KPROCESSOR_MODE check_mode = force_check ? static_cast<KPROCESSOR_MODE>(UserMode) : r.mode;

    OpenRefs refs;
    NTSTATUS status = open_device(o.device);
    if (!NT_SUCCESS(status))
        return status;
    refs.device = o.device;

    if (o.related == nullptr) {
        status = check_device_access(o.device, !o.name.empty(), o.state, check_mode);
        if (!NT_SUCCESS(status))
            return status;
    }

    const bool direct = is_direct_open(o);
    PDEVICE_OBJECT target = o.device;
    if (r.driver_context != nullptr &&
        RTL_SIZEOF_THROUGH_FIELD(IO_DRIVER_CREATE_CONTEXT, DeviceObjectHint) <=
            static_cast<USHORT>(r.driver_context->Size) &&
        r.driver_context->DeviceObjectHint != nullptr)
        target = static_cast<PDEVICE_OBJECT>(r.driver_context->DeviceObjectHint);
    else if (!direct) {
        status = reference_volume(o.device, o.name.empty(), &refs.vpb);
        if (!NT_SUCCESS(status))
            return status;
        if (refs.vpb != nullptr)
            target = refs.vpb->DeviceObject;
    }
    target = top_of(target);

    ob::Ref<FILE_OBJECT> file(allocate_file());
    if (!file)
        return STATUS_INSUFFICIENT_RESOURCES;
    const bool case_sensitive = (r.attributes->Attributes & OBJ_CASE_INSENSITIVE) == 0;
    file->Flags = file_flags(r, case_sensitive) | (direct ? FO_DIRECT_DEVICE_OPEN : 0);
    file->RelatedFileObject = o.related;
    Request create;
    if (!set_name(file.get(), o.name) || !make_request(target, file.get(), IRP_MJ_CREATE, r.mode, &create))
        return STATUS_INSUFFICIENT_RESOURCES;

    IO_SECURITY_CONTEXT security;
    fill_create(o, file.get(), security, create);
    file->DeviceObject = o.device;
    if (r.query != nullptr && query_open(target, create, r.query, &result->iosb)) {
        file->DeviceObject = nullptr;
        result->answered = true;
        return result->iosb.Status;
    }
    result->iosb = send_create(target, create.irp, &o.auxiliary);
    file->RelatedFileObject = nullptr;

    if (NT_SUCCESS(result->iosb.Status) && result->iosb.Status != STATUS_REPARSE) {
        // Closing the file gives these back. A file system that does not set the file object's VPB loses a
        // reference to it for ever, as on Windows.
        if (verifier::enabled && refs.vpb != nullptr && file->Vpb == nullptr) [[unlikely]]
            verifier::report("file object %p opened without its VPB: the volume keeps the reference for ever",
                             static_cast<void*>(file.get()));
        refs.keep();
        result->file = std::move(file);
        return result->iosb.Status;
    }
    file->DeviceObject = nullptr;
    file->Vpb = nullptr;
    if (result->iosb.Status == STATUS_REPARSE)
        // The name tells where to go on.
        result->file = std::move(file);
    return result->iosb.Status;
}

/// Continues behind a reparse point. @return false if it cannot be followed
NTSTATUS follow(Opening& o, OpenResult* result, std::u16string* next)
{
    const std::u16string device = ob::name_of(o.device);
    const NTSTATUS status = reparse_name(device, ob::view(result->file->FileName), result->iosb.Information,
                                         static_cast<const REPARSE_DATA_BUFFER*>(o.auxiliary), next);
    if (o.auxiliary != nullptr)
        ExFreePool(std::exchange(o.auxiliary, nullptr));
    result->file.reset();
    return status;
}

/// The device and the rest of the name that a name leads to.
struct Target
{
    ob::Found found;
    ob::Ref<FILE_OBJECT> related;
    PDEVICE_OBJECT device = nullptr;
    std::u16string_view name;
};

NTSTATUS find_target(std::u16string_view path, HANDLE root, KPROCESSOR_MODE mode, Target* t)
{
    if (root != nullptr) {
        ACCESS_MASK granted = 0;
        PVOID object = nullptr;
        const NTSTATUS status = ob::reference_by_handle(root, 0, nullptr, mode, &object, &granted);
        if (!NT_SUCCESS(status))
            return status;
        if (ob::Header::of(object)->type != &ob::file_type) {
            ob::dereference(object);
            return STATUS_OBJECT_TYPE_MISMATCH;
        }
        t->related = ob::Ref<FILE_OBJECT>(static_cast<PFILE_OBJECT>(object));
        t->device = t->related->DeviceObject;
        t->name = path;
        return STATUS_SUCCESS;
    }
    const NTSTATUS status = ob::find(path, true, &t->found);
    if (!NT_SUCCESS(status))
        return status;
    if (ob::Header::of(t->found.object.get())->type != &ob::device_type)
        return STATUS_OBJECT_TYPE_MISMATCH;
    t->device = static_cast<PDEVICE_OBJECT>(t->found.object.get());
    t->name = t->found.rest;
    return STATUS_SUCCESS;
}

} // namespace

NTSTATUS open(const OpenRequest& r, OpenResult* result)
{
    if ((r.options & IO_NO_PARAMETER_CHECKING) == 0) {
        const NTSTATUS status = check_parameters(r);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (r.attributes == nullptr || r.attributes->Length != sizeof(OBJECT_ATTRIBUTES))
        return STATUS_INVALID_PARAMETER;
    Captured captured;
    const NTSTATUS taken = captured.take(r, *r.attributes);
    if (!NT_SUCCESS(taken))
        return taken;
    std::u16string_view path;
    if (r.attributes->ObjectName != nullptr) {
        const UNICODE_STRING name = ob::capture(*r.attributes->ObjectName);
        if (name.Length % sizeof(WCHAR) != 0)
            return STATUS_OBJECT_NAME_INVALID;
        path = ob::view(name);
    }

    se::AccessState access(r.desired_access, ob::file_type.mapping);
    access.state.SecurityDescriptor = captured.descriptor;
    ULONG create_options = r.create_options;
    if ((create_options & FILE_OPEN_FOR_BACKUP_INTENT) != 0)
        grant_backup_intent(r, access.state, r.mode, &create_options);

    HANDLE root = r.attributes->RootDirectory;
    std::u16string replaced;
    for (int reparses = 0;; ++reparses) {
        Target target;
        NTSTATUS status = find_target(path, root, r.mode, &target);
        if (!NT_SUCCESS(status))
            return status;
        Opening opening{r,           access.state,       create_options, target.device, target.related.get(),
                        target.name, captured.ea.data(), nullptr};
        status = open_on_device(opening, result);
        if (status == STATUS_REPARSE) {
            if (reparses >= max_reparses)
                status = STATUS_REPARSE_POINT_NOT_RESOLVED;
            std::u16string next;
            const NTSTATUS followed = follow(opening, result, &next);
            if (status != STATUS_REPARSE)
                return status;
            if (!NT_SUCCESS(followed))
                return followed;
            if ((r.options & IO_STOP_ON_SYMLINK) != 0)
                return STATUS_STOPPED_ON_SYMLINK;
            replaced.swap(next);
            path = replaced;
            root = nullptr;
            continue;
        }
        if (NT_SUCCESS(status))
            result->granted = (access.state.PreviouslyGrantedAccess | access.state.RemainingDesiredAccess) &
                              (FILE_ALL_ACCESS | ACCESS_SYSTEM_SECURITY);
        return status;
    }
}

NTSTATUS open_handle(const OpenRequest& request, PIO_STATUS_BLOCK iosb, PHANDLE handle)
{
    OpenResult result;
    NTSTATUS status = open(request, &result);
    if (!NT_SUCCESS(status)) {
        // Information tells more only for some failures, e.g. a broken oplock behind
        // STATUS_SHARING_VIOLATION.
        iosb->Status = status;
        iosb->Information = result.iosb.Status == status ? result.iosb.Information : 0;
        return status;
    }
    add_file_flags(result.file.get(), FO_HANDLE_CREATED);
    const NTSTATUS inserted =
        ob::create_handle(result.file.get(), result.granted, request.attributes->Attributes, handle);
    if (!NT_SUCCESS(inserted)) {
        ob::file_type.last_handle_closed(PsGetCurrentProcess(), result.file.get(), 0);
        return inserted;
    }
    *iosb = result.iosb;
    return status;
}

} // namespace fsp::ntos::io

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI IoCreateFileEx(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                              POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                              PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                              ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                              CREATE_FILE_TYPE CreateFileType, PVOID, ULONG Options,
                              PIO_DRIVER_CREATE_CONTEXT DriverContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (CreateFileType != CreateFileTypeNone)
        return STATUS_NOT_SUPPORTED;
    const io::OpenRequest request{DesiredAccess, ObjectAttributes, AllocationSize, FileAttributes,
                                  ShareAccess,   Disposition,      CreateOptions,  EaBuffer,
                                  EaLength,      Options,          KernelMode,     DriverContext};
    return io::open_handle(request, IoStatusBlock, FileHandle);
}

NTSTATUS NTAPI IoCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG Disposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength,
                            CREATE_FILE_TYPE CreateFileType, PVOID InternalParameters, ULONG Options)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return IoCreateFileEx(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, AllocationSize,
                          FileAttributes, ShareAccess, Disposition, CreateOptions, EaBuffer, EaLength,
                          CreateFileType, InternalParameters, Options, nullptr);
}

NTSTATUS NTAPI NtCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    const io::OpenRequest request{
        DesiredAccess,     ObjectAttributes, AllocationSize, FileAttributes, ShareAccess,
        CreateDisposition, CreateOptions,    EaBuffer,       EaLength,       0,
        UserMode};
    return io::open_handle(request, IoStatusBlock, FileHandle);
}

NTSTATUS NTAPI ZwCreateFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess,
                            POBJECT_ATTRIBUTES ObjectAttributes, PIO_STATUS_BLOCK IoStatusBlock,
                            PLARGE_INTEGER AllocationSize, ULONG FileAttributes, ULONG ShareAccess,
                            ULONG CreateDisposition, ULONG CreateOptions, PVOID EaBuffer, ULONG EaLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    const io::OpenRequest request{
        DesiredAccess,     ObjectAttributes, AllocationSize, FileAttributes, ShareAccess,
        CreateDisposition, CreateOptions,    EaBuffer,       EaLength,       0,
        KernelMode};
    return io::open_handle(request, IoStatusBlock, FileHandle);
}

NTSTATUS NTAPI NtOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                          PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
    return NtCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, nullptr, 0, ShareAccess,
                        FILE_OPEN, OpenOptions, nullptr, 0);
}

NTSTATUS NTAPI ZwOpenFile(PHANDLE FileHandle, ACCESS_MASK DesiredAccess, POBJECT_ATTRIBUTES ObjectAttributes,
                          PIO_STATUS_BLOCK IoStatusBlock, ULONG ShareAccess, ULONG OpenOptions)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return ZwCreateFile(FileHandle, DesiredAccess, ObjectAttributes, IoStatusBlock, nullptr, 0, ShareAccess,
                        FILE_OPEN, OpenOptions, nullptr, 0);
}

} // extern "C"

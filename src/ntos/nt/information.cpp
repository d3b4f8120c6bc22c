// SPDX-License-Identifier: MIT
/// @file NtQueryInformationFile, NtSetInformationFile and their volume counterparts.
#include "ntos/file_flags.h"
#include "ntos/io/open.h"
#include "ntos/mm/guarded_copy.h"
#include "ntos/nt/file_call.h"
#include "ntos/nt/information_classes.h"
#include "ntos/ob/close.h"
#include "ntos/ob/namespace.h"

#include <algorithm>
#include <cstddef>

namespace fsp::ntos::nt_service {

namespace {

ULONG mode_of(PFILE_OBJECT file)
{
    const ULONG f = __atomic_load_n(&file->Flags, __ATOMIC_RELAXED); // other requests may change them
    ULONG mode = 0;
    if ((f & FO_WRITE_THROUGH) != 0)
        mode |= FILE_WRITE_THROUGH;
    if ((f & FO_SEQUENTIAL_ONLY) != 0)
        mode |= FILE_SEQUENTIAL_ONLY;
    if ((f & FO_NO_INTERMEDIATE_BUFFERING) != 0)
        mode |= FILE_NO_INTERMEDIATE_BUFFERING;
    if ((f & FO_SYNCHRONOUS_IO) != 0)
        mode |= (f & FO_ALERTABLE_IO) != 0 ? FILE_SYNCHRONOUS_IO_ALERT : FILE_SYNCHRONOUS_IO_NONALERT;
    if ((f & FO_DELETE_ON_CLOSE) != 0)
        mode |= FILE_DELETE_ON_CLOSE;
    return mode;
}

template<class T> NTSTATUS answer(const T& value, PVOID buffer, PIO_STATUS_BLOCK iosb)
{
    std::memcpy(buffer, &value, sizeof value);
    *iosb = {{STATUS_SUCCESS}, sizeof value};
    return STATUS_SUCCESS;
}

/// What the I/O manager can tell without the driver. @return false if it cannot
bool answer_alone(Call& call, FILE_INFORMATION_CLASS c, PVOID buffer, PIO_STATUS_BLOCK iosb)
{
    switch (c) {
    case FileAccessInformation:
        answer(FILE_ACCESS_INFORMATION{call.granted}, buffer, iosb);
        return true;
    case FileModeInformation:
        answer(FILE_MODE_INFORMATION{mode_of(call.file.get())}, buffer, iosb);
        return true;
    case FileAlignmentInformation:
        answer(FILE_ALIGNMENT_INFORMATION{call.device->AlignmentRequirement}, buffer, iosb);
        return true;
    case FileIsRemoteDeviceInformation: {
        const bool remote = (call.device->Characteristics & FILE_REMOTE_DEVICE) != 0;
        answer(FILE_IS_REMOTE_DEVICE_INFORMATION{static_cast<BOOLEAN>(remote)}, buffer, iosb);
        return true;
    }
    case FilePositionInformation: {
        if (!call.synchronous())
            return false;
        io::FileLock lock(call.file.get());
        answer(FILE_POSITION_INFORMATION{call.file->CurrentByteOffset}, buffer, iosb);
        return true;
    }
    default:
        return false;
    }
}

/// The driver's short cut. @return false if it has none for this
bool answer_fast(Call& call, FILE_INFORMATION_CLASS c, PVOID buffer, PIO_STATUS_BLOCK iosb)
{
    const FAST_IO_DISPATCH* fast = call.fast();
    if (fast == nullptr)
        return false;
    PFILE_OBJECT file = call.file.get();
    const BOOLEAN wait = call.synchronous();
    IO_STATUS_BLOCK result{};
    BOOLEAN done = FALSE;
    io::FileLock lock(file);
    if (c == FileBasicInformation && fast->FastIoQueryBasicInfo != nullptr)
        done = fast->FastIoQueryBasicInfo(file, wait, static_cast<PFILE_BASIC_INFORMATION>(buffer), &result,
                                          call.device);
    else if (c == FileStandardInformation && fast->FastIoQueryStandardInfo != nullptr)
        done = fast->FastIoQueryStandardInfo(file, wait, static_cast<PFILE_STANDARD_INFORMATION>(buffer),
                                             &result, call.device);
    else if (c == FileNetworkOpenInformation && fast->FastIoQueryNetworkOpenInfo != nullptr)
        done = fast->FastIoQueryNetworkOpenInfo(
            file, wait, static_cast<PFILE_NETWORK_OPEN_INFORMATION>(buffer), &result, call.device);
    if (done)
        *iosb = result;
    return done != FALSE;
}

NTSTATUS query(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length,
               FILE_INFORMATION_CLASS c)
{
    const InformationClass known = file_query_class(c);
    if (known.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length < known.size)
        return STATUS_INFO_LENGTH_MISMATCH;
    Call call(mode);
    const NTSTATUS status = call.open(handle, known.access);
    if (!NT_SUCCESS(status))
        return status;
    // The caller's buffer may not be there; only the copy of the answer is made for that.
    alignas(8) char answer[sizeof(FILE_NETWORK_OPEN_INFORMATION)];
    if (known.size <= sizeof answer &&
        (answer_alone(call, c, answer, iosb) || answer_fast(call, c, answer, iosb)))
        return NT_ERROR(iosb->Status) || mm::try_copy(buffer, answer, iosb->Information)
                   ? iosb->Status
                   : STATUS_ACCESS_VIOLATION;

    io::Request request;
    if (!call.make(IRP_MJ_QUERY_INFORMATION, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const NTSTATUS given = io::give_system_buffer(request, length, nullptr, 0, buffer);
        !NT_SUCCESS(given))
    {
        discard(request);
        return given;
    }
    request.stack->Parameters.QueryFile.Length = length;
    request.stack->Parameters.QueryFile.FileInformationClass = c;
    if (c == FileAllInformation) {
        auto* all = static_cast<PFILE_ALL_INFORMATION>(request.irp->AssociatedIrp.SystemBuffer);
        all->AccessInformation.AccessFlags = call.granted;
        all->ModeInformation.Mode = mode_of(call.file.get());
        all->AlignmentInformation.AlignmentRequirement = call.device->AlignmentRequirement;
    }
    return send_synchronous(call, request, iosb);
}

NTSTATUS set_position(Call& call, const FILE_POSITION_INFORMATION& p)
{
    if (p.CurrentByteOffset.QuadPart < 0)
        return STATUS_INVALID_PARAMETER;
    io::FileLock lock(call.file.get());
    call.file->CurrentByteOffset = p.CurrentByteOffset;
    return STATUS_SUCCESS;
}

NTSTATUS set_mode(Call& call, ULONG mode)
{
    PFILE_OBJECT file = call.file.get();
    constexpr ULONG synchronous = FILE_SYNCHRONOUS_IO_ALERT | FILE_SYNCHRONOUS_IO_NONALERT;
    if ((mode & ~static_cast<ULONG>(FILE_VALID_SET_FLAGS)) != 0 || (mode & synchronous) == synchronous)
        return STATUS_INVALID_PARAMETER;
    // Whether a handle is synchronous was decided when it was opened.
    if (((mode & synchronous) != 0) != call.synchronous())
        return STATUS_INVALID_PARAMETER;
    io::FileLock lock(file);
    ULONG flags = file->Flags & ~static_cast<ULONG>(FO_SEQUENTIAL_ONLY | FO_ALERTABLE_IO);
    // With unbuffered I/O everything is written through already.
    if ((flags & FO_NO_INTERMEDIATE_BUFFERING) == 0) {
        flags &= ~static_cast<ULONG>(FO_WRITE_THROUGH);
        if ((mode & FILE_WRITE_THROUGH) != 0)
            flags |= FO_WRITE_THROUGH;
        if ((mode & FILE_SEQUENTIAL_ONLY) != 0)
            flags |= FO_SEQUENTIAL_ONLY;
    }
    if ((mode & FILE_SYNCHRONOUS_IO_ALERT) != 0)
        flags |= FO_ALERTABLE_IO;
    file->Flags = flags;
    return STATUS_SUCCESS;
}

bool is_rename_or_link(FILE_INFORMATION_CLASS c)
{
    return c == FileRenameInformation || c == FileRenameInformationEx || c == FileLinkInformation ||
           c == FileLinkInformationEx;
}

NTSTATUS is_directory(Call& call, bool* directory)
{
    FILE_STANDARD_INFORMATION standard{};
    ULONG size = 0;
    const NTSTATUS status =
        IoQueryFileInformation(call.file.get(), FileStandardInformation, sizeof standard, &standard, &size);
    *directory = standard.Directory != FALSE;
    return status;
}

/// A target given by full name or relative to a directory is opened first, so that the file system finds the
/// directory in a file object of its own.
NTSTATUS open_target(Call& call, FILE_INFORMATION_CLASS c, const FILE_RENAME_INFORMATION& rename,
                     HANDLE* target, ob::Ref<FILE_OBJECT>* file)
{
    bool directory = false;
    if (c == FileRenameInformation || c == FileRenameInformationEx) {
        const NTSTATUS status = is_directory(call, &directory);
        if (!NT_SUCCESS(status))
            return status;
    }
    UNICODE_STRING name{static_cast<USHORT>(rename.FileNameLength),
                        static_cast<USHORT>(rename.FileNameLength), const_cast<PWSTR>(rename.FileName)};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(
        &attributes, &name,
        ((flags_of(call.file.get()) & FO_OPENED_CASE_SENSITIVE) != 0 ? 0 : OBJ_CASE_INSENSITIVE) |
            OBJ_KERNEL_HANDLE,
        rename.RootDirectory, nullptr);
    io::OpenRequest open;
    open.desired_access = SYNCHRONIZE | (directory ? FILE_ADD_SUBDIRECTORY : FILE_ADD_FILE);
    open.attributes = &attributes;
    open.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE;
    open.disposition = FILE_OPEN;
    open.create_options = FILE_OPEN_FOR_BACKUP_INTENT;
    open.options = IO_OPEN_TARGET_DIRECTORY | IO_NO_PARAMETER_CHECKING |
                   (call.mode == UserMode ? IO_FORCE_ACCESS_CHECK : 0);
    open.mode = call.mode;
    IO_STATUS_BLOCK iosb{};
    NTSTATUS status = io::open_handle(open, &iosb, target);
    if (!NT_SUCCESS(status))
        return status;
    void* body = nullptr;
    ACCESS_MASK granted = 0;
    status = ob::reference_by_handle(*target, 0, &ob::file_type, KernelMode, &body, &granted);
    if (!NT_SUCCESS(status))
        return status;
    *file = ob::Ref<FILE_OBJECT>(static_cast<PFILE_OBJECT>(body));
    return IoGetRelatedDeviceObject(file->get()) == call.device ? STATUS_SUCCESS : STATUS_NOT_SAME_DEVICE;
}

struct KernelHandle
{
    HANDLE handle = nullptr;
    ~KernelHandle()
    {
        if (handle != nullptr)
            ob::close(handle, KernelMode);
    }
};

/// The captured buffer: what is checked here is what the driver sees.
NTSTATUS check_set(FILE_INFORMATION_CLASS c, PVOID buffer, ULONG length)
{
    if (!is_rename_or_link(c))
        return STATUS_SUCCESS;
    const auto* rename = static_cast<const FILE_RENAME_INFORMATION*>(buffer);
    const ULONG room = length - static_cast<ULONG>(offsetof(FILE_RENAME_INFORMATION, FileName));
    if (rename->FileNameLength == 0 || rename->FileNameLength % sizeof(WCHAR) != 0 ||
        rename->FileNameLength > room || rename->FileNameLength > UNICODE_STRING_MAX_BYTES)
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

NTSTATUS set(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length,
             FILE_INFORMATION_CLASS c)
{
    const InformationClass known = file_set_class(c);
    if (known.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length < known.size)
        return STATUS_INFO_LENGTH_MISMATCH;
    Call call(mode);
    NTSTATUS status = call.open(handle, known.access);
    if (!NT_SUCCESS(status))
        return status;
    if (c == FilePositionInformation && call.synchronous())
        status = set_position(call, *static_cast<PFILE_POSITION_INFORMATION>(buffer));
    else if (c == FileModeInformation)
        status = set_mode(call, static_cast<PFILE_MODE_INFORMATION>(buffer)->Mode);
    else {
        KernelHandle target;
        ob::Ref<FILE_OBJECT> target_file;
        io::Request request;
        if (!call.make(IRP_MJ_SET_INFORMATION, &request))
            return STATUS_INSUFFICIENT_RESOURCES;
        auto& p = request.stack->Parameters.SetFile;
        p.Length = length;
        p.FileInformationClass = c;
        status = io::give_system_buffer(request, length, buffer, length, nullptr);
        if (NT_SUCCESS(status))
            status = check_set(c, request.irp->AssociatedIrp.SystemBuffer, length);
        if (NT_SUCCESS(status) && is_rename_or_link(c)) {
            const auto* rename =
                static_cast<PFILE_RENAME_INFORMATION>(request.irp->AssociatedIrp.SystemBuffer);
            p.ReplaceIfExists = (rename->Flags & FILE_RENAME_REPLACE_IF_EXISTS) != 0;
            if (rename->FileName[0] == u'\\' || rename->RootDirectory != nullptr)
                status = open_target(call, c, *rename, &target.handle, &target_file);
            p.FileObject = target_file.get();
        }
        if (!NT_SUCCESS(status)) {
            discard(request);
            return status;
        }
        return send_synchronous(call, request, iosb);
    }
    *iosb = {{status}, 0};
    return status;
}

NTSTATUS query_volume(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length,
                      FS_INFORMATION_CLASS c)
{
    const InformationClass known = volume_query_class(c);
    if (known.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length < known.size)
        return STATUS_INFO_LENGTH_MISMATCH;
    Call call(mode);
    const NTSTATUS status = call.open(handle, known.access);
    if (!NT_SUCCESS(status))
        return status;
    if (c == FileFsDeviceInformation && (flags_of(call.file.get()) & FO_DIRECT_DEVICE_OPEN) != 0) {
        PDEVICE_OBJECT device = call.file->DeviceObject;
        const bool mounted = device->Vpb != nullptr && (device->Vpb->Flags & VPB_MOUNTED) != 0;
        return answer(
            FILE_FS_DEVICE_INFORMATION{device->DeviceType,
                                       device->Characteristics | (mounted ? FILE_DEVICE_IS_MOUNTED : 0u)},
            buffer, iosb);
    }
    io::Request request;
    if (!call.make(IRP_MJ_QUERY_VOLUME_INFORMATION, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const NTSTATUS given = io::give_system_buffer(request, length, nullptr, 0, buffer);
        !NT_SUCCESS(given))
    {
        discard(request);
        return given;
    }
    request.stack->Parameters.QueryVolume.Length = length;
    request.stack->Parameters.QueryVolume.FsInformationClass = c;
    return send_synchronous(call, request, iosb);
}

NTSTATUS set_volume(KPROCESSOR_MODE mode, HANDLE handle, PIO_STATUS_BLOCK iosb, PVOID buffer, ULONG length,
                    FS_INFORMATION_CLASS c)
{
    const InformationClass known = volume_set_class(c);
    if (known.size == 0)
        return STATUS_INVALID_INFO_CLASS;
    if (length < known.size)
        return STATUS_INFO_LENGTH_MISMATCH;
    Call call(mode);
    const NTSTATUS status = call.open(handle, known.access);
    if (!NT_SUCCESS(status))
        return status;
    io::Request request;
    if (!call.make(IRP_MJ_SET_VOLUME_INFORMATION, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const NTSTATUS given = io::give_system_buffer(request, length, buffer, length, nullptr);
        !NT_SUCCESS(given))
    {
        discard(request);
        return given;
    }
    request.stack->Parameters.SetVolume.Length = length;
    request.stack->Parameters.SetVolume.FsInformationClass = c;
    return send_synchronous(call, request, iosb);
}

/// A kernel request on a file object, without a handle.
NTSTATUS send_for_file(io::Request& request, PDEVICE_OBJECT device, ULONG_PTR* information)
{
    io::Waiter waiter;
    const NTSTATUS status = io::send_and_wait(device, request.irp, waiter);
    *information = waiter.iosb.Information;
    return status;
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos;
using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(QueryInformationFile, query,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                    FILE_INFORMATION_CLASS FileInformationClass),
                   FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass)

FSP_DEFINE_SERVICE(SetInformationFile, set,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FileInformation, ULONG Length,
                    FILE_INFORMATION_CLASS FileInformationClass),
                   FileHandle, IoStatusBlock, FileInformation, Length, FileInformationClass)

FSP_DEFINE_SERVICE(QueryVolumeInformationFile, query_volume,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation, ULONG Length,
                    FS_INFORMATION_CLASS FsInformationClass),
                   FileHandle, IoStatusBlock, FsInformation, Length, FsInformationClass)

FSP_DEFINE_SERVICE(SetVolumeInformationFile, set_volume,
                   (HANDLE FileHandle, PIO_STATUS_BLOCK IoStatusBlock, PVOID FsInformation, ULONG Length,
                    FS_INFORMATION_CLASS FsInformationClass),
                   FileHandle, IoStatusBlock, FsInformation, Length, FsInformationClass)

extern "C" {

NTSTATUS NTAPI IoQueryFileInformation(PFILE_OBJECT FileObject, FILE_INFORMATION_CLASS FileInformationClass,
                                      ULONG Length, PVOID FileInformation, PULONG ReturnedLength)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(FileObject);
    io::Request request;
    if (!io::make_request(device, FileObject, IRP_MJ_QUERY_INFORMATION, KernelMode, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const NTSTATUS given = io::give_system_buffer(request, Length, nullptr, 0, FileInformation);
        !NT_SUCCESS(given))
    {
        discard(request);
        return given;
    }
    request.stack->Parameters.QueryFile.Length = Length;
    request.stack->Parameters.QueryFile.FileInformationClass = FileInformationClass;
    ULONG_PTR information = 0;
    const NTSTATUS status = send_for_file(request, device, &information);
    *ReturnedLength = static_cast<ULONG>(information);
    return status;
}

NTSTATUS NTAPI IoSetInformation(PFILE_OBJECT FileObject, FILE_INFORMATION_CLASS FileInformationClass,
                                ULONG Length, PVOID FileInformation)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(FileObject);
    io::Request request;
    if (!io::make_request(device, FileObject, IRP_MJ_SET_INFORMATION, KernelMode, &request))
        return STATUS_INSUFFICIENT_RESOURCES;
    if (const NTSTATUS given = io::give_system_buffer(request, Length, FileInformation, Length, nullptr);
        !NT_SUCCESS(given))
    {
        discard(request);
        return given;
    }
    request.stack->Parameters.SetFile.Length = Length;
    request.stack->Parameters.SetFile.FileInformationClass = FileInformationClass;
    ULONG_PTR information = 0;
    return send_for_file(request, device, &information);
}

} // extern "C"

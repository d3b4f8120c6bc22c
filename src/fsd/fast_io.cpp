// SPDX-License-Identifier: MIT

/// Entry points beside the IRPs: fast I/O, and the call-backs by which the cache and memory managers acquire
/// files.

#include "dispatch.h"
#include "file_information.h"
#include "file_size.h"
#include "metadata.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

constinit FAST_IO_DISPATCH fast_io{};

/// The file of a fast read or write that the cache can serve right away; null if it takes an IRP.
FileNode* cached_file(PFILE_OBJECT file)
{
    FileNode* node = FileNode::of(file);
    return node && FileDesc::of(file)->cacheable && is_caching(file) ? node : nullptr;
}

/// Under the node's lock: nobody else's locks stand in the way.
bool unrestricted(FileNode& node)
{
    return FsRtlOplockIsFastIoPossible(&node.oplock) && !node.has_file_locks();
}

BOOLEAN answered(PIO_STATUS_BLOCK io, NTSTATUS status, ULONG_PTR information)
{
    io->Status = status;
    io->Information = information;
    return TRUE;
}

BOOLEAN NTAPI check_if_possible(PFILE_OBJECT, PLARGE_INTEGER, ULONG, BOOLEAN, ULONG, BOOLEAN,
                                PIO_STATUS_BLOCK, PDEVICE_OBJECT)
{
    return FALSE;
}

BOOLEAN NTAPI fast_read(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, ULONG,
                        PVOID buffer, PIO_STATUS_BLOCK io, PDEVICE_OBJECT)
{
    FileNode* node = cached_file(file);
    if (!node || offset->QuadPart < 0)
        return FALSE;
    if (length == 0)
        return answered(io, STATUS_SUCCESS, 0);

    CriticalRegion region;
    NodeHold hold;
    if (!hold.acquire(*node, Part::main, Access::shared, Wait::no) || !unrestricted(*node) ||
        !is_caching(file))
        return FALSE;
    const auto from = static_cast<UINT64>(offset->QuadPart);
    const UINT64 size = node->file_size();
    if (from >= size)
        return answered(io, STATUS_END_OF_FILE, 0);
    length = static_cast<ULONG>(lesser<UINT64>(length, size - from));

    TopLevel top(*node);
    const NTSTATUS status = seh::cc_copy_read(file, from, length, wait, buffer, io);
    if (!NT_SUCCESS(status))
        return FALSE; // the IRP path finds the right status for it
    file->CurrentByteOffset.QuadPart = static_cast<LONGLONG>(from + io->Information);
    return TRUE;
}

BOOLEAN NTAPI fast_write(PFILE_OBJECT file, PLARGE_INTEGER offset, ULONG length, BOOLEAN wait, ULONG,
                         PVOID buffer, PIO_STATUS_BLOCK io, PDEVICE_OBJECT)
{
    FileNode* node = cached_file(file);
    // A negative offset means "append", or is an error.
    if (!node || offset->QuadPart < 0 || (file_flags(file) & FO_WRITE_THROUGH))
        return FALSE;
    if (length == 0)
        return answered(io, STATUS_SUCCESS, 0);
    if (!CcCanIWrite(file, length, FALSE, FALSE))
        return FALSE;

    CriticalRegion region;
    NodeHold hold;
    if (!hold.acquire(*node, Part::main, Access::exclusive, Wait::no) || !unrestricted(*node) ||
        !is_caching(file))
        return FALSE;
    const auto to = static_cast<UINT64>(offset->QuadPart);
    const UINT64 size = node->file_size();
    if (to > size || length > size - to)
        return FALSE;

    TopLevel top(*node);
    if (!NT_SUCCESS(seh::cc_copy_write(file, to, length, wait, buffer)))
        return FALSE;
    add_file_flags(file, FO_FILE_MODIFIED);
    file->CurrentByteOffset.QuadPart = static_cast<LONGLONG>(to + length);
    return answered(io, STATUS_SUCCESS, length);
}

bool cached_info(PFILE_OBJECT file, FSP_FSCTL_FILE_INFO* info)
{
    FileNode* node = FileNode::of(file);
    return node && node->get_file_info(info);
}

BOOLEAN NTAPI query_basic(PFILE_OBJECT file, BOOLEAN, PFILE_BASIC_INFORMATION out, PIO_STATUS_BLOCK io,
                          PDEVICE_OBJECT)
{
    FSP_FSCTL_FILE_INFO info;
    if (!cached_info(file, &info))
        return FALSE;
    fill_basic(out, info);
    return answered(io, STATUS_SUCCESS, sizeof *out);
}

BOOLEAN NTAPI query_standard(PFILE_OBJECT file, BOOLEAN, PFILE_STANDARD_INFORMATION out, PIO_STATUS_BLOCK io,
                             PDEVICE_OBJECT)
{
    FSP_FSCTL_FILE_INFO info;
    if (!cached_info(file, &info))
        return FALSE;
    fill_standard(out, info, *FileNode::of(file), file);
    return answered(io, STATUS_SUCCESS, sizeof *out);
}

BOOLEAN NTAPI query_network_open(PFILE_OBJECT file, BOOLEAN, PFILE_NETWORK_OPEN_INFORMATION out,
                                 PIO_STATUS_BLOCK io, PDEVICE_OBJECT)
{
    FSP_FSCTL_FILE_INFO info;
    if (!cached_info(file, &info))
        return FALSE;
    fill_network_open(out, info);
    return answered(io, STATUS_SUCCESS, sizeof *out);
}

/// May the caller of a create look at the file's attributes without an open? Kernel callers may.
bool may_read_attributes(FileNode& node, PIRP irp)
{
    PIO_SECURITY_CONTEXT security = IoGetCurrentIrpStackLocation(irp)->Parameters.Create.SecurityContext;
    if (irp->RequestorMode == KernelMode &&
        !(IoGetCurrentIrpStackLocation(irp)->Flags & SL_FORCE_ACCESS_CHECK))
        return true;
    PACCESS_STATE state = security->AccessState;
    if (security->DesiredAccess != FILE_READ_ATTRIBUTES || !(state->Flags & TOKEN_HAS_TRAVERSE_PRIVILEGE))
        return false;
    Metadata descriptor;
    if (!security_metadata.cached(node, &descriptor))
        return false;
    ACCESS_MASK granted = 0;
    NTSTATUS status = STATUS_SUCCESS;
    return SeAccessCheck(const_cast<Byte*>(descriptor.data()), &state->SubjectSecurityContext, FALSE,
                         FILE_READ_ATTRIBUTES, 0, nullptr, IoGetFileObjectGenericMapping(), UserMode,
                         &granted, &status);
}

/// Attributes by name, of a file that is open and well known: no request, no file object.
BOOLEAN NTAPI query_open(PIRP irp, PFILE_NETWORK_OPEN_INFORMATION out, PDEVICE_OBJECT device)
{
    Volume* volume = Volume::of(device);
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(irp);
    PFILE_OBJECT file = stack->FileObject;
    if (!volume || volume->is_network() || !volume->params().AllowOpenInKernelMode || volume->stopped() ||
        file->RelatedFileObject || file->FileName.Length < 2 * sizeof(WCHAR) ||
        file->FileName.Buffer[0] != '\\')
        return FALSE;

    CriticalRegion region;
    Ptr<FileNode> node = volume->nodes.lookup(file->FileName);
    if (!node || node->delete_pending)
        return FALSE;
    const ULONG options = stack->Parameters.Create.Options;
    if (node->is_directory ? (options & FILE_NON_DIRECTORY_FILE) : (options & FILE_DIRECTORY_FILE))
        return FALSE;
    FSP_FSCTL_FILE_INFO info;
    if (!node->get_file_info(&info) || !may_read_attributes(*node, irp))
        return FALSE;
    if ((info.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) && !(options & FILE_OPEN_REPARSE_POINT))
        return FALSE;
    fill_network_open(out, info);
    irp->IoStatus.Status = STATUS_SUCCESS;
    irp->IoStatus.Information = sizeof *out;
    return TRUE;
}

BOOLEAN NTAPI fast_device_control(PFILE_OBJECT file, BOOLEAN wait, PVOID input, ULONG input_length,
                                  PVOID output, ULONG output_length, ULONG code, PIO_STATUS_BLOCK io,
                                  PDEVICE_OBJECT device)
{
    const auto* header = static_cast<const DeviceHeader*>(device->DeviceExtension);
    if (!header || (header->kind != DeviceKind::disk_control && header->kind != DeviceKind::net_control) ||
        code != FSP_IOCTL_TRANSACT || !wait)
        return FALSE;
    return transact_fast_io(file, wait, input, input_length, output, output_length, code, io);
}

/// Acquisitions for the system's managers are owned by the thread, which releases them itself. Where this
/// thread owns the node through one of our operations already, there is nothing to acquire and nothing to
/// release.
bool acquire_for_system(FileNode& node, Access access, bool wait)
{
    if (TopLevel::owns(node))
        return true;
    KeEnterCriticalRegion();
    const auto acquire =
        access == Access::exclusive ? ExAcquireResourceExclusiveLite : ExAcquireResourceSharedLite;
    if (acquire(&node.main_resource(), wait)) {
        if (acquire(&node.paging_resource(), wait))
            return true;
        ExReleaseResourceLite(&node.main_resource());
    }
    KeLeaveCriticalRegion();
    return false;
}

void release_for_system(FileNode& node)
{
    if (TopLevel::owns(node))
        return;
    ExReleaseResourceLite(&node.paging_resource());
    ExReleaseResourceLite(&node.main_resource());
    KeLeaveCriticalRegion();
}

VOID NTAPI acquire_for_section(PFILE_OBJECT file)
{
    if (FileNode* node = FileNode::of(file))
        acquire_for_system(*node, Access::exclusive, true);
}

VOID NTAPI release_for_section(PFILE_OBJECT file)
{
    if (FileNode* node = FileNode::of(file))
        release_for_system(*node);
}

NTSTATUS NTAPI acquire_for_mapped_write(PFILE_OBJECT file, PLARGE_INTEGER, PERESOURCE* resource,
                                        PDEVICE_OBJECT)
{
    FileNode* node = FileNode::of(file);
    if (!node)
        return STATUS_INVALID_PARAMETER;
    if (!acquire_for_system(*node, Access::exclusive, false))
        return STATUS_CANT_WAIT;
    *resource = &node->main_resource(); // released by our own routine, with the other one
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI release_for_mapped_write(PFILE_OBJECT file, PERESOURCE, PDEVICE_OBJECT)
{
    release_for_system(*FileNode::of(file));
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI acquire_for_flush(PFILE_OBJECT file, PDEVICE_OBJECT)
{
    if (FileNode* node = FileNode::of(file))
        acquire_for_system(*node, Access::exclusive, true);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI release_for_flush(PFILE_OBJECT file, PDEVICE_OBJECT)
{
    if (FileNode* node = FileNode::of(file))
        release_for_system(*node);
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI acquire_for_lazy_write(PVOID node, BOOLEAN wait)
{
    return acquire_for_system(*static_cast<FileNode*>(node), Access::exclusive, wait);
}

BOOLEAN NTAPI acquire_for_read_ahead(PVOID node, BOOLEAN wait)
{
    return acquire_for_system(*static_cast<FileNode*>(node), Access::shared, wait);
}

VOID NTAPI release_from_cache_manager(PVOID node) { release_for_system(*static_cast<FileNode*>(node)); }

} // namespace

constinit CACHE_MANAGER_CALLBACKS cache_manager_callbacks{acquire_for_lazy_write, release_from_cache_manager,
                                                          acquire_for_read_ahead, release_from_cache_manager};

void initialize_fast_io(PDRIVER_OBJECT driver) noexcept
{
    fast_io.SizeOfFastIoDispatch = sizeof fast_io;
    fast_io.FastIoCheckIfPossible = check_if_possible;
    fast_io.FastIoRead = fast_read;
    fast_io.FastIoWrite = fast_write;
    fast_io.FastIoQueryBasicInfo = query_basic;
    fast_io.FastIoQueryStandardInfo = query_standard;
    fast_io.FastIoQueryNetworkOpenInfo = query_network_open;
    fast_io.FastIoQueryOpen = query_open;
    fast_io.FastIoDeviceControl = fast_device_control;
    fast_io.AcquireFileForNtCreateSection = acquire_for_section;
    fast_io.ReleaseFileForNtCreateSection = release_for_section;
    fast_io.AcquireForModWrite = acquire_for_mapped_write;
    fast_io.ReleaseForModWrite = release_for_mapped_write;
    fast_io.AcquireForCcFlush = acquire_for_flush;
    fast_io.ReleaseForCcFlush = release_for_flush;
    driver->FastIoDispatch = &fast_io;
}

} // namespace fsp::fsd

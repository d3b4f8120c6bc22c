// SPDX-License-Identifier: MIT
#include "ntos/fsrtl/file_callbacks.h"
#include "ntos/verifier.h"

namespace fsp::ntos::fsrtl {
namespace {

PFSRTL_COMMON_FCB_HEADER header_of(PFILE_OBJECT file)
{
    return static_cast<PFSRTL_COMMON_FCB_HEADER>(file->FsContext);
}

PFS_FILTER_CALLBACKS callbacks_of(PDEVICE_OBJECT device)
{
    PDRIVER_EXTENSION extension = device->DriverObject->DriverExtension;
    return extension ? extension->FsFilterCallbacks : nullptr;
}

PFAST_IO_DISPATCH fast_io_of(PDEVICE_OBJECT device) { return device->DriverObject->FastIoDispatch; }

/// Whether a driver's table is long enough to have an entry, and the entry.
template<class Table, class Entry> Entry entry(Table* table, ULONG size, Entry Table::* member)
{
    if (!table)
        return nullptr;
    const auto at = reinterpret_cast<const char*>(&(table->*member)) - reinterpret_cast<const char*>(table);
    return static_cast<ULONG>(at) + sizeof(Entry) <= size ? table->*member : nullptr;
}

PFS_FILTER_CALLBACK filter(PDEVICE_OBJECT device, PFS_FILTER_CALLBACK FS_FILTER_CALLBACKS::* member)
{
    PFS_FILTER_CALLBACKS table = callbacks_of(device);
    return entry(table, table ? table->SizeOfFsFilterCallbacks : 0, member);
}

PFS_FILTER_COMPLETION_CALLBACK filter(PDEVICE_OBJECT device,
                                      PFS_FILTER_COMPLETION_CALLBACK FS_FILTER_CALLBACKS::* member)
{
    PFS_FILTER_CALLBACKS table = callbacks_of(device);
    return entry(table, table ? table->SizeOfFsFilterCallbacks : 0, member);
}

template<class Entry> Entry fast(PDEVICE_OBJECT device, Entry FAST_IO_DISPATCH::* member)
{
    PFAST_IO_DISPATCH table = fast_io_of(device);
    return entry(table, table ? table->SizeOfFastIoDispatch : 0, member);
}

struct Hook
{
    PFS_FILTER_CALLBACK FS_FILTER_CALLBACKS::* before;
    PFS_FILTER_COMPLETION_CALLBACK FS_FILTER_CALLBACKS::* after;
    UCHAR operation;
};

/// @return STATUS_SUCCESS if nobody took care of it, STATUS_FSFILTER_OP_COMPLETED_SUCCESSFULLY if the
/// callback did
NTSTATUS call_filter(PFILE_OBJECT file, const Hook& hook, ULONG protection = 0)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
    PFS_FILTER_CALLBACK before = filter(device, hook.before);
    PFS_FILTER_COMPLETION_CALLBACK after = filter(device, hook.after);
    FS_FILTER_CALLBACK_DATA data{};
    data.SizeOfFsFilterCallbackData = sizeof data;
    data.Operation = hook.operation;
    data.DeviceObject = device;
    data.FileObject = file;
    data.Parameters.AcquireForSectionSynchronization.SyncType = SyncTypeCreateSection;
    data.Parameters.AcquireForSectionSynchronization.PageProtection = protection;
    PVOID context = nullptr;
    const NTSTATUS status = before ? before(&data, &context) : STATUS_SUCCESS;
    if (after)
        after(&data, status, context);
    return status;
}

constexpr Hook acquire_section{&FS_FILTER_CALLBACKS::PreAcquireForSectionSynchronization,
                               &FS_FILTER_CALLBACKS::PostAcquireForSectionSynchronization,
                               FS_FILTER_ACQUIRE_FOR_SECTION_SYNCHRONIZATION};
constexpr Hook release_section{&FS_FILTER_CALLBACKS::PreReleaseForSectionSynchronization,
                               &FS_FILTER_CALLBACKS::PostReleaseForSectionSynchronization,
                               FS_FILTER_RELEASE_FOR_SECTION_SYNCHRONIZATION};
constexpr Hook acquire_flush{&FS_FILTER_CALLBACKS::PreAcquireForCcFlush,
                             &FS_FILTER_CALLBACKS::PostAcquireForCcFlush, FS_FILTER_ACQUIRE_FOR_CC_FLUSH};
constexpr Hook release_flush{&FS_FILTER_CALLBACKS::PreReleaseForCcFlush,
                             &FS_FILTER_CALLBACKS::PostReleaseForCcFlush, FS_FILTER_RELEASE_FOR_CC_FLUSH};
constexpr Hook acquire_mod_write{&FS_FILTER_CALLBACKS::PreAcquireForModifiedPageWriter,
                                 &FS_FILTER_CALLBACKS::PostAcquireForModifiedPageWriter,
                                 FS_FILTER_ACQUIRE_FOR_MOD_WRITE};
constexpr Hook release_mod_write{&FS_FILTER_CALLBACKS::PreReleaseForModifiedPageWriter,
                                 &FS_FILTER_CALLBACKS::PostReleaseForModifiedPageWriter,
                                 FS_FILTER_RELEASE_FOR_MOD_WRITE};

NTSTATUS acquire_for_section(PFILE_OBJECT file, ULONG protection)
{
    const NTSTATUS status = call_filter(file, acquire_section, protection);
    // STATUS_FILE_LOCKED_WITH_ONLY_READERS and _WITH_WRITERS are success codes of this callback: it did the
    // locking.
    if (status != STATUS_SUCCESS)
        return NT_SUCCESS(status) ? STATUS_SUCCESS : status;
    if (auto acquire = fast(IoGetRelatedDeviceObject(file), &FAST_IO_DISPATCH::AcquireFileForNtCreateSection))
        acquire(file);
    else if (PFSRTL_COMMON_FCB_HEADER header = header_of(file); header && header->Resource)
        ExAcquireResourceExclusiveLite(header->Resource, TRUE);
    return STATUS_SUCCESS;
}

void release_for_section(PFILE_OBJECT file)
{
    if (call_filter(file, release_section) != STATUS_SUCCESS)
        return;
    if (auto release = fast(IoGetRelatedDeviceObject(file), &FAST_IO_DISPATCH::ReleaseFileForNtCreateSection))
        release(file);
    else if (PFSRTL_COMMON_FCB_HEADER header = header_of(file); header && header->Resource)
        ExReleaseResourceLite(header->Resource);
}

} // namespace

SectionLock::SectionLock(PFILE_OBJECT file, ULONG protection) : file_(file)
{
    KeEnterCriticalRegion();
    status_ = acquire_for_section(file, protection);
    if (!NT_SUCCESS(status_))
        KeLeaveCriticalRegion();
}

SectionLock::~SectionLock()
{
    if (!NT_SUCCESS(status_))
        return;
    release_for_section(file_);
    KeLeaveCriticalRegion();
}

FlushLock::FlushLock(PFILE_OBJECT file) : file_(file)
{
    KeEnterCriticalRegion();
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
    status_ = call_filter(file, acquire_flush);
    if (status_ != STATUS_SUCCESS) {
        status_ = NT_SUCCESS(status_) ? STATUS_SUCCESS : status_;
    } else {
        auto acquire = fast(device, &FAST_IO_DISPATCH::AcquireForCcFlush);
        status_ = acquire ? acquire(file, device) : STATUS_INVALID_DEVICE_REQUEST;
        if (status_ == STATUS_INVALID_DEVICE_REQUEST) {
            PFSRTL_COMMON_FCB_HEADER header = header_of(file);
            if (header && header->Resource)
                ExAcquireResourceSharedLite(header->Resource, TRUE);
            if (header && header->PagingIoResource)
                ExAcquireResourceSharedLite(header->PagingIoResource, TRUE);
            resources_ = true;
            status_ = STATUS_SUCCESS;
        }
    }
    if (!NT_SUCCESS(status_))
        KeLeaveCriticalRegion();
}

FlushLock::~FlushLock()
{
    if (!NT_SUCCESS(status_))
        return;
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file_);
    if (resources_) {
        PFSRTL_COMMON_FCB_HEADER header = header_of(file_);
        if (header && header->PagingIoResource)
            ExReleaseResourceLite(header->PagingIoResource);
        if (header && header->Resource)
            ExReleaseResourceLite(header->Resource);
    } else if (call_filter(file_, release_flush) == STATUS_SUCCESS) {
        if (auto release = fast(device, &FAST_IO_DISPATCH::ReleaseForCcFlush))
            release(file_, device);
    }
    KeLeaveCriticalRegion();
}

ModWriteLock::ModWriteLock(PFILE_OBJECT file) : file_(file)
{
    KeEnterCriticalRegion();
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
    status_ = call_filter(file, acquire_mod_write);
    if (status_ != STATUS_SUCCESS) {
        status_ = NT_SUCCESS(status_) ? STATUS_SUCCESS : status_;
    } else {
        LARGE_INTEGER end;
        end.QuadPart = MAXLONGLONG;
        auto acquire = fast(device, &FAST_IO_DISPATCH::AcquireForModWrite);
        status_ = acquire ? acquire(file, &end, &resource_, device) : STATUS_INVALID_DEVICE_REQUEST;
        if (status_ == STATUS_INVALID_DEVICE_REQUEST) {
            PFSRTL_COMMON_FCB_HEADER header = header_of(file);
            resource_ = header ? header->PagingIoResource : nullptr;
            header_ = resource_ != nullptr;
            status_ = !resource_ || ExAcquireResourceSharedLite(resource_, FALSE) ? STATUS_SUCCESS
                                                                                  : STATUS_CANT_WAIT;
        }
    }
    if (!NT_SUCCESS(status_))
        KeLeaveCriticalRegion();
}

ModWriteLock::~ModWriteLock()
{
    if (!NT_SUCCESS(status_))
        return;
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file_);
    if (!resource_) {
        call_filter(file_, release_mod_write);
    } else if (header_) {
        ExReleaseResourceLite(resource_);
    } else {
        auto release = fast(device, &FAST_IO_DISPATCH::ReleaseForModWrite);
        if (!release || release(file_, resource_, device) == STATUS_INVALID_DEVICE_REQUEST)
            ExReleaseResourceLite(resource_);
    }
    KeLeaveCriticalRegion();
}

} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;

NTSTATUS NTAPI FsRtlRegisterFileSystemFilterCallbacks(PDRIVER_OBJECT FilterDriverObject,
                                                      PFS_FILTER_CALLBACKS Callbacks)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!FilterDriverObject || !Callbacks || !FilterDriverObject->DriverExtension)
        return STATUS_INVALID_PARAMETER;
    // The copy belongs to the driver extension, which io frees with the driver.
    constexpr ULONG tag = 0x43467346; // "FsFC"
    auto* copy = static_cast<PFS_FILTER_CALLBACKS>(
        ExAllocatePoolWithTag(NonPagedPool, sizeof(FS_FILTER_CALLBACKS), tag));
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(copy, sizeof *copy);
    const ULONG size = Callbacks->SizeOfFsFilterCallbacks < sizeof *copy ? Callbacks->SizeOfFsFilterCallbacks
                                                                         : static_cast<ULONG>(sizeof *copy);
    RtlCopyMemory(copy, Callbacks, size);
    copy->SizeOfFsFilterCallbacks = size;
    if (FilterDriverObject->DriverExtension->FsFilterCallbacks)
        ExFreePool(FilterDriverObject->DriverExtension->FsFilterCallbacks);
    FilterDriverObject->DriverExtension->FsFilterCallbacks = copy;
    return STATUS_SUCCESS;
}

VOID NTAPI FsRtlAcquireFileExclusive(PFILE_OBJECT FileObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    KeEnterCriticalRegion();
    acquire_for_section(FileObject, PAGE_NOACCESS);
}

VOID NTAPI FsRtlReleaseFile(PFILE_OBJECT FileObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    release_for_section(FileObject);
    KeLeaveCriticalRegion();
}

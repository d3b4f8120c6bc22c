// SPDX-License-Identifier: MIT
//
// Section objects: NtCreateSection and relatives, and what file systems ask about sections.
#include "ntos/mm/section.h"

#include "ntos/fsrtl/file_callbacks.h"
#include "ntos/fsrtl/synchronous_irp.h"
#include "ntos/ob/object.h"
#include "ntos/verifier.h"

using namespace fsp::ntos;
using cc::CacheMap;
using cc::MapRef;

namespace fsp::ntos::ob {

namespace {
void destroy_section(void* body) { static_cast<mm::Section*>(body)->~Section(); }
} // namespace

Type section_type = {
    u"Section",
    {SECTION_QUERY | SECTION_MAP_READ, SECTION_MAP_WRITE, SECTION_MAP_EXECUTE, SECTION_ALL_ACCESS},
    SECTION_ALL_ACCESS,
    -1,
    nullptr,
    destroy_section,
    nullptr};

} // namespace fsp::ntos::ob

namespace fsp::ntos::mm {
namespace {

constexpr uint64_t view_granularity = 0x10000;

uint64_t page_up(uint64_t size) { return (size + cc::page_size - 1) & ~uint64_t{cc::page_size - 1}; }

ACCESS_MASK file_access_for(ULONG protection)
{
    switch (protection & 0xFF) {
    case PAGE_READONLY:
    case PAGE_WRITECOPY:
        return FILE_READ_DATA;
    case PAGE_READWRITE:
        return FILE_READ_DATA | FILE_WRITE_DATA;
    case PAGE_EXECUTE:
        return FILE_EXECUTE;
    case PAGE_EXECUTE_READ:
    case PAGE_EXECUTE_WRITECOPY:
        return FILE_READ_DATA | FILE_EXECUTE;
    case PAGE_EXECUTE_READWRITE:
        return FILE_READ_DATA | FILE_WRITE_DATA | FILE_EXECUTE;
    default:
        return 0;
    }
}

bool is_writable(ULONG protection) { return (protection & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)) != 0; }

/// The size that a section shall have; extends the file if a writable section is to be larger.
NTSTATUS settle_size(PFILE_OBJECT file, const LARGE_INTEGER* maximum, ULONG protection, uint64_t* size)
{
    LARGE_INTEGER end;
    NTSTATUS status = FsRtlGetFileSize(file, &end);
    if (!NT_SUCCESS(status))
        return status == STATUS_FILE_IS_A_DIRECTORY ? STATUS_INVALID_FILE_FOR_SECTION : status;
    const LONGLONG wanted = maximum ? maximum->QuadPart : 0;
    if (wanted < 0)
        return STATUS_INVALID_PARAMETER_4;
    if (wanted == 0 && end.QuadPart == 0)
        return STATUS_MAPPED_FILE_SIZE_ZERO;
    if (wanted > end.QuadPart) {
        if (!is_writable(protection))
            return STATUS_SECTION_TOO_BIG;
        status = fsrtl::set_end_of_file(file, wanted);
        if (!NT_SUCCESS(status))
            return status;
        end.QuadPart = wanted;
    }
    *size = static_cast<uint64_t>(wanted ? wanted : end.QuadPart);
    return STATUS_SUCCESS;
}

NTSTATUS make_section(PFILE_OBJECT file, const LARGE_INTEGER* maximum, ULONG protection,
                      ob::Ref<Section>* out)
{
    if (!file->SectionObjectPointer)
        return STATUS_INVALID_FILE_FOR_SECTION;
    uint64_t size = 0;
    // The size is settled before the file system's locks are taken: extending needs them itself.
    NTSTATUS status = settle_size(file, maximum, protection, &size);
    if (!NT_SUCCESS(status))
        return status;
    fsrtl::SectionLock lock(file, protection);
    if (!NT_SUCCESS(lock.status()))
        return lock.status();

    CC_FILE_SIZES sizes;
    sizes.FileSize.QuadPart = sizes.AllocationSize.QuadPart = static_cast<LONGLONG>(size);
    sizes.ValidDataLength.QuadPart = MAXLONGLONG;
    if (auto* header = static_cast<PFSRTL_COMMON_FCB_HEADER>(file->FsContext)) {
        if (header->FileSize.QuadPart > sizes.FileSize.QuadPart)
            sizes.FileSize = sizes.AllocationSize = header->FileSize;
    }
    cc::SectionRef map(CacheMap::acquire_for_section(file, sizes));
    if (!map)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto* section = ob::create<Section>(&ob::section_type, std::move(map), size, protection);
    if (!section)
        return STATUS_INSUFFICIENT_RESOURCES;
    *out = ob::Ref<Section>(section);
    return STATUS_SUCCESS;
}

NTSTATUS make_image_section(PFILE_OBJECT file, ULONG protection, ob::Ref<Section>* out)
{
    if (!file->SectionObjectPointer)
        return STATUS_INVALID_FILE_FOR_SECTION;
    fsrtl::SectionLock lock(file, protection);
    if (!NT_SUCCESS(lock.status()))
        return lock.status();
    // The image is read from the file system, which need not have seen what was written.
    if (const MapRef map(CacheMap::find(file->SectionObjectPointer)); map) {
        const NTSTATUS flushed = map->flush(0, ~uint64_t{0});
        if (!NT_SUCCESS(flushed))
            return flushed;
    }
    std::shared_ptr<Image> image;
    const NTSTATUS status = Image::acquire(file, &image);
    if (!NT_SUCCESS(status))
        return status;
    auto* section = ob::create<Section>(&ob::section_type, std::move(image), protection);
    if (!section)
        return STATUS_INSUFFICIENT_RESOURCES;
    *out = ob::Ref<Section>(section);
    return STATUS_SUCCESS;
}

struct CreateRequest
{
    ACCESS_MASK access;
    POBJECT_ATTRIBUTES attributes;
    const LARGE_INTEGER* maximum;
    ULONG protection;
    ULONG allocation;
    HANDLE file;
};

NTSTATUS create(KPROCESSOR_MODE mode, PHANDLE handle, const CreateRequest& r)
{
    const ACCESS_MASK needed = file_access_for(r.protection);
    if (!needed)
        return STATUS_INVALID_PAGE_PROTECTION;
    if (!r.file)
        return STATUS_NOT_SUPPORTED;
    if (r.attributes && r.attributes->ObjectName)
        return STATUS_NOT_SUPPORTED;

    ob::Ref<FILE_OBJECT> file;
    ACCESS_MASK granted;
    NTSTATUS status = ob::reference_by_handle(r.file, needed, &ob::file_type, mode,
                                              reinterpret_cast<void**>(file.out()), &granted);
    if (!NT_SUCCESS(status))
        return status;
    ob::Ref<Section> section;
    status = r.allocation & SEC_IMAGE ? make_image_section(file.get(), r.protection, &section)
                                      : make_section(file.get(), r.maximum, r.protection, &section);
    if (!NT_SUCCESS(status))
        return status;
    ACCESS_MASK access = r.access;
    RtlMapGenericMask(&access, &ob::section_type.mapping);
    if (access & MAXIMUM_ALLOWED)
        access = SECTION_ALL_ACCESS;
    return ob::create_handle(section.get(), access, r.attributes ? r.attributes->Attributes : 0, handle);
}

ACCESS_MASK section_access_for(ULONG protection)
{
    return is_writable(protection) ? SECTION_MAP_WRITE : SECTION_MAP_READ;
}

NTSTATUS map(KPROCESSOR_MODE mode, HANDLE handle, PVOID* base, PLARGE_INTEGER offset, PSIZE_T size,
             ULONG protection)
{
    if (!file_access_for(protection))
        return STATUS_INVALID_PAGE_PROTECTION;
    ob::Ref<Section> section;
    ACCESS_MASK granted;
    NTSTATUS status = ob::reference_by_handle(handle, section_access_for(protection), &ob::section_type, mode,
                                              reinterpret_cast<void**>(section.out()), &granted);
    if (!NT_SUCCESS(status))
        return status;
    // The protection of an image's pages is what the image says.
    if (!section->image && is_writable(protection) && !is_writable(section->protection))
        return STATUS_SECTION_PROTECTION;
    if (*base)
        return STATUS_CONFLICTING_ADDRESSES; // places are the executive's to choose

    ViewRequest request{offset ? static_cast<uint64_t>(offset->QuadPart) : 0, *size, protection};
    // A start that is not a multiple of the granularity is rounded down.
    request.offset &= ~(view_granularity - 1);
    const uint64_t section_size = page_up(section->size);
    if (request.offset >= section_size)
        return STATUS_INVALID_VIEW_SIZE;
    if (request.size == 0)
        request.size = section_size - request.offset;
    request.size = page_up(request.size);
    if (request.size > section_size - request.offset)
        return STATUS_INVALID_VIEW_SIZE;
    status = map_view(*section.get(), request, base);
    if (NT_SUCCESS(status)) {
        *size = request.size;
        if (offset)
            offset->QuadPart = static_cast<LONGLONG>(request.offset);
    }
    return status;
}

NTSTATUS extend(KPROCESSOR_MODE mode, HANDLE handle, PLARGE_INTEGER size)
{
    ob::Ref<Section> section;
    ACCESS_MASK granted;
    NTSTATUS status = ob::reference_by_handle(handle, SECTION_EXTEND_SIZE, &ob::section_type, mode,
                                              reinterpret_cast<void**>(section.out()), &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (section->image)
        return STATUS_SECTION_NOT_EXTENDED;
    uint64_t settled;
    status = settle_size(section->map->file(), size, section->protection, &settled);
    if (!NT_SUCCESS(status))
        return status;
    if (settled > section->size)
        section->size = settled;
    size->QuadPart = static_cast<LONGLONG>(section->size.load());
    return STATUS_SUCCESS;
}

NTSTATUS flush(PVOID* base, PSIZE_T size, PIO_STATUS_BLOCK iosb)
{
    size_t length = *size;
    const NTSTATUS status = flush_view(base, &length);
    if (status == STATUS_NOT_MAPPED_VIEW)
        return status;
    *size = length;
    iosb->Status = status;
    iosb->Information = 0;
    return status;
}

} // namespace
} // namespace fsp::ntos::mm

// ---- system services

#define SECTION_SERVICES(prefix, mode)                                                                       \
    NTSTATUS NTAPI prefix##CreateSection(PHANDLE SectionHandle, ACCESS_MASK DesiredAccess,                   \
                                         POBJECT_ATTRIBUTES ObjectAttributes, PLARGE_INTEGER MaximumSize,    \
                                         ULONG SectionPageProtection, ULONG AllocationAttributes,            \
                                         HANDLE FileHandle)                                                  \
    {                                                                                                        \
        return mm::create(mode, SectionHandle,                                                               \
                          {DesiredAccess, ObjectAttributes, MaximumSize, SectionPageProtection,              \
                           AllocationAttributes, FileHandle});                                               \
    }                                                                                                        \
    NTSTATUS NTAPI prefix##MapViewOfSection(HANDLE SectionHandle, HANDLE, PVOID* BaseAddress, ULONG_PTR,     \
                                            SIZE_T, PLARGE_INTEGER SectionOffset, PSIZE_T ViewSize,          \
                                            SECTION_INHERIT, ULONG, ULONG Win32Protect)                      \
    {                                                                                                        \
        return mm::map(mode, SectionHandle, BaseAddress, SectionOffset, ViewSize, Win32Protect);             \
    }                                                                                                        \
    NTSTATUS NTAPI prefix##UnmapViewOfSection(HANDLE, PVOID BaseAddress)                                     \
    {                                                                                                        \
        return mm::unmap_view(BaseAddress);                                                                  \
    }                                                                                                        \
    NTSTATUS NTAPI prefix##ExtendSection(HANDLE SectionHandle, PLARGE_INTEGER NewSectionSize)                \
    {                                                                                                        \
        return mm::extend(mode, SectionHandle, NewSectionSize);                                              \
    }                                                                                                        \
    NTSTATUS NTAPI prefix##FlushVirtualMemory(HANDLE, PVOID* BaseAddress, PSIZE_T RegionSize,                \
                                              PIO_STATUS_BLOCK IoStatus)                                     \
    {                                                                                                        \
        return mm::flush(BaseAddress, RegionSize, IoStatus);                                                 \
    }

SECTION_SERVICES(Nt, UserMode)
SECTION_SERVICES(Zw, KernelMode)

// ---- what file systems ask

BOOLEAN NTAPI MmFlushImageSection(PSECTION_OBJECT_POINTERS SectionPointer, MMFLUSH_TYPE FlushType)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (fsp::ntos::mm::Image::exists(SectionPointer))
        return FALSE;
    // A file that is to be deleted must not be mapped as data either; a section without views is no matter.
    const MapRef map(CacheMap::find(SectionPointer));
    return !map || FlushType != MmFlushForDelete || !map->has_user_views();
}

BOOLEAN NTAPI MmCanFileBeTruncated(PSECTION_OBJECT_POINTERS SectionPointer, PLARGE_INTEGER NewFileSize)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!MmFlushImageSection(SectionPointer, MmFlushForWrite))
        return FALSE;
    const MapRef map(CacheMap::find(SectionPointer));
    if (!map || !map->has_sections())
        return TRUE;
    // Not into what a section reaches; within its last page it is fine.
    const auto size = static_cast<uint64_t>(map->sizes().FileSize.QuadPart);
    return NewFileSize && fsp::ntos::mm::page_up(static_cast<uint64_t>(NewFileSize->QuadPart)) >=
                              fsp::ntos::mm::page_up(size);
}

BOOLEAN NTAPI MmForceSectionClosed(PSECTION_OBJECT_POINTERS SectionPointer, BOOLEAN)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (fsp::ntos::mm::Image::exists(SectionPointer))
        return FALSE;
    {
        const MapRef map(CacheMap::find(SectionPointer));
        if (!map)
            return TRUE;
        if (map->has_sections() || map->is_cached())
            return FALSE;
        if (map->dirty_pages() && !NT_SUCCESS(map->flush(0, ~uint64_t{0})))
            return FALSE;
        map->try_tear_down();
    }
    return !MapRef(CacheMap::find(SectionPointer));
}

BOOLEAN NTAPI MmForceSectionClosedEx(PSECTION_OBJECT_POINTERS SectionPointer, ULONG)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return MmForceSectionClosed(SectionPointer, FALSE);
}

ULONG NTAPI MmDoesFileHaveUserWritableReferences(PSECTION_OBJECT_POINTERS SectionPointer)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionPointer));
    return map && map->has_writable_user_views();
}

BOOLEAN NTAPI MmIsRecursiveIoFault() { return FALSE; }

BOOLEAN NTAPI MmSetAddressRangeModified(PVOID Address, SIZE_T Length)
{
    return fsp::ntos::mm::mark_view_dirty(Address, Length);
}

NTSTATUS NTAPI MmPrefetchPages(ULONG, PVOID*) { return STATUS_NOT_SUPPORTED; }

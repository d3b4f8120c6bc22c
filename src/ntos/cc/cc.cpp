// SPDX-License-Identifier: MIT
//
// The cache manager's routines, in terms of CacheMap.
#include "ntos/cc/cache_map.h"
#include "ntos/cc/lazy_writer.h"
#include "ntos/cc/paging_io.h"
#include "ntos/file_flags.h"
#include "ntos/fsrtl/file_callbacks.h"
#include "ntos/verifier.h"

using namespace fsp::ntos;
using namespace fsp::ntos::cc;

namespace {

PrivateMap* private_map(PFILE_OBJECT file)
{
    return static_cast<PrivateMap*>(__atomic_load_n(&file->PrivateCacheMap, __ATOMIC_ACQUIRE));
}

uint64_t u64(const LARGE_INTEGER* v) { return static_cast<uint64_t>(v->QuadPart); }

[[noreturn]] void raise(NTSTATUS status)
{
    ExRaiseStatus(status == STATUS_INSUFFICIENT_RESOURCES
                      ? status
                      : FsRtlNormalizeNtstatus(status, STATUS_UNEXPECTED_IO_ERROR));
    __builtin_unreachable();
}

CacheMap& cached(PFILE_OBJECT file)
{
    PrivateMap* own = private_map(file);
    if (!own)
        ExRaiseStatus(STATUS_INVALID_PARAMETER);
    return *own->map;
}

/// The range that a section pointer routine means: no offset is the whole file.
struct Range
{
    Range(const LARGE_INTEGER* start, ULONG size)
        : offset(start ? u64(start) : 0), length(start && size ? size : ~uint64_t{0})
    {}
    uint64_t offset;
    uint64_t length;
};

void set_status(PIO_STATUS_BLOCK iosb, NTSTATUS status)
{
    if (iosb) {
        iosb->Status = status;
        iosb->Information = 0;
    }
}

NTSTATUS flush(CacheMap& map, const Range& range)
{
    if (!map.dirty_pages() && !map.has_writable_user_views())
        return STATUS_SUCCESS;
    fsrtl::FlushLock lock(map.file());
    return NT_SUCCESS(lock.status()) ? map.flush(range.offset, range.length) : lock.status();
}

void unpin_chain(PMDL chain)
{
    while (chain) {
        PMDL next = chain->Next;
        View* view = Arena::instance().owner_of(MmGetMdlVirtualAddress(chain));
        view->map->unpin(view);
        IoFreeMdl(chain);
        chain = next;
    }
}

/// Describes the cached data with MDLs whose pages stay pinned.
NTSTATUS pin_chain(CacheMap& map, uint64_t offset, ULONG length, PMDL* chain)
{
    NTSTATUS status = STATUS_SUCCESS;
    PMDL* link = chain;
    while (*link)
        link = &(*link)->Next;
    PMDL* const first = link;
    for_each_span(offset, length, [&](const Span& span) {
        View* view = map.pin(span, true, &status);
        if (!view)
            return false;
        PMDL mdl =
            IoAllocateMdl(view->base + span.offset, static_cast<ULONG>(span.length), FALSE, FALSE, nullptr);
        if (!mdl) {
            map.unpin(view);
            status = STATUS_INSUFFICIENT_RESOURCES;
            return false;
        }
        MmBuildMdlForNonPagedPool(mdl);
        mdl->Next = nullptr;
        *link = mdl;
        link = &mdl->Next;
        return true;
    });
    if (!NT_SUCCESS(status)) {
        unpin_chain(*first);
        *first = nullptr;
    }
    return status;
}

ULONG chain_length(PMDL chain)
{
    ULONG length = 0;
    for (; chain; chain = chain->Next)
        length += MmGetMdlByteCount(chain);
    return length;
}

} // namespace

VOID NTAPI CcInitializeCacheMap(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes, BOOLEAN,
                                PCACHE_MANAGER_CALLBACKS Callbacks, PVOID LazyWriteContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const NTSTATUS status = CacheMap::start_caching(FileObject, *FileSizes, Callbacks, LazyWriteContext);
    if (!NT_SUCCESS(status))
        ExRaiseStatus(status);
}

BOOLEAN NTAPI CcUninitializeCacheMap(PFILE_OBJECT FileObject, PLARGE_INTEGER TruncateSize,
                                     PCACHE_UNINITIALIZE_EVENT UninitializeEvent)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return CacheMap::stop_caching(FileObject, TruncateSize,
                                  UninitializeEvent ? &UninitializeEvent->Event : nullptr);
}

VOID NTAPI CcSetFileSizes(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (const MapRef map{CacheMap::find(FileObject->SectionObjectPointer)})
        map->set_sizes(*FileSizes);
}

BOOLEAN NTAPI CcCopyRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                         PVOID Buffer, PIO_STATUS_BLOCK IoStatus)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CacheMap& map = cached(FileObject);
    note_read(private_map(FileObject), u64(FileOffset), Length);
    const NTSTATUS status = map.read(u64(FileOffset), Buffer, Length, Wait);
    if (status == STATUS_CANT_WAIT)
        return FALSE;
    if (!NT_SUCCESS(status))
        raise(status);
    IoStatus->Status = STATUS_SUCCESS;
    IoStatus->Information = Length;
    return TRUE;
}

BOOLEAN NTAPI CcCopyReadEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                           PVOID Buffer, PIO_STATUS_BLOCK IoStatus, PETHREAD)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return CcCopyRead(FileObject, FileOffset, Length, Wait, Buffer, IoStatus);
}

VOID NTAPI CcFastCopyRead(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, ULONG, PVOID Buffer,
                          PIO_STATUS_BLOCK IoStatus)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    LARGE_INTEGER offset;
    offset.QuadPart = FileOffset;
    CcCopyRead(FileObject, &offset, Length, TRUE, Buffer, IoStatus);
}

BOOLEAN NTAPI CcCopyWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                          PVOID Buffer)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CacheMap& map = cached(FileObject);
    NTSTATUS status = map.write(u64(FileOffset), Buffer, Length, Wait);
    if (status == STATUS_CANT_WAIT)
        return FALSE;
    if (NT_SUCCESS(status) && (flags_of(FileObject) & FO_WRITE_THROUGH))
        status = map.flush(u64(FileOffset), Length);
    if (!NT_SUCCESS(status))
        raise(status);
    return TRUE;
}

BOOLEAN NTAPI CcCopyWriteEx(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, BOOLEAN Wait,
                            PVOID Buffer, PETHREAD)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return CcCopyWrite(FileObject, FileOffset, Length, Wait, Buffer);
}

VOID NTAPI CcFastCopyWrite(PFILE_OBJECT FileObject, ULONG FileOffset, ULONG Length, PVOID Buffer)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    LARGE_INTEGER offset;
    offset.QuadPart = FileOffset;
    CcCopyWrite(FileObject, &offset, Length, TRUE, Buffer);
}

BOOLEAN NTAPI CcCopyWriteWontFlush(PFILE_OBJECT, PLARGE_INTEGER, ULONG Length) { return Length <= 0x10000; }

VOID NTAPI CcMdlRead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, PMDL* MdlChain,
                     PIO_STATUS_BLOCK IoStatus)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CacheMap& map = cached(FileObject);
    note_read(private_map(FileObject), u64(FileOffset), Length);
    const NTSTATUS status = pin_chain(map, u64(FileOffset), Length, MdlChain);
    if (!NT_SUCCESS(status))
        raise(status);
    IoStatus->Status = STATUS_SUCCESS;
    IoStatus->Information = Length;
}

VOID NTAPI CcMdlReadComplete(PFILE_OBJECT, PMDL MdlChain)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    unpin_chain(MdlChain);
}

VOID NTAPI CcPrepareMdlWrite(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length, PMDL* MdlChain,
                             PIO_STATUS_BLOCK IoStatus)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const NTSTATUS status = pin_chain(cached(FileObject), u64(FileOffset), Length, MdlChain);
    if (!NT_SUCCESS(status))
        raise(status);
    IoStatus->Status = STATUS_SUCCESS;
    IoStatus->Information = Length;
}

VOID NTAPI CcMdlWriteComplete(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, PMDL MdlChain)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CacheMap& map = cached(FileObject);
    const ULONG length = chain_length(MdlChain);
    map.mark_dirty(u64(FileOffset), length);
    unpin_chain(MdlChain);
    if (flags_of(FileObject) & FO_WRITE_THROUGH) {
        const NTSTATUS status = map.flush(u64(FileOffset), length);
        if (!NT_SUCCESS(status))
            raise(status);
    }
}

VOID NTAPI CcMdlWriteAbort(PFILE_OBJECT, PMDL MdlChain)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    unpin_chain(MdlChain);
}

BOOLEAN NTAPI CcZeroData(PFILE_OBJECT FileObject, PLARGE_INTEGER StartOffset, PLARGE_INTEGER EndOffset,
                         BOOLEAN Wait)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    uint64_t offset = u64(StartOffset);
    const uint64_t end = u64(EndOffset);
    if (offset >= end)
        return TRUE;
    NTSTATUS status = STATUS_SUCCESS;
    if (PrivateMap* own = private_map(FileObject)) {
        status = own->map->zero(offset, end - offset, Wait);
        if (NT_SUCCESS(status) && (flags_of(FileObject) & FO_WRITE_THROUGH))
            status = own->map->flush(offset, end - offset);
    } else if (!Wait) {
        return FALSE;
    } else {
        // Not cached: the zeros go to the file at once.
        static char zeros[view_size];
        for (; NT_SUCCESS(status) && offset < end; offset += view_size)
            status = page_out(FileObject, offset, zeros, std::min<uint64_t>(view_size, end - offset));
    }
    if (status == STATUS_CANT_WAIT)
        return FALSE;
    if (!NT_SUCCESS(status))
        raise(status);
    return TRUE;
}

VOID NTAPI CcFlushCache(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                        ULONG Length, PIO_STATUS_BLOCK IoStatus)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionObjectPointer));
    set_status(IoStatus, map ? flush(*map, Range(FileOffset, Length)) : STATUS_SUCCESS);
}

BOOLEAN NTAPI CcPurgeCacheSection(PSECTION_OBJECT_POINTERS SectionObjectPointer, PLARGE_INTEGER FileOffset,
                                  ULONG Length, ULONG Flags)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionObjectPointer));
    if (!map)
        return TRUE;
    const Range range(FileOffset, Length);
    const bool purged = map->purge(range.offset, range.length);
    if (Flags & UNINITIALIZE_CACHE_MAPS)
        map->stop_all_caching();
    return purged;
}

VOID NTAPI CcCoherencyFlushAndPurgeCache(PSECTION_OBJECT_POINTERS SectionObjectPointer,
                                         PLARGE_INTEGER FileOffset, ULONG Length, PIO_STATUS_BLOCK IoStatus,
                                         ULONG Flags)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionObjectPointer));
    NTSTATUS status = STATUS_SUCCESS;
    if (map) {
        const Range range(FileOffset, Length);
        status = flush(*map, range);
        if (NT_SUCCESS(status) && !(Flags & CC_FLUSH_AND_PURGE_NO_PURGE) &&
            !map->purge(range.offset, range.length))
            status = STATUS_CACHE_PAGE_LOCKED;
    }
    set_status(IoStatus, status);
}

PFILE_OBJECT NTAPI CcGetFileObjectFromSectionPtrs(PSECTION_OBJECT_POINTERS SectionObjectPointer)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionObjectPointer));
    return map ? map->file() : nullptr;
}

PFILE_OBJECT NTAPI CcGetFileObjectFromSectionPtrsRef(PSECTION_OBJECT_POINTERS SectionObjectPointer)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    const MapRef map(CacheMap::find(SectionObjectPointer));
    if (!map)
        return nullptr;
    ObReferenceObject(map->file());
    return map->file();
}

BOOLEAN NTAPI CcCanIWrite(PFILE_OBJECT, ULONG BytesToWrite, BOOLEAN Wait, UCHAR)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (lazy_writer::can_write(BytesToWrite))
        return TRUE;
    if (!Wait)
        return FALSE;
    lazy_writer::wait_until_can_write(BytesToWrite);
    return TRUE;
}

VOID NTAPI CcDeferWrite(PFILE_OBJECT, PCC_POST_DEFERRED_WRITE PostRoutine, PVOID Context1, PVOID Context2,
                        ULONG BytesToWrite, BOOLEAN)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    lazy_writer::defer(PostRoutine, Context1, Context2, BytesToWrite);
}

VOID NTAPI CcSetAdditionalCacheAttributes(PFILE_OBJECT FileObject, BOOLEAN DisableReadAhead,
                                          BOOLEAN DisableWriteBehind)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PrivateMap* own = private_map(FileObject);
    if (!own)
        return;
    own->read_ahead->disabled = DisableReadAhead != FALSE;
    own->map->write_behind_disabled = DisableWriteBehind != FALSE;
}

VOID NTAPI CcSetReadAheadGranularity(PFILE_OBJECT FileObject, ULONG Granularity)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (PrivateMap* own = private_map(FileObject))
        own->read_ahead->granularity = Granularity;
}

VOID NTAPI CcScheduleReadAhead(PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset, ULONG Length)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (PrivateMap* own = private_map(FileObject))
        note_read(own, u64(FileOffset), Length);
}

NTSTATUS NTAPI CcWaitForCurrentLazyWriterActivity(VOID)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    lazy_writer::wait_for_pass();
    return STATUS_SUCCESS;
}

BOOLEAN NTAPI CcIsThereDirtyData(PVPB Vpb)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    for (const MapRef& map : CacheMap::all())
        if (map->file()->Vpb == Vpb && map->dirty_pages())
            return TRUE;
    return FALSE;
}

VOID NTAPI CcInitializeCacheMapEx(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes, BOOLEAN PinAccess,
                                  PCACHE_MANAGER_CALLBACKS Callbacks, PVOID LazyWriteContext, ULONG)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CcInitializeCacheMap(FileObject, FileSizes, PinAccess, Callbacks, LazyWriteContext);
}

NTSTATUS NTAPI CcSetFileSizesEx(PFILE_OBJECT FileObject, PCC_FILE_SIZES FileSizes)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    CcSetFileSizes(FileObject, FileSizes);
    return STATUS_SUCCESS;
}

LARGE_INTEGER NTAPI CcGetFlushedValidData(PSECTION_OBJECT_POINTERS SectionObjectPointer, BOOLEAN)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    // Valid data is not tracked: all of a file that is cached may have been written.
    LARGE_INTEGER size;
    size.QuadPart = MAXLONGLONG;
    if (const MapRef map{CacheMap::find(SectionObjectPointer)}; map && !map->dirty_pages())
        size = map->sizes().FileSize;
    return size;
}

VOID NTAPI CcSetDirtyPageThreshold(PFILE_OBJECT, ULONG)
{
    // The limit for all files together also holds for each.
}

BOOLEAN NTAPI CcIsThereDirtyDataEx(PVPB Vpb, PULONG NumberOfDirtyPages)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    uint64_t pages = 0;
    for (const MapRef& map : CacheMap::all())
        if (map->file()->Vpb == Vpb)
            pages += map->dirty_pages();
    if (NumberOfDirtyPages)
        *NumberOfDirtyPages = static_cast<ULONG>(std::min<uint64_t>(pages, MAXULONG));
    return pages != 0;
}

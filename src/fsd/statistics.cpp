// SPDX-License-Identifier: MIT
#include "statistics.h"
#include "memory.h"

namespace fsp::fsd {

namespace {
void add(ULONG& counter, ULONG value) { __atomic_fetch_add(&counter, value, __ATOMIC_RELAXED); }
} // namespace

/// A multiple of 64 bytes, which the caller sees; pool memory need not be aligned to that.
struct Statistics::Record
{
    FILESYSTEM_STATISTICS base;
    FAT_STATISTICS fat;
    UCHAR padding[64 - (sizeof(FILESYSTEM_STATISTICS) + sizeof(FAT_STATISTICS)) % 64];
};
static_assert(sizeof(FILESYSTEM_STATISTICS) % 4 == 0 && sizeof(FAT_STATISTICS) % 4 == 0);

ULONG Statistics::record_size() { return sizeof(Record); }

NTSTATUS Statistics::init(ULONG processors)
{
    const ULONG size = processors * static_cast<ULONG>(sizeof(Record));
    records_ = static_cast<Record*>(pool_allocate(size));
    if (!records_)
        return STATUS_INSUFFICIENT_RESOURCES;
    RtlZeroMemory(static_cast<void*>(records_), size);
    processors_ = processors;
    for (ULONG i = 0; i < processors; ++i) {
        // The published structure has a place for FAT's and for NTFS's own counters; ours resemble FAT's.
        records_[i].base.FileSystemType = FILESYSTEM_STATISTICS_TYPE_FAT;
        records_[i].base.Version = 1;
        records_[i].base.SizeOfCompleteStructure = sizeof(Record);
    }
    return STATUS_SUCCESS;
}

void Statistics::fini()
{
    pool_free(records_);
    records_ = nullptr;
    processors_ = 0;
}

Statistics::Record* Statistics::current()
{
    return records_ ? &records_[KeGetCurrentProcessorNumber() % processors_] : nullptr;
}

void Statistics::count_read(Transfer transfer, ULONG bytes)
{
    Record* r = current();
    if (!r)
        return;
    if (transfer == Transfer::Paging) {
        add(r->base.UserFileReads, 1);
        add(r->base.UserFileReadBytes, bytes);
        add(r->base.UserDiskReads, 1);
    } else {
        add(r->fat.NonCachedReads, 1);
        add(r->fat.NonCachedReadBytes, bytes);
        add(r->fat.NonCachedDiskReads, 1);
    }
}

void Statistics::count_write(Transfer transfer, ULONG bytes)
{
    Record* r = current();
    if (!r)
        return;
    if (transfer == Transfer::Paging) {
        add(r->base.UserFileWrites, 1);
        add(r->base.UserFileWriteBytes, bytes);
        add(r->base.UserDiskWrites, 1);
    } else {
        add(r->fat.NonCachedWrites, 1);
        add(r->fat.NonCachedWriteBytes, bytes);
        add(r->fat.NonCachedDiskWrites, 1);
    }
}

void Statistics::count_create(NTSTATUS status)
{
    Record* r = current();
    if (!r)
        return;
    add(r->fat.CreateHits, 1);
    add(NT_SUCCESS(status) ? r->fat.SuccessfulCreates : r->fat.FailedCreates, 1);
}

NTSTATUS Statistics::copy(void* out, ULONG size, ULONG* written) const
{
    *written = 0;
    if (size < sizeof(FILESYSTEM_STATISTICS))
        return STATUS_BUFFER_TOO_SMALL;
    const ULONG all = processors_ * static_cast<ULONG>(sizeof(Record));
    *written = size < all ? size : all;
    // Others go on counting. The size need not be one of whole counters: the rest of the last one follows.
    const ULONG* counters = reinterpret_cast<const ULONG*>(records_);
    auto* to = static_cast<UCHAR*>(out);
    for (ULONG done = 0; done < *written; done += sizeof(ULONG)) {
        const ULONG counter = __atomic_load_n(counters++, __ATOMIC_RELAXED);
        RtlCopyMemory(to + done, &counter, lesser<ULONG>(sizeof counter, *written - done));
    }
    return size < all ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}

} // namespace fsp::fsd

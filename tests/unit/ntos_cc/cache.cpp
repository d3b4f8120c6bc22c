// SPDX-License-Identifier: MIT
// The cache manager on a driver that keeps its files in memory.
#include "ntos/mm/section.h"

#include <ntifs.h>
#include <ntos/boot.h>
#include <ntos/raise.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>
#include <vector>

using namespace fsp::ntos;

namespace {

LARGE_INTEGER large(uint64_t value)
{
    LARGE_INTEGER l;
    l.QuadPart = static_cast<LONGLONG>(value);
    return l;
}

/// What FsContext points to. Lives until the last of its files is closed, which the cache may delay.
struct Node
{
    ~Node()
    {
        std::unique_lock lock(mutex);
        closed.wait(lock, [&] { return files == 0; });
    }
    FSRTL_COMMON_FCB_HEADER header{};
    SECTION_OBJECT_POINTERS pointers{};
    std::mutex mutex;
    std::condition_variable closed;
    /// Plays the file system's resource: shared for cached writes, exclusive for writing them out.
    std::shared_mutex resource;
    int files = 0;
    std::string data;
    std::atomic<int> reads{0}, writes{0}, lazy_acquired{0};
    std::atomic<int> reads_elsewhere{0}; // by other threads than the one that made this
    const std::thread::id maker = std::this_thread::get_id();
    std::atomic<NTSTATUS> write_status{STATUS_SUCCESS}, read_status{STATUS_SUCCESS};
    std::atomic<bool> top_level_seen{false};
};

Node* node_of(PFILE_OBJECT file) { return static_cast<Node*>(file->FsContext); }

NTSTATUS finish(PIRP irp, NTSTATUS status, ULONG_PTR information = 0)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = information;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

NTSTATUS NTAPI dispatch(PDEVICE_OBJECT, PIRP irp)
{
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(irp);
    Node* node = node_of(sp->FileObject);
    std::unique_lock hold(node->mutex);
    if (sp->MajorFunction == IRP_MJ_CLOSE) {
        --node->files;
        node->closed.notify_all();
        return finish(irp, STATUS_SUCCESS);
    }
    switch (sp->MajorFunction) {
    case IRP_MJ_READ: {
        EXPECT_TRUE(irp->Flags & IRP_PAGING_IO);
        ++node->reads;
        if (std::this_thread::get_id() != node->maker) {
            ++node->reads_elsewhere;
            node->reads_elsewhere.notify_all();
        }
        if (node->read_status)
            return finish(irp, node->read_status);
        const auto offset = static_cast<size_t>(sp->Parameters.Read.ByteOffset.QuadPart);
        if (offset >= node->data.size())
            return finish(irp, STATUS_END_OF_FILE);
        const size_t n = std::min<size_t>(sp->Parameters.Read.Length, node->data.size() - offset);
        std::memcpy(MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority),
                    node->data.data() + offset, n);
        return finish(irp, STATUS_SUCCESS, n);
    }
    case IRP_MJ_WRITE: {
        EXPECT_TRUE(irp->Flags & IRP_PAGING_IO);
        ++node->writes;
        node->top_level_seen = IoGetTopLevelIrp() == reinterpret_cast<PIRP>(FSRTL_CACHE_TOP_LEVEL_IRP);
        if (node->write_status)
            return finish(irp, node->write_status);
        const auto offset = static_cast<size_t>(sp->Parameters.Write.ByteOffset.QuadPart);
        const size_t length = sp->Parameters.Write.Length;
        if (offset < node->data.size())
            std::memcpy(node->data.data() + offset,
                        MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority),
                        std::min(length, node->data.size() - offset));
        return finish(irp, STATUS_SUCCESS, length);
    }
    case IRP_MJ_QUERY_INFORMATION: {
        auto* info = static_cast<PFILE_STANDARD_INFORMATION>(irp->AssociatedIrp.SystemBuffer);
        info->EndOfFile.QuadPart = static_cast<LONGLONG>(node->data.size());
        return finish(irp, STATUS_SUCCESS, sizeof *info);
    }
    default:
        return finish(irp, STATUS_INVALID_DEVICE_REQUEST);
    }
}

BOOLEAN NTAPI acquire(PVOID context, BOOLEAN wait)
{
    auto* node = static_cast<Node*>(context);
    if (!wait)
        return node->resource.try_lock();
    node->resource.lock();
    ++node->lazy_acquired;
    return TRUE;
}
VOID NTAPI release(PVOID context) { static_cast<Node*>(context)->resource.unlock(); }
CACHE_MANAGER_CALLBACKS callbacks{acquire, release, acquire, release};

PDEVICE_OBJECT created;

NTSTATUS NTAPI start(PDRIVER_OBJECT driver, PUNICODE_STRING)
{
    for (auto& entry : driver->MajorFunction)
        entry = dispatch;
    return IoCreateDevice(driver, 0, nullptr, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, &created);
}

PDEVICE_OBJECT device()
{
    if (!created) {
        boot();
        PDRIVER_OBJECT driver;
        EXPECT_EQ(STATUS_SUCCESS, load_driver(u"memory", start, &driver));
        created->Flags &= ~static_cast<ULONG>(DO_DEVICE_INITIALIZING);
    }
    return created;
}

/// An open file; referenced as a handle would.
struct File
{
    explicit File(Node& n) : node(n), object(IoCreateStreamFileObjectLite(nullptr, device()))
    {
        object->FsContext = &n;
        std::lock_guard hold(n.mutex);
        ++n.files;
        object->SectionObjectPointer = &n.pointers;
    }
    ~File() { ObDereferenceObject(object); }
    File(const File&) = delete;

    CC_FILE_SIZES sizes()
    {
        CC_FILE_SIZES s;
        s.AllocationSize = s.FileSize = large(node.data.size());
        s.ValidDataLength = large(MAXLONGLONG);
        return s;
    }
    void cache()
    {
        CC_FILE_SIZES s = sizes();
        CcInitializeCacheMap(object, &s, FALSE, &callbacks, &node);
    }
    bool uncache() { return CcUninitializeCacheMap(object, nullptr, nullptr); }
    /// Waits until the file is not cached any more.
    void uncache_and_wait()
    {
        CACHE_UNINITIALIZE_EVENT event{};
        KeInitializeEvent(&event.Event, NotificationEvent, FALSE);
        CcUninitializeCacheMap(object, nullptr, &event);
        KeWaitForSingleObject(&event.Event, Executive, KernelMode, FALSE, nullptr);
    }
    void resize(size_t size)
    {
        {
            std::lock_guard hold(node.mutex);
            node.data.resize(size);
        }
        CC_FILE_SIZES s = sizes();
        CcSetFileSizes(object, &s);
    }
    std::string read(uint64_t offset, ULONG length)
    {
        std::string out(length, '?');
        LARGE_INTEGER at = large(offset);
        IO_STATUS_BLOCK iosb;
        EXPECT_TRUE(CcCopyRead(object, &at, length, TRUE, out.data(), &iosb));
        EXPECT_EQ(length, iosb.Information);
        return out;
    }
    void write(uint64_t offset, std::string data)
    {
        std::shared_lock hold(node.resource);
        LARGE_INTEGER at = large(offset);
        EXPECT_TRUE(CcCopyWrite(object, &at, static_cast<ULONG>(data.size()), TRUE, data.data()));
    }
    NTSTATUS flush()
    {
        std::unique_lock hold(node.resource);
        IO_STATUS_BLOCK iosb;
        CcFlushCache(&node.pointers, nullptr, 0, &iosb);
        return iosb.Status;
    }
    bool purge(uint64_t offset = 0, ULONG length = 0)
    {
        LARGE_INTEGER at = large(offset);
        return CcPurgeCacheSection(&node.pointers, length ? &at : nullptr, length, 0);
    }

    Node& node;
    PFILE_OBJECT object;
};

std::string pattern(size_t size)
{
    std::string s(size, 0);
    for (size_t i = 0; i < size; ++i)
        s[i] = static_cast<char>('a' + (i / 7) % 26);
    return s;
}

TEST(Cache, ReadFaultsInOnceAndThenStaysResident)
{
    Node n;
    n.data = pattern(700000);
    File f(n);
    f.cache();
    EXPECT_TRUE(CcIsFileCached(f.object));
    EXPECT_EQ(n.data.substr(1000, 5000), f.read(1000, 5000));
    const int reads = n.reads;
    EXPECT_EQ(n.data.substr(1000, 5000), f.read(1000, 5000));
    EXPECT_EQ(reads, n.reads);
    EXPECT_EQ(n.data.substr(262000, 300000), f.read(262000, 300000)) << "across views";
    EXPECT_TRUE(f.uncache());
    EXPECT_FALSE(CcIsFileCached(f.object));
    EXPECT_EQ(nullptr, n.pointers.DataSectionObject);
}

TEST(Cache, ReadWithoutWaitingAnswersOnlyFromMemory)
{
    Node n;
    n.data = pattern(10000);
    File f(n);
    f.cache();
    char buffer[100];
    LARGE_INTEGER at = large(0);
    IO_STATUS_BLOCK iosb;
    EXPECT_FALSE(CcCopyRead(f.object, &at, sizeof buffer, FALSE, buffer, &iosb));
    f.read(0, 100);
    EXPECT_TRUE(CcCopyRead(f.object, &at, sizeof buffer, FALSE, buffer, &iosb));
    f.uncache();
}

TEST(Cache, FailedPagingReadIsRaisedAndCanBeRetried)
{
    Node n;
    n.data = pattern(100);
    n.read_status = STATUS_DEVICE_NOT_READY;
    File f(n);
    f.cache();
    char buffer[100];
    LARGE_INTEGER at = large(0);
    IO_STATUS_BLOCK iosb;
    try {
        CcCopyRead(f.object, &at, sizeof buffer, TRUE, buffer, &iosb);
        ADD_FAILURE();
    } catch (const RaisedStatus& raised) {
        EXPECT_EQ(STATUS_DEVICE_NOT_READY, raised.status);
    }
    n.read_status = STATUS_SUCCESS;
    EXPECT_EQ(n.data, f.read(0, 100));
    f.uncache();
}

TEST(Cache, WrittenDataIsReadBackBeforeAndAfterTheFlush)
{
    Node n;
    n.data = pattern(20000);
    File f(n);
    f.cache();
    f.write(4000, "hello");
    EXPECT_EQ("hello", f.read(4000, 5));
    EXPECT_NE("hello", n.data.substr(4000, 5));
    EXPECT_EQ(STATUS_SUCCESS, f.flush());
    EXPECT_EQ("hello", n.data.substr(4000, 5));
    EXPECT_EQ(pattern(20000).substr(0, 4000), n.data.substr(0, 4000));
    const int writes = n.writes;
    f.flush();
    EXPECT_EQ(writes, n.writes) << "nothing is dirty any more";
    f.uncache();
}

TEST(Cache, WholePagesAreWrittenWithoutReadingThem)
{
    Node n;
    n.data = pattern(1 << 20);
    File f(n);
    f.cache();
    f.write(0, std::string(1 << 20, 'x'));
    EXPECT_EQ(0, n.reads);
    f.flush();
    EXPECT_EQ(std::string(1 << 20, 'x'), n.data);
    f.uncache();
}

TEST(Cache, FailedFlushKeepsThePagesDirty)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    f.cache();
    CcSetAdditionalCacheAttributes(f.object, TRUE, TRUE);
    n.write_status = STATUS_INSUFFICIENT_RESOURCES;
    f.write(0, "x");
    EXPECT_EQ(STATUS_INSUFFICIENT_RESOURCES, f.flush());
    n.write_status = STATUS_SUCCESS;
    EXPECT_EQ(STATUS_SUCCESS, f.flush());
    EXPECT_EQ('x', n.data[0]);
    f.uncache();
}

TEST(Cache, PurgeForgetsCachedData)
{
    Node n;
    n.data = pattern(600000);
    File f(n);
    f.cache();
    f.read(0, 600000);
    {
        std::lock_guard hold(n.mutex);
        n.data = std::string(600000, 'z');
    }
    EXPECT_TRUE(f.purge(4096, 4096));
    EXPECT_EQ(pattern(600000).substr(0, 4096), f.read(0, 4096));
    EXPECT_EQ(std::string(4096, 'z'), f.read(4096, 4096));
    EXPECT_TRUE(f.purge());
    EXPECT_EQ(n.data, f.read(0, 600000));
    f.uncache();
}

TEST(Cache, ShrinkingAndGrowingShowsZeros)
{
    Node n;
    n.data = std::string(10000, 'a');
    File f(n);
    f.cache();
    f.read(0, 10000);
    f.resize(5000);
    f.resize(10000);
    EXPECT_EQ(std::string(5000, 'a') + std::string(5000, '\0'), f.read(0, 10000));
    f.write(9000, "b");
    f.flush();
    EXPECT_EQ(std::string(4000, '\0'), n.data.substr(5000, 4000));
    f.uncache();
}

TEST(Cache, TruncationDropsDirtyDataBeyondTheEnd)
{
    Node n;
    n.data = std::string(100000, 'a');
    File f(n);
    f.cache();
    f.write(50000, std::string(50000, 'b'));
    const int writes = n.writes;
    f.resize(0);
    EXPECT_EQ(STATUS_SUCCESS, f.flush());
    EXPECT_EQ(writes, n.writes);
    f.uncache();
}

TEST(Cache, UninitializeWithTruncateSizeDiscardsDirtyData)
{
    Node n;
    n.data = std::string(10000, 'a');
    File f(n);
    f.cache();
    CcSetAdditionalCacheAttributes(f.object, FALSE, TRUE);
    f.write(0, std::string(10000, 'b'));
    LARGE_INTEGER zero = large(0);
    EXPECT_TRUE(CcUninitializeCacheMap(f.object, &zero, nullptr));
    EXPECT_EQ(std::string(10000, 'a'), n.data);
}

TEST(Cache, LastHandleLeavesDirtyDataToTheLazyWriterAndTheEventTellsItsEnd)
{
    Node n;
    n.data = std::string(10000, 'a');
    File f(n);
    f.cache();
    f.write(100, "dirty");
    f.uncache_and_wait();
    EXPECT_EQ("dirty", n.data.substr(100, 5));
    EXPECT_EQ(nullptr, n.pointers.SharedCacheMap);
    EXPECT_GT(n.lazy_acquired, 0);
    EXPECT_TRUE(n.top_level_seen);
    CcWaitForCurrentLazyWriterActivity();
}

TEST(Cache, LazyWriterWritesBehind)
{
    Node n;
    n.data = std::string(10000, 'a');
    File f(n);
    f.cache();
    f.write(0, "lazy");
    CcWaitForCurrentLazyWriterActivity();
    {
        std::lock_guard hold(n.mutex);
        EXPECT_EQ("lazy", n.data.substr(0, 4));
    }
    f.uncache_and_wait();
}

TEST(Cache, TwoHandlesShareOneMap)
{
    Node n;
    n.data = pattern(1000);
    File f(n), g(n);
    f.cache();
    g.cache();
    f.write(0, "shared");
    EXPECT_EQ("shared", g.read(0, 6));
    EXPECT_FALSE(f.uncache());
    EXPECT_TRUE(CcIsFileCached(g.object));
    g.flush();
    EXPECT_TRUE(g.uncache());
}

TEST(Cache, ZeroDataGoesThroughTheCacheOrAround)
{
    Node n;
    n.data = std::string(20000, 'a');
    File f(n);
    f.cache();
    LARGE_INTEGER from = large(100), to = large(9000);
    EXPECT_TRUE(CcZeroData(f.object, &from, &to, TRUE));
    EXPECT_EQ(std::string(8900, '\0'), f.read(100, 8900));
    f.flush();
    EXPECT_EQ(std::string(8900, '\0'), n.data.substr(100, 8900));
    EXPECT_EQ('a', n.data[9000]);
    f.uncache();
    from = large(12000), to = large(13000);
    EXPECT_TRUE(CcZeroData(f.object, &from, &to, TRUE));
    EXPECT_EQ(std::string(1000, '\0'), n.data.substr(12000, 1000));
}

TEST(Cache, MdlReadAndWriteUseTheCachesOwnPages)
{
    Node n;
    n.data = pattern(600000);
    File f(n);
    f.cache();
    LARGE_INTEGER at = large(262000);
    PMDL chain = nullptr;
    IO_STATUS_BLOCK iosb;
    CcMdlRead(f.object, &at, 1000, &chain, &iosb);
    std::string seen;
    for (PMDL m = chain; m; m = m->Next)
        seen.append(static_cast<char*>(MmGetSystemAddressForMdlSafe(m, NormalPagePriority)), m->ByteCount);
    EXPECT_EQ(n.data.substr(262000, 1000), seen);
    CcMdlReadComplete(f.object, chain);

    chain = nullptr;
    CcPrepareMdlWrite(f.object, &at, 1000, &chain, &iosb);
    for (PMDL m = chain; m; m = m->Next)
        std::memset(MmGetSystemAddressForMdlSafe(m, NormalPagePriority), 'M', m->ByteCount);
    CcMdlWriteComplete(f.object, &at, chain);
    EXPECT_EQ(std::string(1000, 'M'), f.read(262000, 1000));
    f.flush();
    EXPECT_EQ(std::string(1000, 'M'), n.data.substr(262000, 1000));
    f.uncache();
}

TEST(Cache, SequentialReadsAreFetchedAhead)
{
    Node n;
    n.data = pattern(4 << 20);
    File f(n);
    f.cache();
    for (uint64_t at = 0; at < 8192; at += 4096)
        ASSERT_EQ(n.data.substr(at, 4096), f.read(at, 4096));
    n.reads_elsewhere.wait(0); // does not return if nobody reads ahead
    const int own = n.reads - n.reads_elsewhere;
    ASSERT_EQ(n.data.substr(8192, 4096), f.read(8192, 4096));
    EXPECT_EQ(own, n.reads - n.reads_elsewhere);
    f.uncache();
}

void count(int* n) { ++*n; }
VOID NTAPI post(PVOID context1, PVOID) { count(static_cast<int*>(context1)); }

TEST(Cache, DeferredWriteRunsAtOnceWhenThereIsRoom)
{
    Node n;
    File f(n);
    int ran = 0;
    EXPECT_TRUE(CcCanIWrite(f.object, 1000, FALSE, FALSE));
    CcDeferWrite(f.object, post, &ran, nullptr, 1000, FALSE);
    EXPECT_EQ(1, ran);
}

TEST(Cache, CoherencyFlushAndPurgeShowsWhatTheFileHas)
{
    Node n;
    n.data = std::string(10000, 'a');
    File f(n);
    f.cache();
    f.write(0, "b");
    LARGE_INTEGER at = large(0);
    IO_STATUS_BLOCK iosb;
    CcCoherencyFlushAndPurgeCache(&n.pointers, &at, 10000, &iosb, 0);
    EXPECT_EQ(STATUS_SUCCESS, iosb.Status);
    EXPECT_EQ('b', n.data[0]);
    n.data[1] = 'c';
    EXPECT_EQ("bca", f.read(0, 3));
    f.uncache();
}

// ---- sections, without handles

struct Mapped
{
    Mapped(File& f, ULONG protection, size_t size)
    {
        CC_FILE_SIZES s = f.sizes();
        section = std::make_unique<mm::Section>(
            cc::SectionRef(cc::CacheMap::acquire_for_section(f.object, s)), size, protection);
        void* at = nullptr;
        EXPECT_EQ(STATUS_SUCCESS, mm::map_view(*section, {0, size, protection}, &at));
        base = static_cast<char*>(at);
    }
    void unmap()
    {
        EXPECT_EQ(STATUS_SUCCESS, mm::unmap_view(base));
        section.reset();
    }
    std::unique_ptr<mm::Section> section;
    char* base;
};

TEST(Section, MappedAndCachedAccessSeeTheSameBytes)
{
    Node n;
    n.data = pattern(700000);
    File f(n);
    f.cache();
    f.write(10, "before");
    Mapped m(f, PAGE_READWRITE, n.data.size());
    EXPECT_EQ("before", std::string(m.base + 10, 6));
    std::memcpy(m.base + 300000, "mapped", 6);
    EXPECT_EQ("mapped", f.read(300000, 6));
    f.write(500000, "cached");
    EXPECT_EQ("cached", std::string(m.base + 500000, 6));
    EXPECT_EQ(0, m.base[700001]) << "zero beyond the end";
    m.unmap();
    f.uncache_and_wait();
    EXPECT_EQ("mapped", n.data.substr(300000, 6));
}

TEST(Section, UnmappedChangesReachTheFileWithoutCaching)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    Mapped m(f, PAGE_READWRITE, n.data.size());
    EXPECT_NE(nullptr, n.pointers.DataSectionObject);
    EXPECT_EQ(nullptr, n.pointers.SharedCacheMap);
    std::memcpy(m.base, "view", 4);
    m.unmap();
    CcWaitForCurrentLazyWriterActivity();
    EXPECT_EQ("view", n.data.substr(0, 4));
    EXPECT_EQ(nullptr, n.pointers.DataSectionObject);
}

TEST(Section, ThatIsBeingMadeKeepsTheMapThatIsAboutToEnd)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    f.cache();
    f.write(0, "written");
    f.uncache(); // ends when that has been written
    CC_FILE_SIZES s = f.sizes();
    const cc::SectionRef map(cc::CacheMap::acquire_for_section(f.object, s));
    CcWaitForCurrentLazyWriterActivity();
    EXPECT_EQ("written", n.data.substr(0, 7));
    EXPECT_EQ(map.get(), n.pointers.DataSectionObject);
}

TEST(Section, FlushWritesAView)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    Mapped m(f, PAGE_READWRITE, n.data.size());
    std::memcpy(m.base, "view", 4);
    void* at = m.base;
    size_t size = 0;
    EXPECT_EQ(STATUS_SUCCESS, mm::flush_view(&at, &size));
    EXPECT_EQ("view", n.data.substr(0, 4));
    std::memcpy(m.base, "more", 4);
    EXPECT_EQ(STATUS_SUCCESS, f.flush()) << "a flush of the file includes its views";
    EXPECT_EQ("more", n.data.substr(0, 4));
    m.unmap();
    CcWaitForCurrentLazyWriterActivity();
}

TEST(Section, OnlyPagesThatWereChangedThroughAViewAreWritten)
{
    Node n;
    n.data = pattern(3 * 4096);
    File f(n);
    Mapped m(f, PAGE_READWRITE, n.data.size());
    // Somebody writes past the cache while the pages are mapped: neither a flush nor the end takes that back.
    n.data.replace(0, 6, "beside");
    m.base[4096] = '!';
    EXPECT_EQ(STATUS_SUCCESS, f.flush());
    EXPECT_EQ("beside", n.data.substr(0, 6));
    EXPECT_EQ('!', n.data[4096]);
    EXPECT_EQ(1, n.writes);
    m.base[4096] = '?';
    m.unmap();
    CcWaitForCurrentLazyWriterActivity();
    EXPECT_EQ("beside", n.data.substr(0, 6));
    EXPECT_EQ('?', n.data[4096]);
    EXPECT_EQ(2, n.writes);
}

TEST(Section, WhatIsWrittenBesideTheCacheShowsInViewsUpToTheEndOfTheFile)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    Mapped m(f, PAGE_READWRITE, n.data.size());
    const std::string data(5000, 'n');
    f.resize(100);
    m.section->map->update(50, data.data(), data.size());
    EXPECT_EQ(std::string(50, 'n'), std::string(m.base + 50, 50));
    EXPECT_EQ(0, m.base[100]) << "truncated since";
    EXPECT_EQ(0, m.base[4999]);
    EXPECT_EQ(0u, m.section->map->dirty_pages()) << "the file has it already";
    m.unmap();
    EXPECT_EQ(0, n.writes);
}

TEST(Section, MappingKeepsTheFileFromBeingPurgedTruncatedOrDeleted)
{
    Node n;
    n.data = pattern(10000);
    File f(n);
    Mapped m(f, PAGE_READWRITE, n.data.size());
    LARGE_INTEGER less = large(100), more = large(20000);
    EXPECT_FALSE(f.purge());
    EXPECT_FALSE(MmCanFileBeTruncated(&n.pointers, &less));
    EXPECT_TRUE(MmCanFileBeTruncated(&n.pointers, &more));
    EXPECT_FALSE(MmFlushImageSection(&n.pointers, MmFlushForDelete));
    EXPECT_TRUE(MmFlushImageSection(&n.pointers, MmFlushForWrite));
    EXPECT_TRUE(MmDoesFileHaveUserWritableReferences(&n.pointers));
    EXPECT_FALSE(MmForceSectionClosed(&n.pointers, FALSE));
    m.unmap();
    EXPECT_TRUE(MmForceSectionClosed(&n.pointers, FALSE));
    EXPECT_FALSE(MmDoesFileHaveUserWritableReferences(&n.pointers));
    EXPECT_TRUE(MmFlushImageSection(&n.pointers, MmFlushForDelete));
    CcWaitForCurrentLazyWriterActivity();
}

TEST(Section, CopyOnWriteViewsKeepTheirChanges)
{
    Node n;
    n.data = pattern(5000);
    File f(n);
    Mapped m(f, PAGE_WRITECOPY, n.data.size());
    m.base[0] = '!';
    m.unmap();
    CcWaitForCurrentLazyWriterActivity();
    EXPECT_EQ('a', n.data[0]);
}

TEST(Cache, ReadersWritersFlushesAndPurgesAgree)
{
    Node n;
    n.data = std::string(600000, '0');
    File f(n);
    f.cache();
    std::vector<std::thread> threads;
    // Each thread has its own pages, whose bytes it alone changes.
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                const uint64_t at =
                    static_cast<uint64_t>(t) * 150000 / 4096 * 4096 + 4096 * static_cast<uint64_t>(i % 30);
                const std::string data(4096, static_cast<char>('a' + i % 26));
                f.write(at, data);
                EXPECT_EQ(data, f.read(at, 4096));
            }
        });
    threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i)
            EXPECT_EQ(STATUS_SUCCESS, f.flush());
    });
    for (auto& t : threads)
        t.join();
    const std::string cached = f.read(0, 600000);
    EXPECT_EQ(STATUS_SUCCESS, f.flush());
    EXPECT_TRUE(f.purge());
    EXPECT_EQ(cached, f.read(0, 600000));
    f.uncache();
}

} // namespace

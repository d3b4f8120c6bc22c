// SPDX-License-Identifier: MIT
#include "executive_fixture.h"

#include "ntos/exports.h"

#include <cstring>
#include <vector>

#include <sys/mman.h>

using namespace fsp::ntos;
using namespace fsp::ntos::test;

namespace {

constexpr ULONG tag = 0x74736554; // "Test"

PVOID lookup(const char16_t* name)
{
    UNICODE_STRING s;
    RtlInitUnicodeString(&s, name);
    return MmGetSystemRoutineAddress(&s);
}

} // namespace

TEST(Pool, BlocksOfAPageArePageAligned)
{
    for (SIZE_T size : {PAGE_SIZE, PAGE_SIZE + 1, 100 * PAGE_SIZE}) {
        PVOID p = ExAllocatePoolWithTag(PagedPool, size, tag);
        EXPECT_EQ(BYTE_OFFSET(p), 0u);
        memset(p, 1, size);
        ExFreePoolWithTag(p, tag);
    }
    PVOID p = ExAllocatePoolWithTag(NonPagedPoolNx, 0, tag);
    EXPECT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<ULONG_PTR>(p) & 15, 0u);
    ExFreePool(p);
}

TEST(Pool, Allocate2ZeroesUnlessToldOtherwise)
{
    auto p = static_cast<char*>(ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, tag));
    for (int i = 0; i < 64; i++)
        EXPECT_EQ(p[i], 0);
    ExFreePoolWithTag(p, tag);
    EXPECT_EQ(ExAllocatePool2(POOL_FLAG_NON_PAGED, 0, tag), nullptr);
    EXPECT_EQ(ExAllocatePool2(0, 64, tag), nullptr);
}

TEST(Lookaside, GivesAndTakesBlocks)
{
    NPAGED_LOOKASIDE_LIST list;
    ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 200, tag, 0);
    std::vector<PVOID> blocks;
    for (int i = 0; i < 10; i++) {
        blocks.push_back(ExAllocateFromNPagedLookasideList(&list));
        memset(blocks.back(), i, 200);
    }
    for (PVOID b : blocks)
        ExFreeToNPagedLookasideList(&list, b);
    EXPECT_EQ(list.L.TotalAllocates, 10u);
    ExDeleteNPagedLookasideList(&list);
}

TEST(Lookaside, IsSafeFromManyThreads)
{
    NPAGED_LOOKASIDE_LIST list;
    ExInitializeNPagedLookasideList(&list, nullptr, nullptr, 0, 64, tag, 0);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 3000; n++) {
                auto p = static_cast<int*>(ExAllocateFromNPagedLookasideList(&list));
                *p = i;
                EXPECT_EQ(*p, i);
                ExFreeToNPagedLookasideList(&list, p);
            }
        });
    for (auto& t : threads)
        t.join();
    ExDeleteNPagedLookasideList(&list);
}

TEST(SList, PopsLastPushedFirst)
{
    SLIST_HEADER head;
    ExInitializeSListHead(&head);
    SLIST_ENTRY a, b;
    EXPECT_EQ(InterlockedPushEntrySList(&head, &a), nullptr);
    EXPECT_EQ(InterlockedPushEntrySList(&head, &b), &a);
    EXPECT_EQ(ExQueryDepthSList(&head), 2);
    EXPECT_EQ(InterlockedPopEntrySList(&head), &b);
    EXPECT_EQ(InterlockedFlushSList(&head), &a);
    EXPECT_EQ(InterlockedPopEntrySList(&head), nullptr);
}

TEST(WorkItem, RunsInASystemThreadAndMayBeFreedByItsRoutine)
{
    struct Work
    {
        WORK_QUEUE_ITEM item;
        Event* done;
        std::atomic<bool>* system;
    };
    for (WORK_QUEUE_TYPE type : {CriticalWorkQueue, DelayedWorkQueue, HyperCriticalWorkQueue}) {
        Event done;
        std::atomic<bool> system{false};
        auto work = new Work{{}, &done, &system};
        ExInitializeWorkItem(
            &work->item,
            [](PVOID p) NTAPI {
                auto work = static_cast<Work*>(p);
                *work->system = PsIsSystemThread(PsGetCurrentThread());
                Event* done = work->done;
                delete work;
                done->set();
            },
            work);
        ExQueueWorkItem(&work->item, type);
        EXPECT_EQ(wait(&done), STATUS_SUCCESS);
        EXPECT_TRUE(system);
    }
}

TEST(WorkItem, MayWaitForAnotherOfItsQueue)
{
    struct Work
    {
        WORK_QUEUE_ITEM first, second;
        Event inner, outer;
    } work;
    ExInitializeWorkItem(&work.second, [](PVOID p) NTAPI { static_cast<Work*>(p)->inner.set(); }, &work);
    ExInitializeWorkItem(
        &work.first,
        [](PVOID p) NTAPI {
            auto work = static_cast<Work*>(p);
            ExQueueWorkItem(&work->second, DelayedWorkQueue);
            EXPECT_EQ(wait(&work->inner), STATUS_SUCCESS);
            work->outer.set();
        },
        &work);
    ExQueueWorkItem(&work.first, DelayedWorkQueue);
    EXPECT_EQ(wait(&work.outer), STATUS_SUCCESS);
}

TEST(SystemThread, CanBeWaitedForAndTerminatesItself)
{
    static std::atomic<bool> after;
    after = false;
    Event started;
    struct Context
    {
        Event started;
        PKTHREAD thread;
    } context;
    ASSERT_EQ(PsCreateSystemThread(
                  nullptr, 0, nullptr, nullptr, nullptr,
                  [](PVOID p) NTAPI {
                      auto context = static_cast<Context*>(p);
                      context->thread = KeGetCurrentThread();
                      ObfReferenceObject(context->thread);
                      context->started.set();
                      PsTerminateSystemThread(STATUS_SUCCESS);
                      after = true;
                  },
                  &context),
              STATUS_SUCCESS);
    EXPECT_EQ(wait(&context.started), STATUS_SUCCESS);
    EXPECT_EQ(wait(context.thread), STATUS_SUCCESS);
    EXPECT_FALSE(after);
    ObfDereferenceObject(context.thread);
    EXPECT_EQ(PsTerminateSystemThread(STATUS_SUCCESS), STATUS_INVALID_PARAMETER)
        << "this is not a system thread";
}

TEST(Thread, HasAnIdThatFindsIt)
{
    PETHREAD found = nullptr;
    ASSERT_EQ(PsLookupThreadByThreadId(PsGetCurrentThreadId(), &found), STATUS_SUCCESS);
    EXPECT_EQ(found, PsGetCurrentThread());
    ObfDereferenceObject(found);
    EXPECT_EQ(PsLookupThreadByThreadId(HANDLE(uintptr_t(0x7fffffff)), &found), STATUS_INVALID_CID);
}

TEST(Mdl, DescribesItsBuffer)
{
    alignas(PAGE_SIZE) static char buffer[3 * PAGE_SIZE];
    PMDL mdl = IoAllocateMdl(buffer + 100, 2 * PAGE_SIZE, FALSE, FALSE, nullptr);
    EXPECT_EQ(MmGetMdlByteOffset(mdl), 100u);
    EXPECT_EQ(MmGetMdlByteCount(mdl), 2u * PAGE_SIZE);
    EXPECT_EQ(MmGetMdlVirtualAddress(mdl), buffer + 100);
    EXPECT_EQ(mdl->Size, CSHORT(sizeof(MDL) + 3 * sizeof(PFN_NUMBER)));
    MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
    EXPECT_EQ(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer + 100);
    EXPECT_TRUE(mdl->MdlFlags & MDL_MAPPED_TO_SYSTEM_VA);

    PMDL part = IoAllocateMdl(buffer + 100, PAGE_SIZE, FALSE, FALSE, nullptr);
    IoBuildPartialMdl(mdl, part, buffer + 200, 50);
    EXPECT_EQ(MmGetMdlByteCount(part), 50u);
    EXPECT_EQ(MmGetSystemAddressForMdlSafe(part, NormalPagePriority), buffer + 200);
    IoFreeMdl(part);
    MmUnlockPages(mdl);
    EXPECT_FALSE(mdl->MdlFlags & (MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA));
    IoFreeMdl(mdl);
}

TEST(Mdl, ProbingRaisesForBadUserMemory)
{
    void* hole = mmap(nullptr, 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(hole, MAP_FAILED);
    for (PVOID address : {PVOID(nullptr), PVOID(uintptr_t(16)), PVOID(hole), PVOID(~uintptr_t(0) - 8)}) {
        PMDL mdl = IoAllocateMdl(address, 8, FALSE, FALSE, nullptr);
        try {
            MmProbeAndLockPages(mdl, UserMode, IoReadAccess);
            ADD_FAILURE() << address;
        } catch (const RaisedStatus& raised) {
            EXPECT_EQ(raised.status, STATUS_ACCESS_VIOLATION);
        }
        IoFreeMdl(mdl);
    }
    munmap(hole, 2 * PAGE_SIZE);
}

TEST(Probe, ChecksRangeAndAlignment)
{
    alignas(8) char buffer[16] = {};
    ProbeForRead(buffer, sizeof buffer, 8);
    ProbeForWrite(buffer, sizeof buffer, 8);
    ProbeForRead(nullptr, 0, 8);
    EXPECT_THROW(ProbeForRead(buffer + 1, 8, 4), RaisedStatus);
    EXPECT_THROW(ProbeForRead(nullptr, 1, 1), RaisedStatus);
    EXPECT_THROW(ProbeForRead(buffer, ~SIZE_T(0), 1), RaisedStatus);
}

TEST(Exports, FindsRoutinesUnlessTheyAreHidden)
{
    EXPECT_EQ(lookup(u"KeSetEvent"), reinterpret_cast<PVOID>(&KeSetEvent));
    EXPECT_EQ(lookup(u"NoSuchRoutine"), nullptr);
    {
        HiddenRoutine hidden("KeSetEvent");
        EXPECT_EQ(lookup(u"KeSetEvent"), nullptr);
    }
    EXPECT_NE(lookup(u"KeSetEvent"), nullptr);
    static int routine;
    register_routine("OneOfMine", &routine);
    EXPECT_EQ(lookup(u"OneOfMine"), &routine);
}

TEST(Time, SystemTimeIsThatOfTheHost)
{
    LARGE_INTEGER now;
    KeQuerySystemTime(&now);
    EXPECT_NEAR(double(now.QuadPart / 10'000'000 - 11644473600), double(time(nullptr)), 2.0);
    LARGE_INTEGER frequency;
    KeQueryPerformanceCounter(&frequency);
    EXPECT_EQ(frequency.QuadPart, 10'000'000);
}

TEST(Uuid, AreRandomVersion4)
{
    UUID a, b;
    ExUuidCreate(&a);
    ExUuidCreate(&b);
    EXPECT_FALSE(a == b);
    EXPECT_EQ(a.Data3 >> 12, 4);
    EXPECT_EQ(a.Data4[0] >> 6, 2);
}

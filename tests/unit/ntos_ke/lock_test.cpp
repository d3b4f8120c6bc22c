// SPDX-License-Identifier: MIT
#include "executive_fixture.h"

#include <vector>

using namespace fsp::ntos;
using namespace fsp::ntos::test;

TEST(SpinLock, RaisesAndRestoresIrql)
{
    KSPIN_LOCK lock;
    KeInitializeSpinLock(&lock);
    KIRQL before;
    KeAcquireSpinLock(&lock, &before);
    EXPECT_EQ(before, PASSIVE_LEVEL);
    EXPECT_EQ(KeGetCurrentIrql(), DISPATCH_LEVEL);
    KeReleaseSpinLock(&lock, before);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);

    KLOCK_QUEUE_HANDLE handle;
    KeAcquireInStackQueuedSpinLock(&lock, &handle);
    std::thread([&] {
        const KIRQL irql = KeRaiseIrqlToDpcLevel();
        EXPECT_FALSE(KeTryToAcquireSpinLockAtDpcLevel(&lock));
        KeLowerIrql(irql);
    }).join();
    KeReleaseInStackQueuedSpinLock(&handle);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
}

TEST(SpinLock, Excludes)
{
    KSPIN_LOCK lock;
    KeInitializeSpinLock(&lock);
    int counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int n = 0; n < 5000; n++) {
                const KIRQL irql = KeAcquireSpinLockRaiseToDpc(&lock);
                counter++;
                KeReleaseSpinLock(&lock, irql);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(counter, 20000);
}

TEST(FastMutex, ExcludesAtApcLevel)
{
    FAST_MUTEX m;
    ExInitializeFastMutex(&m);
    int counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int n = 0; n < 2000; n++) {
                ExAcquireFastMutex(&m);
                EXPECT_EQ(KeGetCurrentIrql(), APC_LEVEL);
                counter++;
                ExReleaseFastMutex(&m);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(counter, 8000);
    EXPECT_EQ(KeGetCurrentIrql(), PASSIVE_LEVEL);
    EXPECT_TRUE(ExTryToAcquireFastMutex(&m));
    std::thread([&] { EXPECT_FALSE(ExTryToAcquireFastMutex(&m)); }).join();
    ExReleaseFastMutex(&m);
}

TEST(PushLock, AdmitsReadersOrOneWriter)
{
    EX_PUSH_LOCK lock;
    ExInitializePushLock(&lock);
    int value = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 2000; n++) {
                if (i % 2) {
                    ExAcquirePushLockExclusive(&lock);
                    value++;
                    ExReleasePushLockExclusive(&lock);
                } else {
                    ExAcquirePushLockShared(&lock);
                    EXPECT_GE(value, 0);
                    ExReleasePushLockShared(&lock);
                }
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(value, 4000);
    EXPECT_EQ(lock, 0u);
}

TEST(Rundown, WaitsForTheLastAndRefusesNewOnes)
{
    EX_RUNDOWN_REF ref;
    ExInitializeRundownProtection(&ref);
    EXPECT_TRUE(ExAcquireRundownProtection(&ref));
    std::atomic<bool> down{false};
    std::thread t([&] {
        ExWaitForRundownProtectionRelease(&ref);
        down = true;
    });
    while (ExAcquireRundownProtection(&ref))
        ExReleaseRundownProtection(&ref);
    EXPECT_FALSE(down);
    ExReleaseRundownProtection(&ref);
    t.join();
    EXPECT_TRUE(down);
    EXPECT_FALSE(ExAcquireRundownProtection(&ref));
}

TEST(Resource, SharedOwnersExcludeAnExclusiveOne)
{
    CriticalRegion region;
    Resource r;
    EXPECT_TRUE(ExAcquireResourceSharedLite(&r, TRUE));
    EXPECT_TRUE(ExAcquireResourceSharedLite(&r, FALSE));
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&r), 2u);
    std::thread([&] {
        CriticalRegion region;
        EXPECT_TRUE(ExAcquireResourceSharedLite(&r, FALSE));
        EXPECT_FALSE(ExAcquireResourceExclusiveLite(&r, FALSE));
        ExReleaseResourceLite(&r);
    }).join();
    EXPECT_FALSE(ExAcquireResourceExclusiveLite(&r, FALSE)) << "a shared owner is not promoted";
    ExReleaseResourceLite(&r);
    ExReleaseResourceLite(&r);
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&r), 0u);
}

TEST(Resource, ExclusiveIsRecursiveAlsoShared)
{
    CriticalRegion region;
    Resource r;
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&r, TRUE));
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&r, FALSE));
    EXPECT_TRUE(ExAcquireResourceSharedLite(&r, FALSE));
    EXPECT_TRUE(ExIsResourceAcquiredExclusiveLite(&r));
    std::thread([&] {
        CriticalRegion region;
        EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&r));
        EXPECT_FALSE(ExAcquireResourceSharedLite(&r, FALSE));
    }).join();
    for (int i = 0; i < 3; i++)
        ExReleaseResourceLite(&r);
    EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&r));
}

TEST(Resource, NewSharedOwnersWaitBehindAnExclusiveWaiterUnlessTheyStarveIt)
{
    CriticalRegion region;
    Resource r;
    ExAcquireResourceSharedLite(&r, TRUE);
    std::thread writer([&] {
        CriticalRegion region;
        ExAcquireResourceExclusiveLite(&r, TRUE);
        ExReleaseResourceLite(&r);
    });
    while (ExGetExclusiveWaiterCount(&r) == 0)
        std::this_thread::yield();
    std::thread([&] {
        CriticalRegion region;
        EXPECT_FALSE(ExAcquireResourceSharedLite(&r, FALSE));
        EXPECT_TRUE(ExAcquireSharedStarveExclusive(&r, FALSE));
        EXPECT_TRUE(ExAcquireResourceSharedLite(&r, FALSE)) << "who owns it already may go on";
        EXPECT_FALSE(ExAcquireSharedWaitForExclusive(&r, FALSE));
        ExReleaseResourceLite(&r);
        ExReleaseResourceLite(&r);
    }).join();
    ExReleaseResourceLite(&r);
    writer.join();
}

TEST(Resource, OwnerPointerLetsAnotherThreadRelease)
{
    CriticalRegion region;
    Resource r;
    alignas(16) static int anchor;
    const PVOID owner = reinterpret_cast<PVOID>(reinterpret_cast<ULONG_PTR>(&anchor) | 3);
    ExAcquireResourceExclusiveLite(&r, TRUE);
    ExSetResourceOwnerPointer(&r, owner);
    EXPECT_FALSE(ExIsResourceAcquiredExclusiveLite(&r));
    EXPECT_FALSE(ExAcquireResourceSharedLite(&r, FALSE)) << "the thread is no longer its owner";
    std::thread([&] {
        ExReleaseResourceForThreadLite(&r, reinterpret_cast<ERESOURCE_THREAD>(owner));
    }).join();
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&r, FALSE));
    ExReleaseResourceLite(&r);
}

TEST(Resource, ConversionAdmitsSharedWaiters)
{
    CriticalRegion region;
    Resource r;
    ExAcquireResourceExclusiveLite(&r, TRUE);
    Event in;
    std::thread reader([&] {
        CriticalRegion region;
        ExAcquireResourceSharedLite(&r, TRUE);
        in.set();
        ExReleaseResourceLite(&r);
    });
    while (ExGetSharedWaiterCount(&r) == 0)
        std::this_thread::yield();
    ExConvertExclusiveToSharedLite(&r);
    EXPECT_EQ(wait(&in), STATUS_SUCCESS);
    EXPECT_EQ(ExIsResourceAcquiredSharedLite(&r), 1u);
    reader.join();
    ExReleaseResourceLite(&r);
}

TEST(Resource, KeepsItsPromisesUnderLoad)
{
    Resource r;
    int value = 0;
    std::atomic<int> readers{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; i++)
        threads.emplace_back([&, i] {
            CriticalRegion region;
            for (int n = 0; n < 1500; n++) {
                if ((n + i) % 3 == 0) {
                    ExAcquireResourceExclusiveLite(&r, TRUE);
                    EXPECT_EQ(readers, 0);
                    value++;
                    if (n % 2)
                        ExConvertExclusiveToSharedLite(&r);
                } else {
                    ExAcquireResourceSharedLite(&r, TRUE);
                    readers++;
                    EXPECT_GE(value, 0);
                    readers--;
                }
                ExReleaseResourceLite(&r);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(value, 3000);
}

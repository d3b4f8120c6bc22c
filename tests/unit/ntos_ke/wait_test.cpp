// SPDX-License-Identifier: MIT
#include "executive_fixture.h"

#include "ntos/thread.h"

#include <vector>

using namespace fsp::ntos;
using namespace fsp::ntos::test;

TEST(Event, NotificationStaysSignaledUntilReset)
{
    Event e;
    EXPECT_EQ(poll(&e), STATUS_TIMEOUT);
    EXPECT_EQ(KeSetEvent(&e, 0, FALSE), 0);
    EXPECT_EQ(KeSetEvent(&e, 0, FALSE), 1);
    EXPECT_EQ(poll(&e), STATUS_SUCCESS);
    EXPECT_EQ(poll(&e), STATUS_SUCCESS);
    EXPECT_EQ(KeReadStateEvent(&e), 1);
    EXPECT_EQ(KeResetEvent(&e), 1);
    EXPECT_EQ(poll(&e), STATUS_TIMEOUT);
}

TEST(Event, SynchronizationReleasesOneWaiter)
{
    Event e(SynchronizationEvent);
    e.set();
    EXPECT_EQ(poll(&e), STATUS_SUCCESS);
    EXPECT_EQ(poll(&e), STATUS_TIMEOUT);
}

TEST(Event, SynchronizationWakesEachOfManyWaitersOnce)
{
    Event e(SynchronizationEvent);
    std::atomic<int> woken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; i++)
        threads.emplace_back([&] {
            EXPECT_EQ(wait(&e), STATUS_SUCCESS);
            woken++;
        });
    while (woken < 8) {
        KeSetEvent(&e, 0, FALSE);
        std::this_thread::yield();
    }
    for (auto& t : threads)
        t.join();
}

TEST(Event, MayBeFreedAsSoonAsTheWaitEnds)
{
    // Under the address sanitizer a late touch by KeSetEvent is a failure.
    for (int i = 0; i < 2000; i++) {
        auto e = std::make_unique<Event>();
        std::thread setter([p = e.get()] { KeSetEvent(p, 0, FALSE); });
        EXPECT_EQ(wait(e.get()), STATUS_SUCCESS);
        e.reset();
        setter.join();
    }
}

TEST(Wait, RelativeTimeoutEndsTheWait)
{
    Event e;
    const ULONGLONG before = KeQueryInterruptTime();
    EXPECT_EQ(wait(&e, 30), STATUS_TIMEOUT);
    EXPECT_GE(KeQueryInterruptTime() - before, 300'000ull - 10'000);
}

TEST(Wait, AbsoluteTimeoutInThePastDoesNotBlock)
{
    Event e;
    LARGE_INTEGER past;
    KeQuerySystemTime(&past);
    past.QuadPart -= 10'000'000;
    EXPECT_EQ(KeWaitForSingleObject(&e, Executive, KernelMode, FALSE, &past), STATUS_TIMEOUT);
}

TEST(Wait, AbsoluteTimeoutInTheFutureEndsTheWait)
{
    Event e;
    LARGE_INTEGER soon;
    KeQuerySystemTime(&soon);
    soon.QuadPart += 200'000;
    EXPECT_EQ(KeWaitForSingleObject(&e, Executive, KernelMode, FALSE, &soon), STATUS_TIMEOUT);
}

TEST(Wait, AnyTellsWhichObjectAndConsumesOnlyThat)
{
    Event a(SynchronizationEvent), b(SynchronizationEvent, true), c(SynchronizationEvent, true);
    PVOID objects[] = {&a, &b, &c};
    EXPECT_EQ(KeWaitForMultipleObjects(3, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr),
              STATUS_WAIT_1);
    EXPECT_EQ(poll(&b), STATUS_TIMEOUT);
    EXPECT_EQ(poll(&c), STATUS_SUCCESS);
}

TEST(Wait, AnyIsEndedByALaterSignal)
{
    Event a(SynchronizationEvent), b(SynchronizationEvent);
    std::thread setter([&] { b.set(); });
    PVOID objects[] = {&a, &b};
    EXPECT_EQ(KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr),
              STATUS_WAIT_1);
    setter.join();
    EXPECT_TRUE(IsListEmpty(&a.Header.WaitListHead));
}

TEST(Wait, AllConsumesEverythingOrNothing)
{
    Event a(SynchronizationEvent, true), b(SynchronizationEvent);
    PVOID objects[] = {&a, &b};
    LARGE_INTEGER t = milliseconds(20);
    EXPECT_EQ(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, &t, nullptr),
              STATUS_TIMEOUT);
    EXPECT_EQ(poll(&a), STATUS_SUCCESS) << "a wait that failed must not consume";
    a.set();
    std::thread setter([&] { b.set(); });
    EXPECT_EQ(KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE, nullptr, nullptr),
              STATUS_SUCCESS);
    setter.join();
    EXPECT_EQ(poll(&a), STATUS_TIMEOUT);
    EXPECT_EQ(poll(&b), STATUS_TIMEOUT);
}

TEST(Wait, MoreThanThreeObjectsNeedNoBlockArray)
{
    Event e[10];
    PVOID objects[10];
    for (int i = 0; i < 10; i++)
        objects[i] = &e[i];
    e[9].set();
    EXPECT_EQ(KeWaitForMultipleObjects(10, objects, WaitAny, Executive, KernelMode, FALSE, nullptr, nullptr),
              STATUS_WAIT_0 + 9);
}

TEST(Wait, KillEndsAUserModeWaitOnly)
{
    Event e, ready;
    std::atomic<PKTHREAD> victim{nullptr};
    std::atomic<NTSTATUS> user{0}, kernel{0};
    std::thread t([&] {
        victim = KeGetCurrentThread();
        ObfReferenceObject(victim);
        ready.set();
        user = KeWaitForSingleObject(&e, UserRequest, UserMode, FALSE, nullptr);
        LARGE_INTEGER soon = milliseconds(10);
        kernel = KeWaitForSingleObject(&e, UserRequest, KernelMode, FALSE, &soon);
    });
    wait(&ready);
    terminate_thread(reinterpret_cast<PETHREAD>(victim.load()));
    EXPECT_TRUE(PsIsThreadTerminating(reinterpret_cast<PETHREAD>(victim.load())));
    t.join();
    ObfDereferenceObject(victim);
    EXPECT_EQ(user, STATUS_USER_APC);
    EXPECT_EQ(kernel, STATUS_TIMEOUT);
}

TEST(Delay, SleepsForTheInterval)
{
    LARGE_INTEGER t = milliseconds(20);
    const ULONGLONG before = KeQueryInterruptTime();
    EXPECT_EQ(KeDelayExecutionThread(KernelMode, FALSE, &t), STATUS_SUCCESS);
    EXPECT_GE(KeQueryInterruptTime() - before, 190'000ull);
}

TEST(Semaphore, CountsAndKeepsItsLimit)
{
    KSEMAPHORE s;
    KeInitializeSemaphore(&s, 1, 3);
    EXPECT_EQ(KeReleaseSemaphore(&s, 0, 2, FALSE), 1);
    EXPECT_THROW(KeReleaseSemaphore(&s, 0, 1, FALSE), RaisedStatus);
    EXPECT_EQ(KeReadStateSemaphore(&s), 3);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(poll(&s), STATUS_SUCCESS);
    EXPECT_EQ(poll(&s), STATUS_TIMEOUT);
}

TEST(Mutex, IsRecursiveAndDisablesApcs)
{
    KMUTEX m;
    KeInitializeMutex(&m, 0);
    EXPECT_EQ(poll(&m), STATUS_SUCCESS);
    EXPECT_EQ(poll(&m), STATUS_SUCCESS);
    EXPECT_TRUE(KeAreApcsDisabled());
    std::thread([&] {
        EXPECT_EQ(poll(&m), STATUS_TIMEOUT);
        EXPECT_THROW(KeReleaseMutex(&m, FALSE), RaisedStatus);
    }).join();
    KeReleaseMutex(&m, FALSE);
    KeReleaseMutex(&m, FALSE);
    EXPECT_FALSE(KeAreApcsDisabled());
    std::thread([&] {
        EXPECT_EQ(wait(&m), STATUS_SUCCESS);
        KeReleaseMutex(&m, FALSE);
    }).join();
}

TEST(Mutex, ExcludesOthers)
{
    KMUTEX m;
    KeInitializeMutex(&m, 0);
    int counter = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int n = 0; n < 500; n++) {
                wait(&m);
                counter++;
                KeReleaseMutex(&m, FALSE);
            }
        });
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(counter, 2000);
}

TEST(Timer, NotificationTimerReleasesAllWaiters)
{
    KTIMER t;
    KeInitializeTimer(&t);
    EXPECT_FALSE(KeSetTimer(&t, milliseconds(10), nullptr));
    EXPECT_EQ(wait(&t), STATUS_SUCCESS);
    EXPECT_EQ(poll(&t), STATUS_SUCCESS);
    EXPECT_TRUE(KeReadStateTimer(&t));
    EXPECT_FALSE(KeCancelTimer(&t));
}

TEST(Timer, CancelledTimerDoesNotFire)
{
    KTIMER t;
    KeInitializeTimer(&t);
    KeSetTimer(&t, milliseconds(50), nullptr);
    EXPECT_TRUE(KeCancelTimer(&t));
    EXPECT_EQ(wait(&t, 80), STATUS_TIMEOUT);
}

TEST(Timer, PeriodicTimerRunsItsDpcAgain)
{
    struct Context
    {
        std::atomic<int> runs{0};
        std::atomic<int> irql{0};
        Event done;
    } context;
    KDPC dpc;
    KeInitializeDpc(
        &dpc,
        [](PKDPC, PVOID c, PVOID, PVOID) NTAPI {
            auto& context = *static_cast<Context*>(c);
            context.irql = KeGetCurrentIrql();
            if (++context.runs == 3)
                context.done.set();
        },
        &context);
    KTIMER t;
    KeInitializeTimerEx(&t, SynchronizationTimer);
    KeSetTimerEx(&t, milliseconds(1), 1, &dpc);
    EXPECT_EQ(wait(&context.done), STATUS_SUCCESS);
    KeCancelTimer(&t);
    KeFlushQueuedDpcs();
    EXPECT_EQ(context.irql, DISPATCH_LEVEL);
}

TEST(Dpc, IsQueuedOnceAtATime)
{
    Event ran;
    KDPC dpc;
    KeInitializeDpc(&dpc, [](PKDPC, PVOID e, PVOID, PVOID) NTAPI { static_cast<Event*>(e)->set(); }, &ran);
    EXPECT_TRUE(KeInsertQueueDpc(&dpc, nullptr, nullptr));
    EXPECT_EQ(wait(&ran), STATUS_SUCCESS);
    KeFlushQueuedDpcs();
    EXPECT_FALSE(KeRemoveQueueDpc(&dpc));
}

// SPDX-License-Identifier: MIT
#include "executive_fixture.h"

#include "ntos/thread.h"

#include <vector>

using namespace fsp::ntos;
using namespace fsp::ntos::test;

namespace {

struct Packet
{
    LIST_ENTRY link;
    int number;
};

NTSTATUS status_of(PLIST_ENTRY entry) { return NTSTATUS(LONG_PTR(entry)); }

} // namespace

TEST(Queue, GivesPacketsInOrder)
{
    KQUEUE q;
    KeInitializeQueue(&q, 0);
    Packet a{{}, 1}, b{{}, 2}, c{{}, 3};
    EXPECT_EQ(KeInsertQueue(&q, &a.link), 0);
    EXPECT_EQ(KeInsertQueue(&q, &b.link), 1);
    EXPECT_EQ(KeInsertHeadQueue(&q, &c.link), 2);
    EXPECT_EQ(KeReadStateQueue(&q), 3);
    LARGE_INTEGER t = no_time();
    EXPECT_EQ(KeRemoveQueue(&q, KernelMode, &t), &c.link);
    EXPECT_EQ(KeRemoveQueue(&q, KernelMode, &t), &a.link);
    EXPECT_EQ(KeRemoveQueue(&q, KernelMode, &t), &b.link);
    EXPECT_EQ(status_of(KeRemoveQueue(&q, KernelMode, &t)), STATUS_TIMEOUT);
    EXPECT_EQ(KeRundownQueue(&q), nullptr);
}

TEST(Queue, TimeoutEndsTheWait)
{
    KQUEUE q;
    KeInitializeQueue(&q, 1);
    LARGE_INTEGER t = milliseconds(20);
    EXPECT_EQ(status_of(KeRemoveQueue(&q, UserMode, &t)), STATUS_TIMEOUT);
    KeRundownQueue(&q);
}

TEST(Queue, RundownReturnsWhatIsLeftAndEndsWaits)
{
    KQUEUE q;
    KeInitializeQueue(&q, 4);
    std::atomic<NTSTATUS> status{0};
    Event ready;
    std::thread t([&] {
        ready.set();
        status = status_of(KeRemoveQueue(&q, KernelMode, nullptr));
    });
    // Whether the thread waits already or is about to, it has to be told.
    wait(&ready);
    EXPECT_EQ(KeRundownQueue(&q), nullptr);
    t.join();
    EXPECT_EQ(status, STATUS_ABANDONED);

    KQUEUE other;
    KeInitializeQueue(&other, 1);
    Packet a{{}, 1}, b{{}, 2};
    KeInsertQueue(&other, &a.link);
    KeInsertQueue(&other, &b.link);
    PLIST_ENTRY first = KeRundownQueue(&other);
    EXPECT_EQ(first, &a.link);
    EXPECT_EQ(first->Flink, &b.link);
    EXPECT_EQ(b.link.Flink, first) << "the entries are linked without a head";
}

TEST(Queue, KillEndsAUserModeWait)
{
    KQUEUE q;
    KeInitializeQueue(&q, 0);
    Event ready;
    std::atomic<PKTHREAD> victim{nullptr};
    std::atomic<NTSTATUS> status{0};
    std::thread t([&] {
        victim = KeGetCurrentThread();
        ObfReferenceObject(victim);
        ready.set();
        status = status_of(KeRemoveQueue(&q, UserMode, nullptr));
    });
    wait(&ready);
    terminate_thread(reinterpret_cast<PETHREAD>(victim.load()));
    t.join();
    ObfDereferenceObject(victim);
    EXPECT_EQ(status, STATUS_USER_APC);
    KeRundownQueue(&q);
}

TEST(Queue, RunsNoMoreThreadsThanItsMaximum)
{
    KQUEUE q;
    KeInitializeQueue(&q, 1);
    Packet packets[2] = {};
    Event got_one, go_on;
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++)
        threads.emplace_back([&] {
            LARGE_INTEGER t = milliseconds(20'000);
            ASSERT_GE(LONG_PTR(KeRemoveQueue(&q, KernelMode, &t)), 0x1000);
            running++;
            got_one.set();
            // Busy, not sleeping: the queue must not start the other one.
            while (KeReadStateEvent(&go_on) == 0)
                std::this_thread::yield();
        });
    KeInsertQueue(&q, &packets[0].link);
    KeInsertQueue(&q, &packets[1].link);
    wait(&got_one);
    LARGE_INTEGER t = milliseconds(30);
    KeDelayExecutionThread(KernelMode, FALSE, &t);
    EXPECT_EQ(running, 1);
    EXPECT_EQ(KeReadStateQueue(&q), 1);
    go_on.set();
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(running, 2) << "a thread that ends makes room";
    KeRundownQueue(&q);
}

TEST(Queue, ThreadThatSleepsMakesRoomForAnother)
{
    KQUEUE q;
    KeInitializeQueue(&q, 1);
    Packet packets[2] = {};
    Event both;
    std::atomic<int> running{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; i++)
        threads.emplace_back([&] {
            LARGE_INTEGER t = milliseconds(20'000);
            ASSERT_GE(LONG_PTR(KeRemoveQueue(&q, KernelMode, &t)), 0x1000);
            if (++running == 2)
                both.set();
            EXPECT_EQ(wait(&both), STATUS_SUCCESS);
        });
    KeInsertQueue(&q, &packets[0].link);
    KeInsertQueue(&q, &packets[1].link);
    for (auto& thread : threads)
        thread.join();
    KeRundownQueue(&q);
}

TEST(Queue, ManyThreadsGetEachPacketOnce)
{
    constexpr int count = 5000;
    KQUEUE q;
    KeInitializeQueue(&q, 4);
    std::vector<Packet> packets(count);
    std::vector<std::atomic<int>> seen(count);
    std::atomic<int> total{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (;;) {
                PLIST_ENTRY e = KeRemoveQueue(&q, KernelMode, nullptr);
                if (status_of(e) == STATUS_ABANDONED)
                    return;
                seen[size_t(CONTAINING_RECORD(e, Packet, link)->number)]++;
                total++;
            }
        });
    for (int i = 0; i < count; i++) {
        packets[size_t(i)].number = i;
        KeInsertQueue(&q, &packets[size_t(i)].link);
    }
    while (total < count)
        std::this_thread::yield();
    KeRundownQueue(&q);
    for (auto& t : threads)
        t.join();
    for (auto& s : seen)
        EXPECT_EQ(s, 1);
}

// SPDX-License-Identifier: MIT
// Each rule of the verifier fires when it is broken.
#include "executive_fixture.h"

using namespace fsp::ntos;
using namespace fsp::ntos::test;

namespace {

constexpr ULONG tag = 0x66697256; // "Vrif"

struct Verifier : testing::Test
{
    Verifier() : was_on(verifier::enabled) { verifier::enable(); }
    ~Verifier() override
    {
        if (!was_on)
            verifier::disable();
    }
    bool was_on;
    verifier::Expect expect;
};

} // namespace

TEST_F(Verifier, QuietWhenTheRulesAreKept)
{
    {
        CriticalRegion region;
        Resource a, b;
        for (int i = 0; i < 2; i++) {
            ExAcquireResourceExclusiveLite(&a, TRUE);
            ExAcquireResourceSharedLite(&b, TRUE);
            ExReleaseResourceLite(&a);
            ExReleaseResourceLite(&b);
        }
        PVOID p = ExAllocatePoolWithTag(PagedPool, 100, tag);
        EXPECT_EQ(verifier::pool_allocations(tag), 1u);
        ExFreePoolWithTag(p, tag);
        EXPECT_EQ(verifier::check_pool_leaks(tag), 0u);
    }
    verifier::check_thread_is_clean("test");
    EXPECT_TRUE(expect.found().empty()) << expect.found().front();
}

TEST_F(Verifier, PoolLeak)
{
    PVOID p = ExAllocatePoolWithTag(PagedPool, 100, tag);
    EXPECT_EQ(verifier::check_pool_leaks(tag), 1u);
    EXPECT_TRUE(expect.found("leaked: tag Vrif, 100 bytes"));
    ExFreePoolWithTag(p, tag);
}

TEST_F(Verifier, WrongTag)
{
    ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, 100, tag), 0x6e6f7257);
    EXPECT_TRUE(expect.found("with tag Vrif freed with tag Wron"));
}

TEST_F(Verifier, DoubleFree)
{
    PVOID p = ExAllocatePoolWithTag(PagedPool, 100, tag);
    ExFreePoolWithTag(p, tag);
    ExFreePoolWithTag(p, tag);
    EXPECT_TRUE(expect.found("freed twice"));
}

TEST_F(Verifier, WriteAfterFree)
{
    auto p = static_cast<volatile char*>(ExAllocatePoolWithTag(PagedPool, 100, tag));
    ExFreePoolWithTag(const_cast<char*>(p), tag);
    p[7] = 1;
    for (int i = 0; i < 600; i++)
        ExFreePoolWithTag(ExAllocatePoolWithTag(PagedPool, 16, tag), tag);
    EXPECT_TRUE(expect.found("written to at offset 7 after it was freed"));
}

TEST_F(Verifier, LockOrder)
{
    CriticalRegion region;
    Resource r;
    FAST_MUTEX m;
    ExInitializeFastMutex(&m);
    ExAcquireResourceExclusiveLite(&r, TRUE);
    ExAcquireFastMutex(&m);
    ExReleaseFastMutex(&m);
    ExReleaseResourceLite(&r);
    EXPECT_TRUE(expect.found().empty());
    ExAcquireFastMutex(&m);
    ExAcquireResourceExclusiveLite(&r, TRUE);
    ExReleaseResourceLite(&r);
    ExReleaseFastMutex(&m);
    EXPECT_TRUE(expect.found("lock order: resource"));
}

TEST_F(Verifier, LockOrderOverThreeLocks)
{
    KSPIN_LOCK a, b, c;
    for (PKSPIN_LOCK l : {&a, &b, &c})
        KeInitializeSpinLock(l);
    auto nested = [](PKSPIN_LOCK outer, PKSPIN_LOCK inner) {
        const KIRQL irql = KeAcquireSpinLockRaiseToDpc(outer);
        KeAcquireSpinLockAtDpcLevel(inner);
        KeReleaseSpinLockFromDpcLevel(inner);
        KeReleaseSpinLock(outer, irql);
    };
    nested(&a, &b);
    nested(&b, &c);
    EXPECT_TRUE(expect.found().empty());
    nested(&c, &a);
    EXPECT_TRUE(expect.found("lock order: spin lock"));
}

TEST_F(Verifier, TryingIsNotAnOrder)
{
    CriticalRegion region;
    Resource a, b;
    ExAcquireResourceExclusiveLite(&a, TRUE);
    ExAcquireResourceExclusiveLite(&b, TRUE);
    ExReleaseResourceLite(&b);
    ExReleaseResourceLite(&a);
    ExAcquireResourceExclusiveLite(&b, TRUE);
    EXPECT_TRUE(ExAcquireResourceExclusiveLite(&a, FALSE));
    ExReleaseResourceLite(&a);
    ExReleaseResourceLite(&b);
    EXPECT_TRUE(expect.found().empty());
}

TEST_F(Verifier, ResourceOutsideACriticalRegion)
{
    Resource r;
    ExAcquireResourceSharedLite(&r, TRUE);
    ExReleaseResourceLite(&r);
    EXPECT_TRUE(expect.found("outside a critical region"));
}

TEST_F(Verifier, ResourceReleasedByAStranger)
{
    CriticalRegion region;
    Resource r;
    ExReleaseResourceLite(&r);
    EXPECT_TRUE(expect.found("does not own it"));
}

TEST_F(Verifier, ResourceDeletedWhileOwned)
{
    {
        CriticalRegion region;
        Resource r;
        ExAcquireResourceSharedLite(&r, TRUE);
    }
    EXPECT_TRUE(expect.found("deleted while owned"));
    verifier::check_thread_is_clean("test");
}

TEST_F(Verifier, SaysWhoWaitsForAResourceAndWhoHasIt)
{
    CriticalRegion region;
    Resource r;
    const auto owner = reinterpret_cast<ERESOURCE_THREAD>(&r) | 3;
    ExAcquireResourceExclusiveLite(&r, TRUE);
    ExSetResourceOwnerPointer(&r, reinterpret_cast<PVOID>(owner));
    std::thread waiter([&] {
        const CriticalRegion another;
        ExAcquireResourceExclusiveLite(&r, TRUE);
        ExReleaseResourceLite(&r);
    });
    testing::internal::CaptureStderr();
    while (verifier::print_resource_waits() == 0)
        std::this_thread::yield();
    const std::string text = testing::internal::GetCapturedStderr();
    EXPECT_NE(text.find("exclusive"), std::string::npos) << text;
    EXPECT_NE(text.find("belongs to owner pointer"), std::string::npos) << text;
    ExReleaseResourceForThreadLite(&r, owner);
    waiter.join();
    EXPECT_EQ(verifier::print_resource_waits(), 0u);
    EXPECT_TRUE(expect.found().empty()) << expect.found().front();
}

TEST_F(Verifier, WaitAtDispatchLevel)
{
    Event e(NotificationEvent, true);
    const KIRQL irql = KeRaiseIrqlToDpcLevel();
    KeWaitForSingleObject(&e, Executive, KernelMode, FALSE, nullptr);
    KeLowerIrql(irql);
    EXPECT_TRUE(expect.found("wait at IRQL 2"));
}

TEST_F(Verifier, PollAtDispatchLevelIsAllowed)
{
    Event e;
    const KIRQL irql = KeRaiseIrqlToDpcLevel();
    EXPECT_EQ(poll(&e), STATUS_TIMEOUT);
    KeLowerIrql(irql);
    EXPECT_TRUE(expect.found().empty());
}

TEST_F(Verifier, PagedCallAtDispatchLevel)
{
    const KIRQL irql = KeRaiseIrqlToDpcLevel();
    PAGED_CODE();
    ExFreePool(ExAllocatePoolWithTag(PagedPool, 8, tag));
    KeLowerIrql(irql);
    EXPECT_TRUE(expect.found("pageable code called at IRQL 2"));
    EXPECT_TRUE(expect.found("paged pool allocated at IRQL 2"));
}

TEST_F(Verifier, ThreadThatEndsUnclean)
{
    FAST_MUTEX m;
    ExInitializeFastMutex(&m);
    std::thread([&] {
        KeEnterCriticalRegion();
        ExAcquireFastMutex(&m);
    }).join();
    EXPECT_TRUE(expect.found("thread exit: IRQL is 1"));
    EXPECT_TRUE(expect.found("thread exit: still in 1 critical"));
    EXPECT_TRUE(expect.found("still held"));
}

TEST_F(Verifier, CriticalRegionLeftTwice)
{
    KeLeaveCriticalRegion();
    KeEnterCriticalRegion();
    EXPECT_TRUE(expect.found("critical region left but not entered"));
}

TEST_F(Verifier, RecursiveFastMutexIsToldBeforeItHangs)
{
    FAST_MUTEX m;
    ExInitializeFastMutex(&m);
    ExAcquireFastMutex(&m);
    // Cannot really be acquired again without hanging: have another thread let it go.
    std::thread helper([&] {
        while (!expect.found("holds it already"))
            std::this_thread::yield();
        m.Owner = nullptr;
        ExReleaseFastMutex(&m);
    });
    ExAcquireFastMutex(&m);
    helper.join();
    ExReleaseFastMutex(&m);
    ExReleaseFastMutex(&m);
    verifier::check_thread_is_clean("test");
    EXPECT_TRUE(expect.found("holds it already"));
}

TEST_F(Verifier, MdlFreedWhileLocked)
{
    char buffer[16] = {};
    PMDL mdl = IoAllocateMdl(buffer, sizeof buffer, FALSE, FALSE, nullptr);
    MmProbeAndLockPages(mdl, KernelMode, IoReadAccess);
    IoFreeMdl(mdl);
    EXPECT_TRUE(expect.found("freed with its pages locked"));
}

TEST_F(Verifier, FindingsAreCountedAndGoToTheHook)
{
    static std::string last;
    // Expect would swallow it.
    expect.~Expect();
    verifier::set_hook([](const char* sentence) { last = sentence; });
    const unsigned before = verifier::findings();
    verifier::report("something is %s", "wrong");
    EXPECT_EQ(verifier::findings(), before + 1);
    EXPECT_EQ(last, "something is wrong");
    verifier::set_hook(nullptr);
    new (&expect) verifier::Expect;
}

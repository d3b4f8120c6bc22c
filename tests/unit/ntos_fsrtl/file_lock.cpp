// SPDX-License-Identifier: MIT
#include "request.h"

#include <algorithm>
#include <thread>
#include <vector>

using namespace fsp::test;

namespace {

struct Locks
{
    Locks(PCOMPLETE_LOCK_IRP_ROUTINE complete = nullptr, PUNLOCK_ROUTINE unlock = nullptr)
    {
        FsRtlInitializeFileLock(&lock, complete, unlock);
    }
    ~Locks() { FsRtlUninitializeFileLock(&lock); }

    NTSTATUS take(PFILE_OBJECT file, uint64_t offset, uint64_t length, bool exclusive, ULONG key = 0)
    {
        LARGE_INTEGER o = large(offset), l = large(length);
        IO_STATUS_BLOCK iosb{};
        EXPECT_TRUE(FsRtlPrivateLock(&lock, file, &o, &l, nullptr, key, TRUE, exclusive, &iosb, nullptr,
                                     nullptr, FALSE));
        return iosb.Status;
    }
    NTSTATUS drop(PFILE_OBJECT file, uint64_t offset, uint64_t length, ULONG key = 0)
    {
        LARGE_INTEGER o = large(offset), l = large(length);
        return FsRtlFastUnlockSingle(&lock, file, &o, &l, nullptr, key, nullptr, FALSE);
    }
    bool may_read(PFILE_OBJECT file, uint64_t offset, uint64_t length, ULONG key = 0)
    {
        LARGE_INTEGER o = large(offset), l = large(length);
        return FsRtlFastCheckLockForRead(&lock, &o, &l, key, file, nullptr);
    }
    bool may_write(PFILE_OBJECT file, uint64_t offset, uint64_t length, ULONG key = 0)
    {
        LARGE_INTEGER o = large(offset), l = large(length);
        return FsRtlFastCheckLockForWrite(&lock, &o, &l, key, file, nullptr);
    }
    FILE_LOCK lock;
};

/// IRP_MJ_LOCK_CONTROL/IRP_MN_LOCK
struct LockRequest : Request
{
    LockRequest(PFILE_OBJECT file, uint64_t offset, uint64_t length, UCHAR flags)
        : Request(file, IRP_MJ_LOCK_CONTROL, IRP_MN_LOCK), length_(large(length))
    {
        stack()->Flags = flags;
        stack()->Parameters.LockControl.ByteOffset = large(offset);
        stack()->Parameters.LockControl.Length = &length_;
    }
    LARGE_INTEGER length_;
};

TEST(FileLock, ExclusiveConflictsWithEveryOverlapEvenOfTheSameOwner)
{
    Locks locks;
    File a, b;
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 10, 10, true));
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, locks.take(a, 15, 1, true));
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, locks.take(b, 19, 5, false));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 20, 5, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 0, 10, true));
}

TEST(FileLock, SharedLocksOverlapAndOwnerMayShareHisExclusiveRange)
{
    Locks locks;
    File a, b;
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 0, 10, false));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 5, 10, false));
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, locks.take(a, 0, 1, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 100, 10, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 100, 10, false));
    // The exclusive lock is the first to go, the shared one stays.
    EXPECT_EQ(STATUS_SUCCESS, locks.drop(a, 100, 10));
    EXPECT_TRUE(locks.may_read(b, 100, 1));
    EXPECT_FALSE(locks.may_write(b, 100, 1));
}

TEST(FileLock, KeyIsPartOfTheOwner)
{
    Locks locks;
    File a;
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 0, 10, true, 1));
    EXPECT_TRUE(locks.may_read(a, 0, 10, 1));
    EXPECT_FALSE(locks.may_read(a, 0, 10, 2));
    EXPECT_EQ(STATUS_RANGE_NOT_LOCKED, locks.drop(a, 0, 10, 2));
    EXPECT_EQ(STATUS_SUCCESS, locks.drop(a, 0, 10, 1));
}

TEST(FileLock, ZeroLengthConflictsOnlyStrictlyInside)
{
    Locks locks;
    File a, b;
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 10, 10, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 10, 0, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 20, 0, true));
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, locks.take(b, 11, 0, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 0, 0, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 0, 5, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, 20, 0, true)) << "two empty ranges never overlap";
    EXPECT_EQ(STATUS_SUCCESS, locks.drop(b, 10, 0));
}

TEST(FileLock, RangesReachTheEndOf64Bits)
{
    Locks locks;
    File a, b;
    EXPECT_EQ(STATUS_INVALID_LOCK_RANGE, locks.take(a, ~0ull, 2, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(a, ~0ull, 1, true));
    EXPECT_EQ(STATUS_SUCCESS, locks.take(b, 1ull << 63, ~0ull >> 1, true)) << "ends right before";
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, locks.take(b, 5, ~0ull - 4, false));
}

TEST(FileLock, WriteConflictsWithSharedLocksOfItsOwnOwner)
{
    Locks locks;
    File a, b;
    locks.take(a, 0, 10, false);
    EXPECT_FALSE(locks.may_write(a, 5, 1));
    EXPECT_TRUE(locks.may_read(b, 5, 1));
    EXPECT_TRUE(locks.may_write(b, 10, 5));
    EXPECT_TRUE(locks.may_write(b, 5, 0));
}

TEST(FileLock, WaitersAreGrantedInOrder)
{
    Locks locks;
    File a, b, c;
    locks.take(a, 0, 10, true);
    LockRequest first(b, 0, 10, SL_EXCLUSIVE_LOCK), second(c, 0, 10, SL_EXCLUSIVE_LOCK);
    EXPECT_EQ(STATUS_PENDING, FsRtlProcessFileLock(&locks.lock, first.irp(), nullptr));
    EXPECT_EQ(STATUS_PENDING, FsRtlProcessFileLock(&locks.lock, second.irp(), nullptr));
    EXPECT_TRUE(FsRtlAreThereCurrentOrInProgressFileLocks(&locks.lock));
    locks.drop(a, 0, 10);
    EXPECT_TRUE(first.done());
    EXPECT_EQ(STATUS_SUCCESS, first.status());
    EXPECT_FALSE(second.done());
    locks.drop(b, 0, 10);
    EXPECT_TRUE(second.done());
    locks.drop(c, 0, 10);
    EXPECT_FALSE(FsRtlAreThereCurrentFileLocks(&locks.lock));
    EXPECT_FALSE(FsRtlAreThereCurrentOrInProgressFileLocks(&locks.lock));
}

TEST(FileLock, FailImmediatelyDoesNotWait)
{
    Locks locks;
    File a, b;
    locks.take(a, 0, 10, true);
    LockRequest r(b, 0, 1, SL_FAIL_IMMEDIATELY);
    EXPECT_EQ(STATUS_LOCK_NOT_GRANTED, FsRtlProcessFileLock(&locks.lock, r.irp(), nullptr));
    EXPECT_TRUE(r.done());
}

TEST(FileLock, CancelledWaiterCompletesAndTheNextIsGranted)
{
    Locks locks;
    File a, b, c;
    locks.take(a, 0, 10, true);
    LockRequest first(b, 0, 10, SL_EXCLUSIVE_LOCK), second(c, 0, 10, SL_EXCLUSIVE_LOCK);
    FsRtlProcessFileLock(&locks.lock, first.irp(), nullptr);
    FsRtlProcessFileLock(&locks.lock, second.irp(), nullptr);
    EXPECT_TRUE(first.cancel());
    EXPECT_TRUE(first.done());
    EXPECT_EQ(STATUS_CANCELLED, first.status());
    locks.drop(a, 0, 10);
    EXPECT_TRUE(second.done());
}

TEST(FileLock, RequestCancelledBeforeItWaitsIsCompleted)
{
    Locks locks;
    File a, b;
    locks.take(a, 0, 10, true);
    LockRequest r(b, 0, 10, SL_EXCLUSIVE_LOCK);
    r.irp()->Cancel = TRUE;
    EXPECT_EQ(STATUS_PENDING, FsRtlProcessFileLock(&locks.lock, r.irp(), nullptr));
    EXPECT_TRUE(r.done());
    EXPECT_EQ(STATUS_CANCELLED, r.status());
}

TEST(FileLock, UnlockAllDropsLocksAndWaitersOfTheHandle)
{
    Locks locks;
    File a, b;
    locks.take(a, 0, 10, true);
    locks.take(a, 20, 10, false, 7);
    LockRequest waiting(b, 0, 10, 0), own(a, 0, 5, SL_EXCLUSIVE_LOCK);
    FsRtlProcessFileLock(&locks.lock, waiting.irp(), nullptr);
    FsRtlProcessFileLock(&locks.lock, own.irp(), nullptr);
    EXPECT_EQ(STATUS_SUCCESS, FsRtlFastUnlockAll(&locks.lock, a, nullptr, nullptr));
    EXPECT_TRUE(own.done());
    EXPECT_EQ(STATUS_RANGE_NOT_LOCKED, own.status());
    EXPECT_TRUE(waiting.done());
    EXPECT_EQ(STATUS_SUCCESS, waiting.status());
    EXPECT_EQ(STATUS_RANGE_NOT_LOCKED, FsRtlFastUnlockAll(&locks.lock, a, nullptr, nullptr));
}

TEST(FileLock, UnlockAllByKeyKeepsOtherKeys)
{
    Locks locks;
    File a;
    locks.take(a, 0, 10, true, 1);
    locks.take(a, 20, 10, true, 2);
    EXPECT_EQ(STATUS_SUCCESS, FsRtlFastUnlockAllByKey(&locks.lock, a, nullptr, 1, nullptr));
    EXPECT_TRUE(locks.may_write(a, 0, 10, 3));
    EXPECT_FALSE(locks.may_write(a, 20, 10, 3));
}

TEST(FileLock, UninitializeFailsWaiters)
{
    auto locks = std::make_unique<Locks>();
    File a, b;
    locks->take(a, 0, 10, true);
    LockRequest waiting(b, 0, 10, 0);
    FsRtlProcessFileLock(&locks->lock, waiting.irp(), nullptr);
    locks.reset();
    EXPECT_TRUE(waiting.done());
    EXPECT_EQ(STATUS_RANGE_NOT_LOCKED, waiting.status());
}

NTSTATUS NTAPI refuse(PVOID, PIRP irp)
{
    irp->IoStatus.Status = STATUS_ACCESS_DENIED;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return STATUS_ACCESS_DENIED;
}

TEST(FileLock, LockIsUndoneWhenTheCompletionRoutineFails)
{
    Locks locks(refuse);
    File a, b;
    LockRequest r(a, 0, 10, SL_EXCLUSIVE_LOCK);
    EXPECT_EQ(STATUS_ACCESS_DENIED, FsRtlProcessFileLock(&locks.lock, r.irp(), nullptr));
    EXPECT_TRUE(locks.may_write(b, 0, 10));
}

int unlocked;
VOID NTAPI count_unlock(PVOID context, PFILE_LOCK_INFO info)
{
    EXPECT_EQ(&unlocked, context);
    EXPECT_EQ(10, info->Length.QuadPart);
    ++unlocked;
}

TEST(FileLock, UnlockRoutineSeesEveryLockThatGoes)
{
    Locks locks(nullptr, count_unlock);
    File a;
    unlocked = 0;
    locks.take(a, 0, 10, true);
    locks.take(a, 10, 10, false);
    FsRtlFastUnlockAll(&locks.lock, a, nullptr, &unlocked);
    EXPECT_EQ(2, unlocked);
}

TEST(FileLock, EnumerationReturnsAllAndSurvivesUnlocking)
{
    Locks locks;
    File a;
    for (int i = 0; i < 100; ++i)
        locks.take(a, static_cast<uint64_t>(i) * 10, 10, i % 2);
    int seen = 0;
    for (PFILE_LOCK_INFO info = FsRtlGetNextFileLock(&locks.lock, TRUE); info;
         info = FsRtlGetNextFileLock(&locks.lock, FALSE))
    {
        ++seen;
        locks.drop(a, static_cast<uint64_t>(info->StartingByte.QuadPart), 10);
    }
    EXPECT_EQ(100, seen);
}

TEST(FileLock, AgreesWithAPlainListOfLocks)
{
    struct Plain
    {
        PFILE_OBJECT owner;
        uint64_t offset, length;
        bool exclusive;
    };
    Locks locks;
    File files[3];
    std::vector<Plain> plain;
    uint32_t random = 12345;
    auto next = [&](uint32_t n) { return (random = random * 1664525 + 1013904223) / 65536 % n; };
    for (int i = 0; i < 20000; ++i) {
        if (!plain.empty() && next(2)) {
            const size_t at = next(static_cast<uint32_t>(plain.size()));
            const Plain gone = plain[at];
            ASSERT_EQ(STATUS_SUCCESS, locks.drop(gone.owner, gone.offset, gone.length));
            // An exclusive lock of the same owner and range would have gone first.
            auto it = std::find_if(plain.begin(), plain.end(), [&](const Plain& p) {
                return p.owner == gone.owner && p.offset == gone.offset && p.length == gone.length &&
                       p.exclusive;
            });
            plain.erase(it != plain.end() ? it : plain.begin() + static_cast<long>(at));
            continue;
        }
        const Plain wanted{files[next(3)], next(200) + 1, next(20), next(2) != 0};
        bool conflict = false;
        for (const Plain& p : plain) {
            const bool overlap =
                wanted.offset < p.offset + p.length && p.offset < wanted.offset + wanted.length;
            conflict |= overlap && (wanted.exclusive || (p.exclusive && p.owner != wanted.owner));
        }
        const NTSTATUS status = locks.take(wanted.owner, wanted.offset, wanted.length, wanted.exclusive);
        ASSERT_EQ(conflict ? STATUS_LOCK_NOT_GRANTED : STATUS_SUCCESS, status) << i;
        if (!conflict)
            plain.push_back(wanted);
    }
}

TEST(FileLock, CancellationAndUnlockRaceCompletesEachRequestOnce)
{
    for (int round = 0; round < 300; ++round) {
        Locks locks;
        File a, b;
        locks.take(a, 0, 10, true);
        LockRequest r(b, 0, 10, SL_EXCLUSIVE_LOCK);
        ASSERT_EQ(STATUS_PENDING, FsRtlProcessFileLock(&locks.lock, r.irp(), nullptr));
        std::thread canceller([&] { r.cancel(); });
        locks.drop(a, 0, 10);
        canceller.join();
        r.wait();
        if (r.status() == STATUS_SUCCESS)
            EXPECT_FALSE(locks.may_read(a, 0, 1));
        else
            EXPECT_EQ(STATUS_CANCELLED, r.status());
    }
}

} // namespace

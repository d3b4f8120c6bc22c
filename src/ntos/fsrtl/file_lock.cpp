// SPDX-License-Identifier: MIT
//
// Byte-range locks (FILE_LOCK).
//
// The owner of a lock is (file object, process, key). Exclusive locks conflict with every overlapping
// lock, also of the same owner; a shared lock conflicts with the exclusive locks of other owners. A
// read conflicts with exclusive locks of others; a write with those and with every shared lock.
// ([MS-FSA] 2.1.4.10.) Blocked requests wait in one queue and are granted in its order whenever a lock
// goes away.
//
// FILE_LOCK::LockInformation is null until the first lock and points to the table from then on until
// uninitialized, so that a file without locks is checked by testing one pointer.
#include "ntos/faults.h"
#include "ntos/fsrtl/parked_irp.h"
#include "ntos/fsrtl/range_tree.h"
#include "ntos/verifier.h"

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace fsp::ntos::fsrtl {
namespace {

constexpr ULONG lock_tag = 0x4c737246; // "FrsL"

struct Owner
{
    PFILE_OBJECT file;
    PVOID process;
    ULONG key;

    bool operator==(const Owner&) const = default;
};

struct Lock : RangeNode
{
    Owner owner;
    uint64_t length;
    bool exclusive;

    bool is_empty_at_zero() const { return length == 0 && start == 0; }

    FILE_LOCK_INFO info() const
    {
        FILE_LOCK_INFO info{};
        info.StartingByte.QuadPart = static_cast<LONGLONG>(start);
        info.Length.QuadPart = static_cast<LONGLONG>(length);
        info.EndingByte.QuadPart = static_cast<LONGLONG>(length ? end : start - 1);
        info.ExclusiveLock = exclusive;
        info.Key = owner.key;
        info.FileObject = owner.file;
        info.ProcessId = owner.process;
        return info;
    }
};

struct LockTable;

/// A lock request whose IRP waits for conflicting locks to go away.
struct Waiter final : ParkedIrp
{
    std::shared_ptr<LockTable> table;
    PFILE_LOCK file_lock = nullptr;
    std::unique_ptr<Lock> lock;
    PVOID context = nullptr;

    void on_cancel() override;
};

struct LockTable
{
    std::mutex mutex;
    RangeTree exclusive;
    RangeTree shared;
    std::list<Waiter*> waiters;
    std::atomic<uint32_t> granted{0};
    uint64_t next_sequence = 1;

    RangeTree& tree(const Lock& lock) { return lock.exclusive ? exclusive : shared; }

    bool conflicts(const Lock& wanted)
    {
        if (wanted.is_empty_at_zero())
            return false;
        auto any = [](RangeNode* n) { return !static_cast<Lock*>(n)->is_empty_at_zero(); };
        auto others = [&](RangeNode* n) { return any(n) && static_cast<Lock*>(n)->owner != wanted.owner; };
        if (!wanted.exclusive)
            return exclusive.find_overlap(wanted.start, wanted.end, others);
        return exclusive.find_overlap(wanted.start, wanted.end, any) ||
               shared.find_overlap(wanted.start, wanted.end, any);
    }

    void grant(Lock* lock)
    {
        lock->sequence = next_sequence++;
        tree(*lock).insert(lock);
        ++granted;
    }

    void remove(Lock* lock)
    {
        tree(*lock).erase(lock);
        --granted;
    }
};

using TablePtr = std::shared_ptr<LockTable>;

// LockInformation holds a heap-allocated shared_ptr: waiters being cancelled keep the table beyond
// FsRtlUninitializeFileLock.
LockTable* existing_table(PFILE_LOCK file_lock)
{
    auto* holder = static_cast<TablePtr*>(__atomic_load_n(&file_lock->LockInformation, __ATOMIC_ACQUIRE));
    return holder ? holder->get() : nullptr;
}

TablePtr table_of(PFILE_LOCK file_lock)
{
    PVOID seen = __atomic_load_n(&file_lock->LockInformation, __ATOMIC_ACQUIRE);
    if (!seen) {
        auto fresh = std::make_unique<TablePtr>(std::make_shared<LockTable>());
        if (__atomic_compare_exchange_n(&file_lock->LockInformation, &seen, static_cast<PVOID>(fresh.get()),
                                        false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            seen = fresh.release();
    }
    return *static_cast<TablePtr*>(seen);
}

// FsRtlAreThereCurrentFileLocks reads this. Called with the table's mutex held.
void note_questionable(PFILE_LOCK file_lock, LockTable& table)
{
    const BOOLEAN value = table.granted != 0 || !table.waiters.empty();
    __atomic_store_n(&file_lock->FastIoIsQuestionable, value, __ATOMIC_RELEASE);
}

NTSTATUS complete_lock_irp(PFILE_LOCK file_lock, PVOID context, PIRP irp, NTSTATUS status)
{
    if (!file_lock->CompleteLockIrpRoutine) {
        complete(irp, status);
        return status;
    }
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    return file_lock->CompleteLockIrpRoutine(context, irp);
}

void remove_refused(PFILE_LOCK file_lock, LockTable& table, Lock* lock, PVOID context);

/// Grants what can be granted now, in the order of arrival, and completes those requests.
void grant_waiters(PFILE_LOCK file_lock, const TablePtr& table)
{
    std::vector<std::pair<std::unique_ptr<Waiter>, Lock*>> ready;
    {
        std::lock_guard hold(table->mutex);
        for (auto it = table->waiters.begin(); it != table->waiters.end();) {
            Waiter* waiter = *it;
            if (table->conflicts(*waiter->lock) || !waiter->claim()) {
                ++it;
                continue;
            }
            it = table->waiters.erase(it);
            Lock* lock = waiter->lock.release();
            table->grant(lock);
            ready.emplace_back(waiter, lock);
        }
        note_questionable(file_lock, *table);
    }
    for (auto& [waiter, lock] : ready) {
        InterlockedDecrement(&file_lock->LockRequestsInProgress);
        if (!NT_SUCCESS(complete_lock_irp(file_lock, waiter->context, waiter->irp(), STATUS_SUCCESS)))
            remove_refused(file_lock, *table, lock, waiter->context);
    }
}

/// A granted lock whose completion routine failed did not happen.
void remove_refused(PFILE_LOCK file_lock, LockTable& table, Lock* lock, PVOID context)
{
    const FILE_LOCK_INFO info = lock->info();
    {
        std::lock_guard hold(table.mutex);
        table.remove(lock);
        note_questionable(file_lock, table);
    }
    delete lock;
    if (file_lock->UnlockRoutine) {
        FILE_LOCK_INFO copy = info;
        file_lock->UnlockRoutine(context, &copy);
    }
    grant_waiters(file_lock, table_of(file_lock));
}

void Waiter::on_cancel()
{
    std::unique_ptr<Waiter> self(this);
    {
        std::lock_guard hold(table->mutex);
        table->waiters.remove(this);
        if (file_lock)
            note_questionable(file_lock, *table);
    }
    if (!file_lock) {
        complete(irp(), STATUS_CANCELLED);
        return;
    }
    InterlockedDecrement(&file_lock->LockRequestsInProgress);
    complete_lock_irp(file_lock, context, irp(), STATUS_CANCELLED);
}

/// Removes the granted locks and the waiting requests that match; waiting ones fail with RANGE_NOT_LOCKED.
template<class Match> bool unlock_matching(PFILE_LOCK file_lock, PVOID context, Match match)
{
    if (!existing_table(file_lock))
        return false;
    const TablePtr table = table_of(file_lock);
    std::vector<Lock*> removed;
    std::vector<std::unique_ptr<Waiter>> refused;
    {
        std::lock_guard hold(table->mutex);
        auto collect = [&](RangeNode* n) {
            if (match(static_cast<Lock*>(n)->owner))
                removed.push_back(static_cast<Lock*>(n));
        };
        table->exclusive.for_each(collect);
        table->shared.for_each(collect);
        for (Lock* lock : removed)
            table->remove(lock);
        for (auto it = table->waiters.begin(); it != table->waiters.end();) {
            if (match((*it)->lock->owner) && (*it)->claim()) {
                refused.emplace_back(*it);
                it = table->waiters.erase(it);
            } else {
                ++it;
            }
        }
        note_questionable(file_lock, *table);
    }
    for (Lock* lock : removed) {
        if (file_lock->UnlockRoutine) {
            FILE_LOCK_INFO info = lock->info();
            file_lock->UnlockRoutine(context, &info);
        }
        delete lock;
    }
    for (auto& waiter : refused) {
        InterlockedDecrement(&file_lock->LockRequestsInProgress);
        complete_lock_irp(file_lock, waiter->context, waiter->irp(), STATUS_RANGE_NOT_LOCKED);
    }
    if (!removed.empty())
        grant_waiters(file_lock, table);
    return !removed.empty();
}

bool access_allowed(PFILE_LOCK file_lock, uint64_t start, uint64_t length, const Owner& owner, bool write)
{
    LockTable* table = existing_table(file_lock);
    if (!table || length == 0 || table->granted.load(std::memory_order_acquire) == 0)
        return true;
    const uint64_t end = start + length - 1 < start ? ~uint64_t{0} : start + length - 1;
    auto foreign = [&](RangeNode* n) {
        return !static_cast<Lock*>(n)->is_empty_at_zero() && static_cast<Lock*>(n)->owner != owner;
    };
    auto any = [](RangeNode* n) { return !static_cast<Lock*>(n)->is_empty_at_zero(); };
    std::lock_guard hold(table->mutex);
    return !table->exclusive.find_overlap(start, end, foreign) &&
           !(write && table->shared.find_overlap(start, end, any));
}

/// The caller's half of taking a lock. @return STATUS_PENDING, STATUS_SUCCESS, or why not.
NTSTATUS take(PFILE_LOCK file_lock, std::unique_ptr<Lock> lock, bool fail_immediately, PIRP irp,
              PVOID context, Lock** granted)
{
    if (lock->length && lock->start + (lock->length - 1) < lock->start)
        return STATUS_INVALID_LOCK_RANGE;
    lock->end = lock->length ? lock->start + lock->length - 1 : (lock->start ? lock->start - 1 : 0);

    const TablePtr table = table_of(file_lock);
    std::lock_guard hold(table->mutex);
    if (!table->conflicts(*lock)) {
        *granted = lock.release();
        table->grant(*granted);
        note_questionable(file_lock, *table);
        return STATUS_SUCCESS;
    }
    if (fail_immediately || !irp)
        return STATUS_LOCK_NOT_GRANTED;

    auto waiter = std::make_unique<Waiter>();
    waiter->table = table;
    waiter->file_lock = file_lock;
    waiter->lock = std::move(lock);
    waiter->context = context;
    table->waiters.push_back(waiter.get());
    irp->IoStatus.Status = STATUS_PENDING;
    InterlockedIncrement(&file_lock->LockRequestsInProgress);
    if (waiter->park(irp)) {
        note_questionable(file_lock, *table);
        (void)waiter.release();
        return STATUS_PENDING;
    }
    InterlockedDecrement(&file_lock->LockRequestsInProgress);
    table->waiters.pop_back();
    return STATUS_CANCELLED;
}

} // namespace
} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;
namespace faults = fsp::ntos::faults;

VOID NTAPI FsRtlInitializeFileLock(PFILE_LOCK FileLock, PCOMPLETE_LOCK_IRP_ROUTINE CompleteLockIrpRoutine,
                                   PUNLOCK_ROUTINE UnlockRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    RtlZeroMemory(FileLock, sizeof *FileLock);
    FileLock->CompleteLockIrpRoutine = CompleteLockIrpRoutine;
    FileLock->UnlockRoutine = UnlockRoutine;
}

VOID NTAPI FsRtlUninitializeFileLock(PFILE_LOCK FileLock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    auto* holder =
        static_cast<TablePtr*>(__atomic_exchange_n(&FileLock->LockInformation, nullptr, __ATOMIC_ACQ_REL));
    if (!holder)
        return;
    const TablePtr table = *holder;
    delete holder;

    std::vector<std::unique_ptr<Waiter>> refused;
    {
        std::lock_guard hold(table->mutex);
        auto destroy = [](RangeNode* n) { delete static_cast<Lock*>(n); };
        table->exclusive.clear(destroy);
        table->shared.clear(destroy);
        table->granted = 0;
        for (auto it = table->waiters.begin(); it != table->waiters.end();) {
            if ((*it)->claim()) {
                refused.emplace_back(*it);
                it = table->waiters.erase(it);
            } else {
                // Being cancelled; it must not touch the FILE_LOCK, which is about to go.
                (*it)->file_lock = nullptr;
                ++it;
            }
        }
        note_questionable(FileLock, *table);
    }
    for (auto& waiter : refused)
        complete_lock_irp(FileLock, waiter->context, waiter->irp(), STATUS_RANGE_NOT_LOCKED);
    FileLock->LockRequestsInProgress = 0;
}

PFILE_LOCK NTAPI FsRtlAllocateFileLock(PCOMPLETE_LOCK_IRP_ROUTINE CompleteLockIrpRoutine,
                                       PUNLOCK_ROUTINE UnlockRoutine)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    auto* lock = static_cast<PFILE_LOCK>(ExAllocatePoolWithTag(NonPagedPool, sizeof(FILE_LOCK), lock_tag));
    if (lock)
        FsRtlInitializeFileLock(lock, CompleteLockIrpRoutine, UnlockRoutine);
    return lock;
}

VOID NTAPI FsRtlFreeFileLock(PFILE_LOCK FileLock)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    FsRtlUninitializeFileLock(FileLock);
    ExFreePoolWithTag(FileLock, lock_tag);
}

BOOLEAN NTAPI FsRtlPrivateLock(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                               PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, BOOLEAN FailImmediately,
                               BOOLEAN ExclusiveLock, PIO_STATUS_BLOCK IoStatus, PIRP Irp, PVOID Context,
                               BOOLEAN)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    std::unique_ptr<Lock> lock(faults::fails(faults::Kind::allocation) ? nullptr : new (std::nothrow) Lock);
    if (!lock)
        ExRaiseStatus(STATUS_INSUFFICIENT_RESOURCES);
    lock->owner = {FileObject, Process, Key};
    lock->start = static_cast<uint64_t>(FileOffset->QuadPart);
    lock->length = static_cast<uint64_t>(Length->QuadPart);
    lock->exclusive = ExclusiveLock != FALSE;

    Lock* granted = nullptr;
    InterlockedIncrement(&FileLock->LockRequestsInProgress);
    NTSTATUS status = take(FileLock, std::move(lock), FailImmediately != FALSE, Irp, Context, &granted);
    InterlockedDecrement(&FileLock->LockRequestsInProgress);

    IoStatus->Status = status;
    IoStatus->Information = 0;
    // Without an IRP a lock that would have to wait is the caller's to retry with one.
    if (!Irp)
        return status != STATUS_LOCK_NOT_GRANTED || FailImmediately;
    if (status == STATUS_PENDING)
        return TRUE;
    // A request that was cancelled between being queued and made cancellable is pending already.
    const bool pending = status == STATUS_CANCELLED;
    status = complete_lock_irp(FileLock, Context, Irp, status);
    if (granted && !NT_SUCCESS(status))
        remove_refused(FileLock, *table_of(FileLock), granted, Context);
    IoStatus->Status = pending ? STATUS_PENDING : status;
    return TRUE;
}

NTSTATUS NTAPI FsRtlFastUnlockSingle(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PLARGE_INTEGER FileOffset,
                                     PLARGE_INTEGER Length, PEPROCESS Process, ULONG Key, PVOID Context,
                                     BOOLEAN)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_table(FileLock))
        return STATUS_RANGE_NOT_LOCKED;
    const TablePtr table = table_of(FileLock);
    const Owner owner{FileObject, Process, Key};
    const auto length = static_cast<uint64_t>(Length->QuadPart);
    std::unique_ptr<Lock> lock;
    {
        std::lock_guard hold(table->mutex);
        auto same = [&](RangeNode* n) {
            return static_cast<Lock*>(n)->owner == owner && static_cast<Lock*>(n)->length == length;
        };
        const auto start = static_cast<uint64_t>(FileOffset->QuadPart);
        // An owner may hold both kinds on one range; the exclusive one goes first.
        RangeNode* found = table->exclusive.find_start(start, same);
        if (!found)
            found = table->shared.find_start(start, same);
        if (!found)
            return STATUS_RANGE_NOT_LOCKED;
        lock.reset(static_cast<Lock*>(found));
        table->remove(lock.get());
        note_questionable(FileLock, *table);
    }
    if (FileLock->UnlockRoutine) {
        FILE_LOCK_INFO info = lock->info();
        FileLock->UnlockRoutine(Context, &info);
    }
    grant_waiters(FileLock, table);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlFastUnlockAll(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PEPROCESS Process,
                                  PVOID Context)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    auto match = [=](const Owner& o) { return o.file == FileObject && o.process == Process; };
    return unlock_matching(FileLock, Context, match) ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}

NTSTATUS NTAPI FsRtlFastUnlockAllByKey(PFILE_LOCK FileLock, PFILE_OBJECT FileObject, PEPROCESS Process,
                                       ULONG Key, PVOID Context)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    const Owner owner{FileObject, Process, Key};
    auto match = [&](const Owner& o) { return o == owner; };
    return unlock_matching(FileLock, Context, match) ? STATUS_SUCCESS : STATUS_RANGE_NOT_LOCKED;
}

NTSTATUS NTAPI FsRtlProcessFileLock(PFILE_LOCK FileLock, PIRP Irp, PVOID Context)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    auto& request = sp->Parameters.LockControl;
    PEPROCESS process = IoGetRequestorProcess(Irp);
    NTSTATUS status;
    switch (sp->MinorFunction) {
    case IRP_MN_LOCK: {
        IO_STATUS_BLOCK iosb;
        FsRtlPrivateLock(FileLock, sp->FileObject, &request.ByteOffset, request.Length, process, request.Key,
                         (sp->Flags & SL_FAIL_IMMEDIATELY) != 0, (sp->Flags & SL_EXCLUSIVE_LOCK) != 0, &iosb,
                         Irp, Context, FALSE);
        return iosb.Status;
    }
    case IRP_MN_UNLOCK_SINGLE:
        status = FsRtlFastUnlockSingle(FileLock, sp->FileObject, &request.ByteOffset, request.Length, process,
                                       request.Key, Context, FALSE);
        break;
    case IRP_MN_UNLOCK_ALL:
        status = FsRtlFastUnlockAll(FileLock, sp->FileObject, process, Context);
        break;
    case IRP_MN_UNLOCK_ALL_BY_KEY:
        status = FsRtlFastUnlockAllByKey(FileLock, sp->FileObject, process, request.Key, Context);
        break;
    default:
        complete(Irp, STATUS_INVALID_DEVICE_REQUEST);
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    complete_lock_irp(FileLock, Context, Irp, status);
    return status;
}

BOOLEAN NTAPI FsRtlFastCheckLockForRead(PFILE_LOCK FileLock, PLARGE_INTEGER FileOffset, PLARGE_INTEGER Length,
                                        ULONG Key, PFILE_OBJECT FileObject, PVOID Process)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return access_allowed(FileLock, static_cast<uint64_t>(FileOffset->QuadPart),
                          static_cast<uint64_t>(Length->QuadPart), {FileObject, Process, Key}, false);
}

BOOLEAN NTAPI FsRtlFastCheckLockForWrite(PFILE_LOCK FileLock, PLARGE_INTEGER FileOffset,
                                         PLARGE_INTEGER Length, ULONG Key, PVOID FileObject, PVOID Process)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return access_allowed(FileLock, static_cast<uint64_t>(FileOffset->QuadPart),
                          static_cast<uint64_t>(Length->QuadPart),
                          {static_cast<PFILE_OBJECT>(FileObject), Process, Key}, true);
}

BOOLEAN NTAPI FsRtlCheckLockForReadAccess(PFILE_LOCK FileLock, PIRP Irp)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_table(FileLock))
        return TRUE;
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    auto& read = sp->Parameters.Read;
    return access_allowed(FileLock, static_cast<uint64_t>(read.ByteOffset.QuadPart), read.Length,
                          {sp->FileObject, IoGetRequestorProcess(Irp), read.Key}, false);
}

BOOLEAN NTAPI FsRtlCheckLockForWriteAccess(PFILE_LOCK FileLock, PIRP Irp)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_table(FileLock))
        return TRUE;
    PIO_STACK_LOCATION sp = IoGetCurrentIrpStackLocation(Irp);
    auto& write = sp->Parameters.Write;
    return access_allowed(FileLock, static_cast<uint64_t>(write.ByteOffset.QuadPart), write.Length,
                          {sp->FileObject, IoGetRequestorProcess(Irp), write.Key}, true);
}

PFILE_LOCK_INFO NTAPI FsRtlGetNextFileLock(PFILE_LOCK FileLock, BOOLEAN Restart)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!existing_table(FileLock))
        return nullptr;
    const TablePtr table = table_of(FileLock);
    std::lock_guard hold(table->mutex);

    // Exclusive locks come first, then shared ones; where we were is kept by value, so that unlocking
    // between two calls is harmless.
    bool in_exclusive = true;
    const uint64_t* after = nullptr;
    const auto start = static_cast<uint64_t>(FileLock->LastReturnedLockInfo.StartingByte.QuadPart);
    const auto sequence = reinterpret_cast<uint64_t>(FileLock->LastReturnedLock);
    if (!Restart && FileLock->LastReturnedLock) {
        in_exclusive = FileLock->LastReturnedLockInfo.ExclusiveLock;
        after = &start;
    }
    RangeNode* found = (in_exclusive ? table->exclusive : table->shared).next(after, sequence);
    if (!found && in_exclusive)
        found = table->shared.next(nullptr, 0);
    if (!found) {
        FileLock->LastReturnedLock = nullptr;
        return nullptr;
    }
    FileLock->LastReturnedLockInfo = static_cast<Lock*>(found)->info();
    FileLock->LastReturnedLock = reinterpret_cast<PVOID>(found->sequence);
    return &FileLock->LastReturnedLockInfo;
}

BOOLEAN NTAPI FsRtlAreThereCurrentOrInProgressFileLocks(PFILE_LOCK FileLock)
{
    return __atomic_load_n(&FileLock->FastIoIsQuestionable, __ATOMIC_ACQUIRE) ||
           __atomic_load_n(&FileLock->LockRequestsInProgress, __ATOMIC_ACQUIRE) != 0;
}

// Oplocks are refused while locks exist that reach into the file's allocation.
BOOLEAN NTAPI FsRtlCheckLockForOplockRequest(PFILE_LOCK FileLock, PLARGE_INTEGER AllocationSize)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    LockTable* table = existing_table(FileLock);
    if (!table || table->granted.load(std::memory_order_acquire) == 0)
        return TRUE;
    const auto size = static_cast<uint64_t>(AllocationSize->QuadPart);
    if (size == 0)
        return TRUE;
    auto any = [](RangeNode* n) { return !static_cast<Lock*>(n)->is_empty_at_zero(); };
    std::lock_guard hold(table->mutex);
    return !table->exclusive.find_overlap(0, size - 1, any) && !table->shared.find_overlap(0, size - 1, any);
}

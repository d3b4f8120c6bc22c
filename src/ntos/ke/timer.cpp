// SPDX-License-Identifier: MIT
// Timers and DPCs. One thread at DISPATCH_LEVEL fires the timers and runs the DPCs, one after the other, as a
// single processor would.
#include "ke/clock.h"
#include "ke/thread.h"
#include "ke/wait.h"

#include <condition_variable>
#include <mutex>
#include <thread>

namespace fsp::ntos::ke {

namespace {

class ClockThread
{
  public:
    static ClockThread& get()
    {
        // Never destroyed: its thread outlives the end of main.
        static ClockThread* instance = new ClockThread;
        return *instance;
    }

    std::mutex lock;
    LIST_ENTRY timers = {&timers, &timers}; ///< by due time
    LIST_ENTRY dpcs = {&dpcs, &dpcs};
    PKDPC running = nullptr;
    std::condition_variable changed;
    std::condition_variable idle;

    void queue_locked(PKDPC dpc, PVOID argument1, PVOID argument2)
    {
        dpc->SystemArgument1 = argument1;
        dpc->SystemArgument2 = argument2;
        dpc->DpcData = this;
        InsertTailList(&dpcs, &dpc->DpcListEntry);
        changed.notify_one();
    }

    void insert_locked(PKTIMER timer)
    {
        PLIST_ENTRY at = timers.Blink;
        while (at != &timers &&
               CONTAINING_RECORD(at, KTIMER, TimerListEntry)->DueTime.QuadPart > timer->DueTime.QuadPart)
            at = at->Blink;
        InsertHeadList(at, &timer->TimerListEntry);
        timer->Header.Inserted = 1;
        if (timers.Flink == &timer->TimerListEntry)
            changed.notify_one();
    }

    bool remove_locked(PKTIMER timer)
    {
        if (!timer->Header.Inserted)
            return false;
        RemoveEntryList(&timer->TimerListEntry);
        timer->Header.Inserted = 0;
        return true;
    }

  private:
    ClockThread()
    {
        std::thread([this] { run(); }).detach();
    }

    void fire_locked(PKTIMER timer)
    {
        remove_locked(timer);
        const ULONG period = timer->Period;
        if (period != 0) {
            timer->DueTime.QuadPart += ULONGLONG(period) * 10'000;
            insert_locked(timer);
        }
        if (timer->Dpc != nullptr && timer->Dpc->DpcData == nullptr)
            queue_locked(timer->Dpc, nullptr, nullptr);
        // Last: whoever waits for a timer that does not repeat may take its memory back.
        WakeList wake;
        lock_object(&timer->Header);
        set_state(&timer->Header, 1);
        satisfy_waiters(&timer->Header, wake);
        unlock_object(&timer->Header);
    }

    void run()
    {
        PKTHREAD self = current_thread();
        self->system = true;
        std::unique_lock guard(lock);
        for (;;) {
            while (!IsListEmpty(&timers)) {
                auto timer = CONTAINING_RECORD(timers.Flink, KTIMER, TimerListEntry);
                if (int64_t(timer->DueTime.QuadPart) > interrupt_time())
                    break;
                fire_locked(timer);
            }
            if (!IsListEmpty(&dpcs)) {
                run_dpc(guard, self);
                continue;
            }
            if (IsListEmpty(&timers))
                changed.wait(guard);
            else {
                const int64_t due =
                    int64_t(CONTAINING_RECORD(timers.Flink, KTIMER, TimerListEntry)->DueTime.QuadPart);
                changed.wait_for(guard, std::chrono::nanoseconds((due - interrupt_time()) * 100));
            }
        }
    }

    void run_dpc(std::unique_lock<std::mutex>& guard, PKTHREAD self)
    {
        auto dpc = CONTAINING_RECORD(RemoveHeadList(&dpcs), KDPC, DpcListEntry);
        PKDEFERRED_ROUTINE routine = dpc->DeferredRoutine;
        PVOID context = dpc->DeferredContext, argument1 = dpc->SystemArgument1,
              argument2 = dpc->SystemArgument2;
        dpc->DpcData = nullptr;
        running = dpc;
        guard.unlock();
        self->irql = DISPATCH_LEVEL;
        routine(dpc, context, argument1, argument2);
        self->irql = PASSIVE_LEVEL;
        guard.lock();
        running = nullptr;
        if (IsListEmpty(&dpcs))
            idle.notify_all();
    }
};

} // namespace

} // namespace fsp::ntos::ke

using namespace fsp::ntos::ke;

extern "C" {

VOID NTAPI KeInitializeTimer(PKTIMER Timer) { KeInitializeTimerEx(Timer, NotificationTimer); }

VOID NTAPI KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
    initialize_header(&Timer->Header,
                      Type == NotificationTimer ? TimerNotificationObject : TimerSynchronizationObject,
                      sizeof(KTIMER), 0);
    InitializeListHead(&Timer->TimerListEntry);
    Timer->DueTime.QuadPart = 0;
    Timer->Dpc = nullptr;
    Timer->Processor = 0;
    Timer->Period = 0;
}

BOOLEAN NTAPI KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc)
{
    return KeSetTimerEx(Timer, DueTime, 0, Dpc);
}

BOOLEAN NTAPI KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc)
{
    ClockThread& clock = ClockThread::get();
    std::lock_guard guard(clock.lock);
    const bool was_set = clock.remove_locked(Timer);
    lock_object(&Timer->Header);
    set_state(&Timer->Header, 0);
    unlock_object(&Timer->Header);
    const int64_t span = DueTime.QuadPart < 0 ? -DueTime.QuadPart : DueTime.QuadPart - system_time();
    Timer->DueTime.QuadPart = ULONGLONG(interrupt_time() + (span < 0 ? 0 : span));
    Timer->Dpc = Dpc;
    Timer->Period = ULONG(Period);
    clock.insert_locked(Timer);
    return was_set;
}

BOOLEAN NTAPI KeCancelTimer(PKTIMER Timer)
{
    ClockThread& clock = ClockThread::get();
    std::lock_guard guard(clock.lock);
    return clock.remove_locked(Timer);
}

BOOLEAN NTAPI KeReadStateTimer(PKTIMER Timer)
{
    return __atomic_load_n(&Timer->Header.SignalState, __ATOMIC_ACQUIRE) != 0;
}

VOID NTAPI KeInitializeDpc(PKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext)
{
    memset(Dpc, 0, sizeof *Dpc);
    Dpc->Type = DpcObject;
    Dpc->Importance = 1;
    Dpc->DeferredRoutine = DeferredRoutine;
    Dpc->DeferredContext = DeferredContext;
}

BOOLEAN NTAPI KeInsertQueueDpc(PKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2)
{
    ClockThread& clock = ClockThread::get();
    std::lock_guard guard(clock.lock);
    if (Dpc->DpcData != nullptr)
        return FALSE;
    clock.queue_locked(Dpc, SystemArgument1, SystemArgument2);
    return TRUE;
}

BOOLEAN NTAPI KeRemoveQueueDpc(PKDPC Dpc)
{
    ClockThread& clock = ClockThread::get();
    std::lock_guard guard(clock.lock);
    if (Dpc->DpcData == nullptr)
        return FALSE;
    RemoveEntryList(&Dpc->DpcListEntry);
    Dpc->DpcData = nullptr;
    return TRUE;
}

VOID NTAPI KeFlushQueuedDpcs()
{
    ClockThread& clock = ClockThread::get();
    std::unique_lock guard(clock.lock);
    clock.idle.wait(guard, [&] { return IsListEmpty(&clock.dpcs) && clock.running == nullptr; });
}

} // extern "C"

// SPDX-License-Identifier: MIT
// Worker threads. A queue gets another thread whenever an item finds none idle, up to a limit: an item that
// waits for another item of its queue does not hang it.
#include "ke/thread.h"
#include "ntos/faults.h"
#include "verifier/checks.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace fsp::ntos::ex {

namespace {

class WorkerPool
{
  public:
    explicit WorkerPool(int limit) : limit_(limit) {}

    void add(PWORK_QUEUE_ITEM item)
    {
        std::lock_guard guard(lock_);
        InsertTailList(&items_, &item->List);
        pending_++;
        if (pending_ > idle_ && threads_ < limit_) {
            threads_++;
            std::thread([this] { run(); }).detach();
        } else
            work_.notify_one();
    }

  private:
    void run()
    {
        PKTHREAD self = ke::current_thread();
        self->system = true;
        std::unique_lock guard(lock_);
        for (;;) {
            while (IsListEmpty(&items_)) {
                idle_++;
                work_.wait(guard);
                idle_--;
            }
            auto item = CONTAINING_RECORD(RemoveHeadList(&items_), WORK_QUEUE_ITEM, List);
            pending_--;
            // The routine may free the item.
            PWORKER_THREAD_ROUTINE routine = item->WorkerRoutine;
            PVOID parameter = item->Parameter;
            __atomic_store_n(&item->List.Flink, nullptr, __ATOMIC_RELEASE);
            guard.unlock();
            if (faults::fails(faults::Kind::work_item)) [[unlikely]]
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
            routine(parameter);
            if (verifier::enabled) [[unlikely]]
                verifier::check_thread_is_clean("worker routine");
            guard.lock();
        }
    }

    std::mutex lock_;
    std::condition_variable work_;
    LIST_ENTRY items_ = {&items_, &items_};
    int pending_ = 0;
    int idle_ = 0;
    int threads_ = 0;
    const int limit_;
};

/// Never destroyed: their threads outlive the end of main.
WorkerPool& pool_of(WORK_QUEUE_TYPE type)
{
    static WorkerPool* critical = new WorkerPool(16);
    static WorkerPool* delayed = new WorkerPool(32);
    static WorkerPool* hypercritical = new WorkerPool(4);
    switch (type) {
    case CriticalWorkQueue:
    case RealTimeWorkQueue:
        return *critical;
    case HyperCriticalWorkQueue:
    case SuperCriticalWorkQueue:
        return *hypercritical;
    default:
        return *delayed;
    }
}

} // namespace

} // namespace fsp::ntos::ex

extern "C" VOID NTAPI ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType)
{
    if (fsp::ntos::verifier::enabled && WorkItem->List.Flink != nullptr)
        fsp::ntos::verifier::report("work item %p queued twice", static_cast<void*>(WorkItem));
    fsp::ntos::ex::pool_of(QueueType).add(WorkItem);
}

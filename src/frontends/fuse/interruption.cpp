// SPDX-License-Identifier: MIT
#include "frontends/fuse/interruption.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "frontends/fuse/session.h"
#include "frontends/fuse/times.h"
#include "ntos/thread.h"

namespace fsp::fuse {
namespace {

constexpr auto patience = std::chrono::milliseconds(1000);
constexpr auto tick = std::chrono::milliseconds(100);

std::mutex free_lock;
/// Slots of threads that ended, for the next thread. Never destroyed: threads end after static objects, too.
auto& free_slots = *new std::vector<RequestSlot*>;

struct SlotOfThread
{
    RequestSlot* slot = nullptr;

    RequestSlot& get()
    {
        if (!slot) {
            std::lock_guard guard(free_lock);
            if (free_slots.empty())
                slot = new RequestSlot;
            else {
                slot = free_slots.back();
                free_slots.pop_back();
            }
            slot->thread = PsGetCurrentThread();
        }
        return *slot;
    }

    ~SlotOfThread()
    {
        if (!slot)
            return;
        std::lock_guard guard(free_lock);
        slot->thread = nullptr;
        free_slots.push_back(slot);
    }
};

thread_local SlotOfThread slot_of_thread;

uint64_t signal_mask(const char* status, const char* field)
{
    const char* at = std::strstr(status, field);
    return at ? std::strtoull(at + std::strlen(field), nullptr, 16) : 0;
}

} // namespace

bool is_dying(pid_t thread)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%d/status", int(thread));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    char status[8192];
    const ssize_t n = read(fd, status, sizeof status - 1);
    close(fd);
    if (n <= 0)
        return true;
    status[n] = 0;
    // A fatal signal of any kind makes the kernel queue SIGKILL to every thread of the process.
    constexpr uint64_t kill_bit = uint64_t(1) << (SIGKILL - 1);
    return ((signal_mask(status, "\nSigPnd:") | signal_mask(status, "\nShdPnd:")) & kill_bit) != 0;
}

Interruptions::Interruptions() : watcher_([this] { watch(); }) {}

Interruptions::~Interruptions()
{
    {
        std::lock_guard guard(lock_);
        stop_ = true;
    }
    changed_.notify_one();
    watcher_.join();
}

RequestSlot& Interruptions::begin(fuse_req* request, pid_t caller, Interruptions* owner)
{
    RequestSlot& slot = slot_of_thread.get();
    if (slot.interrupted.load(std::memory_order_acquire)) {
        // Wait until nobody who means the last request still looks at the slot.
        std::lock_guard guard(owner->lock_);
        slot.interrupted.store(false, std::memory_order_relaxed);
        std::erase(owner->waiting_, &slot);
    }
    slot.caller = caller;
    slot.request.store(request, std::memory_order_release);
    fuse_req_interrupt_func(request, &Interruptions::on_interrupt, &slot);
    return slot;
}

bool Interruptions::claim(RequestSlot& slot, fuse_req* request)
{
    return slot.request.compare_exchange_strong(request, nullptr, std::memory_order_acq_rel);
}

void Interruptions::on_interrupt(fuse_req* request, void* slot)
{
    // libfuse keeps the request allocated during this call, so its address is not used for another one.
    auto* session = static_cast<Session*>(fuse_req_userdata(request));
    session->interruptions().interrupted(*static_cast<RequestSlot*>(slot), request);
}

void Interruptions::interrupted(RequestSlot& slot, fuse_req* request)
{
    if (slot.request.load(std::memory_order_acquire) != request)
        return;
    const bool dying = is_dying(slot.caller);
    std::lock_guard guard(lock_);
    if (slot.request.load(std::memory_order_acquire) != request)
        return;
    if (dying)
        return give_up_locked(slot, request);
    slot.interrupted_at = nt_now();
    if (!slot.interrupted.exchange(true))
        waiting_.push_back(&slot);
    changed_.notify_one();
}

void Interruptions::give_up_locked(RequestSlot& slot, fuse_req* request)
{
    // As long as this is set the thread does not start another request without taking the lock, so the cancel
    // below cannot hit the wrong one.
    slot.interrupted.store(true, std::memory_order_seq_cst);
    if (claim(slot, request)) {
        fuse_reply_err(request, EINTR);
        if (slot.thread)
            ntos::cancel_thread_io(slot.thread);
    }
}

void Interruptions::watch()
{
    std::unique_lock guard(lock_);
    while (!stop_) {
        if (waiting_.empty())
            changed_.wait(guard, [this] { return stop_ || !waiting_.empty(); });
        else
            changed_.wait_for(guard, tick, [this] { return stop_; });
        const int64_t now = nt_now();
        for (size_t i = 0; i < waiting_.size();) {
            RequestSlot& slot = *waiting_[i];
            fuse_req* const request = slot.request.load(std::memory_order_acquire);
            const bool late = now - slot.interrupted_at >= std::chrono::nanoseconds(patience).count() / 100;
            if (request && !late && !is_dying(slot.caller)) {
                ++i;
                continue;
            }
            if (request)
                give_up_locked(slot, request);
            slot.interrupted.store(false, std::memory_order_release);
            waiting_.erase(waiting_.begin() + long(i));
        }
    }
}

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
// Lock order: an edge A -> B is drawn when a thread that holds A waits for B. A way back from B to A means
// that two threads can wait for each other, whether or not they ever did.
#include "verifier/checks.h"
#include "verifier/stack.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace fsp::ntos::verifier {

struct HeldLock
{
    const void* lock;
    LockKind kind;
    int times;
    Stack stack;
};

struct HeldLocks
{
    std::vector<HeldLock> locks;
};

namespace {

struct Edge
{
    Stack held_since;
    Stack acquired_at;
};

struct Graph
{
    std::mutex lock;
    std::map<const void*, std::map<const void*, Edge>> after;

    /// The way from one lock to another, both included; empty if there is none.
    std::vector<const void*> path(const void* from, const void* to)
    {
        std::vector<const void*> way;
        std::set<const void*> seen;
        return walk(from, to, seen, way) ? way : std::vector<const void*>{};
    }

  private:
    bool walk(const void* from, const void* to, std::set<const void*>& seen, std::vector<const void*>& way)
    {
        way.push_back(from);
        if (from == to)
            return true;
        if (seen.insert(from).second)
            if (const auto found = after.find(from); found != after.end())
                for (const auto& [next, edge] : found->second)
                    if (walk(next, to, seen, way))
                        return true;
        way.pop_back();
        return false;
    }
};

Graph& graph()
{
    static Graph* instance = new Graph;
    return *instance;
}

const char* name_of(LockKind kind)
{
    switch (kind) {
    case LockKind::Spin:
        return "spin lock";
    case LockKind::FastMutex:
        return "fast mutex";
    case LockKind::Resource:
        return "resource";
    default:
        return "push lock";
    }
}

HeldLock* find(PKTHREAD thread, const void* lock)
{
    if (thread->held_locks != nullptr)
        for (HeldLock& h : thread->held_locks->locks)
            if (h.lock == lock)
                return &h;
    return nullptr;
}

void add(PKTHREAD thread, const void* lock, LockKind kind, const Stack& stack)
{
    if (thread->held_locks == nullptr)
        thread->held_locks = new HeldLocks;
    thread->held_locks->locks.push_back({lock, kind, 1, stack});
}

void draw_edge(Graph& g, const HeldLock& held, const void* lock, LockKind kind, const Stack& stack)
{
    auto& edges = g.after[held.lock];
    if (edges.count(lock))
        return;
    const std::vector<const void*> back = g.path(lock, held.lock);
    edges[lock] = {held.stack, stack};
    if (back.empty())
        return;
    char sentence[160];
    std::snprintf(sentence, sizeof sentence,
                  "lock order: %s %p acquired while holding %s %p, elsewhere the other way round",
                  name_of(kind), lock, name_of(held.kind), held.lock);
    if (!tell(sentence))
        return;
    held.stack.print("the held lock was acquired at");
    stack.print("the other one is being acquired at");
    for (size_t i = 0; i + 1 < back.size(); i++) {
        const Edge& e = g.after[back[i]][back[i + 1]];
        std::fprintf(stderr, "  elsewhere %p was acquired while holding %p\n", back[i + 1], back[i]);
        e.held_since.print("held since");
        e.acquired_at.print("acquired at");
    }
}

} // namespace

void NTAPI acquiring(PKTHREAD thread, const void* lock, LockKind kind) noexcept
{
    if (HeldLock* held = find(thread, lock)) {
        if (kind != LockKind::Resource)
            report("%s %p acquired by a thread that holds it already", name_of(kind), lock);
        held->times++;
        return;
    }
    Stack stack;
    stack.capture();
    if (thread->held_locks != nullptr && !thread->held_locks->locks.empty()) {
        Graph& g = graph();
        std::lock_guard guard(g.lock);
        for (const HeldLock& held : thread->held_locks->locks)
            draw_edge(g, held, lock, kind, stack);
    }
    add(thread, lock, kind, stack);
}

void NTAPI acquired_by_trying(PKTHREAD thread, const void* lock, LockKind kind) noexcept
{
    if (HeldLock* held = find(thread, lock)) {
        held->times++;
        return;
    }
    Stack stack;
    stack.capture();
    add(thread, lock, kind, stack);
}

void NTAPI released(PKTHREAD thread, const void* lock, LockKind) noexcept
{
    HeldLock* held = find(thread, lock);
    // Acquired before the verifier was switched on, or by another thread on this one's behalf.
    if (held == nullptr || --held->times > 0)
        return;
    auto& locks = thread->held_locks->locks;
    locks.erase(locks.begin() + (held - locks.data()));
}

void NTAPI forget_lock(const void* lock) noexcept
{
    Graph& g = graph();
    std::lock_guard guard(g.lock);
    g.after.erase(lock);
    for (auto& [from, edges] : g.after)
        edges.erase(lock);
}

void forget_thread(PKTHREAD thread)
{
    delete thread->held_locks;
    thread->held_locks = nullptr;
}

void NTAPI check_resource_rules(PKTHREAD thread, const void* resource) noexcept
{
    if (thread->irql > APC_LEVEL)
        report("resource %p acquired at IRQL %d", resource, thread->irql);
    else if (thread->irql < APC_LEVEL && thread->critical_regions == 0 && thread->guarded_regions == 0 &&
             !thread->system)
        report("resource %p acquired outside a critical region", resource);
}

void check_thread_is_clean(const char* where)
{
    PKTHREAD thread = ke::current_thread();
    if (thread->irql != PASSIVE_LEVEL) {
        report("%s: IRQL is %d", where, thread->irql);
        thread->irql = PASSIVE_LEVEL;
    }
    if (thread->critical_regions != 0 || thread->guarded_regions != 0) {
        report("%s: still in %d critical and %d guarded regions", where, thread->critical_regions,
               thread->guarded_regions);
        thread->critical_regions = thread->guarded_regions = 0;
    }
    if (thread->held_locks != nullptr) {
        for (const HeldLock& held : thread->held_locks->locks) {
            char sentence[128];
            std::snprintf(sentence, sizeof sentence, "%s: %s %p still held", where, name_of(held.kind),
                          held.lock);
            if (tell(sentence))
                held.stack.print("acquired at");
        }
        thread->held_locks->locks.clear();
    }
}

} // namespace fsp::ntos::verifier

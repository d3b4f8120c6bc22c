// SPDX-License-Identifier: MIT
#include "verifier/checks.h"
#include "verifier/stack.h"

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <mutex>

namespace fsp::ntos::verifier {

struct Allocation
{
    LIST_ENTRY link;
    void* block;
    size_t size;
    ULONG tag;
    Stack stack;
};

namespace {

struct Held
{
    void* memory;
    unsigned char* block;
    size_t size;
};

constexpr unsigned char poison = 0xDD;
constexpr size_t quarantine_length = 512;
/// Large blocks are given back at once: keeping them would cost more memory than finding their misuse is
/// worth.
constexpr size_t quarantine_block_limit = 16 * 1024;

struct Pool
{
    std::mutex lock;
    LIST_ENTRY alive = {&alive, &alive};
    std::deque<Held> quarantined;
};

Pool& pool()
{
    static Pool* instance = new Pool;
    return *instance;
}

void let_go(const Held& held)
{
    for (size_t i = 0; i < held.size; i++)
        if (held.block[i] != poison) {
            report("pool block %p (%zu bytes) written to at offset %zu after it was freed",
                   static_cast<void*>(held.block), held.size, i);
            break;
        }
    std::free(held.memory);
}

} // namespace

Allocation* allocated(void* block, size_t size, ULONG tag)
{
    auto a = new Allocation{{}, block, size, tag, {}};
    a->stack.capture();
    Pool& p = pool();
    std::lock_guard guard(p.lock);
    InsertTailList(&p.alive, &a->link);
    return a;
}

void freed(Allocation* a)
{
    {
        std::lock_guard guard(pool().lock);
        RemoveEntryList(&a->link);
    }
    delete a;
}

void quarantine(void* memory, void* block, size_t size, bool)
{
    memset(block, poison, size);
    if (size > quarantine_block_limit) {
        std::free(memory);
        return;
    }
    Held oldest{};
    {
        Pool& p = pool();
        std::lock_guard guard(p.lock);
        p.quarantined.push_back({memory, static_cast<unsigned char*>(block), size});
        if (p.quarantined.size() <= quarantine_length)
            return;
        oldest = p.quarantined.front();
        p.quarantined.pop_front();
    }
    let_go(oldest);
}

size_t pool_allocations(ULONG tag)
{
    Pool& p = pool();
    std::lock_guard guard(p.lock);
    size_t n = 0;
    for (PLIST_ENTRY e = p.alive.Flink; e != &p.alive; e = e->Flink)
        n += tag == 0 || CONTAINING_RECORD(e, Allocation, link)->tag == tag;
    return n;
}

size_t check_pool_leaks(ULONG tag)
{
    Pool& p = pool();
    std::lock_guard guard(p.lock);
    size_t n = 0;
    for (PLIST_ENTRY e = p.alive.Flink; e != &p.alive; e = e->Flink) {
        auto a = CONTAINING_RECORD(e, Allocation, link);
        if (tag != 0 && a->tag != tag)
            continue;
        n++;
        char sentence[128];
        std::snprintf(sentence, sizeof sentence, "pool block %p leaked: tag %.4s, %zu bytes", a->block,
                      reinterpret_cast<const char*>(&a->tag), a->size);
        if (tell(sentence))
            a->stack.print("allocated at");
    }
    return n;
}

} // namespace fsp::ntos::verifier

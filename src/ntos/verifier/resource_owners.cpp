// SPDX-License-Identifier: MIT
// Who has the resources that others wait for. A driver may give a resource to an owner pointer, to release it
// on another thread; then no thread's list of locks shows it any more.
#include "verifier/checks.h"
#include "verifier/stack.h"

#include <array>
#include <cstdio>
#include <map>
#include <mutex>
#include <utility>

namespace fsp::ntos::verifier {

namespace {

struct Owner
{
    int times;
    Stack since;
};
using Owners = std::map<uintptr_t, Owner>; // by owner pointer

/// Resources with the same number never meet a lock of another number.
struct Shelf
{
    std::mutex lock;
    std::map<const void*, Owners> owned;
    std::multimap<const void*, const ResourceWait*> waits;
};

std::array<Shelf, 64>& shelves()
{
    static auto* instance = new std::array<Shelf, 64>;
    return *instance;
}

Shelf& shelf_of(const void* resource)
{
    return shelves()[(reinterpret_cast<uintptr_t>(resource) >> 7) % shelves().size()];
}

void print(const void* resource, const ResourceWait& wait)
{
    std::fprintf(stderr, "thread %p waits for resource %p %s\n", static_cast<void*>(wait.thread), resource,
                 wait.exclusive ? "exclusive" : "shared");
    wait.stack.print("waits at");
}

} // namespace

ResourceWait::ResourceWait(const void* of, PKTHREAD by, bool is_exclusive) noexcept
    : resource(of), thread(by), exclusive(is_exclusive)
{
    stack.capture();
    Shelf& shelf = shelf_of(resource);
    const std::lock_guard guard(shelf.lock);
    shelf.waits.emplace(resource, this);
}

ResourceWait::~ResourceWait()
{
    Shelf& shelf = shelf_of(resource);
    const std::lock_guard guard(shelf.lock);
    for (auto at = shelf.waits.find(resource); at != shelf.waits.end(); ++at)
        if (at->second == this) {
            shelf.waits.erase(at);
            return;
        }
}

void NTAPI owner_set(const void* resource, uintptr_t owner) noexcept
{
    Shelf& shelf = shelf_of(resource);
    Stack stack;
    stack.capture();
    const std::lock_guard guard(shelf.lock);
    Owner& o = shelf.owned[resource][owner];
    if (o.times++ == 0)
        o.since = stack;
}

void NTAPI owner_released(const void* resource, uintptr_t owner) noexcept
{
    Shelf& shelf = shelf_of(resource);
    const std::lock_guard guard(shelf.lock);
    const auto owners = shelf.owned.find(resource);
    if (owners == shelf.owned.end())
        return;
    if (const auto o = owners->second.find(owner); o != owners->second.end() && --o->second.times == 0)
        owners->second.erase(o);
    if (owners->second.empty())
        shelf.owned.erase(owners);
}

size_t print_resource_waits()
{
    size_t count = 0;
    for (Shelf& shelf : shelves()) {
        const std::lock_guard guard(shelf.lock);
        const void* before = nullptr;
        for (const auto& [resource, wait] : shelf.waits) {
            print(resource, *wait);
            count++;
            if (std::exchange(before, resource) == resource)
                continue;
            for (const auto& [owner, o] : shelf.owned[resource]) {
                std::fprintf(stderr, "resource %p belongs to owner pointer %zx\n", resource, size_t{owner});
                o.since.print("since");
            }
        }
    }
    return count;
}

} // namespace fsp::ntos::verifier

// SPDX-License-Identifier: MIT
#include "ntos/ob/object.h"

#include "ntos/faults.h"
#include "ntos/ob/namespace.h"
#include "ntos/ob/spin_lock.h"
#include "ntos/ps/process.h"
#include "ntos/verifier.h"

#include <cstdlib>
#include <cstring>
#include <mutex>

namespace fsp::ntos::ob {

namespace {

SpinLock deferred_lock;
Header* deferred;
WORK_QUEUE_ITEM deferred_item;

void destroy(Header* h)
{
    if (h->type->destroy != nullptr)
        h->type->destroy(h->body());
    if (h->security != nullptr)
        std::free(h->security);
    void (*release)(void*) = h->type->release;
    h->~Header();
    release != nullptr ? release(h) : std::free(h);
}

VOID NTAPI destroy_deferred(PVOID)
{
    Header* h = nullptr;
    {
        std::lock_guard guard(deferred_lock);
        std::swap(h, deferred);
    }
    while (h != nullptr) {
        Header* next = h->deferred_next;
        destroy(h);
        h = next;
    }
}

/// Destroying an object may call drivers (IRP_MJ_CLOSE), who expect PASSIVE_LEVEL.
void defer(Header* h)
{
    bool idle = false;
    {
        std::lock_guard guard(deferred_lock);
        idle = deferred == nullptr;
        h->deferred_next = deferred;
        deferred = h;
        if (idle)
            ExInitializeWorkItem(&deferred_item, destroy_deferred, nullptr);
    }
    if (idle)
        ExQueueWorkItem(&deferred_item, CriticalWorkQueue);
}

} // namespace

void* adopt(Type* type, void* block)
{
    auto* h = new (block) Header{};
    h->references.store(1, std::memory_order_relaxed);
    h->type = type;
    return h->body();
}

void* allocate(Type* type, size_t body_size)
{
    // Without a thread object nothing can even fail.
    if (type != &thread_type && faults::fails(faults::Kind::allocation)) [[unlikely]]
        return nullptr;
    const size_t size = sizeof(Header) + body_size;
    void* block = std::aligned_alloc(alignof(Header), (size + 15) & ~size_t{15});
    if (block == nullptr)
        return nullptr;
    std::memset(static_cast<char*>(block) + sizeof(Header), 0, body_size);
    return adopt(type, block);
}

void dereference(void* body)
{
    Header* h = Header::of(body);
    if (h->references.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    if (KeGetCurrentIrql() > PASSIVE_LEVEL)
        defer(h);
    else
        destroy(h);
}

namespace {

template<class Body> void destruct(void* body) { static_cast<Body*>(body)->~Body(); }

constexpr ULONG standard = STANDARD_RIGHTS_REQUIRED;

} // namespace

Type directory_type = {
    u"Directory",   {READ_CONTROL | 3, READ_CONTROL | 0xC, READ_CONTROL | 3, standard | 0xF},
    standard | 0xF, -1,
    nullptr,        destruct<Directory>,
    nullptr};
Type symbolic_link_type = {u"SymbolicLink", {READ_CONTROL | 1, READ_CONTROL, READ_CONTROL | 1, standard | 1},
                           standard | 1,    -1,
                           nullptr,         destruct<SymbolicLink>,
                           nullptr};
Type event_type = {
    u"Event",         {READ_CONTROL | 1, READ_CONTROL | 2, READ_CONTROL | SYNCHRONIZE, EVENT_ALL_ACCESS},
    EVENT_ALL_ACCESS, 0,
    nullptr,          nullptr,
    nullptr};
Type process_type = {u"Process", {READ_CONTROL, READ_CONTROL, READ_CONTROL | SYNCHRONIZE, 0x1FFFFF},
                     0x1FFFFF,   0,
                     nullptr,    destruct<_EPROCESS>,
                     nullptr};

} // namespace fsp::ntos::ob

using namespace fsp::ntos;

extern "C" {

LONG_PTR NTAPI ObfReferenceObject(PVOID Object)
{
    return ob::Header::of(Object)->references.fetch_add(1, std::memory_order_relaxed) + 1;
}

LONG_PTR NTAPI ObfDereferenceObject(PVOID Object)
{
    const LONG_PTR before = ob::Header::of(Object)->references.load(std::memory_order_relaxed);
    ob::dereference(Object);
    return before - 1;
}

VOID NTAPI ObDereferenceObjectDeferDelete(PVOID Object)
{
    ob::Header* h = ob::Header::of(Object);
    if (h->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
        ob::defer(h);
}

NTSTATUS NTAPI ObReferenceObjectByPointer(PVOID Object, ACCESS_MASK, POBJECT_TYPE ObjectType,
                                          KPROCESSOR_MODE AccessMode)
{
    if (ObjectType != ob::Header::of(Object)->type && (AccessMode != KernelMode || ObjectType != nullptr))
        return STATUS_OBJECT_TYPE_MISMATCH;
    ob::reference(Object);
    return STATUS_SUCCESS;
}

VOID NTAPI ObMakeTemporaryObject(PVOID Object)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ob::remove_name(Object);
}

POBJECT_TYPE NTAPI ObGetObjectType(PVOID Object) { return ob::Header::of(Object)->type; }

} // extern "C"

// SPDX-License-Identifier: MIT
/// @file Object manager: typed, counted, optionally named objects. The body follows the header.
#pragma once

#include <ntifs.h>

#include <atomic>
#include <new>
#include <utility>

namespace fsp::ntos::ob {

struct Directory;
struct NameEntry;

} // namespace fsp::ntos::ob

/// What POBJECT_TYPE points to. Every member but name may be empty.
struct _OBJECT_TYPE
{
    const char16_t* name;
    GENERIC_MAPPING mapping;
    ACCESS_MASK valid_access;
    /// Offset of the dispatcher header to wait on in the body, or -1.
    int wait_offset;
    /// The last handle is gone (not: the last reference).
    void (*last_handle_closed)(PEPROCESS process, void* body, ACCESS_MASK granted);
    /// The last reference is gone; ends the body, the header's memory follows.
    void (*destroy)(void* body);
    /// Gives the memory back; empty: std::free.
    void (*release)(void* block);
};

namespace fsp::ntos::ob {

using Type = ::_OBJECT_TYPE;

enum HeaderFlags : uint32_t
{
    header_permanent = 1,
    header_destroyed = 2,
};

struct alignas(16) Header
{
    std::atomic<int64_t> references;
    std::atomic<int32_t> handles;
    std::atomic<uint32_t> flags;
    Type* type;
    /// The place in the namespace; guarded by the namespace's lock.
    NameEntry* name;
    /// Of named objects such as devices; files have theirs from their driver. Guarded by se's descriptor
    /// lock.
    PSECURITY_DESCRIPTOR security;
    /// Objects whose last reference went away above PASSIVE_LEVEL wait in a list.
    Header* deferred_next;

    void* body() { return this + 1; }
    static Header* of(const void* body) { return static_cast<Header*>(const_cast<void*>(body)) - 1; }
};

static_assert(sizeof(Header) % 16 == 0);

/// Zero-filled object with one reference. @return nullptr without memory
void* allocate(Type* type, size_t body_size);
/// Makes a header in memory that the type's release() understands; the body is left as it is.
void* adopt(Type* type, void* block);

/// An object with a C++ body; type->destroy has to call the destructor.
template<class Body, class... Args> Body* create(Type* type, Args&&... args)
{
    void* body = allocate(type, sizeof(Body));
    return body == nullptr ? nullptr : new (body) Body(std::forward<Args>(args)...);
}

inline void reference(void* body) { Header::of(body)->references.fetch_add(1, std::memory_order_relaxed); }
void dereference(void* body);

/// Owns one reference.
template<class T> class Ref
{
  public:
    Ref() = default;
    /// Takes over a reference that the caller holds.
    explicit Ref(T* adopted) : object_(adopted) {}
    Ref(Ref&& o) noexcept : object_(std::exchange(o.object_, nullptr)) {}
    Ref& operator=(Ref&& o) noexcept
    {
        std::swap(object_, o.object_);
        return *this;
    }
    Ref(const Ref&) = delete;
    ~Ref() { reset(); }

    static Ref share(T* object)
    {
        if (object != nullptr)
            reference(object);
        return Ref(object);
    }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    explicit operator bool() const { return object_ != nullptr; }
    T* release() { return std::exchange(object_, nullptr); }
    void reset()
    {
        if (object_ != nullptr)
            dereference(std::exchange(object_, nullptr));
    }
    /// For functions that return a referenced object through a pointer.
    T** out() { return &object_; }

  private:
    T* object_ = nullptr;
};

/// Inserts a handle into the current process's table (or the kernel's with OBJ_KERNEL_HANDLE in attributes).
/// Takes a reference of its own.
NTSTATUS create_handle(void* body, ACCESS_MASK granted, ULONG attributes, HANDLE* handle);

/// As ObReferenceObjectByHandle, without the access check of the type's mapping; the hot path.
NTSTATUS reference_by_handle(HANDLE handle, ACCESS_MASK desired, Type* type, KPROCESSOR_MODE mode,
                             void** body, ACCESS_MASK* granted);

/// The types that ob, io, se and ps define. Sections and threads are those of mm and ke.
extern Type directory_type, symbolic_link_type, device_type, driver_type, file_type, event_type, token_type,
    process_type, thread_type, section_type;

} // namespace fsp::ntos::ob

// SPDX-License-Identifier: MIT
#pragma once

/// Pool memory with owners. Nothing in the driver is freed by hand: allocations live in an Owned, a Ptr
/// or a Buffer, and every early return releases them.

#include "wdk.h"

// Placement new; the driver has no <new>.
struct FspPlacement
{
    void* at;
};
inline void* operator new(size_t, FspPlacement placement) noexcept { return placement.at; }
inline void operator delete(void*, FspPlacement) noexcept {}

namespace fsp::fsd {

enum class Pool
{
    nonpaged,
    paged
};

/// Uninitialised pool memory, or nullptr. Never raises.
void* pool_allocate(size_t size, Pool pool = Pool::nonpaged) noexcept;
/// Memory that someone else frees with ExFreePool (names given to the I/O manager, auxiliary buffers).
void* pool_allocate_external(size_t size, Pool pool = Pool::paged) noexcept;
/// Waits and retries until the memory is there: only for work that must not be lost (cleanup, close).
void* pool_allocate_must_succeed(size_t size) noexcept;
/// A pause before the next try of something that must succeed.
void wait_for_memory() noexcept;
void pool_free(void* memory) noexcept;

/// Fixed-size-class caches in front of the non-paged pool for coroutine frames, requests, nodes and
/// descriptors; larger sizes go to the pool. `size` must be the one that was allocated.
void* cached_allocate(size_t size) noexcept;
void* cached_allocate_must_succeed(size_t size) noexcept;
void cached_free(void* memory, size_t size) noexcept;
/// Called by DriverEntry and DriverUnload.
void initialize_memory_caches() noexcept;
void delete_memory_caches() noexcept;

/// Constructs a T in a pool cache; nullptr when there is no memory.
template<class T, class... Args> T* create(Args&&... args) noexcept
{
    void* memory = cached_allocate(sizeof(T));
    return memory ? new (FspPlacement{memory}) T(static_cast<Args&&>(args)...) : nullptr;
}
template<class T> void destroy(T* object) noexcept
{
    if (object) {
        object->~T();
        cached_free(object, sizeof(T));
    }
}

/// Sole owner of an object made with create().
template<class T> class Owned : NonCopyable
{
  public:
    Owned() = default;
    explicit Owned(T* object) : object_(object) {}
    Owned(Owned&& other) noexcept : object_(exchange<T*>(other.object_, nullptr)) {}
    Owned& operator=(Owned&& other) noexcept
    {
        reset(other.release());
        return *this;
    }
    ~Owned() { reset(); }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    T* release() { return exchange<T*>(object_, nullptr); }
    void reset(T* object = nullptr) { destroy(exchange<T*>(object_, object)); }

  private:
    T* object_ = nullptr;
};

/// Counted reference; T has reference() and dereference() (which frees at zero).
template<class T> class Ptr
{
  public:
    Ptr() = default;
    /// Shares ownership of `object`.
    explicit Ptr(T* object) : object_(object)
    {
        if (object_)
            object_->reference();
    }
    /// Takes over a reference that the caller already holds.
    static Ptr adopt(T* object)
    {
        Ptr ptr;
        ptr.object_ = object;
        return ptr;
    }
    Ptr(const Ptr& other) : Ptr(other.object_) {}
    Ptr(Ptr&& other) noexcept : object_(exchange<T*>(other.object_, nullptr)) {}
    Ptr& operator=(Ptr other) noexcept
    {
        T* old = object_;
        object_ = exchange<T*>(other.object_, old);
        return *this;
    }
    ~Ptr()
    {
        if (object_)
            object_->dereference();
    }

    T* get() const { return object_; }
    T* operator->() const { return object_; }
    T& operator*() const { return *object_; }
    explicit operator bool() const { return object_ != nullptr; }
    T* release() { return exchange<T*>(object_, nullptr); }

  private:
    T* object_ = nullptr;
};

/// Plain bytes from pool.
class Buffer : NonCopyable
{
  public:
    Buffer() = default;
    Buffer(Buffer&& other) noexcept
        : data_(exchange<Byte*>(other.data_, nullptr)), size_(exchange<ULONG>(other.size_, 0))
    {}
    Buffer& operator=(Buffer&& other) noexcept
    {
        pool_free(data_);
        data_ = exchange<Byte*>(other.data_, nullptr);
        size_ = exchange<ULONG>(other.size_, 0);
        return *this;
    }
    ~Buffer() { pool_free(data_); }

    /// Replaces the contents by `size` uninitialised bytes; false (and empty) without memory.
    [[nodiscard]] bool allocate(ULONG size, Pool pool = Pool::paged) noexcept
    {
        pool_free(data_);
        data_ = static_cast<Byte*>(pool_allocate(size ? size : 1, pool));
        size_ = data_ ? size : 0;
        return data_ != nullptr;
    }
    /// Replaces the contents by a copy.
    [[nodiscard]] bool assign(const void* source, ULONG size, Pool pool = Pool::paged) noexcept
    {
        if (!allocate(size, pool))
            return false;
        copy_bytes(data_, source, size);
        return true;
    }
    Byte* data() const { return data_; }
    ULONG size() const { return size_; }
    template<class T> T* as() const { return reinterpret_cast<T*>(data_); }
    explicit operator bool() const { return data_ != nullptr; }

  private:
    Byte* data_ = nullptr;
    ULONG size_ = 0;
};

/// Bytes that belong to someone else. data == nullptr means "not there".
struct Span
{
    Byte* data = nullptr;
    ULONG size = 0;
    explicit operator bool() const { return data != nullptr; }
    template<class T> T* as() const { return reinterpret_cast<T*>(data); }
};

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#pragma once

/// ERESOURCE with owners in the type system.
///
/// A request may be answered on another thread than the one that acquired its locks, so a Hold gives the
/// resource to an owner *pointer* (itself) at once: any thread may release it, and the acquiring thread may
/// leave its critical region while the request is in user mode. The price: the acquiring thread does not
/// count as owner, so code that may be re-entered by the cache or memory manager announces itself with a
/// TopLevel (see below) and never relies on recursive acquisition.
///
/// Every dispatch entry and every coroutine resumption runs inside FsRtlEnterFileSystem, so a Hold can be
/// taken anywhere in the driver without further ceremony.
///
/// Order (outermost first): volume delete lock, volume rename lock, node main, node paging, node table.

#include "wdk.h"

namespace fsp::fsd {

class FileNode;

class Resource : NonCopyable
{
  public:
    Resource() { ExInitializeResourceLite(&resource_); }
    ~Resource() { ExDeleteResourceLite(&resource_); }
    ERESOURCE* get() { return &resource_; }

  private:
    ERESOURCE resource_;
};

enum class Access : UINT8
{
    shared,
    exclusive
};
enum class Wait : UINT8
{
    no,
    yes
};

/// One acquisition of one resource. Movable only by release/adopt inside this class: the address is the
/// owner, so a Hold must stay where it was acquired (a coroutine frame or a heap object is such a place).
class Hold : NonCopyable
{
  public:
    Hold() = default;
    ~Hold() { release(); }

    /// Acquires; false only with Wait::no when the resource is not free. The Hold must be empty.
    bool acquire(ERESOURCE& resource, Access access, Wait wait = Wait::yes) noexcept;
    /// Shared, overtaking queued exclusive waiters.
    bool acquire_starving_exclusive(ERESOURCE& resource, Wait wait = Wait::yes) noexcept;
    void release() noexcept;
    bool held() const { return resource_ != nullptr; }
    bool exclusive() const { return access_ == Access::exclusive; }

  private:
    void own(ERESOURCE& resource, Access access) noexcept;
    ERESOURCE_THREAD owner() const { return reinterpret_cast<ERESOURCE_THREAD>(this) | 3; }

    ERESOURCE* resource_ = nullptr;
    Access access_ = Access::shared;
};

enum class Part : UINT8
{
    main = 1,
    paging = 2,
    full = 3
};

/// Main, Pgio or both ("Full") of a file node, main first.
class NodeHold : NonCopyable
{
  public:
    bool acquire(FileNode& node, Part part, Access access, Wait wait = Wait::yes) noexcept;
    /// Releases paging before main.
    void release() noexcept
    {
        paging_.release();
        main_.release();
    }
    bool held() const { return main_.held() || paging_.held(); }
    ~NodeHold() { release(); }

  private:
    Hold main_, paging_;
};

class FastMutexGuard : NonCopyable
{
  public:
    explicit FastMutexGuard(FAST_MUTEX& mutex) : mutex_(&mutex) { ExAcquireFastMutex(mutex_); }
    ~FastMutexGuard() { unlock(); }
    void unlock()
    {
        if (mutex_)
            ExReleaseFastMutex(exchange<FAST_MUTEX*>(mutex_, nullptr));
    }

  private:
    FAST_MUTEX* mutex_;
};

class SpinGuard : NonCopyable
{
  public:
    explicit SpinGuard(KSPIN_LOCK& lock) : lock_(&lock) { KeAcquireSpinLock(lock_, &irql_); }
    ~SpinGuard() { unlock(); }
    void unlock()
    {
        if (lock_)
            KeReleaseSpinLock(exchange<KSPIN_LOCK*>(lock_, nullptr), irql_);
    }

  private:
    KSPIN_LOCK* lock_;
    KIRQL irql_ = 0;
};

/// Disables normal kernel APCs, as every acquisition of an ERESOURCE demands.
class CriticalRegion : NonCopyable
{
  public:
    CriticalRegion() { KeEnterCriticalRegion(); }
    ~CriticalRegion() { KeLeaveCriticalRegion(); }
};

/// While alive, I/O that the cache or memory manager sends to `node` on this thread (flush, purge, section
/// work, cached copy) finds that an outer operation already owns the node, and must not acquire it again.
class TopLevel : NonCopyable
{
  public:
    explicit TopLevel(FileNode& node) noexcept;
    ~TopLevel();

    /// Does an outer operation of this thread own `node` (or the main file of a stream)?
    static bool owns(const FileNode& node) noexcept;
    /// Is this thread inside any operation of the cache or memory manager, or of an outer one of ours?
    static bool nested() noexcept { return IoGetTopLevelIrp() != nullptr; }

  private:
    UINT64 magic_;
    FileNode* node_;
    PIRP previous_;
};

} // namespace fsp::fsd

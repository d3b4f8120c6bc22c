// SPDX-License-Identifier: MIT
//
// Oplocks: the state behind an OPLOCK and the operations on it. [MS-FSA] 2.1.4.12 (breaks), 2.1.5.18
// (requests), 2.1.5.19 (acknowledgements).
//
// An OPLOCK is null until the first request. Afterwards it owns an Oplock until it is uninitialized,
// and a check of a file without oplocks reads one atomic counter.
//
// There is at most one exclusive owner (level 1, batch, filter, RW, RWH), or any number of shared
// holders (level 2, R, RH). A holder is the pended IRP that asked for the oplock; breaking completes
// that IRP. What has to be acknowledged is remembered by file object until the acknowledgement or the
// file object's cleanup arrives; operations that must not run before that wait in `waiters`.
#pragma once

#include "ntos/fsrtl/parked_irp.h"

#include <atomic>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

namespace fsp::ntos::fsrtl {

constexpr ULONG cache_read = OPLOCK_LEVEL_CACHE_READ;
constexpr ULONG cache_handle = OPLOCK_LEVEL_CACHE_HANDLE;
constexpr ULONG cache_write = OPLOCK_LEVEL_CACHE_WRITE;

enum class OplockKind : uint8_t
{
    none,
    level_two,
    level_one,
    batch,
    filter,
    granular
};

inline bool is_legacy_exclusive(OplockKind k)
{
    return k == OplockKind::level_one || k == OplockKind::batch || k == OplockKind::filter;
}

struct Oplock;
using OplockPtr = std::shared_ptr<Oplock>;

/// A granted oplock: the pended IRP.
struct Holder final : ParkedIrp
{
    OplockPtr oplock;
    PFILE_OBJECT file = nullptr;
    OplockKind kind = OplockKind::none;
    ULONG level = 0; ///< of granular ones

    void on_cancel() override;
};

/// What an operation does to the oplocks of others.
struct Intent
{
    PFILE_OBJECT file = nullptr;
    bool to_two = false;        ///< legacy exclusive ones break to level 2
    bool to_none = false;       ///< all legacy ones break to none
    bool breaks_filter = false; ///< filter ones are affected too
    ULONG cache = 0;            ///< granular ones lose these; losing read loses everything
    bool ignore_keys = false;
    bool parent = false; ///< the oplock is that of the directory which `file` is in
    /// Of the create that makes the break, told to the owners of handle oplocks.
    bool modes_known = false;
    ACCESS_MASK access = 0;
    USHORT share = 0;

    bool empty() const { return !to_two && !to_none && !cache; }
    bool same_owner(PFILE_OBJECT owner) const;
};

/// An operation that waits for breaks to be acknowledged.
struct Waiter final : ParkedIrp
{
    OplockPtr oplock;
    Intent intent;
    PVOID context = nullptr;
    POPLOCK_WAIT_COMPLETE_ROUTINE routine = nullptr; ///< null: a thread is blocked
    bool is_notify = false;                          ///< FSCTL_OPLOCK_BREAK_NOTIFY: completes its IRP
    bool done = false;
    bool cancelled = false;
    std::condition_variable changed;

    void on_cancel() override;
    /// Without locks: lets an asynchronous operation continue.
    void resume(NTSTATUS status);
};

/// The exclusive owner, while granted or breaking.
struct Exclusive
{
    PFILE_OBJECT file = nullptr;
    Holder* holder = nullptr; ///< null while breaking
    OplockKind kind = OplockKind::none;
    ULONG level = 0;
    bool breaking = false;
    bool close_pending = false;                ///< acknowledged, but waiters wait for the close
    OplockKind target_kind = OplockKind::none; ///< of legacy breaks: level_two or none
    bool two_to_none = false;                  ///< told to break to level 2, but none is wanted by now
    ULONG target_level = 0;                    ///< of granular breaks
};

/// An RH oplock that was told to break and has not been acknowledged.
struct HandleBreak
{
    PFILE_OBJECT file;
    ULONG told;   ///< level in the notification
    ULONG target; ///< level that is wanted by now
};

/// IRPs to complete when the lock is dropped.
class Completions
{
  public:
    ~Completions();

    void oplock_irp(Holder* holder, NTSTATUS status, ULONG new_level, bool acknowledge, const Intent* cause);
    void irp(PIRP irp, NTSTATUS status, ULONG_PTR information);
    void waiter(Waiter* waiter);

  private:
    struct Item
    {
        PIRP irp;
        NTSTATUS status;
        ULONG_PTR information;
    };
    std::vector<Item> irps_;
    std::vector<std::unique_ptr<Holder>> holders_;
    std::vector<Waiter*> waiters_;
};

struct Oplock
{
    std::mutex mutex;
    Exclusive exclusive;
    std::list<Holder*> shared;
    std::list<HandleBreak> handle_breaks;
    std::list<Waiter*> waiters;
    /// Opened with FILE_OPEN_REQUIRING_OPLOCK or FILE_RESERVE_OPFILTER, request still to come.
    PFILE_OBJECT reserved = nullptr;
    /// Whether anything above is set; readable without the lock.
    std::atomic<bool> active{false};

    // All with the mutex held.
    void note_active();
    /// Starts the breaks that the intent calls for. @return whether the operation has to wait for them
    bool start_breaks(const Intent& intent, Completions& completions);
    /// Whether unacknowledged breaks keep the operation waiting.
    bool must_wait(const Intent& intent) const;
    /// Whether start_breaks would break something that needs waiting for.
    bool would_wait(const Intent& intent) const;
    /// Lets those operations continue that need not wait any more.
    void release_waiters(Completions& completions);
    bool break_in_progress() const { return exclusive.breaking || !handle_breaks.empty(); }

  private:
    bool break_exclusive(const Intent& intent, Completions& completions);
    bool break_shared(const Intent& intent, Completions& completions);
};

/// @return null if there never was an oplock
inline Oplock* existing_oplock(POPLOCK oplock)
{
    auto* holder = static_cast<OplockPtr*>(__atomic_load_n(oplock, __ATOMIC_ACQUIRE));
    return holder && (*holder)->active.load(std::memory_order_acquire) ? holder->get() : nullptr;
}
/// Makes it if need be. @return null without memory
OplockPtr oplock_of(POPLOCK oplock);

/// Fills a REQUEST_OPLOCK_OUTPUT_BUFFER or the legacy Information value of an oplock IRP. @return Information
ULONG_PTR describe_break(PIRP irp, OplockKind kind, ULONG old_level, ULONG new_level, bool acknowledge,
                         const Intent* cause);

// oplock_key.cpp
NTSTATUS store_oplock_key(PIRP create, PFILE_OBJECT file);
bool same_target(PFILE_OBJECT a, PFILE_OBJECT b);
bool parent_matches(PFILE_OBJECT child, PFILE_OBJECT directory);

} // namespace fsp::ntos::fsrtl

// SPDX-License-Identifier: MIT
#include "frontends/fuse/lease.h"

#include <algorithm>

#include "frontends/fuse/names.h"
#include "frontends/fuse/session.h"
#include "frontends/fuse/times.h"
#include "ntos/token.h"

namespace fsp::fuse {
namespace {

/// After a break, or a refusal, others are busy in the directory: leave them alone for a while.
constexpr int64_t pause_after_break = 2000000; // 200 ms in NT time

/// A reply that was made just before a break may reach the kernel just after it was told to forget, so it is
/// told twice.
constexpr auto second_time_after = std::chrono::milliseconds(50);

/// Under the inode table's lock.
DirectoryLease* held_lease(const Inode& directory)
{
    DirectoryLease* const lease = directory.lease;
    return lease && lease->ready && lease->oplock.held() ? lease : nullptr;
}

} // namespace

Leases::Leases(Session& session) : session_(session), thread_([this] { run(); }) {}

Leases::~Leases() { stop(); }

bool Leases::held(Inode& directory)
{
    std::lock_guard guard(session_.inodes().lock());
    return held_lease(directory) != nullptr;
}

Standing Leases::over(Inode& inode)
{
    std::lock_guard guard(session_.inodes().lock());
    if (inode.directory) {
        DirectoryLease* const own = held_lease(inode);
        if (!own)
            return {};
        own->used.store(true, std::memory_order_relaxed);
    }
    DirectoryLease* const lease = inode.parent ? held_lease(*inode.parent) : nullptr;
    if (!lease)
        return {};
    lease->used.store(true, std::memory_order_relaxed);
    return {lease->serial, inode.ownership_changes};
}

DirectoryLease* Leases::borrow(Inode& directory)
{
    std::lock_guard guard(session_.inodes().lock());
    DirectoryLease* const lease = held_lease(directory);
    if (!lease)
        return nullptr;
    ++lease->borrowers;
    return lease;
}

void Leases::give_back(DirectoryLease* lease)
{
    --lease->borrowers;
    lease->borrowers.notify_all();
}

bool Leases::hold(Inode& directory)
{
    // What is behind a POSIX file system may change without a word; time limits take care of it.
    if (session_.posix())
        return false;
    {
        std::lock_guard guard(session_.inodes().lock());
        if (DirectoryLease* lease = directory.lease) {
            lease->used.store(true, std::memory_order_relaxed);
            return lease->ready && lease->oplock.held();
        }
        if (!session_.root() || directory.orphan ||
            (directory.no_lease_before != 0 && nt_now() < directory.no_lease_before))
            return false;
    }
    return acquire(directory);
}

bool Leases::acquire(Inode& directory)
{
    auto lease =
        std::make_unique<DirectoryLease>(directory, [this](DirectoryLease* broken) { queue(broken); });
    {
        std::lock_guard guard(session_.inodes().lock());
        if (directory.lease)
            return false; // another thread is at it
        directory.lease = lease.get();
        ++directory.references;
    }

    std::u16string path;
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    if (session_.inodes().path(directory, &path)) {
        ntos::Impersonation as_system(ntos::system_token());
        OpenRequest what;
        what.access = FILE_READ_ATTRIBUTES | READ_CONTROL;
        what.options = FILE_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT;
        status = open_file(session_.root(), path, what, &lease->handle);
    }
    if (!NT_SUCCESS(status) ||
        !lease->oplock.request(lease->handle.get(), OPLOCK_LEVEL_CACHE_READ | OPLOCK_LEVEL_CACHE_HANDLE))
    {
        {
            std::lock_guard guard(session_.inodes().lock());
            directory.lease = nullptr;
            directory.no_lease_before = nt_now() + pause_after_break * 5;
        }
        lease.reset();
        session_.inodes().release(directory);
        return false;
    }

    DirectoryLease* const made = lease.release();
    {
        std::lock_guard guard(lock_);
        all_.push_back(made);
        made->ready = true;
        if (!made->oplock.held()) // broken before it was on the list
            work_.push_back(made);
        if (all_.size() > leases_max)
            make_room();
        changed_.notify_one();
    }
    return made->oplock.held();
}

bool Leases::note_missing(Inode& directory, const char* name)
{
    std::lock_guard guard(lock_);
    std::lock_guard inodes(session_.inodes().lock());
    DirectoryLease* const lease = directory.lease;
    if (!lease || !lease->ready || !lease->oplock.held() || lease->missing.size() >= missing_max)
        return false;
    lease->missing.emplace(name);
    return true;
}

void Leases::drop(Inode& directory)
{
    DirectoryLease* lease;
    {
        std::lock_guard guard(session_.inodes().lock());
        lease = directory.lease;
    }
    if (lease)
        queue(lease);
}

/// Gives up one that was not used for long. Called with the lock held.
void Leases::make_room()
{
    for (size_t looked = 0; looked < all_.size(); ++looked) {
        DirectoryLease* const lease = all_.front();
        all_.splice(all_.end(), all_, all_.begin());
        if (!lease->used.exchange(false, std::memory_order_relaxed) || looked + 1 == all_.size()) {
            work_.push_back(lease);
            changed_.notify_one();
            return;
        }
    }
}

void Leases::queue(DirectoryLease* lease)
{
    std::lock_guard guard(lock_);
    work_.push_back(lease);
    changed_.notify_one();
}

void Leases::run()
{
    std::unique_lock guard(lock_);
    while (!stop_) {
        if (!work_.empty()) {
            DirectoryLease* const lease = work_.front();
            // It may have been queued twice, for being broken and for going away.
            std::erase(work_, lease);
            const auto known = std::find(all_.begin(), all_.end(), lease);
            if (known == all_.end())
                continue;
            all_.erase(known);
            guard.unlock();
            end(lease, true);
            guard.lock();
            continue;
        }
        if (again_.empty()) {
            changed_.wait(guard);
            continue;
        }
        if (Clock::now() < again_.front().again) {
            changed_.wait_until(guard, again_.front().again);
            continue;
        }
        const Forgetting what = std::move(again_.front());
        again_.pop_front();
        guard.unlock();
        tell(what);
        session_.inodes().release(*what.inode);
        guard.lock();
    }
}

Leases::Forgetting Leases::detach(DirectoryLease* lease)
{
    InodeTable& inodes = session_.inodes();
    Forgetting out;
    {
        std::lock_guard guard(inodes.lock());
        lease->inode.lease = nullptr;
        lease->inode.no_lease_before = nt_now() + pause_after_break;
    }
    out.directory = inodes.to_number(lease->inode);
    inodes.for_each_child(lease->inode, [&](Inode& child) {
        std::string name;
        append_linux_name(child.name, &name);
        out.children.emplace_back(std::move(name), inodes.to_number(child));
    });
    std::lock_guard guard(lock_);
    for (const std::string& name : lease->missing)
        out.children.emplace_back(name, 0);
    return out;
}

void Leases::tell(const Forgetting& what)
{
    fuse_session* const kernel = session_.connection();
    for (const auto& [name, number] : what.children) {
        // Expiring makes the kernel ask again; it does not tear the name out from under those who use it.
        if (fuse_lowlevel_notify_expire_entry(kernel, what.directory, name.data(), name.size(),
                                              FUSE_LL_EXPIRE_ONLY) == -ENOSYS)
            fuse_lowlevel_notify_inval_entry(kernel, what.directory, name.data(), name.size());
        if (number != 0)
            fuse_lowlevel_notify_inval_inode(kernel, number, -1, 0);
    }
    fuse_lowlevel_notify_inval_inode(kernel, what.directory, 0, 0);
    session_.file_leases().forget_unsure(*what.inode);
}

void Leases::end(DirectoryLease* lease, bool tell_kernel)
{
    Forgetting what = detach(lease);
    what.inode = &lease->inode;
    if (tell_kernel)
        tell(what);
    while (const unsigned borrowers = lease->borrowers)
        lease->borrowers.wait(borrowers);
    delete lease; // closes the handle: the break is acknowledged
    if (!tell_kernel)
        return session_.inodes().release(*what.inode);
    what.again = Clock::now() + second_time_after;
    std::lock_guard guard(lock_);
    again_.push_back(std::move(what));
}

void Leases::give_up_below(Inode& directory)
{
    std::lock_guard one_at_a_time(give_up_lock_);
    std::vector<DirectoryLease*> below;
    {
        std::lock_guard guard(lock_);
        std::lock_guard inodes(session_.inodes().lock());
        for (DirectoryLease* lease : all_)
            for (const Inode* up = lease->inode.parent; up; up = up->parent)
                if (up == &directory) {
                    ++lease->borrowers; // it stays until it is given back
                    below.push_back(lease);
                    break;
                }
    }
    for (DirectoryLease* lease : below) {
        lease->oplock.close(); // no more borrowers
        while (const unsigned borrowers = lease->borrowers.load() - 1)
            lease->borrowers.wait(borrowers + 1);
        lease->handle.reset();
        queue(lease);
        give_back(lease);
    }
}

void Leases::stop()
{
    {
        std::lock_guard guard(lock_);
        if (stop_)
            return;
        stop_ = true;
        changed_.notify_one();
    }
    thread_.join();
    for (DirectoryLease* lease : all_)
        end(lease, false);
    all_.clear();
    for (const Forgetting& what : again_)
        session_.inodes().release(*what.inode);
    again_.clear();
}

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
#include "frontends/fuse/file_lease.h"

#include "frontends/fuse/open_file.h"
#include "frontends/fuse/session.h"
#include "ntos/token.h"

namespace fsp::fuse {

class FileLease
{
  public:
    FileLease(FileLeases& leases, Inode& file)
        : inode(file), leases_(leases), oplock([this] { leases_.broken(*this); })
    {}

    Inode& inode;

  private:
    FileLeases& leases_;

  public:
    NtHandle handle;
    OpenFile* lender = nullptr; ///< of the handle of a file without a name, with a reference
    Oplock oplock;              ///< ends before the handle
    WORK_QUEUE_ITEM work{};

    // Guarded by the lock of FileLeases.
    enum class State
    {
        acquiring,
        held,
        ending
    } state = State::acquiring;
    bool unwanted = false; ///< while it is being acquired: broken or dropped already
    std::list<FileLease*>::iterator place;

    FileLeases& leases() { return leases_; }
};

namespace {

/// The file as it is, for the frontend itself.
NTSTATUS open_for_lease(Session& session, FileLease& lease)
{
    std::u16string path;
    if (!session.inodes().path(lease.inode, &path)) {
        lease.lender = borrow(session.inodes(), lease.inode, 0);
        return lease.lender ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
    }
    ntos::Impersonation as_system(ntos::system_token());
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES;
    what.options = FILE_NON_DIRECTORY_FILE | FILE_OPEN_FOR_BACKUP_INTENT;
    return open_file(session.root(), path, what, &lease.handle);
}

/// An inode that shall be told of in a moment.
struct Forgetting
{
    FileLeases& leases;
    Inode& inode;
    WORK_QUEUE_ITEM work{};
};

} // namespace

bool FileLeases::hold(Inode& file)
{
    if (file.data_leased.load(std::memory_order_acquire)) {
        file.data_used.store(true, std::memory_order_relaxed);
        return true;
    }
    return acquire(file);
}

bool FileLeases::acquire(Inode& file)
{
    auto made = std::make_unique<FileLease>(*this, file);
    {
        std::lock_guard guard(lock_);
        if (stopped_ || file.file_lease)
            return false; // others are at it
        file.file_lease = made.get();
    }
    session_.inodes().reference(file);
    FileLease& lease = *made.release();

    bool granted = false;
    if (NT_SUCCESS(open_for_lease(session_, lease)))
        granted = lease.oplock.request(lease.lender ? lease.lender->nt() : lease.handle.get(),
                                       OPLOCK_LEVEL_CACHE_READ | OPLOCK_LEVEL_CACHE_HANDLE);
    {
        std::lock_guard guard(lock_);
        lease.place = all_.insert(all_.end(), &lease);
        if (granted && !lease.unwanted && !stopped_) {
            lease.state = FileLease::State::held;
            file.data_used = true;
            file.data_leased.store(true, std::memory_order_release);
            if (all_.size() > leases_max)
                make_room_locked();
        } else {
            granted = false;
            lease.state = FileLease::State::ending;
        }
    }
    if (!granted)
        end(&lease, false); // nothing was handed out under it
    return granted;
}

/// The break: on any thread, which must not wait.
void FileLeases::broken(FileLease& lease)
{
    std::lock_guard guard(lock_);
    note_unsure(lease.inode);
    if (lease.state == FileLease::State::held)
        end_soon_locked(lease);
    else
        lease.unwanted = true;
}

void FileLeases::end_soon_locked(FileLease& lease)
{
    lease.state = FileLease::State::ending;
    lease.inode.data_leased.store(false, std::memory_order_seq_cst);
    ++items_;
    ExInitializeWorkItem(&lease.work, &FileLeases::end_broken, &lease);
    ExQueueWorkItem(&lease.work, CriticalWorkQueue);
}

void NTAPI FileLeases::end_broken(PVOID context)
{
    auto* lease = static_cast<FileLease*>(context);
    FileLeases& leases = lease->leases();
    leases.end(lease, true);
    leases.item_done();
}

/// The end of a lease in state `ending`, by whoever put it there.
void FileLeases::end(FileLease* lease, bool tell_kernel)
{
    Inode& inode = lease->inode;
    if (tell_kernel)
        forget(inode);
    // The handle is closed, and the break acknowledged, before somebody can ask for a new lease.
    OpenFile* const lender = lease->lender;
    std::list<FileLease*>::iterator place = lease->place;
    lease->oplock.close();
    lease->handle.reset();
    {
        std::lock_guard guard(lock_);
        all_.erase(place);
        inode.file_lease = nullptr;
    }
    delete lease;
    give_back(session_.inodes(), lender);
    session_.inodes().release(inode);
}

/// Without a reader the next open does that.
void FileLeases::forget(Inode& file)
{
    if (file.readers.load(std::memory_order_seq_cst) != 0 || file.directory)
        fuse_lowlevel_notify_inval_inode(session_.connection(), session_.inodes().to_number(file), 0, 0);
}

void FileLeases::forget_soon(Inode& file)
{
    if (!file.directory)
        note_unsure(file);
    if (file.forgetting.exchange(true))
        return; // that is still to come
    {
        std::lock_guard guard(lock_);
        if (stopped_)
            return; // the kernel's cache goes with the mount
        ++items_;
    }
    auto* what = new Forgetting{*this, file, {}};
    session_.inodes().reference(file);
    ExInitializeWorkItem(&what->work, &FileLeases::forget_now, what);
    ExQueueWorkItem(&what->work, CriticalWorkQueue);
}

void FileLeases::note_unsure(Inode& file)
{
    file.size_unsure = true;
    any_unsure_ = true;
}

void FileLeases::forget_unsure(Inode& directory)
{
    if (!any_unsure_)
        return;
    std::vector<Inode*> files;
    session_.inodes().for_each_child(directory, [&](Inode& child) {
        if (!child.size_unsure || child.readers == 0)
            return;
        child.end_untrusted = true; // before the look at end_read, which a read sets first
        if (!child.end_read.exchange(false))
            return;
        ++child.references;
        files.push_back(&child);
    });
    for (Inode* file : files) {
        forget_soon(*file);
        session_.inodes().release(*file);
    }
}

void NTAPI FileLeases::forget_now(PVOID context)
{
    const std::unique_ptr<Forgetting> what(static_cast<Forgetting*>(context));
    FileLeases& leases = what->leases;
    what->inode.forgetting.store(false);
    leases.forget(what->inode);
    leases.session_.inodes().release(what->inode);
    leases.item_done();
}

void FileLeases::item_done()
{
    std::lock_guard guard(lock_);
    if (--items_ == 0)
        idle_.notify_all();
}

/// Gives up one that was not used for long.
void FileLeases::make_room_locked()
{
    for (size_t looked = 0; looked < all_.size(); ++looked) {
        FileLease* const lease = all_.front();
        all_.splice(all_.end(), all_, all_.begin());
        if (lease->state == FileLease::State::held && !lease->inode.data_used.exchange(false))
            return end_soon_locked(*lease);
    }
}

void FileLeases::drop(Inode& file)
{
    FileLease* lease;
    {
        std::lock_guard guard(lock_);
        lease = file.file_lease;
        if (!lease || lease->state == FileLease::State::ending)
            return;
        if (lease->state == FileLease::State::acquiring) {
            lease->unwanted = true;
            return;
        }
        lease->state = FileLease::State::ending;
        file.data_leased.store(false, std::memory_order_seq_cst);
    }
    end(lease, false);
    if (file.readers != 0)
        forget_soon(file);
}

void FileLeases::stop()
{
    std::vector<FileLease*> left;
    {
        std::unique_lock guard(lock_);
        stopped_ = true;
        for (FileLease* lease : all_)
            if (lease->state == FileLease::State::held) {
                lease->state = FileLease::State::ending;
                lease->inode.data_leased.store(false, std::memory_order_seq_cst);
                left.push_back(lease);
            }
    }
    for (FileLease* lease : left)
        end(lease, false);
    std::unique_lock guard(lock_);
    idle_.wait(guard, [this] { return items_ == 0; });
}

} // namespace fsp::fuse

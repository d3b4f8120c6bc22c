// SPDX-License-Identifier: MIT
//
// What POSIX callers ask of a handle that has no native request.
#include <cstring>

#include "libfuse/file_system.h"

namespace fsp::libfuse {
namespace {

class Action
{
  public:
    Action(Entry& entry, Handle& handle)
        : fs_(entry.fs), on_(entry.program), call_(*entry.call), handle_(handle),
          path_(fs_.paths().path_of(handle.node)),
          fi_(handle.opened && !call_.by_name ? &handle.info : nullptr)
    {}

    /// @return 0 or a negative error number
    int run();

  private:
    const char* path() const { return path_.c_str(); }
    int stat();
    int set_attributes();
    int read_link();
    int exchange();
    int volume();
    int flush();
    int counted(int64_t result)
    {
        call_.result = result;
        return result < 0 ? int(result) : 0;
    }
    int get_xattr()
    {
        return counted(on_.getxattr(path(), call_.name, static_cast<char*>(call_.out), call_.size));
    }
    int list_xattr() { return counted(on_.listxattr(path(), static_cast<char*>(call_.out), call_.size)); }
    int seek() { return counted(on_.lseek(path(), call_.offset, int(call_.flags), fi_)); }
    int control();
    int poll();
    int lock();
    int map_block();
    int copy();
    int list();

    FileSystem& fs_;
    Program& on_;
    nt::PosixCall& call_;
    Handle& handle_;
    const std::string path_;
    OpenInfo* const fi_;
};

int Action::stat()
{
    const int result = fs_.stat(path_, fi_ ? &handle_ : nullptr, &call_.attributes);
    call_.has_attributes = result == 0;
    return result;
}

int Action::set_attributes()
{
    const struct stat& wanted = call_.attributes;
    const unsigned which = call_.which;
    int result = 0;
    if (which & nt::posix_set_mode)
        result = on_.chmod(path(), wanted.st_mode, fi_);
    if (result == 0 && (which & (nt::posix_set_uid | nt::posix_set_gid)))
        result = on_.chown(path(), which & nt::posix_set_uid ? wanted.st_uid : uid_t(-1),
                           which & nt::posix_set_gid ? wanted.st_gid : gid_t(-1), fi_);
    if (result == 0 && (which & nt::posix_set_times)) {
        const struct timespec times[2] = {wanted.st_atim, wanted.st_mtim};
        result = on_.utimens(path(), times, fi_);
    }
    return result;
}

int Action::read_link()
{
    auto* const out = static_cast<char*>(call_.out);
    const int result = on_.readlink(path(), out, call_.size);
    out[call_.size - 1] = 0;
    return result;
}

int Action::exchange()
{
    const int result = on_.rename(path(), call_.name, call_.rename_flags);
    if (result == 0)
        fs_.paths().exchanged(path_, call_.name);
    return result;
}

int Action::volume()
{
    const int result = on_.statfs(path(), &call_.volume);
    if (result != -ENOSYS)
        return result;
    call_.volume = {};
    call_.volume.f_namemax = 255;
    call_.volume.f_bsize = 512;
    return 0;
}

int Action::flush()
{
    if (!fi_)
        return 0;
    fi_->lock_owner = call_.owner;
    fi_->flush = true;
    int result = on_.flush(path(), fi_);
    if (on_.has.lock) {
        // Who closes a file gives up all locks on it.
        struct flock all = {};
        all.l_type = F_UNLCK;
        all.l_whence = SEEK_SET;
        const int unlocked = on_.lock(path(), fi_, F_SETLK, &all);
        if (unlocked != -ENOSYS && result == -ENOSYS)
            result = 0;
    }
    fi_->flush = false;
    return result;
}

int Action::control()
{
    const int result = on_.ioctl(path(), call_.flags, call_.argument, fi_, call_.control_flags, call_.out);
    return counted(result);
}

int Action::poll()
{
    unsigned events = 0;
    if (fi_)
        fi_->poll_events = call_.events;
    const int result = on_.poll(path(), fi_, call_.poll_handle, &events);
    call_.result = events;
    return result;
}

int Action::lock()
{
    if (!fi_)
        return -EBADF;
    fi_->lock_owner = call_.owner;
    return on_.lock(path(), fi_, int(call_.flags), call_.lock);
}

int Action::map_block()
{
    auto block = uint64_t(call_.offset);
    const int result = on_.bmap(path(), call_.size, &block);
    call_.result = int64_t(block);
    return result;
}

int Action::copy()
{
    Handle& source = *static_cast<Handle*>(call_.copy_source);
    if (!source.opened || !fi_)
        return -EBADF;
    return counted(on_.copy_file_range(fs_.paths().path_of(source.node).c_str(), &source.info, call_.offset,
                                       path(), fi_, call_.target_offset, size_t(call_.length),
                                       int(call_.flags)));
}

int Action::list()
{
    const auto fill = [this](const char* name, const struct stat* attributes, off_t next, bool complete) {
        struct stat shown;
        if (complete) {
            shown = *attributes;
            fs_.apply_options(&shown);
            attributes = &shown;
        }
        return call_.fill(call_.fill_context, name, attributes, next, complete);
    };
    return on_.readdir(path(), fill, call_.offset, &handle_.info, call_.flags != 0);
}

int Action::run()
{
    using enum nt::PosixAction;
    if (!fi_ && fs_.paths().is_removed(handle_.node))
        return -ENOENT;
    switch (call_.action) {
    case stat:
        return this->stat();
    case nt::PosixAction::set_attributes:
        return this->set_attributes();
    case nt::PosixAction::read_link:
        return this->read_link();
    case link:
        return on_.link(path(), call_.name);
    case nt::PosixAction::exchange:
        return this->exchange();
    case nt::PosixAction::volume:
        return this->volume();
    case access:
        return on_.access(path(), int(call_.flags));
    case nt::PosixAction::get_xattr:
        return this->get_xattr();
    case set_xattr:
        return on_.setxattr(path(), call_.name, static_cast<const char*>(call_.in), call_.in_size,
                            int(call_.flags));
    case nt::PosixAction::list_xattr:
        return this->list_xattr();
    case remove_xattr:
        return on_.removexattr(path(), call_.name);
    case allocate:
        return on_.fallocate(path(), int(call_.flags), call_.offset, call_.length, fi_);
    case nt::PosixAction::seek:
        return this->seek();
    case nt::PosixAction::flush:
        return this->flush();
    case sync:
        return handle_.directory ? on_.fsyncdir(path(), int(call_.flags), fi_)
                                 : on_.fsync(path(), int(call_.flags), fi_);
    case nt::PosixAction::control:
        return this->control();
    case nt::PosixAction::poll:
        return this->poll();
    case nt::PosixAction::lock:
        return this->lock();
    case whole_lock:
        if (fi_)
            fi_->lock_owner = call_.owner;
        return on_.flock(path(), fi_, int(call_.flags));
    case nt::PosixAction::map_block:
        return this->map_block();
    case identify:
        return call_.subject = &handle_, 0;
    case nt::PosixAction::copy:
        return this->copy();
    case nt::PosixAction::list:
        return this->list();
    default:
        return -ENOSYS;
    }
}

} // namespace

NTSTATUS posix_action(Entry& entry, Handle& handle)
{
    if (entry.call->action == nt::PosixAction::none)
        return STATUS_INVALID_DEVICE_REQUEST;
    void* const subject = entry.call->subject;
    const int result = Action(entry, subject ? *static_cast<Handle*>(subject) : handle).run();
    FileSystem::forget_seen();
    return result == 0 ? STATUS_SUCCESS : FileSystem::fail(result);
}

} // namespace fsp::libfuse

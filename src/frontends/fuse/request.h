// SPDX-License-Identifier: MIT
//
// One request of the kernel from its arrival to its reply.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "frontends/fuse/attributes.h"
#include "frontends/fuse/names.h"
#include "frontends/fuse/open_file.h"
#include "frontends/fuse/session.h"
#include "ntos/token.h"

namespace fsp::fuse {

/// A handle that is either opened for this request or borrowed from an open file.
class Access
{
  public:
    Access() = default;
    Access(InodeTable& table, OpenFile* file) : table_(&table), borrowed_(file) {}
    explicit Access(NtHandle handle) : owned_(std::move(handle)) {}
    Access(Access&& other) noexcept
        : table_(other.table_), borrowed_(std::exchange(other.borrowed_, nullptr)),
          owned_(std::move(other.owned_))
    {}
    Access& operator=(Access&& other) noexcept
    {
        std::swap(table_, other.table_);
        std::swap(borrowed_, other.borrowed_);
        std::swap(owned_, other.owned_);
        return *this;
    }
    ~Access() { reset(); }

    HANDLE get() const { return borrowed_ ? borrowed_->nt() : owned_.get(); }
    void reset()
    {
        if (borrowed_)
            give_back(*table_, std::exchange(borrowed_, nullptr));
        owned_.reset();
    }

  private:
    InodeTable* table_ = nullptr;
    OpenFile* borrowed_ = nullptr;
    NtHandle owned_;
};

/// errno of a status; 0 of success.
int to_errno(NTSTATUS status);

class Request
{
  public:
    explicit Request(fuse_req_t handle);
    Request(const Request&) = delete;
    /// A request must have been answered.
    ~Request();

    Session& session() const { return session_; }
    InodeTable& inodes() const { return session_.inodes(); }
    const Caller& caller() const { return caller_; }
    Inode& inode(fuse_ino_t number) const { return *session_.inodes().from_number(number); }

    /// The caller is in a group, or root.
    bool may_have_group(gid_t gid) const;

    /// Acts as the caller from here to the end of the request.
    void impersonate(bool fresh = false);
    /// Acts as the caller, who is root, and as a user's equal.
    void impersonate_root_and(uid_t user);
    /// Acts as the executive, for what Linux asks no permission for (stat).
    void impersonate_system();

    /// @return 0, ENOENT for a name that cannot exist, ENAMETOOLONG
    int name(const char* text, Name* out) const;

    // Opening, as the caller. A file without a name is reached through the open files that it has.
    NTSTATUS open(const Inode& inode, const OpenRequest& what, NtHandle* handle);
    NTSTATUS open(const Inode& parent, std::u16string_view name, const OpenRequest& what, NtHandle* handle);
    NTSTATUS access(Inode& inode, const OpenRequest& what, Access* access);
    /// For reading attributes; needs no permission.
    NTSTATUS access_attributes(Inode& inode, Access* access);

    // Replies. Each returns false if the kernel no longer waits, and then what was handed out must be undone.
    bool fail(int error);
    bool refuse(NTSTATUS status) { return fail(error_of(status)); }
    /// errno of a status, the file system's own if that is what became the status.
    int error_of(NTSTATUS status) const
    {
        return posix_ && posix_->error != 0 && posix_->status == status ? posix_->error : to_errno(status);
    }
    bool done() { return fail(0); }
    bool entry(const fuse_entry_param& entry);
    bool created(const fuse_entry_param& entry, const fuse_file_info& file);
    bool attr(const struct stat& attributes, double timeout);
    bool opened(const fuse_file_info& file);
    /// For O_DIRECT: writes of several threads that do not make the file longer need not queue up in the
    /// kernel.
    bool opened_direct(const fuse_file_info& file);
    bool bytes(const void* data, size_t size);
    bool written(size_t size);
    bool link(const char* target);
    bool statfs(const struct statvfs& info);
    bool xattr_size(size_t size);
    bool position(off_t offset);
    fuse_req_t handle() const { return handle_; }

    /// What is said beside the request's calls to the driver; only on a volume that keeps POSIX objects.
    nt::PosixCall& posix() { return *posix_; }
    /// Asks the file system something that has no native request. @return 0 or an error number
    int act(HANDLE file, nt::PosixAction action);
    /// For replies that are not listed here; false if there is nobody to reply to.
    bool claim();

  private:
    void begin_posix();
    template<typename Path> NTSTATUS open_path(Path path, const OpenRequest& what, NtHandle* handle);

    const fuse_req_t handle_;
    Session& session_;
    Caller caller_;
    RequestSlot& slot_;
    TokenRef token_;
    bool fresh_ = false;
    bool answered_ = false;
    std::optional<ntos::Impersonation> acting_;
    std::optional<nt::PosixCall> posix_call_;
    nt::PosixCall* posix_ = nullptr; ///< posix_call_, if there is one
    std::optional<nt::PosixCallScope> posix_scope_;
};

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
#include "frontends/fuse/request.h"

#include <algorithm>
#include <atomic>
#include <cerrno>

#include <linux/fuse.h>

#include "nt/errno_map.h"

namespace fsp::fuse {
namespace {

Caller caller_of(fuse_req_t handle)
{
    const fuse_ctx* context = fuse_req_ctx(handle);
    return {context->uid, context->gid, context->pid};
}

/// A path made while somebody renames may lead elsewhere by the time it is opened; it is then made again.
constexpr int path_tries = 16;

bool may_be_stale_path(NTSTATUS status)
{
    return status == STATUS_OBJECT_NAME_NOT_FOUND || status == STATUS_OBJECT_PATH_NOT_FOUND ||
           status == STATUS_DELETE_PENDING || status == STATUS_NOT_A_DIRECTORY;
}

} // namespace

int to_errno(NTSTATUS status)
{
    if (NT_SUCCESS(status) || status == STATUS_BUFFER_OVERFLOW)
        return 0;
    switch (status) {
    case STATUS_CANCELLED:
        return EINTR;
    case STATUS_DELETE_PENDING:
    case STATUS_FILE_DELETED:
        return ENOENT;
    case STATUS_SHARING_VIOLATION:
        return EBUSY;
    case STATUS_FILE_LOCK_CONFLICT:
    case STATUS_LOCK_NOT_GRANTED:
        return EAGAIN;
    case STATUS_PRIVILEGE_NOT_HELD:
    case STATUS_INVALID_OWNER:
    case STATUS_CANNOT_DELETE:
        return EPERM;
    case STATUS_VOLUME_DISMOUNTED:
    case STATUS_DEVICE_NOT_CONNECTED:
        return EIO;
    default:
        return nt::errno_of_status(status);
    }
}

Request::Request(fuse_req_t handle)
    : handle_(handle), session_(*static_cast<Session*>(fuse_req_userdata(handle))),
      caller_(caller_of(handle)), slot_(Interruptions::begin(handle, caller_.pid, &session_.interruptions()))
{
    session_.ready();
    if (session_.posix())
        begin_posix();
}

void Request::begin_posix()
{
    static std::atomic<uint64_t> serial = 0;
    const fuse_ctx* context = fuse_req_ctx(handle_);
    posix_ = &posix_call_.emplace();
    posix_->uid = context->uid;
    posix_->gid = context->gid;
    posix_->pid = context->pid;
    posix_->umask = context->umask;
    posix_->serial = serial.fetch_add(1, std::memory_order_relaxed) + 1;
    posix_->request = handle_;
    posix_->interrupted = [](void* request) {
        return fuse_req_interrupted(static_cast<fuse_req_t>(request)) != 0;
    };
    posix_->groups = [](void* request, int capacity, gid_t* out) {
        return fuse_req_getgroups(static_cast<fuse_req_t>(request), capacity, out);
    };
    posix_scope_.emplace(posix_);
}

int Request::act(HANDLE file, nt::PosixAction action)
{
    posix_->action = action;
    posix_->taken = false;
    posix_->result = 0;
    const NTSTATUS status = control_file(file, nt::posix_control_code);
    posix_->action = nt::PosixAction::none;
    if (!NT_SUCCESS(status))
        return error_of(status);
    return posix_->taken ? 0 : EIO;
}

Request::~Request()
{
    if (!answered_)
        fail(EIO);
}

bool Request::may_have_group(gid_t gid) const
{
    if (caller_.uid == 0 || caller_.gid == gid)
        return true;
    std::vector<gid_t> groups;
    read_groups(caller_.pid, &groups);
    return std::find(groups.begin(), groups.end(), gid) != groups.end();
}

void Request::impersonate(bool fresh)
{
    if (token_ && fresh_ == fresh)
        return;
    TokenRef token = session_.identities().token(caller_, fresh);
    acting_.reset();
    token_ = std::move(token);
    fresh_ = fresh;
    acting_.emplace(token_.get());
}

void Request::impersonate_root_and(uid_t user)
{
    acting_.reset();
    token_ = session_.identities().root_as_well_as(user);
    acting_.emplace(token_.get());
}

void Request::impersonate_system()
{
    acting_.reset();
    token_ = TokenRef();
    acting_.emplace(ntos::system_token());
}

int Request::name(const char* text, Name* out) const
{
    return to_nt_name(text, session_.traits().name_limit, out);
}

template<typename Path> NTSTATUS Request::open_path(Path path, const OpenRequest& what, NtHandle* handle)
{
    static thread_local std::u16string buffer;

    OpenRequest request = what;
    if (caller_.uid == 0)
        request.options |= FILE_OPEN_FOR_BACKUP_INTENT;
    if (!acting_)
        impersonate();

    if (!session_.ready())
        return STATUS_DEVICE_NOT_READY;
    NTSTATUS status = STATUS_OBJECT_NAME_NOT_FOUND;
    for (int tries = 0; tries < path_tries; ++tries) {
        const uint64_t moves = inodes().moves();
        if (!path(&buffer))
            return STATUS_OBJECT_NAME_NOT_FOUND;
        status = open_file(session_.root(), buffer, request, handle);
        if (status == STATUS_ACCESS_DENIED && caller_.uid != 0 && token_ && !fresh_) {
            // Perhaps the caller joined a group since its groups were read.
            const PACCESS_TOKEN before = token_.get();
            TokenRef keep = token_;
            impersonate(true);
            if (token_.get() != before)
                continue;
        }
        if (!may_be_stale_path(status) || inodes().moves() == moves)
            break;
    }
    return status;
}

NTSTATUS Request::open(const Inode& inode, const OpenRequest& what, NtHandle* handle)
{
    return open_path([&](std::u16string* path) { return inodes().path(inode, path); }, what, handle);
}

NTSTATUS Request::open(const Inode& parent, std::u16string_view name, const OpenRequest& what,
                       NtHandle* handle)
{
    return open_path([&](std::u16string* path) { return inodes().path(parent, name, path); }, what, handle);
}

NTSTATUS Request::access(Inode& inode, const OpenRequest& what, Access* access)
{
    if (inode.orphan) {
        OpenFile* file = borrow(inodes(), inode, what.access);
        if (!file)
            file = borrow(inodes(), inode, 0);
        if (!file)
            return STATUS_OBJECT_NAME_NOT_FOUND;
        *access = Access(inodes(), file);
        return STATUS_SUCCESS;
    }
    NtHandle handle;
    const NTSTATUS status = open(inode, what, &handle);
    if (NT_SUCCESS(status))
        *access = Access(std::move(handle));
    return status;
}

NTSTATUS Request::access_attributes(Inode& inode, Access* access)
{
    if (OpenFile* file = borrow(inodes(), inode, FILE_READ_ATTRIBUTES | READ_CONTROL)) {
        *access = Access(inodes(), file);
        return STATUS_SUCCESS;
    }
    OpenRequest what;
    what.access = FILE_READ_ATTRIBUTES | READ_CONTROL | FILE_READ_EA;
    NTSTATUS status = this->access(inode, what, access);
    if (status == STATUS_ACCESS_DENIED) {
        impersonate_system();
        what.options |= FILE_OPEN_FOR_BACKUP_INTENT;
        status = this->access(inode, what, access);
    }
    return status;
}

bool Request::claim()
{
    answered_ = true;
    return Interruptions::claim(slot_, handle_);
}

bool Request::fail(int error) { return claim() && fuse_reply_err(handle_, error) == 0; }

bool Request::entry(const fuse_entry_param& entry)
{
    return claim() && fuse_reply_entry(handle_, &entry) == 0;
}

bool Request::created(const fuse_entry_param& entry, const fuse_file_info& file)
{
    return claim() && fuse_reply_create(handle_, &entry, &file) == 0;
}

bool Request::attr(const struct stat& attributes, double timeout)
{
    return claim() && fuse_reply_attr(handle_, &attributes, timeout) == 0;
}

bool Request::opened(const fuse_file_info& file) { return claim() && fuse_reply_open(handle_, &file) == 0; }

bool Request::opened_direct(const fuse_file_info& file)
{
    // libfuse 3.14 does not know the last flag.
    fuse_open_out out{};
    out.fh = file.fh;
    out.open_flags = FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES |
                     (file.keep_cache ? FOPEN_KEEP_CACHE : 0) | (file.noflush ? FOPEN_NOFLUSH : 0);
    return bytes(&out, sizeof out);
}

bool Request::bytes(const void* data, size_t size)
{
    return claim() && fuse_reply_buf(handle_, static_cast<const char*>(data), size) == 0;
}

bool Request::written(size_t size) { return claim() && fuse_reply_write(handle_, size) == 0; }
bool Request::link(const char* target) { return claim() && fuse_reply_readlink(handle_, target) == 0; }
bool Request::statfs(const struct statvfs& info) { return claim() && fuse_reply_statfs(handle_, &info) == 0; }
bool Request::xattr_size(size_t size) { return claim() && fuse_reply_xattr(handle_, size) == 0; }
bool Request::position(off_t offset) { return claim() && fuse_reply_lseek(handle_, offset) == 0; }

} // namespace fsp::fuse

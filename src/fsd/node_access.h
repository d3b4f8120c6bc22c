// SPDX-License-Identifier: MIT
#pragma once

/// How a request gets hold of a node and of the caller's buffer.

#include "irp_task.h"
#include "node.h"
#include "request.h"
#include "volume.h"

namespace fsp::fsd {

/// Does this thread own the node already, through an outer operation of ours or through a call-back of the
/// cache or memory manager? Such nested I/O must not acquire it again.
bool owned_by_this_thread(FileNode& node) noexcept;

/// May this IRP's thread block here?
inline bool can_wait(PIRP irp) { return IoIsOperationSynchronous(irp); }

/// Whether an operation breaks the oplocks of other handles first.
enum class Oplocks : UINT8
{
    ignore,
    check
};

/// Acquires the node and looks at its oplock, if neither needs waiting that the caller forbids. False with
/// nothing held: then `co_await enter(...)`. The check is made under the node's lock, because that is what
/// requests for oplocks take as well.
bool try_enter(FileNode& node, PIRP irp, NodeHold& hold, Part part, Access access, Oplocks oplocks) noexcept;
/// The same with all the waiting that it takes, nothing held meanwhile; may continue on another thread.
Async<NTSTATUS> enter(FileNode& node, PIRP irp, NodeHold& hold, Part part, Access access, Oplocks oplocks);

/// Locks, oplocks and watches belong to a handle, whose cleanup takes them back. To be asked before one is
/// given, with the main resource held: a request may arrive when the cleanup is through. @return false: it
/// is, or is about to be (STATUS_FILE_CLOSED)
bool may_claim(FileNode& node, const FileDesc& desc) noexcept;

/// The caller's buffer (UserBuffer or MdlAddress) as an address that is good in any context until the IRP is
/// completed: locks the pages, unless the file system runs in line. To be called on the requestor's own
/// thread.
/// @param operation IoWriteAccess if the buffer receives data
NTSTATUS map_user_buffer(Volume& volume, PIRP irp, ULONG length, LOCK_OPERATION operation,
                         void** address) noexcept;
/// Like it, for use on the requestor's own thread only, where faults are caught by seh: pages are not locked.
void* near_user_buffer(PIRP irp) noexcept;
/// Locks the caller's buffer before the request continues on another thread.
NTSTATUS lock_user_buffer(PIRP irp, ULONG length, LOCK_OPERATION operation) noexcept;

/// co_await MayBlock{...}: an answer resumes its coroutine on a thread of the file system, which must not
/// wait for the file system. Continues on a worker thread then; on the requestor's own thread nothing
/// happens.
struct MayBlock
{
    Holds holds;
    bool await_ready() const noexcept { return false; }
    template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) const noexcept
    {
        return publish(&coroutine.promise().context(), coroutine, holds);
    }
    void await_resume() const noexcept {}

  private:
    [[gnu::noinline]] static bool publish(IrpContext* context, std::coroutine_handle<> coroutine,
                                          Holds holds) noexcept
    {
        if (context->on_requestor_thread())
            return false;
        context->resume_on_worker(coroutine, holds);
        return true;
    }
};

/// A request without variable part. Needs no allocation: it lives in the coroutine frame.
class PlainRequest : NonCopyable
{
  public:
    explicit PlainRequest(UINT32 kind) noexcept : request_(Request::make_at(memory_, kind)) {}
    Request& operator*() const { return *request_; }
    FSP_FSCTL_TRANSACT_REQ* operator->() const { return request_.get()->message(); }
    Request& request() const { return *request_; }

  private:
    alignas(16) Byte memory_[sizeof(Request) + sizeof(FSP_FSCTL_TRANSACT_REQ)];
    RequestPtr request_;
};

/// Fills the two contexts that nearly every request begins with.
inline void set_context(FSP_FSCTL_TRANSACT_REQ* message, const FileDesc& desc)
{
    desc.fill_context(message->Req.Context);
}

/// A node's name at one moment. Names move with renames of directories above, so they are copied under the
/// table's lock.
class NameCopy : NonCopyable
{
  public:
    /// False without memory.
    [[nodiscard]] bool assign(FileNode& node) noexcept;
    const UNICODE_STRING& view() const { return view_; }

  private:
    static constexpr USHORT inline_chars = 128;
    UNICODE_STRING view_{};
    WCHAR inline_[inline_chars];
    Buffer buffer_;
};

/// Who is calling: the caller's security context, captured on its own thread.
class Subject : NonCopyable
{
  public:
    Subject() noexcept { SeCaptureSubjectContext(&context_); }
    ~Subject() { SeReleaseSubjectContext(&context_); }
    PSECURITY_SUBJECT_CONTEXT get() { return &context_; }

  private:
    SECURITY_SUBJECT_CONTEXT context_;
};

/// Advances the position of a synchronous handle.
inline void set_position(PFILE_OBJECT file, UINT64 position)
{
    if (file_flags(file) & FO_SYNCHRONOUS_IO)
        file->CurrentByteOffset.QuadPart = static_cast<LONGLONG>(position);
}

} // namespace fsp::fsd

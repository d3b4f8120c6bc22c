// SPDX-License-Identifier: MIT
#pragma once

/// A message to the user-mode file system, and its answer.

#include "coroutine.h"
#include "irp_task.h"
#include "memory.h"
#include "wdk.h"

namespace fsp::fsd {

class Volume;
class Ioq;

enum class Post : UINT8
{
    normal,      // bounded by the capacity, expires, cancellable while it is pending
    best_effort, // neither bounded nor expiring: cleanup, close, overwrite, retried prepares
};

/// Whether the Offset of a response BUF counts (spec 8.4 lists which does).
enum class Offset : UINT8
{
    honoured,
    ignored
};

/// The answer to a request: valid until the coroutine awaits the next thing. The bytes are a kernel copy
/// that user mode cannot change (except from an in-process file system, which is trusted that far); sizes
/// are nevertheless the sender's, so the variable part is reached only through span().
class Response
{
  public:
    Response() = default;
    explicit Response(NTSTATUS status) : status_(status) {}
    Response(const FSP_FSCTL_TRANSACT_RSP* message, ULONG size) noexcept;

    NTSTATUS status() const { return status_; }
    ULONG information() const { return information_; }
    /// Of the message in bytes; 0 if not answered.
    ULONG size() const { return size_; }
    /// False when no answer came (cancelled, expired, no room in the queue, preparation failed).
    bool answered() const { return message_ != nullptr; }
    /// The fixed 128 bytes; only if answered().
    const FSP_FSCTL_TRANSACT_RSP& message() const { return *message_; }
    const FSP_FSCTL_TRANSACT_RSP* operator->() const { return message_; }
    /// The bytes that `where` names, or a null Span if they are not all inside the response.
    Span span(FSP_FSCTL_TRANSACT_BUF where, Offset offset) const noexcept;

    void fail(NTSTATUS status) { status_ = status, information_ = 0; }

  private:
    const FSP_FSCTL_TRANSACT_RSP* message_ = nullptr;
    ULONG size_ = 0;
    NTSTATUS status_ = STATUS_INTERNAL_ERROR;
    ULONG information_ = 0;
};

/// The largest response that is accepted: a 16-bit Size.
constexpr ULONG response_size_min = sizeof(FSP_FSCTL_TRANSACT_RSP);

class Request;

struct RequestDelete
{
    static void free(Request* request) noexcept;
};

/// Sole owner of a Request. Must outlive its stay in the queue: keep it in the coroutine frame.
class RequestPtr : NonCopyable
{
  public:
    RequestPtr() = default;
    explicit RequestPtr(Request* request) : request_(request) {}
    RequestPtr(RequestPtr&& other) noexcept : request_(exchange<Request*>(other.request_, nullptr)) {}
    RequestPtr& operator=(RequestPtr&& other) noexcept
    {
        reset(exchange<Request*>(other.request_, nullptr));
        return *this;
    }
    ~RequestPtr() { reset(); }
    void reset(Request* request = nullptr)
    {
        if (Request* old = exchange<Request*>(request_, request))
            RequestDelete::free(old);
    }
    Request* get() const { return request_; }
    Request& operator*() const { return *request_; }
    inline FSP_FSCTL_TRANSACT_REQ* operator->() const;
    explicit operator bool() const { return request_ != nullptr; }

  private:
    Request* request_ = nullptr;
};

class Request : NonCopyable
{
  public:
    /// Allocates a message of `kind` with `name` (NUL-terminated in the message; may be null) and room for
    /// `extra` more bytes of variable part. STATUS_INVALID_PARAMETER if it would exceed 16320 bytes.
    /// `must_succeed` waits for memory instead of failing.
    static NTSTATUS make(RequestPtr* request, UINT32 kind, const UNICODE_STRING* name = nullptr,
                         ULONG extra = 0, bool must_succeed = false) noexcept;
    /// In memory of the caller's (sizeof(Request) + sizeof(FSP_FSCTL_TRANSACT_REQ), 8-aligned); not freed.
    static Request* make_at(void* memory, UINT32 kind) noexcept;

    FSP_FSCTL_TRANSACT_REQ* message() { return reinterpret_cast<FSP_FSCTL_TRANSACT_REQ*>(this + 1); }
    FSP_FSCTL_TRANSACT_REQ* operator->() { return message(); }

    ~Request();

    /// Appends to the variable part at a multiple of `alignment`; `where` becomes its place. The room must
    /// have been asked for in make() (alignment padding included).
    Byte* append(FSP_FSCTL_TRANSACT_BUF& where, const void* data, USHORT size, USHORT alignment = 1) noexcept;
    /// The same for text with a terminating NUL, which Size includes.
    void append_text(FSP_FSCTL_TRANSACT_BUF& where, const UNICODE_STRING& text) noexcept;

    /// The file system process gets an identification-level token handle of `subject`'s effective token
    /// while the request is in user mode; `field` (in the message) receives (pid << 32 | handle). `subject`
    /// must stay alive.
    void wants_token(PSECURITY_SUBJECT_CONTEXT subject, UINT64* field, ULONG process_id) noexcept
    {
        subject_ = subject, token_field_ = field, token_process_id_ = process_id;
    }

    /// The file system writes up to `length` bytes that arrive at `destination` (a system address, valid in
    /// any context) before the coroutine resumes; an answer with a larger Information becomes
    /// STATUS_INTERNAL_ERROR. `field` receives the address the file system sees.
    void receive(void* destination, ULONG length, UINT64* field) noexcept
    {
        transfer_ = destination, transfer_length_ = length, transfer_field_ = field, sends_ = false;
    }
    /// The file system reads `length` bytes of `source` (a system address). The same rule for Information.
    void send(const void* source, ULONG length, UINT64* field) noexcept
    {
        transfer_ = const_cast<void*>(source), transfer_length_ = length, transfer_field_ = field,
        sends_ = true;
    }

    /// Runs in the file system process just before hand-out; failure ends the IRP with that status
    /// (STATUS_CANT_WAIT: the request is queued again, best effort). Also runs for inline dispatch.
    using Prepare = NTSTATUS (*)(Request& request, void* context) noexcept;
    void set_prepare(Prepare prepare, void* context) noexcept
    {
        prepare_ = prepare, prepare_context_ = context;
    }

    /// For requests without a coroutine (close): called once with the answer, on any thread at passive level,
    /// instead of resuming anything.
    using Done = void (*)(Request& request, void* context) noexcept;
    void set_done(Done done, void* context) noexcept { done_ = done, done_context_ = context; }

    Response& response() { return response_; }
    /// Keeps the status only: to be called before awaiting anything else, if the request is used again.
    void forget_answer() noexcept { response_ = Response(response_.status()); }

    // ---- for Ioq and Volume -------------------------------------------------------------------------

    enum class State : LONG
    {
        idle,
        pending,    // in the pending list
        taken,      // between the lists
        processing, // in user mode through the queue
        in_line,    // in user mode on the requestor's own thread; in the processing table too
        answered,   // in line, and somebody else (a transact, stop) has already answered
        retried,
    };

    /// Makes token and buffer in the file system process. `in_line`: the caller's own buffer is used.
    NTSTATUS enter_user_mode(Volume& volume, bool in_line) noexcept;
    /// Takes back what enter_user_mode gave, and moves received data; then `response()` is final.
    void leave_user_mode(Volume& volume) noexcept;
    /// Copies the response so that it outlives the buffer it came in; false without memory.
    bool keep_response() noexcept;
    /// Takes over a copy of an answer that another thread received (null: there was no memory for it).
    void adopt_response(void* copy, ULONG size, NTSTATUS status_without) noexcept;
    /// Calls `done` or resumes the coroutine on this thread.
    void resume() noexcept;
    /// Like resume(), from any IRQL <= DISPATCH_LEVEL and under any locks: on a worker thread.
    void resume_on_worker() noexcept;

    LIST_ENTRY link{};    // pending or retried list, or a bucket of the processing table
    Ioq* queue = nullptr; // while in a list
    UINT64 deadline = 0;  // interrupt time; ~0 = never
    bool was_retried = false;
    volatile State state = State::idle;
    bool best_effort = false;
    IrpContext* context = nullptr; // of the coroutine that awaits; null with set_done
    std::coroutine_handle<> coroutine{};

  private:
    friend struct RequestDelete;
    Request(UINT32 kind, ULONG capacity, ULONG allocated) noexcept;
    static VOID NTAPI worker(PVOID self);

    ULONG capacity_;  // of the message in bytes
    ULONG allocated_; // bytes of pool; 0 = not ours
    Response response_{};
    void* kept_response_ = nullptr;
    Prepare prepare_ = nullptr;
    void* prepare_context_ = nullptr;
    Done done_ = nullptr;
    void* done_context_ = nullptr;

    PSECURITY_SUBJECT_CONTEXT subject_ = nullptr;
    UINT64* token_field_ = nullptr;
    HANDLE token_ = nullptr;
    ULONG token_process_id_ = 0;

    bool sends_ = false;
    bool in_process_ = false; // enter_user_mode ran; the token is open, the buffer there
    bool in_line_ = false;    // and it was in line: no buffer of its own
    ULONG transfer_length_ = 0;
    void* transfer_ = nullptr;
    UINT64* transfer_field_ = nullptr;
    void* process_buffer_ = nullptr;

    WORK_QUEUE_ITEM work_item_;
};

inline FSP_FSCTL_TRANSACT_REQ* RequestPtr::operator->() const { return request_->message(); }

/// co_await volume.ask(...): see Volume.
class Asking : NonCopyable
{
  public:
    Asking(Volume& volume, Request& request, Post post) : volume_(volume), request_(request), post_(post) {}
    bool await_ready() const noexcept { return false; }
    template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept
    {
        return begin(&volume_, &request_, post_, &coroutine.promise().context(), coroutine);
    }
    Response await_resume() noexcept { return request_.response(); }

  private:
    [[gnu::noinline]] static bool begin(Volume* volume, Request* request, Post post, IrpContext* context,
                                        std::coroutine_handle<> coroutine) noexcept;
    Volume& volume_;
    Request& request_;
    Post post_;
};

/// co_await volume.later(request): the answer could not be used yet because a resource is not free. The
/// response is copied, the request waits in the Retried list, and the coroutine continues at the start of a
/// later transact. Gives false when the volume was stopped meanwhile. See acquire_after_answer.
class Later : NonCopyable
{
  public:
    Later(Volume& volume, Request& request) : volume_(volume), request_(request) {}
    bool await_ready() const noexcept { return false; }
    template<class Promise> bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept
    {
        return begin(&volume_, &request_, &coroutine.promise().context(), coroutine);
    }
    bool await_resume() noexcept { return request_.response().status() != STATUS_CANCELLED; }

  private:
    [[gnu::noinline]] static bool begin(Volume* volume, Request* request, IrpContext* context,
                                        std::coroutine_handle<> coroutine) noexcept;
    Volume& volume_;
    Request& request_;
};

} // namespace fsp::fsd

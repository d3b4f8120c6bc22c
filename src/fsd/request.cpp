// SPDX-License-Identifier: MIT
#include "request.h"
#include "resource.h"
#include "seh.h"
#include "volume.h"

namespace fsp::fsd {

namespace {

/// Status values that a file system may not answer with: pending is not an answer, and the bits are
/// reserved (customer, NT facility tricks).
NTSTATUS sane_status(ULONG status)
{
    if (static_cast<NTSTATUS>(status) == STATUS_PENDING || (status & 0x30000000) != 0)
        return STATUS_INTERNAL_ERROR;
    return static_cast<NTSTATUS>(status);
}

/// While alive this thread sees the address space and handles of `process`.
class InProcess : NonCopyable
{
  public:
    explicit InProcess(PEPROCESS process) : attached_(process != PsGetCurrentProcess())
    {
        if (attached_)
            KeStackAttachProcess(reinterpret_cast<PKPROCESS>(process), &state_);
    }
    ~InProcess()
    {
        if (attached_)
            KeUnstackDetachProcess(&state_);
    }

  private:
    bool attached_;
    KAPC_STATE state_;
};

NTSTATUS open_token(PSECURITY_SUBJECT_CONTEXT subject, HANDLE* handle)
{
    SECURITY_QUALITY_OF_SERVICE quality{};
    quality.Length = sizeof quality;
    quality.ImpersonationLevel = SecurityIdentification;
    quality.ContextTrackingMode = SECURITY_STATIC_TRACKING;
    quality.EffectiveOnly = FALSE;
    SECURITY_CLIENT_CONTEXT client{};
    NTSTATUS status = SeCreateClientSecurityFromSubjectContext(subject, &quality, FALSE, &client);
    if (!NT_SUCCESS(status))
        return status;
    status = ObOpenObjectByPointer(client.ClientToken, 0, nullptr, TOKEN_QUERY, *SeTokenObjectType, UserMode,
                                   handle);
    SeDeleteClientSecurity(&client);
    return status;
}

} // namespace

// ---- Response -----------------------------------------------------------------------------------------

Response::Response(const FSP_FSCTL_TRANSACT_RSP* message, ULONG size) noexcept
    : message_(message), size_(size), status_(sane_status(message->IoStatus.Status)),
      information_(message->IoStatus.Information)
{}

Span Response::span(FSP_FSCTL_TRANSACT_BUF where, Offset offset) const noexcept
{
    const ULONG start = offset == Offset::honoured ? where.Offset : 0;
    const ULONG room = size_ - static_cast<ULONG>(sizeof(FSP_FSCTL_TRANSACT_RSP));
    if (start > room || where.Size > room - start)
        return {};
    return {const_cast<Byte*>(message_->Buffer) + start, where.Size};
}

// ---- Request ------------------------------------------------------------------------------------------

static_assert(sizeof(Request) % 8 == 0, "the message follows the request");

Request::Request(UINT32 kind, ULONG capacity, ULONG allocated) noexcept
    : capacity_(capacity), allocated_(allocated)
{
    FSP_FSCTL_TRANSACT_REQ* const m = message();
    RtlZeroMemory(m, sizeof *m);
    m->Size = sizeof *m;
    m->Kind = kind;
}

Request::~Request() { pool_free(kept_response_); }

NTSTATUS Request::make(RequestPtr* request, UINT32 kind, const UNICODE_STRING* name, ULONG extra,
                       bool must_succeed) noexcept
{
    const ULONG name_size = name ? name->Length + sizeof(WCHAR) : 0;
    if (extra > FSP_FSCTL_TRANSACT_REQ_SIZEMAX ||
        sizeof(FSP_FSCTL_TRANSACT_REQ) + name_size + extra > FSP_FSCTL_TRANSACT_REQ_SIZEMAX)
        return STATUS_INVALID_PARAMETER;

    const ULONG capacity = static_cast<ULONG>(sizeof(FSP_FSCTL_TRANSACT_REQ)) + name_size + extra;
    const ULONG allocated = static_cast<ULONG>(sizeof(Request)) + capacity;
    void* const memory = must_succeed ? cached_allocate_must_succeed(allocated) : cached_allocate(allocated);
    if (!memory)
        return STATUS_INSUFFICIENT_RESOURCES;
    request->reset(new (FspPlacement{memory}) Request(kind, capacity, allocated));
    if (name)
        (*request).get()->append_text((*request)->FileName, *name);
    return STATUS_SUCCESS;
}

Request* Request::make_at(void* memory, UINT32 kind) noexcept
{
    return new (FspPlacement{memory}) Request(kind, sizeof(FSP_FSCTL_TRANSACT_REQ), 0);
}

void RequestDelete::free(Request* request) noexcept
{
    const ULONG allocated = request->allocated_;
    request->~Request();
    if (allocated)
        cached_free(request, allocated);
}

Byte* Request::append(FSP_FSCTL_TRANSACT_BUF& where, const void* data, USHORT size, USHORT alignment) noexcept
{
    FSP_FSCTL_TRANSACT_REQ* const m = message();
    const ULONG header = sizeof *m;
    const ULONG used = m->Size - header;
    const ULONG start = align_up<ULONG>(used, alignment);
    if (header + start + size > capacity_) // a make() that did not reckon with this
        return nullptr;
    RtlZeroMemory(m->Buffer + used, start - used);
    if (data)
        copy_bytes(m->Buffer + start, data, size);
    where.Offset = static_cast<UINT16>(start);
    where.Size = size;
    m->Size = static_cast<UINT16>(header + start + size);
    return m->Buffer + start;
}

void Request::append_text(FSP_FSCTL_TRANSACT_BUF& where, const UNICODE_STRING& text) noexcept
{
    const auto size = static_cast<USHORT>(text.Length + sizeof(WCHAR));
    if (Byte* bytes = append(where, nullptr, size)) {
        copy_bytes(bytes, text.Buffer, text.Length);
        bytes[text.Length] = bytes[text.Length + 1] = 0;
    }
}

NTSTATUS Request::enter_user_mode(Volume& volume, bool in_line) noexcept
{
    if (prepare_) {
        const NTSTATUS status = prepare_(*this, prepare_context_);
        if (!NT_SUCCESS(status))
            return status;
    }
    in_process_ = true;
    in_line_ = in_line;
    if (!subject_ && (!transfer_field_ || in_line)) {
        if (transfer_field_)
            *transfer_field_ = reinterpret_cast<UINT_PTR>(transfer_);
        return STATUS_SUCCESS;
    }

    NTSTATUS status = STATUS_SUCCESS;
    {
        InProcess process(volume.process());
        if (subject_) {
            status = open_token(subject_, &token_);
            *token_field_ = static_cast<UINT64>(token_process_id_) << 32 |
                            (reinterpret_cast<UINT_PTR>(token_) & 0xffffffff);
        }
        if (NT_SUCCESS(status) && transfer_field_) {
            void* visible = transfer_;
            if (!in_line) {
                visible = process_buffer_ = volume.take_process_buffer(transfer_length_);
                if (!visible)
                    status = STATUS_INSUFFICIENT_RESOURCES;
                else if (sends_)
                    status = seh::copy_to_user(visible, transfer_, transfer_length_, UserMode);
            }
            *transfer_field_ = reinterpret_cast<UINT_PTR>(visible);
        }
    }
    if (!NT_SUCCESS(status))
        leave_user_mode(volume);
    return status;
}

void Request::leave_user_mode(Volume& volume) noexcept
{
    if (!exchange(in_process_, false))
        return;

    const bool moves = transfer_field_ && response_.answered() && NT_SUCCESS(response_.status());
    if (moves && response_.information() > transfer_length_)
        response_.fail(STATUS_INTERNAL_ERROR);

    if (token_ || process_buffer_) {
        InProcess process(volume.process());
        if (HANDLE token = exchange<HANDLE>(token_, nullptr))
            ObCloseHandle(token, UserMode);
        if (void* buffer = exchange<void*>(process_buffer_, nullptr)) {
            if (moves && !sends_ && NT_SUCCESS(response_.status())) {
                const NTSTATUS status =
                    seh::copy_from_user(transfer_, buffer, response_.information(), UserMode);
                if (!NT_SUCCESS(status))
                    response_.fail(status);
            }
            volume.give_process_buffer(buffer, transfer_length_);
        }
    }
}

bool Request::keep_response() noexcept
{
    if (!response_.answered() || kept_response_)
        return true;
    const ULONG size = response_.size();
    void* const copy = pool_allocate(size);
    if (!copy)
        return false;
    RtlCopyMemory(copy, &response_.message(), size);
    const Response old = response_;
    adopt_response(copy, size, STATUS_SUCCESS);
    if (!NT_SUCCESS(old.status()))
        response_.fail(old.status());
    return true;
}

void Request::adopt_response(void* copy, ULONG size, NTSTATUS status_without) noexcept
{
    pool_free(kept_response_);
    kept_response_ = copy;
    response_ =
        copy ? Response(static_cast<const FSP_FSCTL_TRANSACT_RSP*>(copy), size) : Response(status_without);
}

void Request::resume() noexcept
{
    if (done_)
        done_(*this, done_context_);
    else
        resume_here(coroutine);
}

void Request::resume_on_worker() noexcept
{
    begin_background_work();
    ExInitializeWorkItem(&work_item_, worker, this);
    ExQueueWorkItem(&work_item_, CriticalWorkQueue);
}

VOID NTAPI Request::worker(PVOID self)
{
    static_cast<Request*>(self)->resume();
    end_background_work();
}

// ---- Awaiters -----------------------------------------------------------------------------------------

bool Asking::begin(Volume* volume, Request* request, Post post, IrpContext* context,
                   std::coroutine_handle<> coroutine) noexcept
{
    request->context = context;
    request->coroutine = coroutine;

    if (context->on_requestor_thread()) {
        switch (volume->run_in_line(*request)) {
        case InLine::finished:
            return false;
        case InLine::deferred:
            return true;
        case InLine::unavailable:
            break;
        }
    }

    // From a successful post() on the coroutine may run and end on another thread.
    context->pend();
    const NTSTATUS status = volume->ioq.post(*request, post);
    if (NT_SUCCESS(status))
        return true;
    request->response() = Response(status);
    return false;
}

bool Later::begin(Volume* volume, Request* request, IrpContext* context,
                  std::coroutine_handle<> coroutine) noexcept
{
    request->context = context;
    request->coroutine = coroutine;
    if (request->keep_response() && volume->ioq.retry(*request))
        return true;
    request->response().fail(STATUS_CANCELLED);
    return false;
}

} // namespace fsp::fsd

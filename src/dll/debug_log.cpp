// SPDX-License-Identifier: MIT
//
// The debug log: free text, and one line for every request and response.
#include "dll/debug_text.h"
#include "dll/os.h"
#include "dll/text_format.h"

namespace fsp::dll {
namespace {

constexpr SIZE_T message_size = 1024;

HANDLE debug_handle = INVALID_HANDLE_VALUE;

void write(const TextBuffer& text)
{
    os::write(__atomic_load_n(&debug_handle, __ATOMIC_RELAXED), text.data(), text.size());
}

/// A message that is complete with one piece of text.
void log_text(const char* format, const char* piece)
{
    char buffer[message_size];
    TextBuffer text(buffer, sizeof buffer - 1);
    text.format(format, piece);
    write(text);
}

std::string narrow(const nt::WideString& text) { return nt::to_narrow(text); }

void begin_line(TextBuffer& line, UINT64 hint, const char* arrow)
{
    line.format("%s[TID=%04lx]: %p: %s", os::program_name_utf8(), os::thread_id(),
                reinterpret_cast<PVOID>(static_cast<UINT_PTR>(hint)), arrow);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

VOID FspDebugLogSetHandle(HANDLE Handle) { __atomic_store_n(&debug_handle, Handle, __ATOMIC_RELAXED); }

VOID FspDebugLog(const char* Format, ...)
{
    char buffer[message_size];
    TextBuffer text(buffer, sizeof buffer - 1);
    va_list list;
    va_start(list, Format);
    text.format_list(Format, list);
    va_end(list);
    write(text);
}

VOID FspDebugLogSD(const char* Format, PSECURITY_DESCRIPTOR SecurityDescriptor)
{
    if (SecurityDescriptor == nullptr)
        return log_text(Format, "null security descriptor");
    fsp::nt::WideString text;
    const bool valid = NT_SUCCESS(format_descriptor(SecurityDescriptor, &text));
    log_text(Format, valid ? narrow(text).c_str() : "invalid security descriptor");
}

VOID FspDebugLogSid(const char* Format, PSID Sid)
{
    if (Sid == nullptr)
        return log_text(Format, "null SID");
    fsp::nt::WideString text;
    const bool valid = NT_SUCCESS(format_sid(Sid, &text));
    log_text(Format, valid ? narrow(text).c_str() : "invalid SID");
}

VOID FspDebugLogFT(const char* Format, PFILETIME FileTime)
{
    const UINT64 time = UINT64{FileTime->dwHighDateTime} << 32 | FileTime->dwLowDateTime;
    char text[time_text_size];
    log_text(Format, format_time(time, text) ? text : "invalid file time");
}

VOID FspDebugLogRequest(FSP_FSCTL_TRANSACT_REQ* Request)
{
    char buffer[message_size];
    TextBuffer line(buffer, sizeof buffer);
    begin_line(line, Request->Hint, ">>");
    describe_request(line, Request);
    line.end_line();
    write(line);
}

VOID FspDebugLogResponse(FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (Response->IoStatus.Status == static_cast<UINT32>(STATUS_PENDING))
        return;
    char buffer[message_size];
    TextBuffer line(buffer, sizeof buffer);
    begin_line(line, Response->Hint, "<<");
    describe_response(line, Response);
    line.end_line();
    write(line);
}

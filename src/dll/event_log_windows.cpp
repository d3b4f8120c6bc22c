// SPDX-License-Identifier: MIT
//
// Messages for the administrator: the Application log.
#include "dll/module_windows.h"
#include "dll/os.h"
#include "dll/text_format.h"
#include "nt/text.h"

namespace fsp::dll {
namespace {

constexpr DWORD event_information = 0x60000001, event_warning = 0xA0000001, event_error = 0xE0000001;

DWORD event_id(ULONG type)
{
    return type == EVENTLOG_ERROR_TYPE     ? event_error
           : type == EVENTLOG_WARNING_TYPE ? event_warning
                                           : event_information;
}

} // namespace
} // namespace fsp::dll

VOID FspEventLog(ULONG Type, PWSTR Format, ...)
{
    va_list list;
    va_start(list, Format);
    FspEventLogV(Type, Format, list);
    va_end(list);
}

VOID FspEventLogV(ULONG Type, PWSTR Format, va_list ap)
{
    using namespace fsp::dll;
    constexpr SIZE_T message_size = 1024;
    char narrow[message_size * 3];
    TextBuffer line(narrow, sizeof narrow);
    line.format_list(Format, ap);
    WCHAR message[message_size] = {};
    fsp::nt::to_utf16({line.data(), line.size()}, message, message_size - 1, fsp::nt::TextMode::replace);

    HANDLE log = RegisterEventSourceW(nullptr, FSP_L("" FSP_FSCTL_PRODUCT_NAME));
    if (log == nullptr)
        log = RegisterEventSourceW(nullptr, os::program_name());
    if (log == nullptr)
        return;
    const WCHAR* strings[] = {os::program_name(), message};
    ReportEventW(log, static_cast<WORD>(Type), 0, event_id(Type), nullptr, 2, 0, strings, nullptr);
    DeregisterEventSource(log);
}

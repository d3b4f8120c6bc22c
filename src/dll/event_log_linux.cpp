// SPDX-License-Identifier: MIT
//
// Messages for the administrator. A system service manager collects standard error, so that is where they go.
#include "dll/os.h"
#include "dll/text_format.h"

VOID FspEventLog(ULONG Type, PWSTR Format, ...)
{
    va_list list;
    va_start(list, Format);
    FspEventLogV(Type, Format, list);
    va_end(list);
}

VOID FspEventLogV(ULONG, PWSTR Format, va_list ap)
{
    using namespace fsp::dll;
    constexpr SIZE_T message_size = 1024;
    char buffer[message_size * 3];
    TextBuffer line(buffer, sizeof buffer);
    line.format("%s: ", os::program_name_utf8());
    line.format_list(Format, ap);
    line.end_line();
    os::write_error_stream(line.data(), line.size());
}

// SPDX-License-Identifier: MIT
#include "dll/os.h"

#include <cstdlib>
#include <new>

#include "dll/inline_dispatch.h"
#include "dll/module_windows.h"
#include "dll/mount_point.h"
#include "nt/text.h"

namespace fsp::dll::os {
namespace {

struct Start
{
    ThreadRoutine routine;
    PVOID context;
};

DWORD WINAPI enter_thread(PVOID parameter)
{
    const Start start = *static_cast<Start*>(parameter);
    delete static_cast<Start*>(parameter);
    start.routine(start.context);
    return 0;
}

/// Name of the program without folder and extension.
struct ProgramName
{
    WCHAR wide[20] = {};
    char utf8[20 * 3 + 1] = {};

    ProgramName()
    {
        const ModulePath path(nullptr);
        nt::WideView name(path.text, path.length);
        name.remove_prefix(name.find_last_of(FSP_L("\\/")) + 1);
        if (const size_t dot = name.rfind('.'); dot != name.npos && dot != 0)
            name = name.substr(0, dot);
        name = name.substr(0, 19);
        std::memcpy(wide, name.data(), name.size() * sizeof(WCHAR));
        nt::to_utf8(name, utf8, sizeof utf8 - 1, nt::TextMode::replace);
    }
};
const ProgramName program;

void (*stop_notify)() = nullptr;

BOOL WINAPI on_console_event(DWORD event)
{
    constexpr DWORD patience = 30'000;
    if (event == CTRL_LOGOFF_EVENT)
        return TRUE;
    if (stop_notify != nullptr)
        stop_notify();
    // The process ends when this returns; the main thread ends it when the file system has stopped.
    if (event == CTRL_CLOSE_EVENT || event == CTRL_SHUTDOWN_EVENT)
        Sleep(patience);
    return TRUE;
}

bool is_blank(WCHAR c) { return c == ' ' || c == '\t'; }

/// One word of a command line, by the rules of Microsoft's C run-time ("Parsing C command-line arguments").
/// Moves `at` behind it; writes it to `out` unless that is null. @return its length
size_t parse_word(const WCHAR*& at, WCHAR* out, bool is_program)
{
    size_t length = 0;
    const auto put = [&](WCHAR c) {
        if (out != nullptr)
            out[length] = c;
        ++length;
    };
    bool quoted = false;
    while (*at != 0 && (quoted || !is_blank(*at))) {
        size_t slashes = 0;
        while (!is_program && at[slashes] == '\\')
            ++slashes;
        if (slashes != 0) {
            const bool before_quote = at[slashes] == '"';
            for (size_t i = before_quote ? slashes / 2 : slashes; i != 0; --i)
                put('\\');
            at += slashes;
            if (before_quote && slashes % 2 != 0)
                put(*at++);
            continue;
        }
        if (*at == '"') {
            if (quoted && at[1] == '"' && !is_program)
                put(*at++);
            else
                quoted = !quoted;
            ++at;
            continue;
        }
        put(*at++);
    }
    if (out != nullptr)
        out[length] = 0;
    return length;
}

/// Calls take(length) for each word; `out` moves on with the words, or is null.
size_t parse_line(const WCHAR* line, PWSTR* words, WCHAR* out, size_t* units)
{
    size_t count = 0;
    while (*line != 0 || count == 0) {
        const size_t length = parse_word(line, out, count == 0);
        if (words != nullptr)
            words[count] = out;
        if (out != nullptr)
            out += length + 1;
        *units += length + 1;
        ++count;
        while (is_blank(*line))
            ++line;
    }
    return count;
}

} // namespace

NTSTATUS start_thread(ThreadRoutine routine, PVOID context, HANDLE* thread)
{
    auto* start = new (std::nothrow) Start{routine, context};
    if (start == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    *thread = CreateThread(nullptr, 0, enter_thread, start, 0, nullptr);
    if (*thread != nullptr)
        return STATUS_SUCCESS;
    delete start;
    return FspNtStatusFromWin32(GetLastError());
}

NTSTATUS start_detached_thread(ThreadRoutine routine, PVOID context)
{
    HANDLE thread;
    const NTSTATUS status = start_thread(routine, context, &thread);
    if (NT_SUCCESS(status))
        CloseHandle(thread);
    return status;
}

void join_thread(HANDLE thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

UINT32 thread_id() { return GetCurrentThreadId(); }

ULONG processor_count()
{
    DWORD_PTR of_process = 0, of_system = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &of_process, &of_system) || of_process == 0)
        return 1;
    ULONG count = 0;
    for (; of_process != 0; of_process &= of_process - 1)
        ++count;
    return count;
}

void sleep_ms(ULONG milliseconds) { Sleep(milliseconds); }

const WCHAR* program_name() { return program.wide; }
const char* program_name_utf8() { return program.utf8; }

void write(HANDLE file, const char* text, SIZE_T size)
{
    if (file != INVALID_HANDLE_VALUE) {
        DWORD written = 0;
        WriteFile(file, text, static_cast<DWORD>(size), &written, nullptr);
        return;
    }
    while (size != 0) {
        char piece[512];
        const SIZE_T length = size < sizeof piece ? size : sizeof piece - 1;
        std::memcpy(piece, text, length);
        piece[length] = 0;
        OutputDebugStringA(piece);
        text += length;
        size -= length;
    }
}

void write_error_stream(const char* text, SIZE_T size)
{
    const HANDLE error = GetStdHandle(STD_ERROR_HANDLE);
    if (error == nullptr || error == INVALID_HANDLE_VALUE)
        return;
    DWORD mode = 0, written = 0;
    if (!GetConsoleMode(error, &mode)) {
        WriteFile(error, text, static_cast<DWORD>(size), &written, nullptr);
        return;
    }
    // A console shows UTF-8 only in some code pages.
    const nt::WideString wide = nt::to_wide({text, size});
    WriteConsoleW(error, wide.data(), static_cast<DWORD>(wide.size()), &written, nullptr);
}

// The only variables are for a driver inside of the process.
const char* environment(const char*) { return nullptr; }

NTSTATUS check_mount_point(PWSTR mount_point)
{
    const bool manager = mount_point[0] == '\\' && mount_point[1] == '\\' &&
                         (mount_point[2] == '.' || mount_point[2] == '?') && mount_point[3] == '\\';
    if (manager)
        return STATUS_SUCCESS;
    if (is_drive_mount_point(mount_point)) {
        if (mount_point[0] == '*')
            return STATUS_SUCCESS;
        const ULONG letter = static_cast<ULONG>((mount_point[0] | 0x20) - 'a');
        return (GetLogicalDrives() >> letter & 1) != 0 ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
    }
    if (GetFileAttributesW(mount_point) != INVALID_FILE_ATTRIBUTES)
        return STATUS_OBJECT_NAME_COLLISION;
    return GetLastError() == ERROR_FILE_NOT_FOUND ? STATUS_SUCCESS : STATUS_OBJECT_NAME_INVALID;
}

NTSTATUS command_line(ULONG* argc, PWSTR** argv)
{
    const WCHAR* line = GetCommandLineW();
    size_t units = 0;
    const size_t count = parse_line(line, nullptr, nullptr, &units);
    // One block: the array with its null at the end, then the text.
    auto* block = static_cast<PWSTR*>(std::malloc((count + 1) * sizeof(PWSTR) + units * sizeof(WCHAR)));
    if (block == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    units = 0;
    parse_line(line, block, reinterpret_cast<WCHAR*>(block + count + 1), &units);
    block[count] = nullptr;
    *argc = static_cast<ULONG>(count);
    *argv = block;
    return STATUS_SUCCESS;
}

void free_command_line(PWSTR* argv) { std::free(argv); }

void on_stop_signal(void (*notify)())
{
    const bool first = stop_notify == nullptr;
    stop_notify = notify;
    if (first)
        SetConsoleCtrlHandler(on_console_event, TRUE);
}

} // namespace fsp::dll::os

namespace fsp::dll {

// The driver is the kernel's: there are only dispatcher threads.
void start_inline_dispatch(FSP_FILE_SYSTEM*, ULONG) {}
void stop_inline_dispatch(FSP_FILE_SYSTEM*) {}

DWORD product_setting(const WCHAR* value, DWORD otherwise)
{
    HKEY key;
    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, FSP_L("" FSP_FSCTL_PRODUCT_REGKEY), 0,
                      KEY_READ | FSP_FSCTL_PRODUCT_REGKEY_WOW64, &key) != ERROR_SUCCESS)
        return otherwise;
    DWORD type = 0, data = 0, size = sizeof data;
    const LSTATUS status =
        RegQueryValueExW(key, value, nullptr, &type, reinterpret_cast<BYTE*>(&data), &size);
    RegCloseKey(key);
    return status == ERROR_SUCCESS && type == REG_DWORD && size == sizeof data ? data : otherwise;
}

} // namespace fsp::dll

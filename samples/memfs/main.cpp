// SPDX-License-Identifier: MIT
//
// memfs: an in-memory file system, as a program and (on Windows) as a service.
#include "memfs.h"

#include <cstdarg>
#include <cstdio>
#include <optional>

#if !defined(_WIN32)
#include <fcntl.h>
#endif

namespace {

using memfs::Memfs;
using memfs::Options;

constexpr const char* usage_text =
    "usage: memfs OPTIONS\n"
    "\n"
    "options:\n"
    "    -d DebugFlags       [-1: all requests; bit mask by request kind]\n"
    "    -D DebugLogFile     [file to append the debug log to; - for standard error]\n"
    "    -i                  [case-insensitive file system]\n"
    "    -f                  [flush and purge cached data when a file is closed]\n"
    "    -t FileInfoTimeout  [ms that file information may be cached; -1: forever (default)]\n"
    "    -n MaxFileNodes     [files, directories and streams at the most; default 1024]\n"
    "    -s MaxFileSize      [bytes of one file at the most; default 16777216]\n"
    "    -M MaxDelay         [slow I/O: longest delay, ms; default 0: off]\n"
    "    -P PercentDelay     [slow I/O: percentage of requests answered asynchronously]\n"
    "    -R RarefyDelay      [slow I/O: shift delays right by a random number up to this]\n"
    "    -F FileSystemName   [up to 15 characters; default -MEMFS]\n"
    "    -S RootSddl         [security of the root: file rights such as FA, no generic rights]\n"
    "    -u \\Server\\Share    [network file system with this UNC prefix (single leading backslash)]\n"
#if defined(_WIN32)
    "    -m MountPoint       [X: | * | directory that does not exist | \\\\.\\X:]\n";
#else
    "    -m MountPoint       [an empty directory]\n";
#endif

struct CommandLine
{
    Options options;
    UINT32 debug_flags = 0;
    const WCHAR* debug_log = nullptr;
    const WCHAR* mount_point = nullptr;
};

/// Messages of the library and of this program go one way: console, or event log of a service.
void fail(const char* format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    FspServiceLog(EVENTLOG_ERROR_TYPE, const_cast<PWSTR>(FSP_L("%S")), text);
}

std::string utf8(const WCHAR* text)
{
    char* converted = nullptr;
    if (FspPosixMapWindowsToPosixPathEx(const_cast<PWSTR>(text), &converted, FALSE) != STATUS_SUCCESS)
        return "?";
    std::string result = converted;
    FspPosixDeletePath(converted);
    return result;
}

/// Decimal, 0x hexadecimal or leading-0 octal; -N is taken modulo 2^32, as -1 stands for "all".
std::optional<UINT64> number(const WCHAR* text)
{
    const std::string digits = utf8(text);
    char* end = nullptr;
    errno = 0;
    const UINT64 value = strtoull(digits.c_str(), &end, 0);
    if (digits.empty() || *end != 0 || errno != 0)
        return {};
    return digits[0] == '-' ? static_cast<UINT32>(value) : value;
}

/// Reads a number into `target`; says so and returns false if it is none or too large.
template<class T>
bool take_number(const WCHAR* option, const WCHAR* text, T& target, UINT64 least, UINT64 most)
{
    const std::optional<UINT64> value = number(text);
    if (value && *value >= least && *value <= most) {
        target = static_cast<T>(*value);
        return true;
    }
    fail("memfs: option %s: '%s' is not a number from %llu to %llu", utf8(option).c_str(), utf8(text).c_str(),
         static_cast<unsigned long long>(least), static_cast<unsigned long long>(most));
    return false;
}

bool take_option(const WCHAR* option, const WCHAR* value, CommandLine& line)
{
    constexpr UINT64 any32 = 0xFFFFFFFF;
    Options& o = line.options;
    switch (option[1]) {
    case 'd':
        return take_number(option, value, line.debug_flags, 0, any32);
    case 'D':
        line.debug_log = value;
        return true;
    case 't':
        return take_number(option, value, o.file_info_timeout, 0, any32);
    case 'n':
        return take_number(option, value, o.max_nodes, 1, any32);
    case 's':
        if (!take_number(option, value, o.max_file_size, 1, UINT64{1} << 60))
            return false;
        o.max_file_size = (o.max_file_size + 511) / 512 * 512;
        return true;
    case 'M':
        return take_number(option, value, o.slow_io.max_delay, 0, any32);
    case 'P':
        return take_number(option, value, o.slow_io.percent_delayed, 0, 100);
    case 'R':
        return take_number(option, value, o.slow_io.rarefy, 0, 31);
    case 'F':
        o.file_system_name = value;
        return true;
    case 'S':
        o.root_sddl = value;
        return true;
    case 'u':
        o.volume_prefix = value;
        return true;
    case 'm':
        line.mount_point = value;
        return true;
    default:
        fail("memfs: unknown option '%s'; memfs --help lists them", utf8(option).c_str());
        return false;
    }
}

bool parse(ULONG argc, PWSTR* argv, CommandLine& line)
{
    ULONG at = 1;
    while (at < argc && argv[at][0] == '-') {
        const WCHAR* option = argv[at++];
        // -i and -f undo each other, as they always did: the last one counts.
        if (option[1] == 'i' || option[1] == 'f') {
            line.options.case_insensitive = option[1] == 'i';
            line.options.flush_and_purge_on_cleanup = option[1] == 'f';
            continue;
        }
        if (at == argc && std::char_traits<WCHAR>::find(FSP_L("dDtnsMPRFSum"), 12, option[1]) != nullptr) {
            fail("memfs: option %s wants a value; memfs --help lists the options", utf8(option).c_str());
            return false;
        }
        if (!take_option(option, at < argc ? argv[at] : option, line))
            return false;
        ++at;
    }
    if (at < argc) {
        fail("memfs: '%s' is no option; memfs --help lists them", utf8(argv[at]).c_str());
        return false;
    }
    if (line.mount_point == nullptr && line.options.volume_prefix[0] == 0) {
        fail("memfs: where to mount? Say -m MountPoint, or memfs --help");
        return false;
    }
    return true;
}

bool open_debug_log(const WCHAR* path)
{
#if defined(_WIN32)
    const HANDLE file = path[0] == '-' && path[1] == 0
                            ? GetStdHandle(STD_ERROR_HANDLE)
                            : CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                                          OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
#else
    const std::string name = utf8(path);
    const int fd = name == "-" ? 2 : open(name.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const HANDLE file =
        fd < 0 ? INVALID_HANDLE_VALUE : reinterpret_cast<HANDLE>(static_cast<std::intptr_t>(fd));
#endif
    if (file == INVALID_HANDLE_VALUE) {
        fail("memfs: cannot open debug log file '%s'", utf8(path).c_str());
        return false;
    }
    FspDebugLogSetHandle(file);
    return true;
}

void announce(const CommandLine& line)
{
    const Options& o = line.options;
    std::string text = "memfs -t " + std::to_string(static_cast<INT32>(o.file_info_timeout)) + " -n " +
                       std::to_string(static_cast<INT32>(o.max_nodes)) + " -s " +
                       std::to_string(static_cast<INT64>(o.max_file_size));
    if (o.root_sddl != Options{}.root_sddl)
        text += " -S " + utf8(o.root_sddl);
    if (o.volume_prefix[0] != 0)
        text += " -u " + utf8(o.volume_prefix);
    if (line.mount_point != nullptr)
        text += " -m " + utf8(line.mount_point);
    FspServiceLog(EVENTLOG_INFORMATION_TYPE, const_cast<PWSTR>(FSP_L("%S")), text.c_str());
}

NTSTATUS start(FSP_SERVICE* service, ULONG argc, PWSTR* argv)
{
    CommandLine line;
    if (!parse(argc, argv, line) || (line.debug_log != nullptr && !open_debug_log(line.debug_log)))
        return STATUS_UNSUCCESSFUL;
    std::unique_ptr<Memfs> memfs;
    NTSTATUS status = Memfs::create(line.options, memfs);
    if (status == STATUS_INVALID_SECURITY_DESCR) {
        fail("memfs: cannot create MEMFS: '%s' is not a security descriptor in SDDL",
             utf8(line.options.root_sddl).c_str());
        return status;
    }
    if (status != STATUS_SUCCESS) {
        fail("memfs: cannot create MEMFS%s (Status=%x, Win32 error %u)",
             status == STATUS_NO_SUCH_DEVICE ? ": the file system driver is not installed" : "",
             static_cast<unsigned>(status), static_cast<unsigned>(FspWin32FromNtStatus(status)));
        return status;
    }
    FspFileSystemSetDebugLog(memfs->handle(), line.debug_flags);
    if (line.mount_point != nullptr && line.mount_point[0] != 0) {
        const bool any_drive = line.mount_point[0] == '*' && line.mount_point[1] == 0;
        status = FspFileSystemSetMountPoint(memfs->handle(),
                                            any_drive ? nullptr : const_cast<PWSTR>(line.mount_point));
        if (status != STATUS_SUCCESS) {
            fail("memfs: cannot mount MEMFS (Status=%x)", static_cast<unsigned>(status));
            return status;
        }
    }
    status = FspFileSystemStartDispatcher(memfs->handle(), 0);
    if (status != STATUS_SUCCESS) {
        fail("memfs: cannot start MEMFS (Status=%x)", static_cast<unsigned>(status));
        return status;
    }
    announce(line);
    service->UserContext = memfs.release();
    return STATUS_SUCCESS;
}

NTSTATUS stop(FSP_SERVICE* service)
{
    const std::unique_ptr<Memfs> memfs(static_cast<Memfs*>(service->UserContext));
    service->UserContext = nullptr;
    // As long as somebody answers, so that what is open on the drive is closed in order.
    FspFileSystemRemoveMountPoint(memfs->handle());
    FspFileSystemStopDispatcher(memfs->handle());
    return STATUS_SUCCESS;
}

bool wants_help(const char* argument)
{
    return argument != nullptr &&
           (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0 || strcmp(argument, "-?") == 0);
}

} // namespace

int main(int argc, char** argv)
{
    if (argc == 2 && wants_help(argv[1])) {
        fputs(usage_text, stdout);
        return 0;
    }
    const ULONG code = FspServiceRun(const_cast<PWSTR>(FSP_L("memfs")), start, stop, nullptr);
    // A shell sees eight bits: let no failure look like success.
    return static_cast<int>(code != 0 && (code & 0xFF) == 0 ? 1 : code);
}

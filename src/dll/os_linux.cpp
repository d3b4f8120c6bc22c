// SPDX-License-Identifier: MIT
#include "dll/os.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "nt/text.h"

namespace fsp::dll::os {
namespace {

struct Start
{
    ThreadRoutine routine;
    PVOID context;
};

void* enter_thread(void* parameter)
{
    const Start start = *static_cast<Start*>(parameter);
    delete static_cast<Start*>(parameter);
    start.routine(start.context);
    return nullptr;
}

NTSTATUS start(ThreadRoutine routine, PVOID context, pthread_t* thread)
{
    auto* start = new (std::nothrow) Start{routine, context};
    if (start == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;

    const int error = pthread_create(thread, nullptr, enter_thread, start);
    if (error != 0) {
        delete start;
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    return STATUS_SUCCESS;
}

long futex(const UINT32* address, int operation, UINT32 value)
{
    return syscall(SYS_futex, address, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

struct ProgramName
{
    char utf8[20 * 3 + 1] = {};
    WCHAR wide[20] = {};

    ProgramName()
    {
        std::string name = program_invocation_short_name;
        if (const size_t dot = name.rfind('.'); dot != std::string::npos && dot != 0)
            name.resize(dot);
        const nt::WideString text = nt::to_wide(name).substr(0, 19);
        nt::copy(wide, 20, text);
        const std::string cut = nt::to_narrow(text);
        std::memcpy(utf8, cut.data(), std::min(cut.size(), sizeof utf8 - 1));
    }
};

const ProgramName& program()
{
    static const ProgramName name;
    return name;
}

void (*stop_notify)() = nullptr;

void stop_signal(int)
{
    const int error = errno;
    if (stop_notify != nullptr)
        stop_notify();
    errno = error;
}

} // namespace

NTSTATUS start_thread(ThreadRoutine routine, PVOID context, HANDLE* thread)
{
    pthread_t id;
    const NTSTATUS status = start(routine, context, &id);
    if (!NT_SUCCESS(status))
        return status;
    static_assert(sizeof id <= sizeof *thread);
    *thread = reinterpret_cast<HANDLE>(id);
    return STATUS_SUCCESS;
}

NTSTATUS start_detached_thread(ThreadRoutine routine, PVOID context)
{
    pthread_t id;
    const NTSTATUS status = start(routine, context, &id);
    if (NT_SUCCESS(status))
        pthread_detach(id);
    return status;
}

void join_thread(HANDLE thread) { pthread_join(reinterpret_cast<pthread_t>(thread), nullptr); }

UINT32 thread_id()
{
    static thread_local const UINT32 id = static_cast<UINT32>(syscall(SYS_gettid));
    return id;
}

ULONG processor_count()
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return static_cast<ULONG>(CPU_COUNT(&set));
}

void sleep_ms(ULONG milliseconds)
{
    timespec left = {static_cast<time_t>(milliseconds / 1000),
                     static_cast<long>(milliseconds % 1000 * 1000000)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

void wait_on_address(const UINT32* address, UINT32 value) { futex(address, FUTEX_WAIT, value); }
void wake_one(const UINT32* address) { futex(address, FUTEX_WAKE, 1); }
void wake_all(const UINT32* address) { futex(address, FUTEX_WAKE, INT_MAX); }

const WCHAR* program_name() { return program().wide; }
const char* program_name_utf8() { return program().utf8; }

void write(HANDLE file, const char* text, SIZE_T size)
{
    const int fd = file == INVALID_HANDLE_VALUE ? STDERR_FILENO
                                                : static_cast<int>(reinterpret_cast<std::intptr_t>(file));
    while (size != 0) {
        const ssize_t written = ::write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        text += written;
        size -= static_cast<SIZE_T>(written);
    }
}

void write_error_stream(const char* text, SIZE_T size) { write(INVALID_HANDLE_VALUE, text, size); }

const char* environment(const char* name) { return std::getenv(name); }

NTSTATUS check_mount_point(PWSTR mount_point)
{
    const std::string path = nt::to_narrow(mount_point);
    struct stat status;
    if (stat(path.c_str(), &status) != 0) {
        switch (errno) {
        case ENOENT:
        case ENOTDIR:
            return STATUS_OBJECT_NAME_NOT_FOUND;
        case EACCES:
            return STATUS_ACCESS_DENIED;
        default:
            return STATUS_OBJECT_NAME_INVALID;
        }
    }
    return S_ISDIR(status.st_mode) ? STATUS_SUCCESS : STATUS_NOT_A_DIRECTORY;
}

NTSTATUS command_line(ULONG* argc, PWSTR** argv)
{
    std::string all;
    if (FILE* file = fopen("/proc/self/cmdline", "re")) {
        char buffer[4096];
        while (const size_t got = fread(buffer, 1, sizeof buffer, file))
            all.append(buffer, got);
        fclose(file);
    }

    std::vector<nt::WideString> words;
    size_t units = 0;
    for (size_t at = 0; at < all.size();) {
        const size_t end = std::min(all.find('\0', at), all.size());
        words.push_back(nt::to_wide(std::string_view(all).substr(at, end - at)));
        units += words.back().size() + 1;
        at = end + 1;
    }

    // One block: the array with its null at the end, then the text.
    const size_t array = (words.size() + 1) * sizeof(PWSTR);
    auto* block = static_cast<PWSTR*>(std::malloc(array + units * sizeof(WCHAR)));
    if (block == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    auto* text = reinterpret_cast<WCHAR*>(block + words.size() + 1);
    for (size_t i = 0; i != words.size(); ++i) {
        block[i] = text;
        std::memcpy(text, words[i].c_str(), (words[i].size() + 1) * sizeof(WCHAR));
        text += words[i].size() + 1;
    }
    block[words.size()] = nullptr;
    *argc = static_cast<ULONG>(words.size());
    *argv = block;
    return STATUS_SUCCESS;
}

void free_command_line(PWSTR* argv) { std::free(argv); }

void on_stop_signal(void (*notify)())
{
    stop_notify = notify;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action = {};
        // A signal that the caller's shell ignores for us (nohup, background job) stays ignored.
        if (sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
            continue;
        action = {};
        action.sa_handler = stop_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(number, &action, nullptr);
    }
}

} // namespace fsp::dll::os

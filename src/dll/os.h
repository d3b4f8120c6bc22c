// SPDX-License-Identifier: MIT
//
// What the library needs of the operating system besides the driver.
#pragma once

#include "dll/dll.h"

namespace fsp::dll::os {

using ThreadRoutine = void (*)(PVOID context);

/// Starts a thread; it is released by join_thread.
NTSTATUS start_thread(ThreadRoutine routine, PVOID context, HANDLE* thread);
/// Starts a thread that nobody waits for.
NTSTATUS start_detached_thread(ThreadRoutine routine, PVOID context);
void join_thread(HANDLE thread);

UINT32 thread_id();
/// Processors that this process may run on.
ULONG processor_count();
void sleep_ms(ULONG milliseconds);

/// Sends what must arrive: tries again while the kernel has no memory for it. `send` returns such a status
/// only if nothing has happened.
template<class Send> NTSTATUS insist(Send send)
{
    for (;;) {
        const NTSTATUS status = send();
        if (status != STATUS_INSUFFICIENT_RESOURCES && status != STATUS_WORKING_SET_QUOTA)
            return status;
        sleep_ms(1);
    }
}

/// Sleeps while *address is `value`; wakes at wake_*, and sometimes for no reason.
void wait_on_address(const UINT32* address, UINT32 value);
void wake_one(const UINT32* address);
void wake_all(const UINT32* address);

/// Name of the program file without folder and extension, cut to 19 characters; UTF-16 and UTF-8.
const WCHAR* program_name();
const char* program_name_utf8();

/// Writes to a file handle; INVALID_HANDLE_VALUE is where debug output goes by default.
void write(HANDLE file, const char* text, SIZE_T size);
void write_error_stream(const char* text, SIZE_T size);

/// What environment variable `name` says; null if there is none.
const char* environment(const char* name);

/// Whether a mount point may be used.
NTSTATUS check_mount_point(PWSTR mount_point);

/// The words of the command line. Freed with free_command_line.
NTSTATUS command_line(ULONG* argc, PWSTR** argv);
void free_command_line(PWSTR* argv);

/**
 * Calls `notify` whenever the user or the system asks the process to end (console, terminal closed,
 * shutdown). `notify` must not allocate or lock. Once per process; later calls replace it.
 */
void on_stop_signal(void (*notify)());

} // namespace fsp::dll::os

// SPDX-License-Identifier: MIT
#include "libfuse/background.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libfuse/file_system.h"

namespace fsp::libfuse {
namespace {

int mounted_pipe = -1; ///< to the process that waits for the mount

std::atomic<FileSystem*> signalled = nullptr;
std::atomic<int> signal_seen = 0;

void on_signal(int signal)
{
    signal_seen = signal;
    if (FileSystem* fs = signalled)
        fs->exit();
}

/// The user's process: ends as the file system's does, or when that has mounted.
[[noreturn]] void wait_for_mount(int pipe, pid_t child)
{
    char byte;
    ssize_t n;
    while ((n = read(pipe, &byte, 1)) < 0 && errno == EINTR)
        ;
    if (n == 1)
        _exit(0);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    _exit(code != 0 ? code : 1);
}

constexpr int ending[] = {SIGHUP, SIGINT, SIGTERM};

void change_handler(int signal, void (*from)(int), void (*to)(int))
{
    struct sigaction action = {};
    if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler != from)
        return;
    action = {};
    action.sa_handler = to;
    sigemptyset(&action.sa_mask);
    sigaction(signal, &action, nullptr);
}

} // namespace

int go_to_background(bool foreground)
{
    if (!foreground) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) {
            std::perror("fuse: pipe");
            return -1;
        }
        std::fflush(nullptr);
        const pid_t child = fork();
        if (child < 0) {
            std::perror("fuse: fork");
            close(ends[0]);
            close(ends[1]);
            return -1;
        }
        if (child != 0) {
            close(ends[1]);
            wait_for_mount(ends[0], child);
        }
        close(ends[0]);
        mounted_pipe = ends[1];
        if (setsid() == -1) {
            std::perror("fuse: setsid");
            return -1;
        }
    }
    if (chdir("/") != 0)
        std::perror("fuse: chdir");
    return 0;
}

void leave_terminal()
{
    if (mounted_pipe < 0)
        return;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    const char mounted = 0;
    while (write(mounted_pipe, &mounted, 1) < 0 && errno == EINTR)
        ;
    close(mounted_pipe);
    mounted_pipe = -1;
}

int handle_signals(FileSystem* fs)
{
    signalled = fs;
    signal_seen = 0;
    for (int signal : ending)
        change_handler(signal, SIG_DFL, on_signal);
    change_handler(SIGPIPE, SIG_DFL, SIG_IGN);
    return 0;
}

void stop_handling_signals(FileSystem* fs)
{
    if (signalled != fs)
        std::fputs("fuse: the signal handlers are those of another file system\n", stderr);
    signalled = nullptr;
    for (int signal : ending)
        change_handler(signal, on_signal, SIG_DFL);
    change_handler(SIGPIPE, SIG_IGN, SIG_DFL);
}

int ending_signal() { return signal_seen; }

} // namespace fsp::libfuse

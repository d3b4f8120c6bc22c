// SPDX-License-Identifier: MIT
#include "frontends/fuse/mount_point.h"

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace fsp::fuse {
namespace {

constexpr char our_type[] = "fuse.winfsp";

/// Blanks and backslashes are in octal.
std::string unescape(const std::string& text)
{
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += char((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
            i += 3;
        } else
            out += text[i];
    }
    return out;
}

std::string read_all(const char* path)
{
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string find_fusermount()
{
    const char* path = std::getenv("PATH");
    std::istringstream folders(std::string(path ? path : "") + ":/usr/bin:/bin:/usr/local/bin");
    for (std::string folder; std::getline(folders, folder, ':');) {
        const std::string candidate = folder + "/fusermount3";
        if (!folder.empty() && access(candidate.c_str(), X_OK) == 0)
            return candidate;
    }
    return {};
}

bool is_empty(const std::string& path)
{
    DIR* const directory = opendir(path.c_str());
    if (!directory)
        return true; // mounting needs no right to list
    bool empty = true;
    while (const dirent* entry = readdir(directory))
        if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
            empty = false;
            break;
        }
    closedir(directory);
    return empty;
}

/// The path without links, also if the directory itself cannot be looked at any more.
std::string real_path_of(const std::string& mount_point)
{
    char buffer[PATH_MAX];
    if (realpath(mount_point.c_str(), buffer))
        return buffer;
    std::string path = mount_point;
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    const size_t slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const std::string last = slash == std::string::npos ? path : path.substr(slash + 1);
    if (!realpath(parent.c_str(), buffer))
        return path;
    return std::string(buffer) == "/" ? "/" + last : std::string(buffer) + "/" + last;
}

} // namespace

std::vector<MountedAt> parse_mountinfo(const std::string& text)
{
    std::vector<MountedAt> out;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        MountedAt mounted;
        for (int i = 0; words >> word && word != "-"; ++i)
            if (i == 4)
                mounted.path = unescape(word);
        if (words >> mounted.type >> mounted.source) {
            mounted.source = unescape(mounted.source);
            out.push_back(mounted);
        }
    }
    return out;
}

bool detach(const std::string& mount_point)
{
    if (umount2(mount_point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        return true;
    const std::string fusermount = find_fusermount();
    if (fusermount.empty())
        return false;
    const char* arguments[] = {"fusermount3", "-u", "-q", "-z", "--", mount_point.c_str(), nullptr};
    pid_t child;
    if (posix_spawn(&child, fusermount.c_str(), nullptr, nullptr, const_cast<char**>(arguments), environ) !=
        0)
        return false;
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

NTSTATUS prepare_mount_point(const std::string& mount_point, std::string* real_path,
                             std::string* error_sentence, bool any)
{
    const std::string quoted = "mount point " + mount_point;
    *real_path = real_path_of(mount_point);

    struct stat info;
    int result = stat(mount_point.c_str(), &info);
    for (int tries = 0; result != 0 && (errno == ENOTCONN || errno == ECONNABORTED) && tries < 8; ++tries) {
        // Its process is gone. There may be several, one over the other.
        if (!detach(*real_path)) {
            *error_sentence =
                quoted + " belongs to a file system that ended, and cannot be unmounted; try umount -l";
            return STATUS_ACCESS_DENIED;
        }
        result = stat(mount_point.c_str(), &info);
    }
    if (result != 0) {
        if (errno == ENOENT || errno == ENOTDIR) {
            *error_sentence = quoted + " does not exist; create the directory first";
            return STATUS_OBJECT_NAME_NOT_FOUND;
        }
        *error_sentence = quoted + " cannot be used: " + std::strerror(errno);
        return errno == EACCES ? STATUS_ACCESS_DENIED : STATUS_OBJECT_PATH_INVALID;
    }
    if (any)
        return STATUS_SUCCESS;
    if (!S_ISDIR(info.st_mode)) {
        *error_sentence = quoted + " is not a directory";
        return STATUS_NOT_A_DIRECTORY;
    }
    for (const MountedAt& mounted : parse_mountinfo(read_all("/proc/self/mountinfo")))
        if (mounted.path == *real_path && mounted.type == our_type) {
            *error_sentence = quoted + " is in use: a volume is mounted there already";
            return STATUS_OBJECT_NAME_COLLISION;
        }
    if (geteuid() != 0 && access(mount_point.c_str(), W_OK | X_OK) != 0) {
        *error_sentence =
            "no permission to mount at " + mount_point + ": the directory must be writable for you";
        return STATUS_ACCESS_DENIED;
    }
    if (!is_empty(mount_point)) {
        *error_sentence = quoted + " is not empty";
        return STATUS_DIRECTORY_NOT_EMPTY;
    }
    return STATUS_SUCCESS;
}

NTSTATUS check_fuse(std::string* error_sentence)
{
    const int descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (descriptor < 0) {
        if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
            *error_sentence = "there is no /dev/fuse; load the kernel module with 'modprobe fuse'";
        else
            *error_sentence = std::string("/dev/fuse cannot be opened: ") + std::strerror(errno) +
                              "; its mode should be 0666";
        return STATUS_DEVICE_NOT_READY;
    }
    close(descriptor);
    if (geteuid() != 0 && find_fusermount().empty()) {
        *error_sentence = "fusermount3 was not found; install the package fuse3";
        return STATUS_DEVICE_NOT_READY;
    }
    return STATUS_SUCCESS;
}

bool may_allow_others()
{
    if (geteuid() == 0)
        return true;
    std::ifstream file("/etc/fuse.conf");
    for (std::string line; std::getline(file, line);) {
        const size_t start = line.find_first_not_of(" \t");
        const size_t end = line.find_last_not_of(" \t\r");
        // Nor does fusermount3 believe in a line without an end.
        if (start != std::string::npos && !file.eof() &&
            line.substr(start, end - start + 1) == "user_allow_other")
            return true;
    }
    return false;
}

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
//
// Calls that take a path, on every kind of path.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "both.h"
#include "room.h"

namespace table {

void make_file(const char* path, mode_t mode, size_t size)
{
    const int file = open(path, O_CREAT | O_WRONLY, 0600);
    const std::string data(size, 'x');
    if (write(file, data.data(), data.size()) < 0 || fchmod(file, mode) != 0)
        perror(path);
    close(file);
}

std::string furnish(const User& owner)
{
    make_file("f", 0644, 10);
    mkdir("d", 0755);
    mkdir("full", 0755);
    make_file("full/f", 0644, 10);
    mkdir("full/d", 0755);
    mkfifo("fifo", 0644);
    mknod("sock", S_IFSOCK | 0644, 0);
    symlink("f", "to-f");
    symlink("d", "to-d");
    symlink("missing", "dangling");
    symlink("loop2", "loop");
    symlink("loop", "loop2");
    mkdir("closed", 0700);
    make_file("closed/f", 0666, 10);
    mkdir("unwritable", 0555);
    make_file("unwritable/f", 0666, 10);
    mkdir("unsearchable", 0666);
    make_file("unsearchable/f", 0666, 10);
    mkdir("sticky", 01777);
    make_file("sticky/f", 0666, 10);
    mkdir("sticky/d", 0777);
    for (const char* each : {"f", "d", "full", "full/f", "full/d", "fifo", "sock", "to-f", "to-d", "dangling",
                             "loop", "loop2", "sticky/f", "sticky/d", "unwritable/f", "."})
        if (lchown(each, owner.uid, owner.gid) != 0)
            perror(each);
    return {};
}

const std::vector<std::string>& room_paths()
{
    static const std::string name255(255, 'n'), name256(256, 'n');
    static const auto dots = [](size_t size, const char* last) { // a path of that many bytes
        std::string out;
        const size_t tail = std::string_view(last).size();
        while (out.size() + 2 + tail <= size)
            out += "./";
        if (out.size() + tail < size)
            out += "/";
        return out + last;
    };
    static const std::vector<std::string> paths = {
        "",
        ".",
        "..",
        "missing",
        "missing/",
        "missing/x",
        "f",
        "f/",
        "f/.",
        "f/x",
        "f/..",
        "d",
        "d/",
        "d/.",
        "d/..",
        "d/x",
        "full",
        "full/",
        "full/f",
        "full/d",
        "fifo",
        "fifo/x",
        "sock",
        "sock/",
        "to-f",
        "to-f/",
        "to-f/x",
        "to-d",
        "to-d/",
        "to-d/.",
        "to-d/x",
        "dangling",
        "dangling/",
        "dangling/x",
        "loop",
        "loop/",
        "loop/x",
        "closed/f",
        "closed/missing",
        "unwritable/f",
        "unwritable/missing",
        "unsearchable/f",
        "unsearchable/missing",
        "sticky/f",
        "sticky/d",
        "sticky/missing",
        name255,
        name256,
        name256 + "/x",
        "d/" + name255,
        "d/" + name256,
        "f/" + name256,
        dots(4095, "missing"),
        dots(4096, "missing"),
        dots(4095, "f"),
        dots(4096, "f"),
        dots(4095, "d"),
    };
    return paths;
}

std::string shortened(const std::string& path)
{
    return path.size() <= 40 ? path : path.substr(0, 6) + "... of " + std::to_string(path.size());
}

namespace {

long opened(const char* path, int flags)
{
    const int file = open(path, flags | O_CLOEXEC);
    return file < 0 ? -1 : close(file);
}

} // namespace

void paths(Both& both)
{
    struct Call
    {
        const char* name;
        std::function<long(const char*)> run;
    };
    const Call calls[] = {
        {"stat",
         [](const char* p) {
             struct stat s;
             return stat(p, &s);
         }},
        {"lstat",
         [](const char* p) {
             struct stat s;
             return lstat(p, &s);
         }},
        {"access F_OK", [](const char* p) { return faccessat(AT_FDCWD, p, F_OK, AT_EACCESS); }},
        {"access R_OK|W_OK", [](const char* p) { return faccessat(AT_FDCWD, p, R_OK | W_OK, AT_EACCESS); }},
        {"chmod", [](const char* p) { return chmod(p, 0640); }},
        {"chown to nobody new", [](const char* p) { return chown(p, uid_t(-1), 20100); }},
        {"chown to root", [](const char* p) { return chown(p, 0, gid_t(-1)); }},
        {"lchown", [](const char* p) { return lchown(p, uid_t(-1), 20100); }},
        {"mkdir", [](const char* p) { return mkdir(p, 0755); }},
        {"mkfifo", [](const char* p) { return mkfifo(p, 0644); }},
        {"mknod of a file", [](const char* p) { return mknod(p, S_IFREG | 0644, 0); }},
        {"mknod of a socket", [](const char* p) { return mknod(p, S_IFSOCK | 0644, 0); }},
        {"mknod of a device", [](const char* p) { return mknod(p, S_IFCHR | 0644, 0x103); }},
        {"mknod of a directory", [](const char* p) { return mknod(p, S_IFDIR | 0755, 0); }},
        {"bind",
         [](const char* p) -> long {
             sockaddr_un address{AF_UNIX, {}};
             if (snprintf(address.sun_path, sizeof address.sun_path, "%s", p) >=
                     int(sizeof address.sun_path) ||
                 !*p)
                 return 0;
             const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
             const long result = ::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address);
             const int error = errno;
             close(s);
             errno = error;
             return result;
         }},
        {"readlink",
         [](const char* p) {
             char text[300];
             return readlink(p, text, sizeof text);
         }},
        {"rmdir", [](const char* p) { return rmdir(p); }},
        {"symlink", [](const char* p) { return symlink("some/where", p); }},
        {"truncate", [](const char* p) { return truncate(p, 5); }},
        {"truncate to -1", [](const char* p) { return truncate(p, -1); }},
        {"unlink", [](const char* p) { return unlink(p); }},
        {"utimensat, now", [](const char* p) { return utimensat(AT_FDCWD, p, nullptr, 0); }},
        {"utimensat, set",
         [](const char* p) {
             const timespec t[2] = {{1, 0}, {2, 0}};
             return utimensat(AT_FDCWD, p, t, 0);
         }},
        {"utimensat of the link",
         [](const char* p) { return utimensat(AT_FDCWD, p, nullptr, AT_SYMLINK_NOFOLLOW); }},
        {"statvfs",
         [](const char* p) {
             struct statvfs s;
             return statvfs(p, &s);
         }},
        {"chdir",
         [](const char* p) {
             const int back = open(".", O_PATH);
             const long result = chdir(p);
             const int error = errno;
             if (fchdir(back) != 0)
                 perror("fchdir");
             close(back);
             errno = error;
             return result;
         }},
        {"getxattr",
         [](const char* p) {
             char value[9];
             return getxattr(p, "user.none", value, sizeof value);
         }},
        {"open O_RDONLY", [](const char* p) { return opened(p, O_RDONLY | O_NONBLOCK); }},
        {"open O_PATH", [](const char* p) { return opened(p, O_PATH | O_NOFOLLOW); }},
        {"execve",
         [](const char* p) {
             char* none[] = {nullptr};
             return execve(p, none, none);
         }},
    };
    for (const mode_t mode : {0777, 0755, 01777}) {
        both.prepare([mode] {
            furnish(alice);
            chmod(".", mode);
            return std::string();
        });
        char how[32];
        snprintf(how, sizeof how, " in %04o", mode);
        for (const User* user : {&root, &alice, &bob}) {
            // Root is not asked for permissions.
            if (user == &root && mode != 0777)
                continue;
            for (const Call& call : calls)
                for (const std::string& path : room_paths())
                    both.compare(std::string(call.name) + " " + shortened(path) + how, *user, [&] {
                        std::string out = outcome(call.run(path.c_str()));
                        if (out != "ok")
                            return out;
                        become(root);
                        return out + " " + describe(path.c_str());
                    });
        }
    }
}

void renames(Both& both)
{
    both.prepare([] { return furnish(alice); });
    for (const User* user : {&root, &alice, &bob})
        for (const std::string& from : room_paths()) {
            if (from.size() > 40 && from[1] == '/')
                continue;
            for (const std::string& to : room_paths()) {
                if (to.size() > 40 && to[1] == '/')
                    continue;
                const std::string names = " " + shortened(from) + " to " + shortened(to);
                both.compare("rename" + names, *user, [&] {
                    std::string out = outcome(rename(from.c_str(), to.c_str()));
                    become(root);
                    return out + "; " + describe(from.c_str()) + "; " + describe(to.c_str());
                });
                if (user != &alice)
                    continue;
                both.compare("renameat2 RENAME_NOREPLACE" + names, *user, [&] {
                    const long result =
                        renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
                    return outcome(result);
                });
                both.compare("link" + names, *user, [&] {
                    const std::string out = outcome(link(from.c_str(), to.c_str()));
                    if (out != "ok" || both.here())
                        return out;
                    become(root);
                    unlink(to.c_str());
                    return std::string("EPERM"); // what a drive without hard links answers then
                });
            }
        }
    const std::pair<const char*, const char*> below[] = {
        {"full", "full/d/x"}, {"full", "full/x"}, {"full", "full/d"}, {"full/d", "full"},
        {"d", "d/x"},         {"full/d/..", "d"}, {".", "x"},         {"d", "."}};
    for (const auto& [from, to] : below)
        both.compare(std::string("rename ") + from + " to " + to, alice,
                     [&] { return outcome(rename(from, to)); });
}

} // namespace table

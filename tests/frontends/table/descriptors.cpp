// SPDX-License-Identifier: MIT
//
// Calls on open files and directories.
#include <cerrno>
#include <climits>
#include <cstring>
#include <set>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "both.h"
#include "room.h"

namespace table {

void input_output(Both& both)
{
    both.prepare([] { return furnish(root); });
    struct Open
    {
        const char* path;
        int flags;
        const char* name;
    };
    static constexpr Open files[] = {
        {"f", O_RDONLY, "f, read"},
        {"f", O_WRONLY, "f, write"},
        {"f", O_RDWR, "f"},
        {"f", O_RDWR | O_APPEND, "f, append"},
        {"f", O_PATH, "f, O_PATH"},
        {"d", O_RDONLY, "d"},
        {"d", O_PATH, "d, O_PATH"},
        {"fifo", O_RDWR | O_NONBLOCK, "fifo"},
        {"fifo", O_RDONLY | O_NONBLOCK, "fifo, read"},
    };
    struct Case
    {
        const char* name;
        std::function<long(int)> run;
    };
    static char buffer[64];
    static char* volatile nowhere = reinterpret_cast<char*>(8);
    static constexpr off_t big = off_t(1) << 40;
    static const auto allocate = [](int mode, off_t from, off_t size) {
        return [=](int f) -> long { return fallocate(f, mode, from, size); };
    };
    const Case cases[] = {
        {"pread", [](int f) { return pread(f, buffer, 5, 3); }},
        {"pread at the end", [](int f) { return pread(f, buffer, 5, 10); }},
        {"pread behind", [](int f) { return pread(f, buffer, 5, 1000); }},
        {"pread across", [](int f) { return pread(f, buffer, 50, 8); }},
        {"pread of nothing", [](int f) { return pread(f, buffer, 0, 0); }},
        {"pread from -1", [](int f) { return pread(f, buffer, 5, -1); }},
        {"pread from the end of numbers", [](int f) { return pread(f, buffer, 5, LLONG_MAX - 2); }},
        {"pread to a bad address", [](int f) { return pread(f, nowhere, 5, 0); }},
        {"pwrite", [](int f) { return pwrite(f, "hello", 5, 3); }},
        {"pwrite behind", [](int f) { return pwrite(f, "hello", 5, 5000); }},
        {"pwrite of nothing behind", [](int f) { return pwrite(f, "hello", 0, 5000); }},
        {"pwrite at -1", [](int f) { return pwrite(f, "x", 1, -1); }},
        {"pwrite from a bad address", [](int f) { return pwrite(f, nowhere, 5, 0); }},
        {"write twice", [](int f) { return write(f, "abc", 3) + 10 * write(f, "def", 3); }},
        {"writev",
         [](int f) {
             const iovec v[] = {{buffer, 3}, {buffer, 0}, {buffer, 4}};
             return writev(f, v, 3);
         }},
        {"read to the end",
         [](int f) { return read(f, buffer, 7) + 100 * read(f, buffer, 7) + 10000 * read(f, buffer, 7); }},
        {"ftruncate", [](int f) { return ftruncate(f, 3); }},
        {"ftruncate, longer", [](int f) { return ftruncate(f, 5000); }},
        {"ftruncate to -1", [](int f) { return ftruncate(f, -1); }},
        {"ftruncate, huge, and back",
         [](int f) {
             const long r = ftruncate(f, 1 << 30);
             return r == 0 ? ftruncate(f, 5) : r;
         }},
        {"fallocate", allocate(0, 0, 100)},
        {"fallocate behind", allocate(0, 5000, 100)},
        {"fallocate, keep size", allocate(FALLOC_FL_KEEP_SIZE, 0, 5000)},
        {"fallocate nothing", allocate(0, 0, 0)},
        {"fallocate from -1", allocate(0, -1, 5)},
        {"fallocate -1", allocate(0, 0, -1)},
        {"fallocate over the end of numbers", allocate(0, LLONG_MAX - 5, 10)},
        {"punch", allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2, 3)},
        {"punch behind", allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 3)},
        {"punch without keeping the size", allocate(FALLOC_FL_PUNCH_HOLE, 2, 3)},
        {"collapse", allocate(FALLOC_FL_COLLAPSE_RANGE, 0, 4096)},
        {"insert", allocate(FALLOC_FL_INSERT_RANGE, 0, 4096)},
        {"posix_fallocate",
         [](int f) {
             errno = posix_fallocate(f, 0, 6000);
             return errno ? -1 : 0;
         }},
        {"lseek SEEK_END", [](int f) { return lseek(f, 5, SEEK_END); }},
        {"lseek before the start", [](int f) { return lseek(f, -1, SEEK_SET); }},
        {"lseek far", [](int f) { return lseek(f, big, SEEK_SET); }},
        {"lseek SEEK_DATA", [](int f) { return lseek(f, 3, SEEK_DATA); }},
        {"lseek SEEK_HOLE", [](int f) { return lseek(f, 3, SEEK_HOLE); }},
        {"lseek SEEK_DATA behind", [](int f) { return lseek(f, 10, SEEK_DATA); }},
        {"lseek SEEK_HOLE behind", [](int f) { return lseek(f, 11, SEEK_HOLE); }},
        {"lseek SEEK_DATA from -1", [](int f) { return lseek(f, -1, SEEK_DATA); }},
        {"lseek, unknown", [](int f) { return lseek(f, 0, 77); }},
        {"fsync", [](int f) { return fsync(f); }},
        {"fdatasync", [](int f) { return fdatasync(f); }},
        {"syncfs", [](int f) { return syncfs(f); }},
        {"fchmod", [](int f) { return fchmod(f, 0600); }},
        {"fchown", [](int f) { return fchown(f, 1, 1); }},
        {"futimens", [](int f) { return futimens(f, nullptr); }},
        {"fgetxattr", [](int f) { return fgetxattr(f, "user.none", buffer, sizeof buffer); }},
        {"fchdir", [](int f) { return fchdir(f); }},
        {"openat below",
         [](int f) {
             const int g = openat(f, "new", O_CREAT | O_RDWR, 0600);
             return g < 0 ? -1 : close(g);
         }},
        {"mkdirat below", [](int f) { return mkdirat(f, "new", 0700); }},
        {"unlinkat above", [](int f) { return unlinkat(f, "../full/f", 0); }},
        {"mmap, private",
         [](int f) {
             void* const p = mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0);
             return p == MAP_FAILED ? -1 : munmap(p, 10);
         }},
        {"mmap, shared",
         [](int f) {
             void* const p = mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
             return p == MAP_FAILED ? -1 : munmap(p, 10);
         }},
        {"mmap, to execute",
         [](int f) {
             void* const p = mmap(nullptr, 10, PROT_READ | PROT_EXEC, MAP_PRIVATE, f, 0);
             return p == MAP_FAILED ? -1 : munmap(p, 10);
         }},
        {"copy_file_range",
         [](int f) {
             const int g = open("full/f", O_RDONLY);
             off_t from = 0, to = 5;
             const long n = copy_file_range(g, &from, f, &to, 10, 0);
             const int error = errno;
             close(g);
             errno = error;
             return n;
         }},
        {"after unlink",
         [](int f) { return unlink("f") + pwrite(f, "unlinked", 8, 2) + ftruncate(f, 4) + fchmod(f, 0711); }},
        {"after rename",
         [](int f) {
             return rename("f", "d/g") + pwrite(f, "renamed", 7, 2) + ftruncate(f, 4) + fchmod(f, 0711);
         }},
        {"after being replaced",
         [](int f) { return rename("full/f", "f") + pwrite(f, "replaced", 8, 2) + ftruncate(f, 4); }},
        {"reopened through /proc",
         [](int f) {
             const std::string path = "/proc/self/fd/" + std::to_string(f);
             const int g = open(path.c_str(), O_RDWR);
             if (g < 0)
                 return -1L;
             const long n = pwrite(g, "again", 5, 1);
             close(g);
             return n;
         }},
    };
    for (const Case& each : cases)
        for (const Open& how : files) {
            const std::string_view name = each.name;
            // On a directory only tmpfs minds; without a name and a handle for data the size is not known.
            if ((name.starts_with("lseek") && *how.path == 'd') ||
                (name.starts_with("after ") && how.flags == O_PATH))
                continue;
            both.compare(
                std::string(each.name) + " on " + how.name, root,
                [&] {
                    memset(buffer, '.', sizeof buffer);
                    const int file = open(how.path, how.flags | O_CLOEXEC);
                    if (file < 0)
                        return "open: " + outcome(-1);
                    const long result = each.run(file);
                    std::string out =
                        result < 0 ? outcome(result) : std::to_string(result) + " " + std::string(buffer, 60);
                    out += " at " + std::to_string(lseek(file, 0, SEEK_CUR));
                    if (fchdir(file) == 0 && chdir("..") != 0)
                        out += " lost";
                    out += " " + describe(file) + " " + describe(how.path);
                    if (how.flags == O_RDWR) {
                        char content[200];
                        const ssize_t n = pread(file, content, sizeof content, 0);
                        for (ssize_t i = 0; i < n; ++i)
                            content[i] = content[i] ? content[i] : '0';
                        out += " [" + std::string(content, size_t(std::max<ssize_t>(n, 0))) + "]";
                    }
                    close(file);
                    return out;
                },
                Both::Changes::yes);
        }

    both.compare(
        "a program that runs is not written", root,
        [] {
            if (system("cp /bin/sleep program") != 0)
                return std::string("cannot copy");
            int ready[2];
            if (pipe2(ready, O_CLOEXEC) != 0)
                return outcome(-1);
            const pid_t child = fork();
            if (child == 0) {
                execl("./program", "program", "1000", nullptr);
                _exit(1);
            }
            close(ready[1]);
            char none;
            (void)!read(ready[0], &none, 1); // closed when the program runs
            close(ready[0]);
            std::string out = "open " + outcome(open("program", O_WRONLY)) + " truncate " +
                              outcome(truncate("program", 0)) + " unlink " + outcome(unlink("program"));
            kill(child, SIGKILL);
            waitpid(child, nullptr, 0);
            const int file = open("text", O_CREAT | O_WRONLY, 0755);
            char* none_given[] = {nullptr};
            out += " exec " + outcome(execve("text", none_given, none_given));
            close(file);
            return out;
        },
        Both::Changes::yes);
}

namespace {

std::string numbered(int i) { return "file" + std::to_string(i); }

void make_many(int count)
{
    for (int i = 0; i < count; ++i)
        close(creat(numbered(i).c_str(), 0600));
}

bool is_dots(const dirent& entry) { return !strcmp(entry.d_name, ".") || !strcmp(entry.d_name, ".."); }

/// The names as a set, for their order is the file system's; "twice" for a name that came again.
std::string names_of(DIR* listing)
{
    std::set<std::string> names;
    std::string twice;
    while (const dirent* entry = readdir(listing))
        if (!names.insert(entry->d_name).second)
            twice += std::string(" twice ") + entry->d_name;
    return std::to_string(names.size()) + twice;
}

} // namespace

void directories(Both& both)
{
    constexpr int count = 2000;
    both.prepare([] {
        make_many(count);
        return std::string();
    });
    using Changes = Both::Changes;
    both.compare("all names, once", root, [] {
        DIR* const listing = opendir(".");
        std::string out = names_of(listing);
        rewinddir(listing);
        out += " again " + names_of(listing);
        closedir(listing);
        return out;
    });
    both.compare("seekdir goes where telldir was", root, [] {
        DIR* const listing = opendir(".");
        std::vector<std::pair<long, std::string>> places;
        for (;;) {
            const long place = telldir(listing);
            const dirent* const entry = readdir(listing);
            if (!entry)
                break;
            places.emplace_back(place, entry->d_name);
        }
        std::string out = std::to_string(places.size());
        for (size_t i = 0; i < places.size(); i += 37) {
            const auto& [place, name] = places[places.size() - 1 - i];
            seekdir(listing, place);
            const dirent* const entry = readdir(listing);
            if (!entry || name != entry->d_name)
                out += " not " + name;
        }
        closedir(listing);
        return out;
    });
    both.compare(
        "telldir and seekdir while the rest goes", root,
        [] {
            DIR* const listing = opendir(".");
            for (int i = 0; i < 100; ++i)
                readdir(listing);
            const long place = telldir(listing);
            const dirent* entry = readdir(listing);
            const std::string next = entry->d_name;
            DIR* const second = opendir(".");
            int removed = 0;
            while (const dirent* each = readdir(second))
                if (next != each->d_name && !is_dots(*each) && ++removed % 3 == 0)
                    unlink(each->d_name);
            closedir(second);
            seekdir(listing, place);
            entry = readdir(listing);
            std::string out = entry && next == entry->d_name ? "there" : "lost";
            rewinddir(listing);
            out += " " + names_of(listing);
            closedir(listing);
            return out;
        },
        Changes::yes);
    both.compare(
        "unlink everything while reading", root,
        [] {
            DIR* const listing = opendir(".");
            int gone = 0;
            while (const dirent* entry = readdir(listing))
                gone += unlink(entry->d_name) == 0;
            rewinddir(listing);
            std::string out = std::to_string(gone) + " left " + names_of(listing);
            closedir(listing);
            return out + " " + outcome(rmdir("../room"));
        },
        Changes::yes);
    both.compare(
        "what comes while reading is not there twice, what stays not missing", root,
        [] {
            DIR* const listing = opendir(".");
            std::set<std::string> seen;
            std::string out;
            int i = 0;
            while (const dirent* entry = readdir(listing)) {
                if (!seen.insert(entry->d_name).second)
                    out += std::string("twice ") + entry->d_name;
                if (++i % 5 == 0 && i < 5000)
                    close(creat(("new" + std::to_string(i)).c_str(), 0600));
            }
            closedir(listing);
            for (int n = 0; n < count; ++n)
                if (!seen.count(numbered(n)))
                    out += " missing " + numbered(n);
            return out;
        },
        Changes::yes);
    both.compare(
        "rename while reading", root,
        [] {
            DIR* const listing = opendir(".");
            for (int i = 0; i < 10; ++i)
                readdir(listing);
            for (int n = 0; n < count; n += 2)
                rename(numbered(n).c_str(), ("other" + std::to_string(n)).c_str());
            std::set<std::string> seen;
            while (const dirent* entry = readdir(listing))
                seen.insert(entry->d_name);
            rewinddir(listing);
            std::string out = names_of(listing);
            closedir(listing);
            return out;
        },
        Changes::yes);
    both.compare(
        "a directory that is removed while it is open", root,
        [] {
            mkdir("d", 0700);
            DIR* const listing = opendir("d");
            const int descriptor = dirfd(listing);
            std::string out = outcome(rmdir("d"));
            out += " readdir " + std::string(readdir(listing) ? "entry" : "none");
            rewinddir(listing);
            errno = 0;
            out += " again " + std::string(readdir(listing) ? "entry" : outcome(errno ? -1 : 0));
            out += " create " + outcome(openat(descriptor, "x", O_CREAT | O_RDWR, 0600)) + " mkdir " +
                   outcome(mkdirat(descriptor, "x", 0700)) + " symlink " +
                   outcome(symlinkat("x", descriptor, "x")) + " dotdot " +
                   outcome(openat(descriptor, "..", O_PATH)) + " stat " + describe(descriptor) + " rename " +
                   outcome(renameat(AT_FDCWD, numbered(1).c_str(), descriptor, "x"));
            closedir(listing);
            return out;
        },
        Changes::yes);
}

void read_only(Both& both)
{
    // The room is there, and cannot be made anew.
    struct Case
    {
        const char* name;
        std::function<long()> run;
    };
    const Case cases[] = {
        {"create", [] { return open("new", O_CREAT | O_WRONLY, 0600); }},
        {"open O_CREAT of what exists", [] { return open("f", O_CREAT | O_RDONLY, 0600); }},
        {"open O_WRONLY", [] { return open("f", O_WRONLY); }},
        {"open O_TRUNC", [] { return open("f", O_RDONLY | O_TRUNC); }},
        {"open O_RDONLY", [] { return open("f", O_RDONLY); }},
        {"open O_EXCL of what exists", [] { return open("f", O_CREAT | O_EXCL | O_WRONLY, 0600); }},
        {"mkdir", [] { return mkdir("new", 0700); }},
        {"mkdir of what exists", [] { return mkdir("d", 0700); }},
        {"mkfifo", [] { return mkfifo("new", 0700); }},
        {"symlink", [] { return symlink("x", "new"); }},
        {"unlink", [] { return unlink("f"); }},
        {"unlink of nothing", [] { return unlink("missing"); }},
        {"rmdir", [] { return rmdir("d"); }},
        {"rename", [] { return rename("f", "g"); }},
        {"rename of nothing", [] { return rename("missing", "g"); }},
        {"chmod", [] { return chmod("f", 0600); }},
        {"chown", [] { return chown("f", 1, 1); }},
        {"truncate", [] { return truncate("f", 1); }},
        {"utimensat", [] { return utimensat(AT_FDCWD, "f", nullptr, 0); }},
        {"setxattr", [] { return setxattr("f", "user.a", "v", 1, 0); }},
        {"access", [] { return access("f", W_OK); }},
        {"access to read", [] { return access("f", R_OK); }},
        {"open of a fifo", [] { return open("fifo", O_RDWR | O_NONBLOCK); }},
    };
    for (const User* user : {&root, &alice, &bob})
        for (const Case& each : cases)
            both.compare(each.name, *user, [&] { return outcome(each.run()); });
}

} // namespace table

// SPDX-License-Identifier: MIT
//
// Which times of which files a call moves.
#include <cerrno>
#include <ctime>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "both.h"
#include "room.h"

namespace table {
namespace {

/// Waits until the clock that file systems read shows another time.
void next_tick()
{
    timespec before, now;
    clock_gettime(CLOCK_REALTIME_COARSE, &before);
    do
        clock_gettime(CLOCK_REALTIME_COARSE, &now);
    while (now.tv_sec == before.tv_sec && now.tv_nsec == before.tv_nsec);
}

bool moved(const timespec& before, const timespec& after)
{
    return before.tv_sec != after.tv_sec || before.tv_nsec != after.tv_nsec;
}

} // namespace

void moved_times(Both& both)
{
    both.prepare([] { return furnish(root); });
    struct Case
    {
        const char* name;
        std::function<long(int)> run; ///< gets f, open for reading and writing
    };
    static char buffer[16];
    const Case cases[] = {
        {"write", [](int f) { return pwrite(f, "x", 1, 0); }},
        {"append", [](int f) { return pwrite(f, "x", 1, 10); }},
        {"write nothing", [](int f) { return pwrite(f, "x", 0, 0); }},
        {"write by O_APPEND",
         [](int) {
             const int g = open("f", O_WRONLY | O_APPEND);
             const long n = write(g, "x", 1);
             close(g);
             return n;
         }},
        {"ftruncate, shorter", [](int f) { return ftruncate(f, 1); }},
        {"ftruncate, longer", [](int f) { return ftruncate(f, 100); }},
        {"ftruncate, the same", [](int f) { return ftruncate(f, 10); }},
        {"truncate, shorter", [](int) { return truncate("f", 1); }},
        {"truncate, longer", [](int) { return truncate("f", 100); }},
        {"truncate, the same", [](int) { return truncate("f", 10); }},
        {"open O_TRUNC", [](int) { return close(open("f", O_WRONLY | O_TRUNC)); }},
        {"open O_TRUNC of an empty file",
         [](int f) { return ftruncate(f, 0) + close(open("f", O_WRONLY | O_TRUNC)); }},
        {"open O_CREAT of what exists", [](int) { return close(open("f", O_RDWR | O_CREAT, 0600)); }},
        {"open and close", [](int) { return close(open("f", O_RDWR)); }},
        {"fallocate", [](int f) { return fallocate(f, 0, 0, 100); }},
        {"fallocate within", [](int f) { return fallocate(f, 0, 0, 5); }},
        {"punch", [](int f) { return fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5); }},
        {"read", [](int f) { return pread(f, buffer, 5, 0); }},
        {"fsync", [](int f) { return fsync(f); }},
        {"chmod", [](int) { return chmod("f", 0600); }},
        {"chmod the same", [](int) { return chmod("f", 0644); }},
        {"fchmod", [](int f) { return fchmod(f, 0600); }},
        {"chown", [](int) { return chown("f", 20001, 20001); }},
        {"chown to nobody new", [](int) { return chown("f", uid_t(-1), gid_t(-1)); }},
        {"fchown", [](int f) { return fchown(f, 20001, uid_t(-1)); }},
        {"lchown of a link", [](int) { return lchown("to-f", 20001, 20001); }},
        {"chmod of a directory", [](int) { return chmod("d", 0700); }},
        {"chown of a directory", [](int) { return chown("d", 20001, 20001); }},
        {"chmod refused",
         [](int) {
             become(bob);
             return chmod("f", 0600);
         }},
        {"setxattr", [](int) { return setxattr("f", "user.a", "v", 1, 0); }},
        {"removexattr of nothing", [](int) { return removexattr("f", "user.b"); }},
        {"utimensat",
         [](int) {
             const timespec t[] = {{1, 0}, {2, 0}};
             return utimensat(AT_FDCWD, "f", t, 0);
         }},
        {"utimensat, only the access",
         [](int) {
             const timespec t[] = {{1, 0}, {0, UTIME_OMIT}};
             return utimensat(AT_FDCWD, "f", t, 0);
         }},
        {"utimensat, nothing",
         [](int) {
             const timespec t[] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
             return utimensat(AT_FDCWD, "f", t, 0);
         }},
        {"create in d", [](int) { return close(creat("d/new", 0600)); }},
        {"mkdir in d", [](int) { return mkdir("d/new", 0700); }},
        {"mkfifo in d", [](int) { return mkfifo("d/new", 0700); }},
        {"mknod in d", [](int) { return mknod("d/new", S_IFREG | 0700, 0); }},
        {"symlink in d", [](int) { return symlink("x", "d/new"); }},
        {"creation refused", [](int) { return mkdir("full/d", 0700); }},
        {"unlink in full", [](int) { return unlink("full/f"); }},
        {"unlink of an open file", [](int) { return unlink("f"); }},
        {"rmdir in full", [](int) { return rmdir("full/d"); }},
        {"rmdir refused", [](int) { return rmdir("full"); }},
        {"rename within full", [](int) { return rename("full/f", "full/g"); }},
        {"rename from full to d", [](int) { return rename("full/f", "d/f"); }},
        {"rename of a directory from full to d", [](int) { return rename("full/d", "d/d"); }},
        {"rename over a file", [](int) { return rename("full/f", "f"); }},
        {"rename over a directory", [](int) { return rename("full/d", "d"); }},
        {"rename to itself", [](int) { return rename("f", "f"); }},
        {"rename of an open file", [](int) { return rename("f", "d/f"); }},
        {"rename refused", [](int) { return rename("f", "d"); }},
        {"list d",
         [](int) {
             DIR* const listing = opendir("full");
             while (readdir(listing))
                 ;
             return closedir(listing);
         }},
        {"readlink", [](int) { return readlink("to-f", buffer, sizeof buffer); }},
        {"write through a mapping",
         [](int f) {
             auto* const map =
                 static_cast<char*>(mmap(nullptr, 10, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0));
             map[0] = 'y';
             const long result = msync(map, 10, MS_SYNC);
             munmap(map, 10);
             return result;
         }},
        {"write through one file, close both",
         [](int f) {
             const int g = open("f", O_RDWR);
             const long n = pwrite(g, "x", 1, 0) + pwrite(f, "y", 1, 1);
             close(g);
             return n;
         }},
    };
    static constexpr const char* watched[] = {".", "f", "d", "full", "full/f", "full/d", "to-f"};
    for (const Case& each : cases)
        both.compare(
            each.name, root,
            [&] {
                const int file = open("f", O_RDWR);
                struct stat before[std::size(watched)];
                for (size_t i = 0; i < std::size(watched); ++i) {
                    const timespec old[] = {{1000000000, 0}, {0, UTIME_OMIT}};
                    utimensat(AT_FDCWD, watched[i], old, AT_SYMLINK_NOFOLLOW);
                    lstat(watched[i], &before[i]);
                }
                next_tick();
                std::string out = outcome(each.run(file));
                become(root);
                for (const bool closed : {false, true}) {
                    if (closed) {
                        fstat(file, &before[1]);
                        next_tick();
                        close(file);
                    }
                    for (size_t i = 0; i < std::size(watched); ++i) {
                        struct stat after;
                        if (lstat(watched[i], &after) != 0 || after.st_ino != before[i].st_ino)
                            continue;
                        // The model is mounted with noatime, and nobody asks for times of access here. That a
                        // directory's moves with its entries is as [MS-FSA] has it.
                        if (!S_ISDIR(after.st_mode) && moved(before[i].st_atim, after.st_atim))
                            out += std::string(" atime of ") + watched[i];
                        if (moved(before[i].st_mtim, after.st_mtim))
                            out += std::string(" mtime of ") + watched[i];
                        if (moved(before[i].st_ctim, after.st_ctim))
                            out += std::string(" ctime of ") + watched[i];
                        before[i] = after;
                    }
                    out += closed ? "" : "; closed:";
                }
                return out;
            },
            Both::Changes::yes);
}

} // namespace table

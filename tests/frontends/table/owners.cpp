// SPDX-License-Identifier: MIT
//
// Who may change modes, owners and times, and what takes set-user-ID and set-group-ID away.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "both.h"
#include "room.h"

namespace table {
namespace {

constexpr mode_t modes[] = {0644,  0777,  04755, 04711, 04644, 02755, 02745,
                            02644, 06755, 06777, 06666, 01644, 01755, 07777};

std::string octal(mode_t mode)
{
    char text[16];
    snprintf(text, sizeof text, "%04o", mode);
    return text;
}

/// A file and a directory of alice and the group that bob is in, too, both with the mode.
bool set_up(mode_t mode, gid_t gid = 20100)
{
    remove("f");
    remove("d");
    make_file("f", 0600, 10);
    mkdir("d", 0700);
    return chown("f", 20001, gid) == 0 && chown("d", 20001, gid) == 0 && chmod("f", mode) == 0 &&
           chmod("d", mode) == 0;
}

void owner_changes(Both& both)
{
    for (const mode_t mode :
         {mode_t(0644), mode_t(04755), mode_t(02755), mode_t(02745), mode_t(06777), mode_t(06666)})
        for (const User* user : {&root, &alice, &bob})
            for (const uid_t uid : {uid_t(-1), uid_t(0), uid_t(20001), uid_t(20002)})
                for (const gid_t gid :
                     {gid_t(-1), gid_t(0), gid_t(20001), gid_t(20100), gid_t(20101), gid_t(20002)})
                {
                    // FUSE does not tell this from clearing set-user-ID.
                    if (uid == uid_t(-1) && gid == gid_t(-1) && user == &bob)
                        continue;
                    both.compare("chown " + std::to_string(int(uid)) + ":" + std::to_string(int(gid)) +
                                     " of mode " + octal(mode),
                                 *user, [&] {
                                     become(root);
                                     if (!set_up(mode))
                                         return outcome(-1);
                                     become(*user);
                                     std::string out = "did " + outcome(chown("f", uid, gid)) + " " +
                                                       outcome(chown("d", uid, gid));
                                     return out + " " + describe("f") + " " + describe("d");
                                 });
                }
}

void mode_changes(Both& both)
{
    for (const gid_t gid : {gid_t(20100), gid_t(20001), gid_t(20003)})
        for (const User* user : {&root, &alice, &bob})
            for (const mode_t mode : modes)
                both.compare("chmod " + octal(mode) + " with group " + std::to_string(gid), *user, [&] {
                    become(root);
                    if (!set_up(0644, gid))
                        return outcome(-1);
                    become(*user);
                    std::string out = "did " + outcome(chmod("f", mode)) + " " + outcome(chmod("d", mode));
                    return out + " " + describe("f") + " " + describe("d");
                });
}

/// Content changes by somebody: what stays of the mode.
void content_changes(Both& both)
{
    static constexpr struct
    {
        const char* name;
        long (*run)(int file);
    } changes[] = {
        {"write", [](int f) -> long { return pwrite(f, "y", 1, 0); }},
        {"write nothing", [](int f) -> long { return pwrite(f, "", 0, 0); }},
        {"append", [](int f) -> long { return pwrite(f, "yy", 2, 10); }},
        {"ftruncate", [](int f) -> long { return ftruncate(f, 3); }},
        {"ftruncate to the same", [](int f) -> long { return ftruncate(f, 10); }},
        {"fallocate", [](int f) -> long { return fallocate(f, 0, 0, 100); }},
        {"punch",
         [](int f) -> long { return fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 5); }},
        {"truncate", [](int) -> long { return truncate("f", 2); }},
        {"open O_TRUNC", [](int) -> long { return close(open("f", O_WRONLY | O_TRUNC)); }},
        {"read",
         [](int f) -> long {
             char c;
             return pread(f, &c, 1, 0);
         }},
        {"fchmod the same",
         [](int f) -> long {
             struct stat s;
             return fstat(f, &s) == 0 ? fchmod(f, s.st_mode & 07777) : -1;
         }},
        {"rename", [](int) -> long { return rename("f", "f2") == 0 ? rename("f2", "f") : -1; }},
    };
    for (const mode_t mode : modes)
        for (const User* user : {&root, &alice, &bob, &carol})
            for (const auto& change : changes)
                both.compare(std::string(change.name) + " with mode " + octal(mode), *user, [&] {
                    become(root);
                    if (!set_up(mode) || chmod(".", 0777) != 0)
                        return outcome(-1);
                    become(*user);
                    const int file = open("f", O_RDWR);
                    std::string out = "did open " + outcome(file);
                    out += " " + outcome(change.run(file));
                    out += " " + describe("f");
                    close(file);
                    return out + " " + describe("f");
                });
}

} // namespace

void owners(Both& both)
{
    both.prepare([] { return std::string(); });
    owner_changes(both);
    mode_changes(both);
    content_changes(both);
}

void set_times(Both& both)
{
    both.prepare([] { return std::string(); });
    const auto stamp = [](const timespec& time) {
        if (time.tv_sec == 0 || time.tv_sec > 2'000'000'000 || time.tv_sec < 1'500'000'000)
            return std::to_string(time.tv_sec) + "." + std::to_string(time.tv_nsec / 100);
        return std::string("now");
    };
    static constexpr timespec times[] = {
        {0, UTIME_NOW},         {0, UTIME_OMIT},    {1'000'000'000, 123456700}, {0, 0}, {1, 999999900},
        {-1'000'000'000, 5000}, {4'000'000'000, 0}, {0, 1'000'000'000},         {0, -1}};
    for (const mode_t mode : {0644, 0666, 0444, 0000})
        for (const User* user : {&root, &alice, &bob})
            for (const timespec& accessed : times)
                for (const timespec& modified : times) {
                    const timespec both_times[] = {accessed, modified};
                    char what[120];
                    snprintf(what, sizeof what, "utimensat %jd.%ld %jd.%ld of mode %04o",
                             intmax_t(accessed.tv_sec), accessed.tv_nsec, intmax_t(modified.tv_sec),
                             modified.tv_nsec, mode);
                    both.compare(what, *user, [&] {
                        become(root);
                        static constexpr timespec old[] = {{10, 100}, {20, 200}};
                        if (!set_up(mode) || utimensat(AT_FDCWD, "f", old, 0) != 0 ||
                            utimensat(AT_FDCWD, "d", old, 0) != 0)
                            return outcome(-1);
                        become(*user);
                        std::string out = "did";
                        for (const char* each : {"f", "d"}) {
                            struct stat info;
                            out += " " + outcome(utimensat(AT_FDCWD, each, both_times, 0));
                            lstat(each, &info);
                            out += " " + stamp(info.st_atim) + " " + stamp(info.st_mtim);
                        }
                        return out;
                    });
                }
}

} // namespace table

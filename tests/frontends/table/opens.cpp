// SPDX-License-Identifier: MIT
//
// open with every sensible combination of flags, and what new files are like.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

#include "both.h"
#include "room.h"

namespace table {
namespace {

std::string octal(mode_t mode)
{
    char text[16];
    snprintf(text, sizeof text, "%04o", mode);
    return text;
}

std::string flag_names(int flags)
{
    static constexpr std::pair<int, const char*> names[] = {
        {O_WRONLY, "O_WRONLY"},     {O_RDWR, "O_RDWR"},     {O_CREAT, "O_CREAT"},
        {O_EXCL, "O_EXCL"},         {O_TRUNC, "O_TRUNC"},   {O_DIRECTORY, "O_DIRECTORY"},
        {O_NOFOLLOW, "O_NOFOLLOW"}, {O_APPEND, "O_APPEND"}, {O_NOATIME, "O_NOATIME"}};
    std::string out = "O_NONBLOCK";
    for (const auto& [flag, name] : names)
        if (flags & flag)
            out += std::string("|") + name;
    return out;
}

} // namespace

void opens(Both& both)
{
    both.prepare([] { return furnish(alice); });
    for (const User* user : {&root, &alice, &bob})
        for (const int access : {O_RDONLY, O_WRONLY, O_RDWR})
            for (const int more :
                 {0, O_CREAT, O_CREAT | O_EXCL, O_TRUNC, O_CREAT | O_TRUNC, O_DIRECTORY, O_NOFOLLOW,
                  O_CREAT | O_NOFOLLOW, O_APPEND, O_NOATIME, O_CREAT | O_DIRECTORY, O_TRUNC | O_APPEND})
                for (const std::string& path : room_paths())
                    both.compare("open " + shortened(path) + " " + flag_names(access | more), *user, [&] {
                        const int flags = access | more | O_NONBLOCK | O_CLOEXEC;
                        const int file = open(path.c_str(), flags, 0640);
                        std::string out = outcome(file);
                        if (file < 0)
                            return out;
                        out += " " + describe(file);
                        char byte;
                        struct stat info;
                        if (fstat(file, &info) == 0 && S_ISREG(info.st_mode))
                            out += " read " + outcome(pread(file, &byte, 1, 0)) + " write " +
                                   outcome(write(file, "y", 1)) + " size " + outcome(ftruncate(file, 3)) +
                                   " " + describe(file);
                        close(file);
                        // What was only looked at need not be made anew.
                        return access == O_RDONLY && !(more & (O_CREAT | O_TRUNC)) ? "looked" + out : out;
                    });
}

void creations(Both& both)
{
    static constexpr struct
    {
        const char* name;
        long (*make)(const char* path, mode_t mode);
    } kinds[] = {
        {"open",
         [](const char* p, mode_t m) -> long {
             const int file = open(p, O_CREAT | O_EXCL | O_WRONLY, m);
             return file < 0 ? -1 : close(file);
         }},
        {"mkdir", [](const char* p, mode_t m) -> long { return mkdir(p, m); }},
        {"mkfifo", [](const char* p, mode_t m) -> long { return mkfifo(p, m); }},
        {"mknod", [](const char* p, mode_t m) -> long { return mknod(p, S_IFREG | m, 0); }},
        {"socket", [](const char* p, mode_t m) -> long { return mknod(p, S_IFSOCK | m, 0); }},
        {"symlink", [](const char* p, mode_t) -> long { return symlink("x", p); }},
    };
    static constexpr mode_t modes[] = {0777,  0666,  0644,  0600,  0000,  0421,
                                       02755, 02745, 04755, 06711, 01777, 07777};
    for (const auto& [mode, gid] :
         {std::pair<mode_t, gid_t>{0777, 0}, {02777, 0}, {02777, 20100}, {02777, 20003}, {03777, 20100}})
    {
        both.prepare([mode, gid] {
            mkdir("in", 0777);
            const bool good = chown("in", 0, gid) == 0 && chmod("in", mode) == 0;
            return std::string(good ? "" : "bad");
        });
        for (const User* user : {&root, &alice, &bob})
            for (const auto& kind : kinds)
                for (const mode_t mask : {0, 022, 077, 0777})
                    for (const mode_t bits : modes)
                        both.compare(std::string(kind.name) + " " + octal(bits) + " umask " + octal(mask) +
                                         " in " + octal(mode) + " of group " + std::to_string(gid),
                                     *user, [&] {
                                         umask(mask);
                                         const std::string out =
                                             outcome(kind.make("in/new", bits)) + " " + describe("in/new");
                                         become(root);
                                         remove("in/new");
                                         return "made " + out;
                                     });
    }
}

void accesses(Both& both)
{
    both.prepare([] {
        make_file("f", 0644, 10);
        mkdir("d", 0755);
        make_file("d/f", 0666, 10);
        for (const char* each : {"f", "d", "d/f"})
            if (chown(each, 20001, 20100) != 0)
                perror(each);
        return std::string();
    });
    for (mode_t mode = 0; mode < 01000; mode += mode < 0100 ? 1 : 011) // all of the others', then some
        for (const User* user : {&root, &alice, &bob, &carol}) {
            both.compare("access with mode " + octal(mode), *user, [&] {
                become(root);
                for (const char* each : {"f", "d"})
                    if (chmod(each, mode) != 0)
                        return outcome(-1);
                become(*user);
                std::string out = "asked";
                for (const char* each : {"f", "d"})
                    for (int wanted = 1; wanted < 8; ++wanted)
                        out += " " + outcome(faccessat(AT_FDCWD, each, wanted, AT_EACCESS));
                for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR}) {
                    const int file = open("f", flags);
                    out += " open " + outcome(file);
                    close(file);
                }
                const int directory = open("d", O_RDONLY);
                out += " list " + outcome(directory);
                close(directory);
                struct stat info;
                out += " stat " + outcome(stat("d/f", &info));
                out += " make " + outcome(mkdir("d/new", 0777));
                out += " remove " + outcome(rmdir("d/new"));
                out += " rename " + outcome(rename("d/f", "d/f"));
                return out;
            });
        }
}

} // namespace table

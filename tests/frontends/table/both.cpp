// SPDX-License-Identifier: MIT
#include "both.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <ftw.h>
#include <grp.h>
#include <unistd.h>

namespace table {
namespace {

void must(bool good, const std::string& what)
{
    if (good)
        return;
    fprintf(stderr, "posix_table: %s: %s\n", what.c_str(), strerror(errno));
    exit(2);
}

int remove_one(const char* path, const struct stat*, int, FTW*) { return remove(path); }

void remove_tree(const std::string& path)
{
    must(nftw(path.c_str(), remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT, "remove " + path);
}

} // namespace

void become(const User& user)
{
    must(seteuid(0) == 0 && setgroups(user.groups.size(), user.groups.data()) == 0 &&
             setegid(user.gid) == 0 && seteuid(user.uid) == 0,
         "becoming another user");
}

std::string outcome(long result) { return result >= 0 ? "ok" : strerrorname_np(errno); }

std::string describe(const struct stat& info)
{
    char text[160];
    snprintf(text, sizeof text, "%06o %u:%u", info.st_mode, info.st_uid, info.st_gid);
    std::string out = text;
    if (!S_ISDIR(info.st_mode)) {
        snprintf(text, sizeof text, " links %ju size %jd", uintmax_t(info.st_nlink), intmax_t(info.st_size));
        out += text;
    }
    return out;
}

std::string describe(const char* path)
{
    struct stat info;
    return lstat(path, &info) == 0 ? describe(info) : outcome(-1);
}

std::string describe(int descriptor)
{
    struct stat info;
    return fstat(descriptor, &info) == 0 ? describe(info) : outcome(-1);
}

Both::Both(const std::string& here, const std::string& model)
    : roots_{here + "/posix_table", model + "/posix_table"}
{}

Both::~Both()
{
    must(chdir("/") == 0, "leaving");
    if (fixture_)
        for (const std::string& root : roots_)
            remove_tree(root);
}

void Both::make_rooms()
{
    for (side_ = 0; side_ < 2; ++side_) {
        const std::string room = roots_[side_] + "/room";
        remove_tree(roots_[side_]);
        must(mkdir(roots_[side_].c_str(), 0755) == 0, roots_[side_]);
        must(mkdir(room.c_str(), 0755) == 0 && chdir(room.c_str()) == 0, room);
        umask(0);
        fixture_();
    }
    fresh_ = true;
}

void Both::compare(const std::string& what, const User& user, const Action& action, Changes changes)
{
    if (!fresh_ && fixture_)
        make_rooms();
    ++cases_;
    std::string results[2];
    for (side_ = 0; side_ < 2; ++side_) {
        must(chdir((roots_[side_] + "/room").c_str()) == 0, "room");
        become(user);
        results[side_] = action();
        become(root);
        umask(0);
    }
    if (changes == Changes::yes ||
        (changes == Changes::if_ok && (results[0].starts_with("ok") || results[1].starts_with("ok"))))
        fresh_ = false;
    if (results[0] == results[1])
        return;
    fresh_ = false;
    if (++failures_ <= 60)
        printf("different: %s, by %s\n  here:  %s\n  model: %s\n", what.c_str(), user.name,
               results[0].c_str(), results[1].c_str());
}

} // namespace table

// SPDX-License-Identifier: MIT
//
// Metadata rates of a mounted file system: meta DIRECTORY [FILES [COMMAND]]
// Prints "measure<TAB>operations a second", a line a measure. COMMAND is run after each, with the measure's
// name.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace {

std::string folder;
int files = 10000;
std::string command;

std::string path(const char* prefix, int i) { return folder + "/" + prefix + std::to_string(i); }

void expect(bool good, const char* what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

void report(const char* name, double rate)
{
    printf("%s\t%.0f\n", name, rate);
    fflush(stdout);
    if (!command.empty())
        expect(system((command + " " + name).c_str()) == 0, "command");
}

/// Times `work(i)` for each file, in an order that is not the order of creation.
template<class Work> void measure(const char* name, int count, Work work)
{
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i != count; ++i)
        work(static_cast<int>(static_cast<long>(i) * 7919 % count));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    report(name, count / taken.count());
}

int list(bool with_stat)
{
    int count = 0;
    DIR* directory = opendir(folder.c_str());
    expect(directory != nullptr, "opendir");
    while (const dirent* entry = readdir(directory)) {
        struct stat info;
        if (with_stat)
            expect(fstatat(dirfd(directory), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0, "fstatat");
        ++count;
    }
    closedir(directory);
    return count;
}

/// Rate of entries over some listings.
void measure_listing(const char* name, bool with_stat)
{
    const auto start = std::chrono::steady_clock::now();
    int count = 0;
    for (int i = 0; i != 5; ++i)
        count += list(with_stat);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    report(name, count / taken.count());
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        fputs("usage: meta DIRECTORY [FILES [COMMAND]]\n", stderr);
        return 2;
    }
    folder = std::string(argv[1]) + "/meta." + std::to_string(getpid());
    files = argc > 2 ? atoi(argv[2]) : files;
    command = argc > 3 ? argv[3] : "";
    expect(files > 0 && mkdir(folder.c_str(), 0777) == 0, "mkdir");
    struct stat info;
    struct statvfs volume;
    measure("statfs", files, [&](int) { expect(statvfs(folder.c_str(), &volume) == 0, "statvfs"); });
    measure("create", files, [&](int i) {
        const int fd = open(path("f", i).c_str(), O_CREAT | O_EXCL | O_WRONLY, 0644);
        expect(fd >= 0 && close(fd) == 0, "create");
    });
    measure("stat", files, [&](int i) { expect(stat(path("f", i).c_str(), &info) == 0, "stat"); });
    measure("miss", files, [&](int i) { expect(stat(path("none", i).c_str(), &info) != 0, "miss"); });
    measure("open", files, [&](int i) {
        const int fd = open(path("f", i).c_str(), O_RDONLY);
        expect(fd >= 0 && close(fd) == 0, "open");
    });
    measure("chmod", files, [&](int i) { expect(chmod(path("f", i).c_str(), 0600) == 0, "chmod"); });
    measure_listing("readdir", false);
    measure_listing("readdir+stat", true);
    measure("rename", files,
            [&](int i) { expect(rename(path("f", i).c_str(), path("g", i).c_str()) == 0, "rename"); });
    measure("unlink", files, [&](int i) { expect(unlink(path("g", i).c_str()) == 0, "unlink"); });
    measure("mkdir", files, [&](int i) { expect(mkdir(path("d", i).c_str(), 0755) == 0, "mkdir"); });
    measure("rmdir", files, [&](int i) { expect(rmdir(path("d", i).c_str()) == 0, "rmdir"); });
    expect(rmdir(folder.c_str()) == 0, "rmdir");
    return 0;
}

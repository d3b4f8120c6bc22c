// SPDX-License-Identifier: MIT
//
// plain_volume MOUNTPOINT [WITHOUT...]: MEMFS without some of its features (acl, reparse, ea, posix, case),
// as simpler file systems are. Until SIGTERM or SIGINT.
#include "memfs/memfs.h"

#include <csignal>
#include <cstdio>
#include <cstring>

int main(int count, char** arguments)
{
    if (count < 2)
        return 2;
    memfs::Options options;
    options.max_nodes = 200'000;
    options.max_file_size = UINT64{1} << 30;
    for (int i = 2; i < count; ++i) {
        options.persistent_acls &= strcmp(arguments[i], "acl") != 0;
        options.reparse_points &= strcmp(arguments[i], "reparse") != 0;
        options.extended_attributes &= strcmp(arguments[i], "ea") != 0;
        options.posix_unlink_rename &= strcmp(arguments[i], "posix") != 0;
        options.case_insensitive |= strcmp(arguments[i], "case") == 0;
    }
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    std::unique_ptr<memfs::Memfs> memfs;
    if (memfs::Memfs::create(options, memfs) != STATUS_SUCCESS)
        return 1;
    PWSTR mount_point = nullptr;
    if (FspPosixMapPosixToWindowsPath(arguments[1], &mount_point) != STATUS_SUCCESS)
        return 1;
    for (PWSTR c = mount_point; *c; ++c)
        if (*c == '\\')
            *c = '/';
    if (FspFileSystemSetMountPoint(memfs->handle(), mount_point) != STATUS_SUCCESS ||
        FspFileSystemStartDispatcher(memfs->handle(), 0) != STATUS_SUCCESS)
        return 1;
    FspPosixDeletePath(mount_point);
    printf("memfs without");
    for (int i = 2; i < count; ++i)
        printf(" %s", arguments[i]);
    printf("\n");
    fflush(stdout);
    int signal;
    sigwait(&ends, &signal);
    FspFileSystemRemoveMountPoint(memfs->handle());
    FspFileSystemStopDispatcher(memfs->handle());
    return 0;
}

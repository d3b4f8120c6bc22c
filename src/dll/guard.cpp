// SPDX-License-Identifier: MIT
//
// The built-in guard: which operations of a file system may run at the same time.
#include "dll/srw_lock.h"

namespace fsp::dll {
namespace {

enum class Mode
{
    none,
    shared,
    exclusive,
};

Mode create_mode(const FSP_FSCTL_TRANSACT_REQ* request)
{
    return request->Req.Create.CreateOptions >> 24 == FILE_OPEN ? Mode::shared : Mode::exclusive;
}

Mode set_information_mode(const FSP_FSCTL_TRANSACT_REQ* request)
{
    switch (request->Req.SetInformation.FileInformationClass) {
    case 10: // FileRenameInformation
    case 65: // FileRenameInformationEx
        return Mode::exclusive;
    case 13: // FileDispositionInformation
    case 64: // FileDispositionInformationEx
        return Mode::shared;
    default:
        return Mode::none;
    }
}

Mode fine_mode(const FSP_FSCTL_TRANSACT_REQ* request)
{
    switch (request->Kind) {
    case FspFsctlTransactCreateKind:
        return create_mode(request);
    case FspFsctlTransactOverwriteKind:
    case FspFsctlTransactSetVolumeInformationKind:
        return Mode::exclusive;
    case FspFsctlTransactCleanupKind:
        return request->Req.Cleanup.Delete ? Mode::exclusive : Mode::none;
    case FspFsctlTransactSetInformationKind:
        return set_information_mode(request);
    case FspFsctlTransactFlushBuffersKind:
        return request->Req.Context.UserContext == 0 && request->Req.Context.UserContext2 == 0
                   ? Mode::exclusive
                   : Mode::none;
    case FspFsctlTransactQueryDirectoryKind:
    case FspFsctlTransactQueryVolumeInformationKind:
        return Mode::shared;
    default:
        return Mode::none;
    }
}

Mode mode(const FSP_FILE_SYSTEM* fs, const FSP_FSCTL_TRANSACT_REQ* request)
{
    return fs->OpGuardStrategy == FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_COARSE ? Mode::exclusive
                                                                                  : fine_mode(request);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspFileSystemOpEnter(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                              FSP_FSCTL_TRANSACT_RSP*)
{
    switch (mode(FileSystem, Request)) {
    case Mode::exclusive:
        acquire_exclusive(FileSystem->OpGuardLock);
        break;
    case Mode::shared:
        acquire_shared(FileSystem->OpGuardLock);
        break;
    case Mode::none:
        break;
    }
    return STATUS_SUCCESS;
}

NTSTATUS FspFileSystemOpLeave(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                              FSP_FSCTL_TRANSACT_RSP*)
{
    switch (mode(FileSystem, Request)) {
    case Mode::exclusive:
        release_exclusive(FileSystem->OpGuardLock);
        break;
    case Mode::shared:
        release_shared(FileSystem->OpGuardLock);
        break;
    case Mode::none:
        break;
    }
    return STATUS_SUCCESS;
}

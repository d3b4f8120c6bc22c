// SPDX-License-Identifier: MIT
//
// Changes that the file system reports.
#include "dll/dll.h"
#include "dll/os.h"

NTSTATUS FspFileSystemNotifyBegin(FSP_FILE_SYSTEM* FileSystem, ULONG Timeout)
{
    // Renames are short as a rule: look again soon at first, then less and less often.
    static const ULONG delays[] = {10, 10, 50, 50, 100, 100, 300};
    constexpr ULONG delay_count = sizeof delays / sizeof delays[0];

    UINT64 waited = 0;
    for (ULONG i = 0;; ++i) {
        const NTSTATUS status = FspFsctlNotify(FileSystem->VolumeHandle, nullptr, 0);
        if (status != STATUS_CANT_WAIT || (Timeout != INFINITE && waited >= Timeout))
            return status;
        UINT64 delay = delays[i < delay_count ? i : delay_count - 1];
        if (Timeout != INFINITE && delay > Timeout - waited)
            delay = Timeout - waited;
        fsp::dll::os::sleep_ms(static_cast<ULONG>(delay));
        waited += delay;
    }
}

NTSTATUS FspFileSystemNotifyEnd(FSP_FILE_SYSTEM* FileSystem)
{
    // A record that is too short to say anything says that this was all.
    FSP_FSCTL_NOTIFY_INFO end = {};
    return FspFsctlNotify(FileSystem->VolumeHandle, &end, sizeof end.Size);
}

NTSTATUS FspFileSystemNotify(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_NOTIFY_INFO* NotifyInfo, SIZE_T Size)
{
    return FspFsctlNotify(FileSystem->VolumeHandle, NotifyInfo, Size);
}

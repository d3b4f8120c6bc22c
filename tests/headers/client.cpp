// SPDX-License-Identifier: MIT
//
// The smallest file system in C++: what a program outside of this repository looks like.
#include <winfsp/winfsp.hpp>

namespace {

class Empty : public Fsp::FileSystemBase
{
    NTSTATUS GetVolumeInfo(VolumeInfo* info) override
    {
        info->TotalSize = 1 << 20;
        return STATUS_SUCCESS;
    }
};

} // namespace

int main()
{
    if (!NT_SUCCESS(Fsp::Initialize()))
        return 1;
    Empty empty;
    Fsp::FileSystemHost host(empty);
    host.SetFileInfoTimeout(1000);
    host.SetFileSystemName(const_cast<PWSTR>(FSP_L("-EMPTY")));
    return host.FileSystemName()[1] == 'E' && host.MountPoint() == nullptr ? 0 : 2;
}

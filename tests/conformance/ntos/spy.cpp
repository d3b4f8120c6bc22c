// SPDX-License-Identifier: MIT
#include "spy.h"

namespace conformance::spy {

Counts counts;
std::atomic<UINT64> change_time{0};

namespace {

FSP_FILE_SYSTEM_INTERFACE original;

NTSTATUS get_file_info(FSP_FILE_SYSTEM* fs, PVOID file, FSP_FSCTL_FILE_INFO* info)
{
    ++counts.file_info;
    const NTSTATUS status = original.GetFileInfo(fs, file, info);
    if (const UINT64 changed = change_time)
        info->ChangeTime = changed;
    return status;
}

NTSTATUS get_security(FSP_FILE_SYSTEM* fs, PVOID file, PSECURITY_DESCRIPTOR descriptor, SIZE_T* size)
{
    ++counts.security;
    return original.GetSecurity(fs, file, descriptor, size);
}

NTSTATUS read_directory(FSP_FILE_SYSTEM* fs, PVOID file, PWSTR pattern, PWSTR marker, PVOID buffer,
                        ULONG length, PULONG transferred)
{
    ++counts.directory;
    return original.ReadDirectory(fs, file, pattern, marker, buffer, length, transferred);
}

NTSTATUS get_volume_info(FSP_FILE_SYSTEM* fs, FSP_FSCTL_VOLUME_INFO* info)
{
    ++counts.volume;
    return original.GetVolumeInfo(fs, info);
}

NTSTATUS get_stream_info(FSP_FILE_SYSTEM* fs, PVOID file, PVOID buffer, ULONG length, PULONG transferred)
{
    ++counts.streams;
    return original.GetStreamInfo(fs, file, buffer, length, transferred);
}

NTSTATUS get_ea(FSP_FILE_SYSTEM* fs, PVOID file, PFILE_FULL_EA_INFORMATION ea, ULONG length,
                PULONG transferred)
{
    ++counts.ea;
    return original.GetEa(fs, file, ea, length, transferred);
}

} // namespace

void install(FSP_FILE_SYSTEM* file_system)
{
    static FSP_FILE_SYSTEM_INTERFACE watched;
    watched = original = *file_system->Interface;
    watched.GetFileInfo = get_file_info;
    watched.GetSecurity = get_security;
    watched.ReadDirectory = read_directory;
    watched.GetVolumeInfo = get_volume_info;
    watched.GetStreamInfo = get_stream_info;
    watched.GetEa = get_ea;
    file_system->Interface = &watched;
}

} // namespace conformance::spy

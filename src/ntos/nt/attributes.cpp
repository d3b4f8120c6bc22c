// SPDX-License-Identifier: MIT
/// @file Services by name: NtQueryAttributesFile, NtQueryFullAttributesFile, NtDeleteFile.
#include "ntos/io/open.h"
#include "ntos/nt/file_call.h"

namespace fsp::ntos::nt_service {

namespace {

NTSTATUS query_network(KPROCESSOR_MODE mode, POBJECT_ATTRIBUTES attributes, ACCESS_MASK access, ULONG options,
                       PIO_STATUS_BLOCK iosb, PFILE_NETWORK_OPEN_INFORMATION info)
{
    io::OpenRequest open;
    open.desired_access = access;
    open.attributes = attributes;
    open.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    open.create_options = options;
    open.mode = mode;
    open.query = info;
    io::OpenResult result;
    NTSTATUS status = io::open(open, &result);
    if (result.answered || !NT_SUCCESS(status)) {
        *iosb = {{status}, NT_SUCCESS(status) ? result.iosb.Information : 0};
        return status;
    }
    PFILE_OBJECT file = result.file.get();
    ULONG size = 0;
    status = IoQueryFileInformation(file, FileNetworkOpenInformation, sizeof *info, info, &size);
    *iosb = {{status}, size};
    // There was no handle, but the file system counts opens by cleanups.
    ob::file_type.last_handle_closed(PsGetCurrentProcess(), file, 0);
    return status;
}

NTSTATUS query_full(KPROCESSOR_MODE mode, POBJECT_ATTRIBUTES attributes, PFILE_NETWORK_OPEN_INFORMATION info)
{
    IO_STATUS_BLOCK iosb{};
    return query_network(mode, attributes, FILE_READ_ATTRIBUTES, FILE_OPEN_REPARSE_POINT, &iosb, info);
}

NTSTATUS query_basic(KPROCESSOR_MODE mode, POBJECT_ATTRIBUTES attributes, PFILE_BASIC_INFORMATION basic)
{
    FILE_NETWORK_OPEN_INFORMATION info{};
    const NTSTATUS status = query_full(mode, attributes, &info);
    if (NT_SUCCESS(status))
        *basic = {info.CreationTime, info.LastAccessTime, info.LastWriteTime, info.ChangeTime,
                  info.FileAttributes};
    return status;
}

NTSTATUS delete_file(KPROCESSOR_MODE mode, POBJECT_ATTRIBUTES attributes)
{
    io::OpenRequest open;
    open.desired_access = DELETE;
    open.attributes = attributes;
    open.share_access = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    open.create_options = FILE_DELETE_ON_CLOSE | FILE_OPEN_REPARSE_POINT;
    open.mode = mode;
    io::OpenResult result;
    const NTSTATUS status = io::open(open, &result);
    if (NT_SUCCESS(status))
        ob::file_type.last_handle_closed(PsGetCurrentProcess(), result.file.get(), 0);
    return status;
}

} // namespace

} // namespace fsp::ntos::nt_service

using namespace fsp::ntos::nt_service;

FSP_DEFINE_SERVICE(QueryAttributesFile, query_basic,
                   (POBJECT_ATTRIBUTES ObjectAttributes, PFILE_BASIC_INFORMATION FileInformation),
                   ObjectAttributes, FileInformation)

FSP_DEFINE_SERVICE(QueryFullAttributesFile, query_full,
                   (POBJECT_ATTRIBUTES ObjectAttributes, PFILE_NETWORK_OPEN_INFORMATION FileInformation),
                   ObjectAttributes, FileInformation)

FSP_DEFINE_SERVICE(DeleteFile, delete_file, (POBJECT_ATTRIBUTES ObjectAttributes), ObjectAttributes)

extern "C" BOOLEAN NTAPI IoFastQueryNetworkAttributes(POBJECT_ATTRIBUTES ObjectAttributes,
                                                      ACCESS_MASK DesiredAccess, ULONG OpenOptions,
                                                      PIO_STATUS_BLOCK IoStatus,
                                                      PFILE_NETWORK_OPEN_INFORMATION Buffer)
{
    query_network(KernelMode, ObjectAttributes, DesiredAccess, OpenOptions, IoStatus, Buffer);
    return TRUE;
}

// SPDX-License-Identifier: MIT
//
// Listings: of directories and of the streams of a file.
#include "dll/dll.h"

namespace fsp::dll {
namespace {

/// Appends a record whose first member is its 16-bit size; null: the terminator, which is a bare size of 0.
BOOLEAN append(const void* record, PVOID buffer, ULONG length, PULONG used)
{
    static const UINT16 terminator = 0;
    UINT16 size = sizeof terminator;
    ULONG consumed = size;
    if (record != nullptr) {
        std::memcpy(&size, record, sizeof size);
        consumed = padded(size);
    } else {
        record = &terminator;
    }
    if (*used > length || length - *used < consumed)
        return FALSE;
    PUINT8 to = static_cast<PUINT8>(buffer) + *used;
    std::memcpy(to, record, size);
    std::memset(to + size, 0, consumed - size);
    *used += consumed;
    return TRUE;
}

/// One entry, asked for by name.
NTSTATUS query_by_name(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, PWSTR name, PVOID buffer,
                       ULONG* used)
{
    union
    {
        FSP_FSCTL_DIR_INFO info;
        UINT8 room[sizeof(FSP_FSCTL_DIR_INFO) + 255 * sizeof(WCHAR)];
    } entry = {};
    const ULONG length = request->Req.QueryDirectory.Length;
    const NTSTATUS status = fs->Interface->GetDirInfoByName(fs, file_context(fs, request), name, &entry.info);
    if (NT_SUCCESS(status)) {
        if (FspFileSystemAddDirInfo(&entry.info, buffer, length, used))
            FspFileSystemAddDirInfo(nullptr, buffer, length, used);
        return STATUS_SUCCESS;
    }
    if (status != STATUS_OBJECT_NAME_NOT_FOUND)
        return status;
    FspFileSystemAddDirInfo(nullptr, buffer, length, used);
    return STATUS_SUCCESS;
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

BOOLEAN FspFileSystemAddDirInfo(FSP_FSCTL_DIR_INFO* DirInfo, PVOID Buffer, ULONG Length,
                                PULONG PBytesTransferred)
{
    return append(DirInfo, Buffer, Length, PBytesTransferred);
}

BOOLEAN FspFileSystemAddStreamInfo(FSP_FSCTL_STREAM_INFO* StreamInfo, PVOID Buffer, ULONG Length,
                                   PULONG PBytesTransferred)
{
    return append(StreamInfo, Buffer, Length, PBytesTransferred);
}

BOOLEAN FspFileSystemAddNotifyInfo(FSP_FSCTL_NOTIFY_INFO* NotifyInfo, PVOID Buffer, ULONG Length,
                                   PULONG PBytesTransferred)
{
    return append(NotifyInfo, Buffer, Length, PBytesTransferred);
}

NTSTATUS FspFileSystemOpQueryDirectory(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                       FSP_FSCTL_TRANSACT_RSP* Response)
{
    const FSP_FILE_SYSTEM_INTERFACE& on = *FileSystem->Interface;
    if (on.ReadDirectory == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    const auto& query = Request->Req.QueryDirectory;
    PVOID buffer = reinterpret_cast<PVOID>(static_cast<UINT_PTR>(query.Address));
    const PWSTR pattern = piece<WCHAR>(Request, query.Pattern);
    ULONG used = 0;
    NTSTATUS status;
    if (on.GetDirInfoByName != nullptr && pattern != nullptr && query.PatternIsFileName)
        status = query_by_name(FileSystem, Request, pattern, buffer, &used);
    else
        status = on.ReadDirectory(FileSystem, file_context(FileSystem, Request), pattern,
                                  piece<WCHAR>(Request, query.Marker), buffer, query.Length, &used);
    if (status != STATUS_PENDING && NT_SUCCESS(status))
        Response->IoStatus.Information = used;
    return status;
}

NTSTATUS FspFileSystemOpQueryStreamInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                               FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->GetStreamInfo == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    ULONG used = 0;
    const NTSTATUS status = FileSystem->Interface->GetStreamInfo(
        FileSystem, file_context(FileSystem, Request), Response->Buffer, response_buffer_size, &used);
    if (NT_SUCCESS(status))
        set_response_piece(Response, Response->Rsp.QueryStreamInformation.Buffer, used);
    return status;
}

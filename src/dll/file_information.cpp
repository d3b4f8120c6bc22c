// SPDX-License-Identifier: MIT
//
// Metadata, deletion and renaming.
#include <cstdlib>

#include "dll/dll.h"

namespace fsp::dll {
namespace {

enum : UINT32
{
    basic_information = 4,
    rename_information = 10,
    disposition_information = 13,
    allocation_information = 19,
    end_of_file_information = 20,
    disposition_information_ex = 64,
    rename_information_ex = 65,
};

// [MS-FSCC] 2.4.12, 2.4.43
constexpr UINT32 disposition_delete = 0x01;
constexpr UINT32 disposition_ignore_readonly = 0x10;
constexpr UINT32 rename_ignore_readonly = 0x40;

NTSTATUS set_basic(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_FILE_INFO* info)
{
    if (fs->Interface->SetBasicInfo == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    const auto& basic = request->Req.SetInformation.Info.Basic;
    return fs->Interface->SetBasicInfo(fs, file_context(fs, request), basic.FileAttributes,
                                       basic.CreationTime, basic.LastAccessTime, basic.LastWriteTime,
                                       basic.ChangeTime, info);
}

NTSTATUS set_size(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request, UINT64 size, bool allocation,
                  FSP_FSCTL_FILE_INFO* info)
{
    if (fs->Interface->SetFileSize == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    return fs->Interface->SetFileSize(fs, file_context(fs, request), size, allocation, info);
}

NTSTATUS set_disposition(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request)
{
    const FSP_FILE_SYSTEM_INTERFACE& on = *fs->Interface;
    // The driver fills the flags for both classes.
    const UINT32 flags = request->Req.SetInformation.Info.DispositionEx.Flags;
    const bool remove = (flags & disposition_delete) != 0;

    NTSTATUS status = STATUS_INVALID_DEVICE_REQUEST;
    if (remove && (flags & disposition_ignore_readonly) == 0 && on.GetFileInfo != nullptr) {
        FSP_FSCTL_FILE_INFO info = {};
        status = on.GetFileInfo(fs, file_context(fs, request), &info);
        if (NT_SUCCESS(status) && (info.FileAttributes & FILE_ATTRIBUTE_READONLY) != 0)
            return STATUS_CANNOT_DELETE;
    }
    if (on.SetDelete != nullptr)
        return on.SetDelete(fs, file_context(fs, request), file_name(request), remove);
    if (on.CanDelete != nullptr)
        return remove ? on.CanDelete(fs, file_context(fs, request), file_name(request)) : STATUS_SUCCESS;
    return status;
}

/// May the target of a rename be deleted? Asked as if it were opened for deletion.
NTSTATUS check_replace(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request)
{
    const auto& rename = request->Req.SetInformation.Info.RenameEx;
    const bool ignore_readonly = request->Req.SetInformation.FileInformationClass == rename_information_ex &&
                                 (rename.Flags & rename_ignore_readonly) != 0;

    const ULONG name_size = rename.NewFileName.Size;
    auto* create =
        static_cast<FSP_FSCTL_TRANSACT_REQ*>(std::calloc(1, sizeof(FSP_FSCTL_TRANSACT_REQ) + name_size));
    if (create == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    create->Size = static_cast<UINT16>(sizeof *create + name_size);
    create->Kind = FspFsctlTransactCreateKind;
    create->Hint = request->Hint;
    create->Req.Create.CreateOptions = FILE_OPEN << 24 | (ignore_readonly ? 0 : FILE_DELETE_ON_CLOSE);
    create->Req.Create.AccessToken = rename.AccessToken;
    create->Req.Create.DesiredAccess = DELETE;
    create->Req.Create.UserMode = 1;
    create->Req.Create.HasTraversePrivilege = 1;
    create->FileName.Size = static_cast<UINT16>(name_size);
    std::memcpy(create->Buffer, request->Buffer + rename.NewFileName.Offset, name_size);

    UINT32 granted = 0;
    NTSTATUS status = FspAccessCheckEx(fs, create, FALSE, FALSE, DELETE, &granted, nullptr);
    std::free(create);
    switch (status) {
    case STATUS_OBJECT_NAME_NOT_FOUND:
    case STATUS_OBJECT_PATH_NOT_FOUND: // nothing to replace; Rename itself knows what is wrong with the path
    case STATUS_REPARSE:
        return STATUS_SUCCESS;
    default:
        return status;
    }
}

NTSTATUS rename(FSP_FILE_SYSTEM* fs, FSP_FSCTL_TRANSACT_REQ* request)
{
    if (fs->Interface->Rename == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;

    const auto& parameters = request->Req.SetInformation.Info.Rename;
    const bool replace = parameters.AccessToken != 0;
    if (replace) {
        const NTSTATUS status = check_replace(fs, request);
        if (!NT_SUCCESS(status))
            return status;
    }
    auto* new_name = reinterpret_cast<PWSTR>(request->Buffer + parameters.NewFileName.Offset);
    return fs->Interface->Rename(fs, file_context(fs, request), file_name(request), new_name, replace);
}

} // namespace
} // namespace fsp::dll

using namespace fsp::dll;

NTSTATUS FspFileSystemOpQueryInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                         FSP_FSCTL_TRANSACT_RSP* Response)
{
    if (FileSystem->Interface->GetFileInfo == nullptr)
        return STATUS_INVALID_DEVICE_REQUEST;
    FSP_FSCTL_FILE_INFO info = {};
    const NTSTATUS status =
        FileSystem->Interface->GetFileInfo(FileSystem, file_context(FileSystem, Request), &info);
    if (NT_SUCCESS(status))
        Response->Rsp.QueryInformation.FileInfo = info;
    return status;
}

NTSTATUS FspFileSystemOpSetInformation(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                       FSP_FSCTL_TRANSACT_RSP* Response)
{
    const auto& set = Request->Req.SetInformation;
    FSP_FSCTL_FILE_INFO info = {};
    NTSTATUS status;
    switch (set.FileInformationClass) {
    case basic_information:
        status = set_basic(FileSystem, Request, &info);
        break;
    case allocation_information:
        status = set_size(FileSystem, Request, set.Info.Allocation.AllocationSize, true, &info);
        break;
    case end_of_file_information:
        status = set_size(FileSystem, Request, set.Info.EndOfFile.FileSize, false, &info);
        break;
    case disposition_information:
    case disposition_information_ex:
        return set_disposition(FileSystem, Request);
    case rename_information:
    case rename_information_ex:
        return rename(FileSystem, Request);
    default:
        return STATUS_INVALID_DEVICE_REQUEST;
    }
    if (NT_SUCCESS(status))
        Response->Rsp.SetInformation.FileInfo = info;
    return status;
}

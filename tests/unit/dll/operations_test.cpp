// SPDX-License-Identifier: MIT
//
// The other requests: which operation runs, with what, and what becomes of its result.
#include <gtest/gtest.h>

#include "request_builder.h"

namespace {

using test::RequestBuilder;
using test::ResponseBuffer;

/// What the operations below were called with and what they return.
struct Calls
{
    std::string log;
    NTSTATUS status = STATUS_SUCCESS;
    UINT32 attributes = 0;
} calls;

class Operation : public testing::Test
{
  protected:
    Operation() { calls = {}; }

    NTSTATUS run(FSP_FILE_SYSTEM_OPERATION* operation, RequestBuilder& request)
    {
        request.request()->Req.Context = {0x11, 0x22};
        return operation(&fs.object, request.request(), response.get());
    }

    static std::string context(PVOID value) { return std::to_string(reinterpret_cast<UINT_PTR>(value)); }

    test::FileSystem fs;
    ResponseBuffer response;
};

TEST_F(Operation, WithoutFunctionIsInvalidExceptCleanupAndClose)
{
    const auto answer = [&](UINT32 kind, FSP_FILE_SYSTEM_OPERATION* operation) {
        RequestBuilder request(kind);
        return run(operation, request);
    };
    EXPECT_EQ(answer(FspFsctlTransactCleanupKind, FspFileSystemOpCleanup), STATUS_SUCCESS);
    EXPECT_EQ(answer(FspFsctlTransactCloseKind, FspFileSystemOpClose), STATUS_SUCCESS);
    for (auto* operation :
         {FspFileSystemOpOverwrite, FspFileSystemOpRead, FspFileSystemOpWrite,
          FspFileSystemOpQueryInformation, FspFileSystemOpSetInformation, FspFileSystemOpQueryEa,
          FspFileSystemOpSetEa, FspFileSystemOpFlushBuffers, FspFileSystemOpQueryVolumeInformation,
          FspFileSystemOpSetVolumeInformation, FspFileSystemOpQueryDirectory,
          FspFileSystemOpFileSystemControl, FspFileSystemOpDeviceControl, FspFileSystemOpQuerySecurity,
          FspFileSystemOpSetSecurity, FspFileSystemOpQueryStreamInformation})
        EXPECT_EQ(answer(FspFsctlTransactReservedKind, operation), STATUS_INVALID_DEVICE_REQUEST);
}

TEST_F(Operation, ContextFollowsTheVolumeParameters)
{
    fs.operations.Close = [](FSP_FILE_SYSTEM*, PVOID c) {
        calls.log += reinterpret_cast<UINT_PTR>(c) > 0x100
                         ? std::to_string(static_cast<FSP_FSCTL_TRANSACT_FULL_CONTEXT*>(c)->UserContext2)
                         : context(c);
        calls.log += ' ';
    };
    RequestBuilder request(FspFsctlTransactCloseKind);
    run(FspFileSystemOpClose, request);
    fs.object.UmFileContextIsUserContext2 = 1;
    run(FspFileSystemOpClose, request);
    fs.object.UmFileContextIsUserContext2 = 0;
    fs.object.UmFileContextIsFullContext = 1;
    run(FspFileSystemOpClose, request);
    EXPECT_EQ(calls.log, "17 34 34 ");
}

TEST_F(Operation, AFailedOverwriteClosesTheFile)
{
    fs.operations.Overwrite = [](FSP_FILE_SYSTEM*, PVOID, UINT32, BOOLEAN replace, UINT64,
                                 FSP_FSCTL_FILE_INFO*) {
        calls.log += replace ? "supersede " : "overwrite ";
        return calls.status;
    };
    fs.operations.Close = [](FSP_FILE_SYSTEM*, PVOID) { calls.log += "close "; };
    RequestBuilder request(FspFsctlTransactOverwriteKind);
    EXPECT_EQ(run(FspFileSystemOpOverwrite, request), STATUS_SUCCESS);
    request.request()->Req.Overwrite.Supersede = 1;
    calls.status = STATUS_DISK_FULL;
    EXPECT_EQ(run(FspFileSystemOpOverwrite, request), STATUS_DISK_FULL);
    EXPECT_EQ(calls.log, "overwrite supersede close ");
}

TEST_F(Operation, CleanupGetsFlagsAndTheNameOnlyToDelete)
{
    fs.operations.Cleanup = [](FSP_FILE_SYSTEM*, PVOID, PWSTR name, ULONG flags) {
        calls.log += (name != nullptr ? "name " : "none ") + std::to_string(flags) + " ";
    };
    RequestBuilder request(FspFsctlTransactCleanupKind);
    request.request()->Req.Cleanup.SetArchiveBit = 1;
    request.request()->Req.Cleanup.SetChangeTime = 1;
    EXPECT_EQ(run(FspFileSystemOpCleanup, request), STATUS_SUCCESS);
    RequestBuilder removal(FspFsctlTransactCleanupKind);
    removal.name(u"\\a");
    removal.request()->Req.Cleanup.Delete = 1;
    EXPECT_EQ(run(FspFileSystemOpCleanup, removal), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "none 144 name 1 ");
}

TEST_F(Operation, ReadReportsTheBytesAndPassesPendingOn)
{
    fs.operations.Read = [](FSP_FILE_SYSTEM*, PVOID, PVOID, UINT64, ULONG length, PULONG transferred) {
        *transferred = length / 2;
        return calls.status;
    };
    RequestBuilder request(FspFsctlTransactReadKind);
    request.request()->Req.Read.Length = 100;
    EXPECT_EQ(run(FspFileSystemOpRead, request), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, 50u);
    response->IoStatus.Information = 0;
    calls.status = STATUS_PENDING;
    EXPECT_EQ(run(FspFileSystemOpRead, request), STATUS_PENDING);
    EXPECT_EQ(response->IoStatus.Information, 0u);
}

TEST_F(Operation, WriteKnowsTheEndOfFile)
{
    fs.operations.Write = [](FSP_FILE_SYSTEM*, PVOID, PVOID, UINT64, ULONG, BOOLEAN to_end,
                             BOOLEAN constrained, PULONG transferred, FSP_FSCTL_FILE_INFO* info) {
        calls.log += to_end ? "end " : constrained ? "constrained " : "plain ";
        *transferred = 3;
        info->FileSize = 9;
        return STATUS_SUCCESS;
    };
    RequestBuilder request(FspFsctlTransactWriteKind);
    run(FspFileSystemOpWrite, request);
    request.request()->Req.Write.ConstrainedIo = 1;
    run(FspFileSystemOpWrite, request);
    request.request()->Req.Write.Offset = ~UINT64{0};
    run(FspFileSystemOpWrite, request);
    EXPECT_EQ(calls.log, "plain constrained end ");
    EXPECT_EQ(response->IoStatus.Information, 3u);
    EXPECT_EQ(response->Rsp.Write.FileInfo.FileSize, 9u);
}

TEST_F(Operation, FlushWithoutFunctionAsksForFileInfo)
{
    fs.operations.GetFileInfo = [](FSP_FILE_SYSTEM*, PVOID, FSP_FSCTL_FILE_INFO* info) {
        info->FileSize = 5;
        return STATUS_SUCCESS;
    };
    RequestBuilder request(FspFsctlTransactFlushBuffersKind);
    EXPECT_EQ(run(FspFileSystemOpFlushBuffers, request), STATUS_SUCCESS);
    EXPECT_EQ(response->Rsp.FlushBuffers.FileInfo.FileSize, 5u);
}

TEST_F(Operation, OverflowsAreTranslated)
{
    fs.operations.GetEa = [](FSP_FILE_SYSTEM*, PVOID, PFILE_FULL_EA_INFORMATION, ULONG, PULONG) {
        return STATUS_BUFFER_OVERFLOW;
    };
    fs.operations.GetSecurity = [](FSP_FILE_SYSTEM*, PVOID, PSECURITY_DESCRIPTOR, SIZE_T*) {
        return STATUS_BUFFER_OVERFLOW;
    };
    fs.operations.Control = [](FSP_FILE_SYSTEM*, PVOID, UINT32, PVOID, ULONG, PVOID, ULONG, PULONG) {
        return STATUS_BUFFER_OVERFLOW;
    };
    RequestBuilder request(0);
    EXPECT_EQ(run(FspFileSystemOpQueryEa, request), STATUS_EA_LIST_INCONSISTENT);
    EXPECT_EQ(run(FspFileSystemOpQuerySecurity, request), STATUS_INVALID_SECURITY_DESCR);
    EXPECT_EQ(run(FspFileSystemOpDeviceControl, request), STATUS_BUFFER_TOO_SMALL);
}

TEST_F(Operation, DeviceControlAnswersWithItsOutput)
{
    fs.operations.Control = [](FSP_FILE_SYSTEM*, PVOID, UINT32 code, PVOID in, ULONG in_size, PVOID out,
                               ULONG, PULONG transferred) {
        std::memcpy(out, in, in_size);
        *transferred = in_size;
        return code == 0x1234 ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST;
    };
    RequestBuilder request(FspFsctlTransactDeviceControlKind);
    const auto buffer = request.add("hello", 5);
    request.request()->Req.DeviceControl.IoControlCode = 0x1234;
    request.request()->Req.DeviceControl.Buffer = buffer;
    request.request()->Req.DeviceControl.OutputLength = 100;
    EXPECT_EQ(run(FspFileSystemOpDeviceControl, request), STATUS_SUCCESS);
    EXPECT_EQ(response->Rsp.DeviceControl.Buffer.Size, 5);
    EXPECT_EQ(std::memcmp(response->Buffer, "hello", 5), 0);
    EXPECT_EQ(response->Size, 128 + 5);
}

// ---- Deletion

class Disposition : public Operation
{
  protected:
    NTSTATUS dispose(UINT32 flags)
    {
        RequestBuilder request(FspFsctlTransactSetInformationKind);
        request.name(u"\\a");
        request.request()->Req.SetInformation.FileInformationClass = 64;
        request.request()->Req.SetInformation.Info.DispositionEx.Flags = flags;
        return run(FspFileSystemOpSetInformation, request);
    }

    void with_attributes(UINT32 attributes)
    {
        calls.attributes = attributes;
        fs.operations.GetFileInfo = [](FSP_FILE_SYSTEM*, PVOID, FSP_FSCTL_FILE_INFO* info) {
            info->FileAttributes = calls.attributes;
            return STATUS_SUCCESS;
        };
    }
};

TEST_F(Disposition, RefusesReadOnlyFilesUnlessTold)
{
    with_attributes(FILE_ATTRIBUTE_READONLY);
    EXPECT_EQ(dispose(1), STATUS_CANNOT_DELETE);
    EXPECT_EQ(dispose(0), STATUS_INVALID_DEVICE_REQUEST);
    EXPECT_EQ(dispose(0x11), STATUS_INVALID_DEVICE_REQUEST);
    with_attributes(0);
    EXPECT_EQ(dispose(1), STATUS_SUCCESS);
}

TEST_F(Disposition, CanDeleteIsAskedOnlyToDelete)
{
    fs.operations.CanDelete = [](FSP_FILE_SYSTEM*, PVOID, PWSTR) {
        calls.log += "can ";
        return STATUS_DIRECTORY_NOT_EMPTY;
    };
    EXPECT_EQ(dispose(1), STATUS_DIRECTORY_NOT_EMPTY);
    EXPECT_EQ(dispose(0), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "can ");
}

TEST_F(Disposition, SetDeleteIsToldBothWays)
{
    fs.operations.CanDelete = [](FSP_FILE_SYSTEM*, PVOID, PWSTR) { return STATUS_UNSUCCESSFUL; };
    fs.operations.SetDelete = [](FSP_FILE_SYSTEM*, PVOID, PWSTR, BOOLEAN remove) {
        calls.log += remove ? "delete " : "keep ";
        return STATUS_SUCCESS;
    };
    EXPECT_EQ(dispose(1), STATUS_SUCCESS);
    EXPECT_EQ(dispose(0), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "delete keep ");
}

// ---- Renaming

class Rename : public Operation
{
  protected:
    Rename()
    {
        fs.operations.Rename = [](FSP_FILE_SYSTEM*, PVOID, PWSTR name, PWSTR new_name, BOOLEAN replace) {
            EXPECT_EQ(std::u16string(name), u"\\old");
            EXPECT_EQ(std::u16string(new_name), u"\\new");
            calls.log += replace ? "replace " : "keep ";
            return STATUS_SUCCESS;
        };
        fs.operations.GetSecurityByName = [](FSP_FILE_SYSTEM*, PWSTR name, PUINT32 attributes,
                                             PSECURITY_DESCRIPTOR, SIZE_T* size) {
            EXPECT_EQ(std::u16string(name), u"\\new");
            if (attributes != nullptr)
                *attributes = calls.attributes;
            if (size != nullptr)
                *size = 0;
            return calls.status;
        };
    }

    NTSTATUS rename(UINT64 token, UINT32 file_information_class = 10, UINT32 flags = 0)
    {
        RequestBuilder request(FspFsctlTransactSetInformationKind);
        request.name(u"\\old");
        const auto new_name = request.add_text(u"\\new");
        auto& set = request.request()->Req.SetInformation;
        set.FileInformationClass = file_information_class;
        set.Info.RenameEx.NewFileName = new_name;
        set.Info.RenameEx.AccessToken = token;
        set.Info.RenameEx.Flags = flags;
        return run(FspFileSystemOpSetInformation, request);
    }
};

TEST_F(Rename, ATokenMeansReplaceIfExists)
{
    EXPECT_EQ(rename(0), STATUS_SUCCESS);
    EXPECT_EQ(rename(4), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "keep replace ");
}

TEST_F(Rename, ChecksThatTheTargetMayBeDeleted)
{
    calls.attributes = FILE_ATTRIBUTE_READONLY;
    EXPECT_EQ(rename(4), STATUS_CANNOT_DELETE);
    EXPECT_EQ(rename(4, 65), STATUS_CANNOT_DELETE);
    EXPECT_EQ(rename(4, 65, 0x40), STATUS_SUCCESS);
    calls.status = STATUS_ACCESS_DENIED;
    EXPECT_EQ(rename(4), STATUS_ACCESS_DENIED);
}

TEST_F(Rename, AMissingTargetNeedsNoCheck)
{
    calls.status = STATUS_OBJECT_NAME_NOT_FOUND;
    EXPECT_EQ(rename(4), STATUS_SUCCESS);
    calls.status = STATUS_REPARSE;
    EXPECT_EQ(rename(4), STATUS_SUCCESS);
}

// ---- Directories

class QueryDirectory : public Operation
{
  protected:
    QueryDirectory()
    {
        fs.operations.ReadDirectory = [](FSP_FILE_SYSTEM*, PVOID, PWSTR pattern, PWSTR marker, PVOID, ULONG,
                                         PULONG used) {
            calls.log += pattern != nullptr ? "pattern " : "all ";
            calls.log += marker != nullptr ? "marker " : "start ";
            *used = 7;
            return STATUS_SUCCESS;
        };
    }

    NTSTATUS query(const char16_t* pattern, bool is_name)
    {
        RequestBuilder request(FspFsctlTransactQueryDirectoryKind);
        FSP_FSCTL_TRANSACT_BUF buf = {};
        if (pattern != nullptr)
            buf = request.add_text(pattern);
        auto& query = request.request()->Req.QueryDirectory;
        query.Pattern = buf;
        query.PatternIsFileName = is_name;
        query.Address = reinterpret_cast<UINT_PTR>(out);
        query.Length = sizeof out;
        return run(FspFileSystemOpQueryDirectory, request);
    }

    void with_lookup()
    {
        fs.operations.GetDirInfoByName = [](FSP_FILE_SYSTEM*, PVOID, PWSTR name, FSP_FSCTL_DIR_INFO* info) {
            const size_t bytes = std::char_traits<WCHAR>::length(name) * sizeof(WCHAR);
            info->Size = static_cast<UINT16>(sizeof *info + bytes);
            std::memcpy(info->FileNameBuf, name, bytes);
            return calls.status;
        };
    }

    alignas(8) UINT8 out[1024] = {};
};

TEST_F(QueryDirectory, ListsWithPatternAndMarker)
{
    EXPECT_EQ(query(nullptr, false), STATUS_SUCCESS);
    EXPECT_EQ(query(u"*.c", false), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "all start pattern start ");
    EXPECT_EQ(response->IoStatus.Information, 7u);
}

TEST_F(QueryDirectory, LooksAFileNameUp)
{
    with_lookup();
    EXPECT_EQ(query(u"name", true), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, 112u + 2u);
    calls.status = STATUS_OBJECT_NAME_NOT_FOUND;
    EXPECT_EQ(query(u"name", true), STATUS_SUCCESS);
    EXPECT_EQ(response->IoStatus.Information, 2u);
    calls.status = STATUS_ACCESS_DENIED;
    EXPECT_EQ(query(u"name", true), STATUS_ACCESS_DENIED);
    EXPECT_EQ(calls.log, "");
    EXPECT_EQ(query(u"na*", false), STATUS_SUCCESS);
    EXPECT_EQ(calls.log, "pattern start ");
}

} // namespace

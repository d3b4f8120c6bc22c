// SPDX-License-Identifier: MIT
//
// The inline functions of the headers, as exports.
#include "dll/dll.h"

PWSTR FspFileSystemMountPointF(FSP_FILE_SYSTEM* FileSystem) { return FspFileSystemMountPoint(FileSystem); }

NTSTATUS FspFileSystemEnterOperationF(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response)
{
    return FspFileSystemEnterOperation(FileSystem, Request, Response);
}

NTSTATUS FspFileSystemLeaveOperationF(FSP_FILE_SYSTEM* FileSystem, FSP_FSCTL_TRANSACT_REQ* Request,
                                      FSP_FSCTL_TRANSACT_RSP* Response)
{
    return FspFileSystemLeaveOperation(FileSystem, Request, Response);
}

VOID FspFileSystemSetOperationGuardF(FSP_FILE_SYSTEM* FileSystem,
                                     FSP_FILE_SYSTEM_OPERATION_GUARD* EnterOperation,
                                     FSP_FILE_SYSTEM_OPERATION_GUARD* LeaveOperation)
{
    FspFileSystemSetOperationGuard(FileSystem, EnterOperation, LeaveOperation);
}

VOID FspFileSystemSetOperationGuardStrategyF(FSP_FILE_SYSTEM* FileSystem,
                                             FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY GuardStrategy)
{
    FspFileSystemSetOperationGuardStrategy(FileSystem, GuardStrategy);
}

VOID FspFileSystemSetOperationF(FSP_FILE_SYSTEM* FileSystem, ULONG Index,
                                FSP_FILE_SYSTEM_OPERATION* Operation)
{
    FspFileSystemSetOperation(FileSystem, Index, Operation);
}

VOID FspFileSystemGetDispatcherResultF(FSP_FILE_SYSTEM* FileSystem, NTSTATUS* PDispatcherResult)
{
    FspFileSystemGetDispatcherResult(FileSystem, PDispatcherResult);
}

VOID FspFileSystemSetDispatcherResultF(FSP_FILE_SYSTEM* FileSystem, NTSTATUS DispatcherResult)
{
    FspFileSystemSetDispatcherResult(FileSystem, DispatcherResult);
}

VOID FspFileSystemSetDebugLogF(FSP_FILE_SYSTEM* FileSystem, UINT32 DebugLog)
{
    FspFileSystemSetDebugLog(FileSystem, DebugLog);
}

BOOLEAN FspFileSystemIsOperationCaseSensitiveF() { return FspFileSystemIsOperationCaseSensitive(); }
UINT32 FspFileSystemOperationProcessIdF() { return FspFileSystemOperationProcessId(); }

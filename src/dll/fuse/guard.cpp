// SPDX-License-Identifier: MIT
//
// Around each request: who asks, and who may run beside whom.
#include "dll/fuse/context.h"
#include "dll/fuse/file_system.h"
#include "dll/srw_lock.h"

namespace fsp::winfuse {
namespace {

constexpr UINT32 rename_class = 10, rename_ex_class = 65;

UINT64 token_of(const FSP_FSCTL_TRANSACT_REQ* request)
{
    if (request->Kind == FspFsctlTransactCreateKind)
        return request->Req.Create.AccessToken;
    if (request->Kind != FspFsctlTransactSetInformationKind)
        return 0;
    const auto& set = request->Req.SetInformation;
    return set.FileInformationClass == rename_class || set.FileInformationClass == rename_ex_class
               ? set.Info.Rename.AccessToken
               : 0;
}

/// Reparse points are made by renaming: the native guard knows nothing of that.
enum class Extra
{
    none,
    shared,
    exclusive
};

Extra extra_of(const FSP_FILE_SYSTEM* native, const FSP_FSCTL_TRANSACT_REQ* request)
{
    if (request->Kind != FspFsctlTransactFileSystemControlKind ||
        native->OpGuardStrategy != FSP_FILE_SYSTEM_OPERATION_GUARD_STRATEGY_FINE)
        return Extra::none;
    switch (request->Req.FileSystemControl.FsControlCode) {
    case FSCTL_GET_REPARSE_POINT:
        return Extra::shared;
    case FSCTL_SET_REPARSE_POINT:
        return Extra::exclusive;
    default:
        return Extra::none;
    }
}

} // namespace

NTSTATUS enter(FSP_FILE_SYSTEM* native, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
{
    fuse& f = of(native);
    fuse_context* const context = thread_context(f.env);
    if (context == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    set_nobody(context, f.handle, f.private_data);
    const UINT64 token = token_of(request);
    const NTSTATUS status = set_caller(f.env, context, token, FSP_FSCTL_TRANSACT_REQ_TOKEN_PID(token));
    if (!NT_SUCCESS(status)) {
        set_nobody(context, nullptr, nullptr);
        return status;
    }
    switch (extra_of(native, request)) {
    case Extra::exclusive:
        dll::acquire_exclusive(native->OpGuardLock);
        return STATUS_SUCCESS;
    case Extra::shared:
        dll::acquire_shared(native->OpGuardLock);
        return STATUS_SUCCESS;
    default:
        return FspFileSystemOpEnter(native, request, response);
    }
}

NTSTATUS leave(FSP_FILE_SYSTEM* native, FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
{
    switch (extra_of(native, request)) {
    case Extra::exclusive:
        dll::release_exclusive(native->OpGuardLock);
        break;
    case Extra::shared:
        dll::release_shared(native->OpGuardLock);
        break;
    default:
        FspFileSystemOpLeave(native, request, response);
        break;
    }
    set_nobody(thread_context(of(native).env), nullptr, nullptr);
    return STATUS_SUCCESS;
}

} // namespace fsp::winfuse

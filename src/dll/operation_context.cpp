// SPDX-License-Identifier: MIT
#include "dll/operation_context.h"

namespace fsp::dll {
namespace {
thread_local FSP_FILE_SYSTEM_OPERATION_CONTEXT* current = nullptr;
}

OperationScope::OperationScope(FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
    : context_{request, response}, outer_(current)
{
    current = &context_;
}

OperationScope::~OperationScope() { current = outer_; }

} // namespace fsp::dll

FSP_FILE_SYSTEM_OPERATION_CONTEXT* FspFileSystemGetOperationContext() { return fsp::dll::current; }

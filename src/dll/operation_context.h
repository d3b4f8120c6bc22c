// SPDX-License-Identifier: MIT
//
// The request that the calling thread works on.
#pragma once

#include "dll/dll.h"

namespace fsp::dll {

/// Makes a request the thread's current one. Nests: an operation may itself use a file system of this
/// process.
class OperationScope
{
  public:
    OperationScope(FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response);
    OperationScope(const OperationScope&) = delete;
    ~OperationScope();

  private:
    FSP_FILE_SYSTEM_OPERATION_CONTEXT context_;
    FSP_FILE_SYSTEM_OPERATION_CONTEXT* outer_;
};

} // namespace fsp::dll

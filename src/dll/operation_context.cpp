// SPDX-License-Identifier: MIT
#include "dll/operation_context.h"

namespace fsp::dll {
namespace {

#if defined(_WIN32)
/// A thread's value without the C run-time's help.
class CurrentContext
{
  public:
    CurrentContext() : slot_(TlsAlloc()) {}
    operator FSP_FILE_SYSTEM_OPERATION_CONTEXT*() const
    {
        return static_cast<FSP_FILE_SYSTEM_OPERATION_CONTEXT*>(TlsGetValue(slot_));
    }
    CurrentContext& operator=(FSP_FILE_SYSTEM_OPERATION_CONTEXT* context)
    {
        TlsSetValue(slot_, context);
        return *this;
    }

  private:
    DWORD slot_;
};
CurrentContext current;
#else
thread_local FSP_FILE_SYSTEM_OPERATION_CONTEXT* current = nullptr;
#endif

} // namespace

OperationScope::OperationScope(FSP_FSCTL_TRANSACT_REQ* request, FSP_FSCTL_TRANSACT_RSP* response)
    : context_{request, response}, outer_(current)
{
    current = &context_;
}

OperationScope::~OperationScope() { current = outer_; }

} // namespace fsp::dll

FSP_FILE_SYSTEM_OPERATION_CONTEXT* FspFileSystemGetOperationContext() { return fsp::dll::current; }

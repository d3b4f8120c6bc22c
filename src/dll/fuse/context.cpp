// SPDX-License-Identifier: MIT
#include "dll/fuse/context.h"

#include "dll/fuse/system.h"

namespace fsp::winfuse {
namespace {

/// A context, and how to release it on a thread that has no environment at hand.
struct ThreadContext
{
    fuse_context context;
    void (*release)(void*);
};

void release(PVOID pointer)
{
    auto* context = static_cast<ThreadContext*>(pointer);
    context->release(context);
}

} // namespace

fuse_context* thread_context(const Env& env)
{
    if (auto* found = static_cast<ThreadContext*>(system::thread_pointer()))
        return &found->context;
    auto* context = static_cast<ThreadContext*>(allocate(env, sizeof(ThreadContext)));
    if (context == nullptr)
        return nullptr;
    context->release = env.memfree;
    if (!system::set_thread_pointer(context, release)) {
        env.memfree(context);
        return nullptr;
    }
    return &context->context;
}

NTSTATUS set_caller(const Env& env, fuse_context* context, UINT64 access_token, UINT32 process_id)
{
    if (const HANDLE token = FSP_FSCTL_TRANSACT_REQ_TOKEN_HANDLE(access_token); token != nullptr) {
        system::Identity identity;
        NTSTATUS status = system::identity_of(token, &identity);
        if (NT_SUCCESS(status))
            status = FspPosixMapSidToUid(identity.user, &context->uid);
        if (NT_SUCCESS(status))
            status = FspPosixMapSidToUid(identity.group, &context->gid);
        if (!NT_SUCCESS(status))
            return status;
    }
    if (process_id != 0)
        context->pid = env.winpid_to_pid != nullptr ? env.winpid_to_pid(process_id)
                                                    : static_cast<fuse_pid_t>(process_id);
    return STATUS_SUCCESS;
}

} // namespace fsp::winfuse

// SPDX-License-Identifier: MIT
//
// FCB headers and the per-stream contexts of filters hanging off them.
#include "ntos/verifier.h"
#include <ntifs.h>

VOID NTAPI FsRtlSetupAdvancedHeaderEx_(PFSRTL_ADVANCED_FCB_HEADER Header, PFAST_MUTEX FastMutex,
                                       PVOID* FileContextSupportPointer)
{
    Header->Flags |= FSRTL_FLAG_ADVANCED_HEADER;
    Header->Flags2 |= FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS;
    Header->Version = FSRTL_FCB_HEADER_V2;
    Header->Oplock = nullptr;
    Header->ReservedContext = nullptr;
    InitializeListHead(&Header->FilterContexts);
    if (FastMutex)
        Header->FastMutex = FastMutex;
    Header->PushLock = {};
    Header->FileContextSupportPointer = FileContextSupportPointer;
}

namespace {

class HeaderLock
{
  public:
    explicit HeaderLock(PFSRTL_ADVANCED_FCB_HEADER header) : mutex_(header->FastMutex)
    {
        ExAcquireFastMutex(mutex_);
    }
    ~HeaderLock() { ExReleaseFastMutex(mutex_); }
    HeaderLock(const HeaderLock&) = delete;

  private:
    PFAST_MUTEX mutex_;
};

bool supports_contexts(PFSRTL_ADVANCED_FCB_HEADER header)
{
    return header && (header->Flags2 & FSRTL_FLAG2_SUPPORTS_FILTER_CONTEXTS);
}

PFSRTL_PER_STREAM_CONTEXT context_of(PLIST_ENTRY entry)
{
    return CONTAINING_RECORD(entry, FSRTL_PER_STREAM_CONTEXT, Links);
}

/// Header locked. A null owner matches any, a null instance any of the owner's.
PFSRTL_PER_STREAM_CONTEXT find(PFSRTL_ADVANCED_FCB_HEADER header, PVOID owner, PVOID instance)
{
    for (PLIST_ENTRY e = header->FilterContexts.Flink; e != &header->FilterContexts; e = e->Flink) {
        PFSRTL_PER_STREAM_CONTEXT context = context_of(e);
        if ((!owner || context->OwnerId == owner) && (!instance || context->InstanceId == instance))
            return context;
    }
    return nullptr;
}

} // namespace

NTSTATUS NTAPI FsRtlInsertPerStreamContext(PFSRTL_ADVANCED_FCB_HEADER PerStreamContext,
                                           PFSRTL_PER_STREAM_CONTEXT Ptr)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!supports_contexts(PerStreamContext))
        return STATUS_INVALID_DEVICE_REQUEST;
    HeaderLock hold(PerStreamContext);
    InsertHeadList(&PerStreamContext->FilterContexts, &Ptr->Links);
    return STATUS_SUCCESS;
}

PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlLookupPerStreamContextInternal(PFSRTL_ADVANCED_FCB_HEADER StreamContext,
                                                                    PVOID OwnerId, PVOID InstanceId)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!supports_contexts(StreamContext))
        return nullptr;
    HeaderLock hold(StreamContext);
    return find(StreamContext, OwnerId, InstanceId);
}

PFSRTL_PER_STREAM_CONTEXT NTAPI FsRtlRemovePerStreamContext(PFSRTL_ADVANCED_FCB_HEADER StreamContext,
                                                            PVOID OwnerId, PVOID InstanceId)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!supports_contexts(StreamContext))
        return nullptr;
    HeaderLock hold(StreamContext);
    PFSRTL_PER_STREAM_CONTEXT context = find(StreamContext, OwnerId, InstanceId);
    if (context)
        RemoveEntryList(&context->Links);
    return context;
}

VOID NTAPI FsRtlTeardownPerStreamContexts(PFSRTL_ADVANCED_FCB_HEADER AdvancedHeader)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    while (!IsListEmpty(&AdvancedHeader->FilterContexts)) {
        PFSRTL_PER_STREAM_CONTEXT context = nullptr;
        {
            HeaderLock hold(AdvancedHeader);
            if (!IsListEmpty(&AdvancedHeader->FilterContexts))
                context = context_of(RemoveHeadList(&AdvancedHeader->FilterContexts));
        }
        if (context)
            context->FreeCallback(context);
    }
}

VOID NTAPI FsRtlTeardownPerFileContexts(PVOID* PerFileContextPointer)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    // Nothing can insert per-file contexts here.
    *PerFileContextPointer = nullptr;
}

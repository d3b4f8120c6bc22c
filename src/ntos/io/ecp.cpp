// SPDX-License-Identifier: MIT
#include "ntos/io/ecp.h"

#include "ntos/io/irp.h"
#include "ntos/verifier.h"

#include <cstring>

struct _ECP_HEADER
{
    LIST_ENTRY link;
    PECP_LIST list;
    GUID type;
    ULONG size;
    bool acknowledged;
    PFSRTL_EXTRA_CREATE_PARAMETER_CLEANUP_CALLBACK cleanup;

    PVOID context() { return this + 1; }
};

struct _ECP_LIST
{
    LIST_ENTRY entries;
};

static_assert(sizeof(_ECP_HEADER) % 8 == 0);

namespace fsp::ntos::io {

namespace {

constexpr ULONG list_tag = 0x6c706345;

PECP_HEADER header_of(PVOID context) { return static_cast<PECP_HEADER>(context) - 1; }

PECP_HEADER find(PECP_LIST list, LPCGUID type)
{
    for (PLIST_ENTRY e = list->entries.Flink; e != &list->entries; e = e->Flink)
        if (PECP_HEADER h = CONTAINING_RECORD(e, _ECP_HEADER, link); h->type == *type)
            return h;
    return nullptr;
}

void deliver(PECP_HEADER h, PVOID* context, ULONG* size)
{
    if (context != nullptr)
        *context = h->context();
    if (size != nullptr)
        *size = h->size;
}

void free_one(PECP_HEADER h)
{
    if (h->cleanup != nullptr)
        h->cleanup(h->context(), &h->type);
    ExFreePool(h);
}

} // namespace

void free_ecps(PECP_LIST list)
{
    while (!IsListEmpty(&list->entries))
        free_one(CONTAINING_RECORD(RemoveHeadList(&list->entries), _ECP_HEADER, link));
    ExFreePool(list);
}

} // namespace fsp::ntos::io

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI FsRtlAllocateExtraCreateParameterList(FSRTL_ALLOCATE_ECPLIST_FLAGS, PECP_LIST* EcpList)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    *EcpList = static_cast<PECP_LIST>(ExAllocatePoolWithTag(PagedPool, sizeof(_ECP_LIST), io::list_tag));
    if (*EcpList == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    InitializeListHead(&(*EcpList)->entries);
    return STATUS_SUCCESS;
}

VOID NTAPI FsRtlFreeExtraCreateParameterList(PECP_LIST EcpList)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    io::free_ecps(EcpList);
}

NTSTATUS NTAPI FsRtlAllocateExtraCreateParameter(
    LPCGUID EcpType, ULONG SizeOfContext, FSRTL_ALLOCATE_ECP_FLAGS,
    PFSRTL_EXTRA_CREATE_PARAMETER_CLEANUP_CALLBACK CleanupCallback, ULONG PoolTag, PVOID* EcpContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    *EcpContext = nullptr;
    if (SizeOfContext > 0xFFFF)
        return STATUS_INVALID_PARAMETER;
    auto* h = static_cast<PECP_HEADER>(ExAllocatePoolWithTag(
        NonPagedPool, sizeof(_ECP_HEADER) + SizeOfContext, PoolTag != 0 ? PoolTag : io::list_tag));
    if (h == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    std::memset(static_cast<void*>(h), 0, sizeof *h + SizeOfContext);
    InitializeListHead(&h->link);
    h->type = *EcpType;
    h->size = SizeOfContext;
    h->cleanup = CleanupCallback;
    *EcpContext = h->context();
    return STATUS_SUCCESS;
}

VOID NTAPI FsRtlFreeExtraCreateParameter(PVOID EcpContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    io::free_one(io::header_of(EcpContext));
}

NTSTATUS NTAPI FsRtlInsertExtraCreateParameter(PECP_LIST EcpList, PVOID EcpContext)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PECP_HEADER h = io::header_of(EcpContext);
    if (h->list != nullptr || io::find(EcpList, &h->type) != nullptr)
        return STATUS_INVALID_PARAMETER;
    h->list = EcpList;
    InsertTailList(&EcpList->entries, &h->link);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlFindExtraCreateParameter(PECP_LIST EcpList, LPCGUID EcpType, PVOID* EcpContext,
                                             ULONG* EcpContextSize)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PECP_HEADER h = io::find(EcpList, EcpType);
    if (h == nullptr)
        return STATUS_NOT_FOUND;
    io::deliver(h, EcpContext, EcpContextSize);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlRemoveExtraCreateParameter(PECP_LIST EcpList, LPCGUID EcpType, PVOID* EcpContext,
                                               ULONG* EcpContextSize)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PECP_HEADER h = io::find(EcpList, EcpType);
    if (h == nullptr)
        return STATUS_NOT_FOUND;
    RemoveEntryList(&h->link);
    h->list = nullptr;
    io::deliver(h, EcpContext, EcpContextSize);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlGetNextExtraCreateParameter(PECP_LIST EcpList, PVOID CurrentEcpContext, GUID* NextEcpType,
                                                PVOID* NextEcpContext, ULONG* NextEcpContextSize)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PLIST_ENTRY next =
        CurrentEcpContext != nullptr ? io::header_of(CurrentEcpContext)->link.Flink : EcpList->entries.Flink;
    if (next == &EcpList->entries)
        return STATUS_NOT_FOUND;
    PECP_HEADER h = CONTAINING_RECORD(next, _ECP_HEADER, link);
    if (NextEcpType != nullptr)
        *NextEcpType = h->type;
    io::deliver(h, NextEcpContext, NextEcpContextSize);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlGetEcpListFromIrp(PIRP Irp, PECP_LIST* EcpList)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    *EcpList = io::has_prefix(Irp) ? io::prefix_of(Irp)->ecps : nullptr;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI FsRtlSetEcpListIntoIrp(PIRP Irp, PECP_LIST EcpList)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    if (!io::has_prefix(Irp))
        return STATUS_INVALID_PARAMETER;
    io::IrpPrefix* prefix = io::prefix_of(Irp);
    if (prefix->ecps != nullptr && prefix->ecps != EcpList)
        return STATUS_INVALID_PARAMETER;
    prefix->ecps = EcpList;
    return STATUS_SUCCESS;
}

VOID NTAPI FsRtlAcknowledgeEcp(PVOID EcpContext) { io::header_of(EcpContext)->acknowledged = true; }
BOOLEAN NTAPI FsRtlIsEcpAcknowledged(PVOID EcpContext) { return io::header_of(EcpContext)->acknowledged; }
/// Parameters are made by kernel components only here.
BOOLEAN NTAPI FsRtlIsEcpFromUserMode(PVOID) { return FALSE; }

} // extern "C"

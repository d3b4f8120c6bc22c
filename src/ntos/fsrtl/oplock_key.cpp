// SPDX-License-Identifier: MIT
//
// Oplock keys: who counts as the same owner of an oplock. A key comes with the create, in an extra
// create parameter, and belongs to the file object from then on.
#include "ntos/fsrtl/oplock.h"
#include "ntos/verifier.h"

#include <ntos/file_extension.h>

#include <cstring>
#include <new>

namespace fsp::ntos {

FileExtension* make_file_extension(PFILE_OBJECT file)
{
    if (FileExtension* existing = file_extension(file))
        return existing;
    auto* fresh = new (std::nothrow) FileExtension;
    PVOID expected = nullptr;
    if (fresh &&
        !__atomic_compare_exchange_n(&file->FileObjectExtension, &expected, static_cast<PVOID>(fresh), false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
    {
        delete fresh;
        return static_cast<FileExtension*>(expected);
    }
    return fresh;
}

void free_file_extension(PFILE_OBJECT file)
{
    delete file_extension(file);
    file->FileObjectExtension = nullptr;
}

namespace fsrtl {
namespace {

bool equal(const GUID& a, const GUID& b) { return std::memcmp(&a, &b, sizeof a) == 0; }

} // namespace

NTSTATUS store_oplock_key(PIRP irp, PFILE_OBJECT file)
{
    PECP_LIST list = nullptr;
    if (!NT_SUCCESS(FsRtlGetEcpListFromIrp(irp, &list)) || !list)
        return STATUS_SUCCESS;

    PVOID context = nullptr;
    if (NT_SUCCESS(FsRtlFindExtraCreateParameter(list, &GUID_ECP_DUAL_OPLOCK_KEY, &context, nullptr))) {
        FileExtension* extension = make_file_extension(file);
        if (!extension)
            return STATUS_INSUFFICIENT_RESOURCES;
        auto* keys = static_cast<PDUAL_OPLOCK_KEY_ECP_CONTEXT>(context);
        extension->parent_key = keys->ParentOplockKey;
        extension->target_key = keys->TargetOplockKey;
        extension->has_parent_key = keys->ParentOplockKeySet;
        extension->has_target_key = keys->TargetOplockKeySet;
        FsRtlAcknowledgeEcp(context);
    } else if (NT_SUCCESS(FsRtlFindExtraCreateParameter(list, &GUID_ECP_OPLOCK_KEY, &context, nullptr))) {
        FileExtension* extension = make_file_extension(file);
        if (!extension)
            return STATUS_INSUFFICIENT_RESOURCES;
        extension->target_key = static_cast<POPLOCK_KEY_ECP_CONTEXT>(context)->OplockKey;
        extension->has_target_key = true;
        FsRtlAcknowledgeEcp(context);
    }
    return STATUS_SUCCESS;
}

bool same_target(PFILE_OBJECT a, PFILE_OBJECT b)
{
    if (a == b)
        return true;
    if (!a || !b)
        return false;
    FileExtension* x = file_extension(a);
    FileExtension* y = file_extension(b);
    return x && y && x->has_target_key && y->has_target_key && equal(x->target_key, y->target_key);
}

bool parent_matches(PFILE_OBJECT child, PFILE_OBJECT directory)
{
    FileExtension* c = child ? file_extension(child) : nullptr;
    FileExtension* d = directory ? file_extension(directory) : nullptr;
    if (!c || !d || !d->has_target_key)
        return false;
    // A caller with a single key uses it for everything it opens, directories included.
    if (c->has_parent_key)
        return equal(c->parent_key, d->target_key);
    return c->has_target_key && equal(c->target_key, d->target_key);
}

} // namespace fsrtl
} // namespace fsp::ntos

BOOLEAN NTAPI FsRtlOplockKeysEqual(PFILE_OBJECT Fo1, PFILE_OBJECT Fo2)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    return fsp::ntos::fsrtl::same_target(Fo1, Fo2);
}

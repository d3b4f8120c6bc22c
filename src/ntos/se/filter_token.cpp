// SPDX-License-Identifier: MIT
/// @file Tokens that can do less than the one that they were made of.
#include "ntos/se/token.h"

using namespace fsp::ntos;

namespace {

/// The user and the groups that are named count for denial only from here on.
void disable_sids(se::Token& token, const TOKEN_GROUPS& sids)
{
    const auto disable = [](SID_AND_ATTRIBUTES& entry, PSID sid) {
        if (RtlEqualSid(entry.Sid, sid))
            entry.Attributes =
                (entry.Attributes & ~static_cast<ULONG>(SE_GROUP_ENABLED | SE_GROUP_ENABLED_BY_DEFAULT)) |
                SE_GROUP_USE_FOR_DENY_ONLY;
    };
    for (ULONG i = 0; i != sids.GroupCount; ++i) {
        disable(token.view.user, sids.Groups[i].Sid);
        for (SID_AND_ATTRIBUTES& group : token.groups)
            disable(group, sids.Groups[i].Sid);
    }
}

} // namespace

extern "C" {

/// RestrictedSids are not supported: STATUS_NOT_SUPPORTED.
NTSTATUS NTAPI NtFilterToken(HANDLE ExistingTokenHandle, ULONG Flags, PTOKEN_GROUPS SidsToDisable,
                             PTOKEN_PRIVILEGES PrivilegesToDelete, PTOKEN_GROUPS RestrictedSids,
                             PHANDLE NewTokenHandle)
{
    if ((Flags & ~static_cast<ULONG>(DISABLE_MAX_PRIVILEGE)) != 0)
        return STATUS_INVALID_PARAMETER;
    if (RestrictedSids != nullptr && RestrictedSids->GroupCount != 0)
        return STATUS_NOT_SUPPORTED;
    ob::Ref<void> existing;
    ACCESS_MASK granted = 0;
    const NTSTATUS status = ob::reference_by_handle(ExistingTokenHandle, TOKEN_DUPLICATE, &ob::token_type,
                                                    UserMode, existing.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    const se::Token& from = se::token_of(existing.get());
    ob::Ref<se::Token> made(ob::create<se::Token>(&ob::token_type, from, from.type, from.level));
    if (!made)
        return STATUS_INSUFFICIENT_RESOURCES;

    UINT64& privileges = made->view.privileges;
    if ((Flags & DISABLE_MAX_PRIVILEGE) != 0)
        privileges &= fsp::nt::privilege_bit(SE_CHANGE_NOTIFY_PRIVILEGE);
    if (PrivilegesToDelete != nullptr)
        for (ULONG i = 0; i != PrivilegesToDelete->PrivilegeCount; ++i)
            if (const LUID luid = PrivilegesToDelete->Privileges[i].Luid;
                luid.HighPart == 0 && luid.LowPart < 64)
                privileges &= ~fsp::nt::privilege_bit(luid.LowPart);
    if (SidsToDisable != nullptr)
        disable_sids(*made.get(), *SidsToDisable);
    return ObOpenObjectByPointer(made.get(), 0, nullptr, granted, &ob::token_type, KernelMode,
                                 NewTokenHandle);
}

} // extern "C"

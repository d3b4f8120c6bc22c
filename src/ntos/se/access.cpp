// SPDX-License-Identifier: MIT
/// @file Access checks and privileges.
#include "ntos/se/token.h"
#include "ntos/verifier.h"

namespace {

using namespace fsp;
using namespace fsp::ntos;

NTSTATUS check(const nt::TokenView& token, PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
               ACCESS_MASK previous, PGENERIC_MAPPING mapping, PACCESS_MASK granted)
{
    if (desired == 0 && previous == 0) {
        *granted = 0;
        return STATUS_ACCESS_DENIED;
    }
    return nt::access_check(token, descriptor, desired, previous, *mapping, granted);
}

} // namespace

extern "C" {

BOOLEAN NTAPI SeAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor,
                            PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, BOOLEAN,
                            ACCESS_MASK DesiredAccess, ACCESS_MASK PreviouslyGrantedAccess,
                            PPRIVILEGE_SET* Privileges, PGENERIC_MAPPING GenericMapping,
                            KPROCESSOR_MODE AccessMode, PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (Privileges != nullptr)
        *Privileges = nullptr;
    if (AccessMode == KernelMode) {
        *GrantedAccess = PreviouslyGrantedAccess | (DesiredAccess & ~MAXIMUM_ALLOWED);
        if ((DesiredAccess & MAXIMUM_ALLOWED) != 0)
            *GrantedAccess |= GenericMapping->GenericAll;
        *AccessStatus = STATUS_SUCCESS;
        return TRUE;
    }
    *GrantedAccess = 0;
    // Below this level a client's token tells who asks, but may not be acted for.
    if (SubjectSecurityContext->ClientToken != nullptr &&
        SubjectSecurityContext->ImpersonationLevel < SecurityImpersonation)
    {
        *AccessStatus = STATUS_BAD_IMPERSONATION_LEVEL;
        return FALSE;
    }
    *AccessStatus = check(se::token_of(se::effective(*SubjectSecurityContext)).view, SecurityDescriptor,
                          DesiredAccess, PreviouslyGrantedAccess, GenericMapping, GrantedAccess);
    return NT_SUCCESS(*AccessStatus);
}

VOID NTAPI SeFreePrivileges(PPRIVILEGE_SET Privileges)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (Privileges != nullptr)
        ExFreePool(Privileges);
}

BOOLEAN NTAPI SePrivilegeCheck(PPRIVILEGE_SET RequiredPrivileges,
                               PSECURITY_SUBJECT_CONTEXT SubjectSecurityContext, KPROCESSOR_MODE AccessMode)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (AccessMode == KernelMode)
        return TRUE;
    const nt::TokenView& token = se::token_of(se::effective(*SubjectSecurityContext)).view;
    ULONG held = 0;
    for (ULONG i = 0; i < RequiredPrivileges->PrivilegeCount; ++i) {
        LUID_AND_ATTRIBUTES& p = RequiredPrivileges->Privilege[i];
        if (p.Luid.HighPart == 0 && p.Luid.LowPart < 64 && token.has(p.Luid.LowPart)) {
            p.Attributes |= SE_PRIVILEGE_USED_FOR_ACCESS;
            ++held;
        }
    }
    const bool all = (RequiredPrivileges->Control & PRIVILEGE_SET_ALL_NECESSARY) != 0;
    return all ? held == RequiredPrivileges->PrivilegeCount : held != 0;
}

BOOLEAN NTAPI SeSinglePrivilegeCheck(LUID PrivilegeValue, KPROCESSOR_MODE PreviousMode)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    SECURITY_SUBJECT_CONTEXT context;
    SeCaptureSubjectContext(&context);
    PRIVILEGE_SET set{1, PRIVILEGE_SET_ALL_NECESSARY, {{PrivilegeValue, 0}}};
    const BOOLEAN held = SePrivilegeCheck(&set, &context, PreviousMode);
    SeReleaseSubjectContext(&context);
    return held;
}

TOKEN_TYPE NTAPI SeTokenType(PACCESS_TOKEN Token) { return se::token_of(Token).type; }
SECURITY_IMPERSONATION_LEVEL NTAPI SeTokenImpersonationLevel(PACCESS_TOKEN Token)
{
    return se::token_of(Token).level;
}
BOOLEAN NTAPI SeTokenIsAdmin(PACCESS_TOKEN Token)
{
    static const uint8_t admins[] = {1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 0x20, 2, 0, 0};
    return se::token_of(Token).view.holds(reinterpret_cast<const SID*>(admins));
}
BOOLEAN NTAPI SeTokenIsRestricted(PACCESS_TOKEN Token)
{
    return se::token_of(Token).view.restricted_count != 0;
}

} // extern "C"

// SPDX-License-Identifier: MIT
/// @file Who a thread acts for: subject contexts, impersonation, access states.
#include "ntos/ps/process.h"
#include "ntos/ps/thread_state.h"
#include "ntos/se/access_state.h"
#include "ntos/se/token.h"
#include "ntos/verifier.h"

#include <cstring>
#include <mutex>

namespace fsp::ntos::se {

namespace {

PACCESS_TOKEN reference_primary(PEPROCESS process)
{
    std::lock_guard guard(process->token_lock);
    ob::reference(process->token);
    return process->token;
}

void capture(ps::ThreadState* thread, PEPROCESS process, PSECURITY_SUBJECT_CONTEXT context)
{
    context->ClientToken = nullptr;
    context->ImpersonationLevel = SecurityAnonymous;
    if (thread != nullptr && thread->client != nullptr) {
        context->ClientToken = thread->client;
        context->ImpersonationLevel = thread->client_level;
        ob::reference(thread->client);
    }
    context->PrimaryToken = reference_primary(process);
    context->ProcessAuditId = process->id;
}

} // namespace

AccessState::AccessState(ACCESS_MASK desired, const GENERIC_MAPPING& mapping)
{
    std::memset(static_cast<void*>(&state), 0, sizeof state);
    RtlMapGenericMask(&desired, const_cast<PGENERIC_MAPPING>(&mapping));
    ps::ThreadState& t = ps::current();
    capture(&t, t.process, &state.SubjectSecurityContext);
    if (token_of(effective(state.SubjectSecurityContext)).view.has(SE_CHANGE_NOTIFY_PRIVILEGE))
        state.Flags = TOKEN_HAS_TRAVERSE_PRIVILEGE;
    state.OriginalDesiredAccess = desired;
    state.RemainingDesiredAccess = desired;
    state.Privileges.InitialPrivilegeSet.Control = 0;
}

AccessState::~AccessState() { SeReleaseSubjectContext(&state.SubjectSecurityContext); }

} // namespace fsp::ntos::se

using namespace fsp::ntos;

extern "C" {

VOID NTAPI SeCaptureSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ps::ThreadState& t = ps::current();
    se::capture(&t, t.process, SubjectContext);
}

VOID NTAPI SeCaptureSubjectContextEx(PETHREAD Thread, PEPROCESS Process,
                                     PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    se::capture(Thread != nullptr ? ps::state_of(Thread) : nullptr, Process, SubjectContext);
}

// Tokens do not change, so there is nothing to lock.
VOID NTAPI SeLockSubjectContext(PSECURITY_SUBJECT_CONTEXT)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
}
VOID NTAPI SeUnlockSubjectContext(PSECURITY_SUBJECT_CONTEXT)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
}

VOID NTAPI SeReleaseSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (SubjectContext->PrimaryToken != nullptr)
        ob::dereference(std::exchange(SubjectContext->PrimaryToken, nullptr));
    if (SubjectContext->ClientToken != nullptr)
        ob::dereference(std::exchange(SubjectContext->ClientToken, nullptr));
}

PACCESS_TOKEN NTAPI PsReferencePrimaryToken(PEPROCESS Process)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return se::reference_primary(Process);
}
VOID NTAPI PsDereferencePrimaryToken(PACCESS_TOKEN PrimaryToken)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ob::dereference(PrimaryToken);
}
VOID NTAPI PsDereferenceImpersonationToken(PACCESS_TOKEN ImpersonationToken)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    if (ImpersonationToken != nullptr)
        ob::dereference(ImpersonationToken);
}

PACCESS_TOKEN NTAPI PsReferenceImpersonationToken(PETHREAD Thread, PBOOLEAN CopyOnOpen,
                                                  PBOOLEAN EffectiveOnly,
                                                  PSECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ps::ThreadState* t = ps::state_of(Thread);
    if (t == nullptr || t->client == nullptr)
        return nullptr;
    *CopyOnOpen = t->client_copy_on_open;
    *EffectiveOnly = t->client_effective_only;
    *ImpersonationLevel = t->client_level;
    ob::reference(t->client);
    return t->client;
}

NTSTATUS NTAPI PsImpersonateClient(PETHREAD Thread, PACCESS_TOKEN Token, BOOLEAN CopyOnOpen,
                                   BOOLEAN EffectiveOnly, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    ps::ThreadState* t = ps::state_of(Thread);
    if (t == nullptr)
        return STATUS_INVALID_PARAMETER;
    if (Token != nullptr)
        ob::reference(Token);
    PACCESS_TOKEN before = std::exchange(t->client, Token);
    t->client_level = ImpersonationLevel;
    t->client_copy_on_open = CopyOnOpen;
    t->client_effective_only = EffectiveOnly;
    if (before != nullptr)
        ob::dereference(before);
    return STATUS_SUCCESS;
}

VOID NTAPI PsRevertToSelf()
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    PsImpersonateClient(ps::current().thread, nullptr, FALSE, FALSE, SecurityAnonymous);
}

NTSTATUS NTAPI SeCreateAccessState(PACCESS_STATE AccessState, PVOID AuxData, ACCESS_MASK DesiredAccess,
                                   PGENERIC_MAPPING GenericMapping)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    std::memset(static_cast<void*>(AccessState), 0, sizeof *AccessState);
    if (GenericMapping != nullptr)
        RtlMapGenericMask(&DesiredAccess, GenericMapping);
    SeCaptureSubjectContext(&AccessState->SubjectSecurityContext);
    if (se::holds_privilege(AccessState->SubjectSecurityContext, SE_CHANGE_NOTIFY_PRIVILEGE, UserMode))
        AccessState->Flags = TOKEN_HAS_TRAVERSE_PRIVILEGE;
    AccessState->OperationID = se::new_luid();
    AccessState->OriginalDesiredAccess = DesiredAccess;
    AccessState->RemainingDesiredAccess = DesiredAccess;
    AccessState->AuxData = AuxData;
    return STATUS_SUCCESS;
}

VOID NTAPI SeDeleteAccessState(PACCESS_STATE AccessState)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    SeReleaseSubjectContext(&AccessState->SubjectSecurityContext);
}

VOID NTAPI SeSetAccessStateGenericMapping(PACCESS_STATE, PGENERIC_MAPPING) {}

NTSTATUS NTAPI SeAppendPrivileges(PACCESS_STATE AccessState, PPRIVILEGE_SET Privileges)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    // Recorded for audit only; as many as fit in place.
    auto& set = AccessState->Privileges.InitialPrivilegeSet;
    for (ULONG i = 0; i < Privileges->PrivilegeCount && set.PrivilegeCount < INITIAL_PRIVILEGE_COUNT; ++i)
        set.Privilege[set.PrivilegeCount++] = Privileges->Privilege[i];
    return STATUS_SUCCESS;
}

} // extern "C"

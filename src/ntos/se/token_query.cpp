// SPDX-License-Identifier: MIT
/// @file What a token tells about itself, handles to tokens, and acting for clients.
#include "ntos/ps/process.h"
#include "ntos/ps/thread_state.h"
#include "ntos/se/token.h"
#include "ntos/verifier.h"

#include <bit>
#include <cstring>

namespace fsp::ntos::se {

namespace {

/// Lays out a TOKEN_... structure: fixed part first, what it points to behind it.
class Answer
{
  public:
    explicit Answer(size_t fixed) : bytes_(fixed) {}

    size_t append(const void* data, size_t size)
    {
        const size_t at = (bytes_.size() + 7) & ~size_t{7};
        bytes_.resize(at + size);
        std::memcpy(bytes_.data() + at, data, size);
        return at;
    }
    size_t append_sid(const void* sid) { return append(sid, RtlLengthSid(const_cast<void*>(sid))); }
    template<class T> T* as() { return reinterpret_cast<T*>(bytes_.data()); }
    size_t size() const { return bytes_.size(); }

    /// Turns the pointer members, which hold offsets so far, into addresses within `base`.
    void deliver(void* base, const std::vector<size_t>& pointers) const
    {
        std::memcpy(base, bytes_.data(), bytes_.size());
        for (size_t at : pointers) {
            uintptr_t offset = 0;
            std::memcpy(&offset, static_cast<char*>(base) + at, sizeof offset);
            offset += reinterpret_cast<uintptr_t>(base);
            std::memcpy(static_cast<char*>(base) + at, &offset, sizeof offset);
        }
    }

  private:
    std::vector<char> bytes_;
};

PVOID offset(size_t at) { return reinterpret_cast<PVOID>(at); }

struct Result
{
    Answer answer;
    std::vector<size_t> pointers;
};

Result sid_result(const void* sid, size_t fixed)
{
    Result r{Answer(fixed), {0}};
    const size_t at = r.answer.append_sid(sid);
    *r.answer.as<PVOID>() = offset(at);
    return r;
}

Result groups_result(const Token& t)
{
    const ULONG count = t.view.group_count;
    Result r{Answer(offsetof(TOKEN_GROUPS, Groups) + count * sizeof(SID_AND_ATTRIBUTES)), {}};
    r.answer.as<TOKEN_GROUPS>()->GroupCount = count;
    for (ULONG i = 0; i < count; ++i) {
        const size_t at = r.answer.append_sid(t.view.groups[i].Sid);
        r.answer.as<TOKEN_GROUPS>()->Groups[i] = {offset(at), t.view.groups[i].Attributes};
        r.pointers.push_back(offsetof(TOKEN_GROUPS, Groups) + i * sizeof(SID_AND_ATTRIBUTES));
    }
    return r;
}

Result privileges_result(const Token& t)
{
    const int count = std::popcount(t.view.privileges);
    Result r{Answer(offsetof(TOKEN_PRIVILEGES, Privileges) + count * sizeof(LUID_AND_ATTRIBUTES)), {}};
    r.answer.as<TOKEN_PRIVILEGES>()->PrivilegeCount = static_cast<ULONG>(count);
    ULONG n = 0;
    for (ULONG p = 0; p < 64; ++p)
        if (t.view.has(p))
            r.answer.as<TOKEN_PRIVILEGES>()->Privileges[n++] = {
                {p, 0}, SE_PRIVILEGE_ENABLED | SE_PRIVILEGE_ENABLED_BY_DEFAULT};
    return r;
}

template<class T> Result plain_result(const T& value)
{
    Result r{Answer(sizeof value), {}};
    *r.answer.as<T>() = value;
    return r;
}

NTSTATUS query(const Token& t, TOKEN_INFORMATION_CLASS what, Result* result)
{
    switch (what) {
    case TokenUser:
        *result = sid_result(t.view.user.Sid, sizeof(TOKEN_USER));
        return STATUS_SUCCESS;
    case TokenOwner:
        *result = sid_result(t.view.owner, sizeof(TOKEN_OWNER));
        return STATUS_SUCCESS;
    case TokenPrimaryGroup:
        *result = sid_result(t.view.primary_group, sizeof(TOKEN_PRIMARY_GROUP));
        return STATUS_SUCCESS;
    case TokenGroups:
        *result = groups_result(t);
        return STATUS_SUCCESS;
    case TokenPrivileges:
        *result = privileges_result(t);
        return STATUS_SUCCESS;
    case TokenDefaultDacl: {
        *result = Result{Answer(sizeof(TOKEN_DEFAULT_DACL)), {0}};
        const size_t at = result->answer.append(t.view.default_dacl, t.view.default_dacl->AclSize);
        *result->answer.as<PVOID>() = offset(at);
        return STATUS_SUCCESS;
    }
    case TokenType:
        *result = plain_result(t.type);
        return STATUS_SUCCESS;
    case TokenImpersonationLevel:
        if (t.type != TokenImpersonation)
            return STATUS_INVALID_PARAMETER;
        *result = plain_result(t.level);
        return STATUS_SUCCESS;
    case TokenStatistics: {
        TOKEN_STATISTICS s{};
        s.TokenId = t.id;
        s.AuthenticationId = t.authentication_id;
        s.TokenType = t.type;
        s.ImpersonationLevel = t.level;
        s.GroupCount = t.view.group_count;
        s.PrivilegeCount = static_cast<ULONG>(std::popcount(t.view.privileges));
        s.ModifiedId = t.id;
        *result = plain_result(s);
        return STATUS_SUCCESS;
    }
    case TokenSessionId:
        *result = plain_result(ULONG{0});
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
}

/// A handle to the thread's or process's token.
NTSTATUS open_token(PACCESS_TOKEN token, ACCESS_MASK access, ULONG attributes, PHANDLE handle)
{
    return ObOpenObjectByPointer(token, attributes, nullptr, access, &ob::token_type, KernelMode, handle);
}

} // namespace

} // namespace fsp::ntos::se

using namespace fsp::ntos;

extern "C" {

NTSTATUS NTAPI SeQueryInformationToken(PACCESS_TOKEN Token, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID* TokenInformation)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    constexpr ULONG tag = 0x6f546553;
    se::Result result{se::Answer(0), {}};
    const NTSTATUS status = se::query(se::token_of(Token), TokenInformationClass, &result);
    if (!NT_SUCCESS(status))
        return status;
    if (TokenInformationClass == TokenSessionId || TokenInformationClass == TokenType ||
        TokenInformationClass == TokenImpersonationLevel)
    {
        // Small answers come in place of the pointer.
        std::memcpy(TokenInformation, result.answer.as<char>(), result.answer.size());
        return status;
    }
    *TokenInformation = ExAllocatePoolWithTag(PagedPool, result.answer.size(), tag);
    if (*TokenInformation == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    result.answer.deliver(*TokenInformation, result.pointers);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID TokenInformation, ULONG TokenInformationLength,
                                       PULONG ReturnLength)
{
    ob::Ref<void> token;
    ACCESS_MASK granted = 0;
    NTSTATUS status =
        ob::reference_by_handle(TokenHandle, TOKEN_QUERY, &ob::token_type, UserMode, token.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    se::Result result{se::Answer(0), {}};
    status = se::query(se::token_of(token.get()), TokenInformationClass, &result);
    if (!NT_SUCCESS(status))
        return status;
    *ReturnLength = static_cast<ULONG>(result.answer.size());
    if (TokenInformationLength < result.answer.size())
        return STATUS_BUFFER_TOO_SMALL;
    result.answer.deliver(TokenInformation, result.pointers);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI ZwQueryInformationToken(HANDLE TokenHandle, TOKEN_INFORMATION_CLASS TokenInformationClass,
                                       PVOID TokenInformation, ULONG TokenInformationLength,
                                       PULONG ReturnLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtQueryInformationToken(TokenHandle, TokenInformationClass, TokenInformation,
                                   TokenInformationLength, ReturnLength);
}

NTSTATUS NTAPI NtOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN,
                                   ULONG HandleAttributes, PHANDLE TokenHandle)
{
    ob::Ref<void> thread;
    ACCESS_MASK granted = 0;
    const NTSTATUS status =
        ob::reference_by_handle(ThreadHandle, 0, &ob::thread_type, UserMode, thread.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    ps::ThreadState* t = ps::state_of(static_cast<PETHREAD>(thread.get()));
    if (t == nullptr || t->client == nullptr)
        return STATUS_NO_TOKEN;
    return se::open_token(t->client, DesiredAccess, HandleAttributes, TokenHandle);
}

NTSTATUS NTAPI NtOpenThreadToken(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                                 PHANDLE TokenHandle)
{
    return NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, 0, TokenHandle);
}

NTSTATUS NTAPI ZwOpenThreadTokenEx(HANDLE ThreadHandle, ACCESS_MASK DesiredAccess, BOOLEAN OpenAsSelf,
                                   ULONG HandleAttributes, PHANDLE TokenHandle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtOpenThreadTokenEx(ThreadHandle, DesiredAccess, OpenAsSelf, HandleAttributes, TokenHandle);
}

NTSTATUS NTAPI NtOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                    PHANDLE TokenHandle)
{
    ob::Ref<void> process;
    ACCESS_MASK granted = 0;
    const NTSTATUS status =
        ob::reference_by_handle(ProcessHandle, 0, &ob::process_type, UserMode, process.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    ob::Ref<void> token(PsReferencePrimaryToken(static_cast<PEPROCESS>(process.get())));
    return se::open_token(token.get(), DesiredAccess, HandleAttributes, TokenHandle);
}

NTSTATUS NTAPI NtOpenProcessToken(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, PHANDLE TokenHandle)
{
    return NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, 0, TokenHandle);
}

NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE ProcessHandle, ACCESS_MASK DesiredAccess, ULONG HandleAttributes,
                                    PHANDLE TokenHandle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtOpenProcessTokenEx(ProcessHandle, DesiredAccess, HandleAttributes, TokenHandle);
}

NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR SecurityDescriptor, HANDLE ClientToken,
                             ACCESS_MASK DesiredAccess, PGENERIC_MAPPING GenericMapping,
                             PPRIVILEGE_SET PrivilegeSet, PULONG PrivilegeSetLength,
                             PACCESS_MASK GrantedAccess, PNTSTATUS AccessStatus)
{
    ob::Ref<void> token;
    ACCESS_MASK granted = 0;
    const NTSTATUS status =
        ob::reference_by_handle(ClientToken, TOKEN_QUERY, &ob::token_type, UserMode, token.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    const se::Token& t = se::token_of(token.get());
    if (t.type != TokenImpersonation)
        return STATUS_NO_IMPERSONATION_TOKEN;
    if (t.level < SecurityIdentification)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    if (PrivilegeSet != nullptr && PrivilegeSetLength != nullptr &&
        *PrivilegeSetLength >= sizeof *PrivilegeSet)
        *PrivilegeSet = {};
    *GrantedAccess = 0;
    if (!fsp::nt::has_owner_and_group(SecurityDescriptor))
        return STATUS_INVALID_SECURITY_DESCR;
    *AccessStatus =
        fsp::nt::access_check(t.view, SecurityDescriptor, DesiredAccess, 0, *GenericMapping, GrantedAccess);
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI SeCreateClientSecurityFromSubjectContext(PSECURITY_SUBJECT_CONTEXT SubjectContext,
                                                        PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                                        BOOLEAN RemoteSession,
                                                        PSECURITY_CLIENT_CONTEXT ClientContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    std::memset(static_cast<void*>(ClientContext), 0, sizeof *ClientContext);
    if (SubjectContext->ClientToken != nullptr &&
        ClientSecurityQos->ImpersonationLevel > SubjectContext->ImpersonationLevel)
        return STATUS_BAD_IMPERSONATION_LEVEL;
    se::Token& from = se::token_of(se::effective(*SubjectContext));
    ClientContext->SecurityQos = *ClientSecurityQos;
    ClientContext->ServerIsRemote = RemoteSession;
    ClientContext->DirectlyAccessClientToken = ClientSecurityQos->ContextTrackingMode;
    ClientContext->DirectAccessEffectiveOnly = ClientSecurityQos->EffectiveOnly;
    if (ClientSecurityQos->ImpersonationLevel == SecurityIdentification)
        ClientContext->ClientToken = se::reference_identification(from);
    else
        ClientContext->ClientToken = ob::create<se::Token>(&ob::token_type, from, TokenImpersonation,
                                                           ClientSecurityQos->ImpersonationLevel);
    return ClientContext->ClientToken != nullptr ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

NTSTATUS NTAPI SeCreateClientSecurity(PETHREAD ClientThread, PSECURITY_QUALITY_OF_SERVICE ClientSecurityQos,
                                      BOOLEAN RemoteSession, PSECURITY_CLIENT_CONTEXT ClientContext)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    SECURITY_SUBJECT_CONTEXT subject;
    SeCaptureSubjectContextEx(ClientThread, PsGetCurrentProcess(), &subject);
    const NTSTATUS status =
        SeCreateClientSecurityFromSubjectContext(&subject, ClientSecurityQos, RemoteSession, ClientContext);
    SeReleaseSubjectContext(&subject);
    return status;
}

NTSTATUS NTAPI SeQueryAuthenticationIdToken(PACCESS_TOKEN Token, PLUID AuthenticationId)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    *AuthenticationId = se::token_of(Token).authentication_id;
    return STATUS_SUCCESS;
}

NTSTATUS NTAPI NtDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                                POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN, TOKEN_TYPE TokenType,
                                PHANDLE NewTokenHandle)
{
    ob::Ref<void> token;
    ACCESS_MASK granted = 0;
    const NTSTATUS status = ob::reference_by_handle(ExistingTokenHandle, TOKEN_DUPLICATE, &ob::token_type,
                                                    UserMode, token.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    const se::Token& from = se::token_of(token.get());
    SECURITY_IMPERSONATION_LEVEL level = from.level;
    if (ObjectAttributes != nullptr && ObjectAttributes->SecurityQualityOfService != nullptr)
        level = static_cast<PSECURITY_QUALITY_OF_SERVICE>(ObjectAttributes->SecurityQualityOfService)
                    ->ImpersonationLevel;
    // The identity may become less powerful on the way, not more.
    if (from.type == TokenImpersonation && (level > from.level || TokenType == TokenPrimary))
        return STATUS_BAD_IMPERSONATION_LEVEL;
    ob::Ref<se::Token> copy(ob::create<se::Token>(&ob::token_type, from, TokenType, level));
    if (!copy)
        return STATUS_INSUFFICIENT_RESOURCES;
    return se::open_token(copy.get(), DesiredAccess != 0 ? DesiredAccess : granted,
                          ObjectAttributes != nullptr ? ObjectAttributes->Attributes : 0, NewTokenHandle);
}

NTSTATUS NTAPI ZwDuplicateToken(HANDLE ExistingTokenHandle, ACCESS_MASK DesiredAccess,
                                POBJECT_ATTRIBUTES ObjectAttributes, BOOLEAN EffectiveOnly,
                                TOKEN_TYPE TokenType, PHANDLE NewTokenHandle)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtDuplicateToken(ExistingTokenHandle, DesiredAccess, ObjectAttributes, EffectiveOnly, TokenType,
                            NewTokenHandle);
}

/// ThreadImpersonationToken: the thread acts for the token's user; a null handle ends it.
NTSTATUS NTAPI NtSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    if (ThreadInformationClass != ThreadImpersonationToken)
        return STATUS_INVALID_INFO_CLASS;
    if (ThreadInformationLength != sizeof(HANDLE))
        return STATUS_INFO_LENGTH_MISMATCH;
    ob::Ref<void> thread, token;
    ACCESS_MASK granted = 0;
    NTSTATUS status =
        ob::reference_by_handle(ThreadHandle, 0, &ob::thread_type, UserMode, thread.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    HANDLE handle = *static_cast<PHANDLE>(ThreadInformation);
    if (handle == nullptr)
        return PsImpersonateClient(static_cast<PETHREAD>(thread.get()), nullptr, FALSE, FALSE,
                                   SecurityAnonymous);
    status =
        ob::reference_by_handle(handle, TOKEN_IMPERSONATE, &ob::token_type, UserMode, token.out(), &granted);
    if (!NT_SUCCESS(status))
        return status;
    if (se::token_of(token.get()).type != TokenImpersonation)
        return STATUS_BAD_TOKEN_TYPE;
    return PsImpersonateClient(static_cast<PETHREAD>(thread.get()), token.get(), FALSE, FALSE,
                               se::token_of(token.get()).level);
}

NTSTATUS NTAPI ZwSetInformationThread(HANDLE ThreadHandle, THREADINFOCLASS ThreadInformationClass,
                                      PVOID ThreadInformation, ULONG ThreadInformationLength)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return NtSetInformationThread(ThreadHandle, ThreadInformationClass, ThreadInformation,
                                  ThreadInformationLength);
}

NTSTATUS NTAPI SeImpersonateClientEx(PSECURITY_CLIENT_CONTEXT ClientContext, PETHREAD ServerThread)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    return PsImpersonateClient(ServerThread != nullptr ? ServerThread : PsGetCurrentThread(),
                               ClientContext->ClientToken, TRUE, ClientContext->DirectAccessEffectiveOnly,
                               ClientContext->SecurityQos.ImpersonationLevel);
}

} // extern "C"

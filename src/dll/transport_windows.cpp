// SPDX-License-Identifier: MIT
/// @file The device transport where the driver is one of the kernel's.
#include "dll/transport.h"

#include <cstdlib>
#include <cstring>

#include "nt/object_security.h"
#include "nt/text.h"

extern "C" {
NTSYSAPI NTSTATUS NTAPI NtFsControlFile(HANDLE, HANDLE, PIO_APC_ROUTINE, PVOID, PIO_STATUS_BLOCK, ULONG code,
                                        PVOID in, ULONG in_size, PVOID out, ULONG out_size);
NTSYSAPI NTSTATUS NTAPI NtAccessCheck(PSECURITY_DESCRIPTOR, HANDLE token, ACCESS_MASK, PGENERIC_MAPPING,
                                      PPRIVILEGE_SET, PULONG size, PACCESS_MASK granted, NTSTATUS* status);
}

namespace fsp::transport {
namespace {

/// One event per thread, as a control never overlaps another one on its thread.
class ThreadEvent
{
  public:
    HANDLE get()
    {
        HANDLE event = TlsGetValue(slot_);
        if (event == nullptr) {
            event = CreateEventW(nullptr, TRUE, FALSE, nullptr);
            TlsSetValue(slot_, event);
        }
        return event;
    }

  private:
    DWORD slot_ = TlsAlloc();
};
ThreadEvent thread_event;

/// A variable-size answer about a token, on the heap.
template<class T> class TokenInformation
{
  public:
    TokenInformation(HANDLE token, TOKEN_INFORMATION_CLASS what)
    {
        DWORD size = 0;
        GetTokenInformation(token, what, nullptr, 0, &size);
        data_ = static_cast<T*>(std::malloc(size != 0 ? size : 1));
        if (data_ != nullptr && !GetTokenInformation(token, what, data_, size, &size)) {
            std::free(data_);
            data_ = nullptr;
        }
    }
    TokenInformation(const TokenInformation&) = delete;
    ~TokenInformation() { std::free(data_); }
    const T* operator->() const { return data_; }
    explicit operator bool() const { return data_ != nullptr; }

  private:
    T* data_;
};

UINT64 enabled_privileges(const TOKEN_PRIVILEGES& all)
{
    UINT64 result = 0;
    for (DWORD i = 0; i != all.PrivilegeCount; ++i)
        if ((all.Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) != 0 &&
            all.Privileges[i].Luid.HighPart == 0 && all.Privileges[i].Luid.LowPart < 64)
            result |= nt::privilege_bit(all.Privileges[i].Luid.LowPart);
    return result;
}

bool copy_sid(PSID sid, UCHAR (&out)[TokenIdentity::sid_size_max])
{
    return sid != nullptr && CopySid(sizeof out, out, sid);
}

} // namespace

NTSTATUS open(const WCHAR* nt_path, HANDLE* device)
{
    *device = nullptr;
    const size_t length = nt::length(nt_path) * sizeof(WCHAR);
    if (length > UNICODE_STRING_MAX_BYTES)
        return STATUS_NAME_TOO_LONG;
    UNICODE_STRING name{static_cast<USHORT>(length), static_cast<USHORT>(length), const_cast<PWSTR>(nt_path)};
    OBJECT_ATTRIBUTES attributes;
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE, nullptr, nullptr);
    IO_STATUS_BLOCK io{};
    return NtOpenFile(device, FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &io,
                      FILE_SHARE_READ | FILE_SHARE_WRITE, 0);
}

NTSTATUS control(HANDLE device, ULONG code, const void* in, ULONG in_size, void* out, ULONG out_size,
                 ULONG* returned)
{
    const HANDLE event = thread_event.get();
    if (event == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    IO_STATUS_BLOCK io{};
    NTSTATUS status = NtFsControlFile(device, event, nullptr, nullptr, &io, code, const_cast<void*>(in),
                                      in_size, out, out_size);
    if (status == STATUS_PENDING) {
        WaitForSingleObject(event, INFINITE);
        status = io.Status;
    }
    if (returned != nullptr)
        *returned = static_cast<ULONG>(io.Information);
    return status;
}

void close(HANDLE device) { CloseHandle(device); }

NTSTATUS access_check(HANDLE token, PSECURITY_DESCRIPTOR descriptor, ACCESS_MASK desired,
                      ACCESS_MASK* granted)
{
    *granted = 0;
    GENERIC_MAPPING mapping = nt::file_generic_mapping;
    MapGenericMask(&desired, &mapping);
    struct
    {
        PRIVILEGE_SET set;
        LUID_AND_ATTRIBUTES more[7];
    } privileges;
    ULONG size = sizeof privileges;
    NTSTATUS verdict = STATUS_ACCESS_DENIED;
    const NTSTATUS status =
        NtAccessCheck(descriptor, token, desired, &mapping, &privileges.set, &size, granted, &verdict);
    return NT_SUCCESS(status) ? verdict : status;
}

NTSTATUS create_object_security(HANDLE token, PSECURITY_DESCRIPTOR parent, PSECURITY_DESCRIPTOR creator,
                                bool directory, PSECURITY_DESCRIPTOR* descriptor)
{
    *descriptor = nullptr;
    const TokenInformation<TOKEN_USER> user(token, TokenUser);
    const TokenInformation<TOKEN_OWNER> owner(token, TokenOwner);
    const TokenInformation<TOKEN_PRIMARY_GROUP> group(token, TokenPrimaryGroup);
    const TokenInformation<TOKEN_DEFAULT_DACL> dacl(token, TokenDefaultDacl);
    const TokenInformation<TOKEN_GROUPS> groups(token, TokenGroups);
    const TokenInformation<TOKEN_PRIVILEGES> privileges(token, TokenPrivileges);
    if (!user || !owner || !group || !dacl || !groups || !privileges)
        return FspNtStatusFromWin32(GetLastError());
    nt::TokenView view;
    view.user = user->User;
    view.groups = groups->Groups;
    view.group_count = groups->GroupCount;
    view.privileges = enabled_privileges(*privileges.operator->());
    view.owner = static_cast<const SID*>(owner->Owner);
    view.primary_group = static_cast<const SID*>(group->PrimaryGroup);
    view.default_dacl = dacl->DefaultDacl;
    return nt::create_object_security(parent, creator, directory, 0, view, nt::file_generic_mapping,
                                      descriptor);
}

void free_object_security(PSECURITY_DESCRIPTOR descriptor) { nt::free_descriptor(descriptor); }

NTSTATUS own_token(TokenIdentity* identity)
{
    std::memset(identity, 0, sizeof *identity);
    HANDLE token;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return FspNtStatusFromWin32(GetLastError());
    const TokenInformation<TOKEN_USER> user(token, TokenUser);
    const TokenInformation<TOKEN_OWNER> owner(token, TokenOwner);
    const TokenInformation<TOKEN_PRIMARY_GROUP> group(token, TokenPrimaryGroup);
    const TokenInformation<TOKEN_GROUPS> groups(token, TokenGroups);
    CloseHandle(token);
    if (!user || !owner || !group || !groups || !copy_sid(user->User.Sid, identity->user) ||
        !copy_sid(owner->Owner, identity->owner) || !copy_sid(group->PrimaryGroup, identity->primary_group))
        return STATUS_INSUFFICIENT_RESOURCES;
    for (DWORD i = 0; i != groups->GroupCount && identity->group_count != TokenIdentity::group_count_max; ++i)
    {
        auto& out = identity->groups[identity->group_count];
        if (!copy_sid(groups->Groups[i].Sid, out.sid))
            continue;
        out.attributes = groups->Groups[i].Attributes;
        ++identity->group_count;
    }
    return STATUS_SUCCESS;
}

const char* error_text() { return ""; }

} // namespace fsp::transport

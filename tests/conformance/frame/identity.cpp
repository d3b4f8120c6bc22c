// SPDX-License-Identifier: MIT
#include "identity.h"

#include "check.h"

#include <cstdint>
#include <vector>

namespace conformance {

namespace {

class Handle
{
  public:
    Handle() = default;
    Handle(const Handle&) = delete;
    ~Handle()
    {
        if (handle_ != nullptr)
            NtClose(handle_);
    }
    PHANDLE receive() { return &handle_; }
    HANDLE& get() { return handle_; }

  private:
    HANDLE handle_ = nullptr;
};

void open_token(Handle& token)
{
    constexpr ACCESS_MASK access = TOKEN_QUERY | TOKEN_DUPLICATE | TOKEN_IMPERSONATE;
    if (NtOpenThreadTokenEx(NtCurrentThread(), access, TRUE, 0, token.receive()) == STATUS_NO_TOKEN)
        REQUIRE_EQ(NtOpenProcessTokenEx(NtCurrentProcess(), access, 0, token.receive()), STATUS_SUCCESS);
}

void impersonate(HANDLE token)
{
    REQUIRE_EQ(NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &token, sizeof token),
               STATUS_SUCCESS);
}

} // namespace

bool holds_privilege(ULONG privilege)
{
    Handle token;
    open_token(token);
    alignas(8) std::uint8_t buffer[2048];
    ULONG length = 0;
    REQUIRE_EQ(NtQueryInformationToken(token.get(), TokenPrivileges, buffer, sizeof buffer, &length),
               STATUS_SUCCESS);
    const auto* held = reinterpret_cast<const TOKEN_PRIVILEGES*>(buffer);
    for (ULONG i = 0; i != held->PrivilegeCount; ++i)
        if (held->Privileges[i].Luid.LowPart == privilege)
            return (held->Privileges[i].Attributes & SE_PRIVILEGE_ENABLED) != 0;
    return false;
}

void need_privilege(ULONG privilege)
{
    if (!holds_privilege(privilege))
        SKIP("needs a privilege that this account does not have");
}

Without::Without(std::initializer_list<ULONG> privileges)
{
    std::vector<std::uint64_t> buffer(1 + privileges.size() * 2);
    auto* removed = reinterpret_cast<TOKEN_PRIVILEGES*>(buffer.data());
    for (const ULONG privilege : privileges)
        removed->Privileges[removed->PrivilegeCount++].Luid = {privilege, 0};

    Handle own, filtered, acting;
    open_token(own);
    REQUIRE_EQ(NtFilterToken(own.get(), 0, nullptr, removed, nullptr, filtered.receive()), STATUS_SUCCESS);
    SECURITY_QUALITY_OF_SERVICE quality{sizeof quality, SecurityImpersonation, SECURITY_DYNAMIC_TRACKING,
                                        FALSE};
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.SecurityQualityOfService = &quality;
    REQUIRE_EQ(NtDuplicateToken(filtered.get(), TOKEN_QUERY | TOKEN_IMPERSONATE | TOKEN_DUPLICATE, &object,
                                FALSE, TokenImpersonation, acting.receive()),
               STATUS_SUCCESS);
    impersonate(acting.get());
}

Without::~Without()
{
    HANDLE none = nullptr;
    NtSetInformationThread(NtCurrentThread(), ThreadImpersonationToken, &none, sizeof none);
}

} // namespace conformance

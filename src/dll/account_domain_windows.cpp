// SPDX-License-Identifier: MIT
//
// The domains whose accounts have POSIX ids of their own.
#include "dll/dll.h"
#include "nt/posix_map.h"

#include <ntsecapi.h>

namespace fsp::nt::posix {
namespace {

/// Asked of the local security authority once.
struct Domains
{
    INIT_ONCE once = INIT_ONCE_STATIC_INIT;
    alignas(8) UCHAR account[SECURITY_MAX_SID_SIZE], primary[SECURITY_MAX_SID_SIZE];
    bool has_account = false, has_primary = false;

    static BOOL WINAPI find(PINIT_ONCE, PVOID self, PVOID*)
    {
        auto& domains = *static_cast<Domains*>(self);
        LSA_OBJECT_ATTRIBUTES attributes{};
        LSA_HANDLE policy;
        if (!NT_SUCCESS(LsaOpenPolicy(nullptr, &attributes, POLICY_VIEW_LOCAL_INFORMATION, &policy)))
            return TRUE;
        PVOID info = nullptr;
        if (NT_SUCCESS(LsaQueryInformationPolicy(policy, PolicyAccountDomainInformation, &info))) {
            const PSID sid = static_cast<POLICY_ACCOUNT_DOMAIN_INFO*>(info)->DomainSid;
            domains.has_account = sid != nullptr && CopySid(sizeof domains.account, domains.account, sid);
            LsaFreeMemory(info);
        }
        if (NT_SUCCESS(LsaQueryInformationPolicy(policy, PolicyPrimaryDomainInformation, &info))) {
            const PSID sid = static_cast<POLICY_PRIMARY_DOMAIN_INFO*>(info)->Sid;
            domains.has_primary = sid != nullptr && CopySid(sizeof domains.primary, domains.primary, sid);
            LsaFreeMemory(info);
        }
        LsaClose(policy);
        return TRUE;
    }
};
constinit Domains domains{};

} // namespace

const SID* account_domain()
{
    InitOnceExecuteOnce(&domains.once, Domains::find, &domains, nullptr);
    return domains.has_account ? reinterpret_cast<const SID*>(domains.account) : nullptr;
}

const SID* primary_domain()
{
    InitOnceExecuteOnce(&domains.once, Domains::find, &domains, nullptr);
    return domains.has_primary ? reinterpret_cast<const SID*>(domains.primary) : nullptr;
}

} // namespace fsp::nt::posix

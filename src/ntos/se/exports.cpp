// SPDX-License-Identifier: MIT
/// @file SeExports: the well-known SIDs and privileges.
#include <ntifs.h>

namespace {

/// A SID constant with up to two sub-authorities.
struct WellKnown
{
    UCHAR revision = 1, count;
    UCHAR authority[6] = {};
    ULONG sub[2] = {};

    constexpr WellKnown(UCHAR a, ULONG first) : count(1)
    {
        authority[5] = a;
        sub[0] = first;
    }
    constexpr WellKnown(UCHAR a, ULONG first, ULONG second) : count(2)
    {
        authority[5] = a;
        sub[0] = first;
        sub[1] = second;
    }
};
static_assert(sizeof(WellKnown) == 16);

WellKnown null_sid(0, 0), world(1, 0), local(2, 0), creator_owner(3, 0), creator_group(3, 1),
    owner_rights(3, 4), dialup(5, 1), network(5, 2), batch(5, 3), interactive(5, 4), anonymous(5, 7),
    authenticated(5, 11), restricted(5, 12), iuser(5, 17), system_sid(5, 18), local_service(5, 19),
    network_service(5, 20);
WellKnown admins(5, 32, 544), users(5, 32, 545), guests(5, 32, 546), power_users(5, 32, 547),
    account_ops(5, 32, 548), system_ops(5, 32, 549), print_ops(5, 32, 550), backup_ops(5, 32, 551);
WellKnown untrusted(16, 0), low(16, 0x1000), medium(16, 0x2000), high(16, 0x3000), system_level(16, 0x4000);
SID nt_authority{1, 0, {{0, 0, 0, 0, 0, 5}}, {0}};

SE_EXPORTS make()
{
    SE_EXPORTS e{};
    e.SeCreateTokenPrivilege = {SE_CREATE_TOKEN_PRIVILEGE, 0};
    e.SeAssignPrimaryTokenPrivilege = {SE_ASSIGNPRIMARYTOKEN_PRIVILEGE, 0};
    e.SeLockMemoryPrivilege = {SE_LOCK_MEMORY_PRIVILEGE, 0};
    e.SeIncreaseQuotaPrivilege = {SE_INCREASE_QUOTA_PRIVILEGE, 0};
    e.SeTcbPrivilege = {SE_TCB_PRIVILEGE, 0};
    e.SeSecurityPrivilege = {SE_SECURITY_PRIVILEGE, 0};
    e.SeTakeOwnershipPrivilege = {SE_TAKE_OWNERSHIP_PRIVILEGE, 0};
    e.SeLoadDriverPrivilege = {SE_LOAD_DRIVER_PRIVILEGE, 0};
    e.SeCreatePagefilePrivilege = {SE_CREATE_PAGEFILE_PRIVILEGE, 0};
    e.SeIncreaseBasePriorityPrivilege = {SE_INC_BASE_PRIORITY_PRIVILEGE, 0};
    e.SeSystemProfilePrivilege = {SE_SYSTEM_PROFILE_PRIVILEGE, 0};
    e.SeSystemtimePrivilege = {SE_SYSTEMTIME_PRIVILEGE, 0};
    e.SeProfileSingleProcessPrivilege = {SE_PROF_SINGLE_PROCESS_PRIVILEGE, 0};
    e.SeCreatePermanentPrivilege = {SE_CREATE_PERMANENT_PRIVILEGE, 0};
    e.SeBackupPrivilege = {SE_BACKUP_PRIVILEGE, 0};
    e.SeRestorePrivilege = {SE_RESTORE_PRIVILEGE, 0};
    e.SeShutdownPrivilege = {SE_SHUTDOWN_PRIVILEGE, 0};
    e.SeDebugPrivilege = {SE_DEBUG_PRIVILEGE, 0};
    e.SeAuditPrivilege = {SE_AUDIT_PRIVILEGE, 0};
    e.SeSystemEnvironmentPrivilege = {SE_SYSTEM_ENVIRONMENT_PRIVILEGE, 0};
    e.SeChangeNotifyPrivilege = {SE_CHANGE_NOTIFY_PRIVILEGE, 0};
    e.SeRemoteShutdownPrivilege = {SE_REMOTE_SHUTDOWN_PRIVILEGE, 0};
    e.SeUndockPrivilege = {SE_UNDOCK_PRIVILEGE, 0};
    e.SeSyncAgentPrivilege = {SE_SYNC_AGENT_PRIVILEGE, 0};
    e.SeEnableDelegationPrivilege = {SE_ENABLE_DELEGATION_PRIVILEGE, 0};
    e.SeManageVolumePrivilege = {SE_MANAGE_VOLUME_PRIVILEGE, 0};
    e.SeImpersonatePrivilege = {SE_IMPERSONATE_PRIVILEGE, 0};
    e.SeCreateGlobalPrivilege = {SE_CREATE_GLOBAL_PRIVILEGE, 0};
    e.SeTrustedCredManAccessPrivilege = {SE_TRUSTED_CREDMAN_ACCESS_PRIVILEGE, 0};
    e.SeRelabelPrivilege = {SE_RELABEL_PRIVILEGE, 0};
    e.SeIncreaseWorkingSetPrivilege = {SE_INC_WORKING_SET_PRIVILEGE, 0};
    e.SeTimeZonePrivilege = {SE_TIME_ZONE_PRIVILEGE, 0};
    e.SeCreateSymbolicLinkPrivilege = {SE_CREATE_SYMBOLIC_LINK_PRIVILEGE, 0};
    e.SeNullSid = &null_sid;
    e.SeWorldSid = &world;
    e.SeLocalSid = &local;
    e.SeCreatorOwnerSid = &creator_owner;
    e.SeCreatorGroupSid = &creator_group;
    e.SeNtAuthoritySid = &nt_authority;
    e.SeDialupSid = &dialup;
    e.SeNetworkSid = &network;
    e.SeBatchSid = &batch;
    e.SeInteractiveSid = &interactive;
    e.SeLocalSystemSid = &system_sid;
    e.SeAliasAdminsSid = &admins;
    e.SeAliasUsersSid = &users;
    e.SeAliasGuestsSid = &guests;
    e.SeAliasPowerUsersSid = &power_users;
    e.SeAliasAccountOpsSid = &account_ops;
    e.SeAliasSystemOpsSid = &system_ops;
    e.SeAliasPrintOpsSid = &print_ops;
    e.SeAliasBackupOpsSid = &backup_ops;
    e.SeAuthenticatedUsersSid = &authenticated;
    e.SeRestrictedSid = &restricted;
    e.SeAnonymousLogonSid = &anonymous;
    e.SeLocalServiceSid = &local_service;
    e.SeNetworkServiceSid = &network_service;
    e.SeIUserSid = &iuser;
    e.SeUntrustedMandatorySid = &untrusted;
    e.SeLowMandatorySid = &low;
    e.SeMediumMandatorySid = &medium;
    e.SeHighMandatorySid = &high;
    e.SeSystemMandatorySid = &system_level;
    e.SeOwnerRightsSid = &owner_rights;
    return e;
}

SE_EXPORTS exports = make();

} // namespace

extern "C" {

PSE_EXPORTS SeExports = &exports;

} // extern "C"

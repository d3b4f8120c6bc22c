// SPDX-License-Identifier: MIT
//
// The access decision: who may do what with an object ([MS-DTYP] 2.5.3.2). A pure function that
// allocates nothing.
#pragma once

#include <winfsp/nt.h>

namespace fsp::nt {

/// Read, write, execute and all access of files.
inline constexpr GENERIC_MAPPING file_generic_mapping{FILE_GENERIC_READ, FILE_GENERIC_WRITE,
                                                      FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS};

constexpr ACCESS_MASK map_generic(ACCESS_MASK mask, const GENERIC_MAPPING& mapping)
{
    if (!(mask & (GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL)))
        return mask;
    if (mask & GENERIC_READ)
        mask |= mapping.GenericRead;
    if (mask & GENERIC_WRITE)
        mask |= mapping.GenericWrite;
    if (mask & GENERIC_EXECUTE)
        mask |= mapping.GenericExecute;
    if (mask & GENERIC_ALL)
        mask |= mapping.GenericAll;
    return mask & ~(GENERIC_READ | GENERIC_WRITE | GENERIC_EXECUTE | GENERIC_ALL);
}

/// The bit of a privilege (SE_..._PRIVILEGE) in TokenView::privileges.
constexpr UINT64 privilege_bit(ULONG privilege) { return UINT64{1} << privilege; }

/// What the decision needs to know about a caller. All SIDs valid.
struct TokenView
{
    SID_AND_ATTRIBUTES user{}; ///< SE_GROUP_USE_FOR_DENY_ONLY is the only attribute that counts
    const SID_AND_ATTRIBUTES* groups = nullptr; ///< count if SE_GROUP_ENABLED; deny only if USE_FOR_DENY_ONLY
    ULONG group_count = 0;
    const SID_AND_ATTRIBUTES* restricted = nullptr; ///< if any, they too must be granted the access
    ULONG restricted_count = 0;
    UINT64 privileges = 0; ///< the enabled ones
    ULONG integrity = SECURITY_MANDATORY_MEDIUM_RID;
    const SID* owner = nullptr; ///< of new objects; null: the user
    const SID* primary_group = nullptr;
    const ACL* default_dacl = nullptr;

    bool has(ULONG privilege) const { return privileges & privilege_bit(privilege); }
    /// Whether the SID is the user's or an enabled group's.
    bool holds(const SID* sid) const;
};

/**
 * SeAccessCheck for a user-mode caller.
 *
 * @param descriptor   valid, of either form; null is refused
 * @param desired      may hold MAXIMUM_ALLOWED and generic rights; 0 succeeds only if `previous` is not 0
 * @param previous     rights already granted; added to the result
 * @param[out] granted what the caller gets, 0 on failure
 * @param[out] used    privileges that the decision needed; may be null
 * @return STATUS_SUCCESS, STATUS_ACCESS_DENIED, STATUS_PRIVILEGE_NOT_HELD (ACCESS_SYSTEM_SECURITY)
 */
NTSTATUS access_check(const TokenView& token, const void* descriptor, ACCESS_MASK desired,
                      ACCESS_MASK previous, const GENERIC_MAPPING& mapping, ACCESS_MASK* granted,
                      UINT64* used = nullptr);

/// AccessCheck, the API, refuses a descriptor without them (STATUS_INVALID_SECURITY_DESCR); the kernel does
/// not.
bool has_owner_and_group(const void* descriptor);

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
//
// The descriptor of a new object, from its parent, its creator's wishes and the creator's token; and changes
// to the descriptor of an existing one ([MS-DTYP] 2.5.3.4). What Windows calls private object security.
#pragma once

#include <winfsp/nt.h>

#include "nt/access_check.h"

namespace fsp::nt {

/**
 * CreatePrivateObjectSecurityEx.
 *
 * @param parent   descriptor of the container; may be null
 * @param creator  what the creator asks for; may be null, parts may be missing
 * @param container whether the new object can hold others
 * @param flags    SEF_...; AUTO_INHERIT also follows from SE_..._AUTO_INHERIT_REQ of `creator`. With it
 * inherited ACEs are added to the creator's and marked; without it the creator's ACL stands alone
 * @param[out] out self-relative; released with free_descriptor
 * @return STATUS_INVALID_OWNER (the creator may not give the object to that owner),
 *         STATUS_INVALID_PRIMARY_GROUP, STATUS_BAD_INHERITANCE_ACL (too large), STATUS_PRIVILEGE_NOT_HELD (a
 * SACL without SeSecurityPrivilege), STATUS_NO_MEMORY
 */
NTSTATUS create_object_security(const void* parent, const void* creator, bool container, ULONG flags,
                                const TokenView& token, const GENERIC_MAPPING& mapping, void** out);

/**
 * SetPrivateObjectSecurity.
 *
 * @param information which parts of `modification` replace those of `current`
 * @param token       whom to check a new owner against; null: no check
 * @param[out] out    a new self-relative descriptor; released with free_descriptor
 * @return STATUS_INVALID_OWNER, STATUS_INVALID_PRIMARY_GROUP, STATUS_INVALID_ACL (too large),
 * STATUS_NO_MEMORY
 */
NTSTATUS set_object_security(SECURITY_INFORMATION information, const void* modification, const void* current,
                             ULONG flags, const TokenView* token, const GENERIC_MAPPING& mapping, void** out);

void free_descriptor(void* descriptor);

} // namespace fsp::nt

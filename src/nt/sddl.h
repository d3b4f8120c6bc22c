// SPDX-License-Identifier: MIT
//
// The security descriptor definition language ([MS-DTYP] 2.5.1): descriptors as text.
#pragma once

#include <winfsp/nt.h>

#include "nt/sid.h"
#include "nt/text.h"

namespace fsp::nt {

/**
 * ConvertStringSecurityDescriptorToSecurityDescriptor.
 *
 * Two-letter SIDs that need a domain (DA, DU, LA, ...) and conditional or resource ACEs are not known.
 * @param[out] out  self-relative, on the C heap (std::free); `size` may be null
 * @return STATUS_INVALID_PARAMETER if the text is malformed, STATUS_NO_MEMORY
 */
NTSTATUS parse_sddl(WideView text, void** out, ULONG* size = nullptr);

/**
 * ConvertSecurityDescriptorToStringSecurityDescriptor, in the form that Windows prints.
 *
 * @param information which of OWNER, GROUP, DACL, SACL and LABEL to print
 */
NTSTATUS format_sddl(const void* descriptor, SECURITY_INFORMATION information, WideString* out);

/// The SID of a two-letter alias such as "WD"; null if there is none without a domain.
const SidBuffer* sid_of_alias(WideView alias);
/// The two letters of a well-known SID, or null.
const WCHAR* alias_of_sid(const SID* sid);

} // namespace fsp::nt

// SPDX-License-Identifier: MIT
//
// Requests and responses as text. The format is diagnostic: people read it, programs must not rely on it.
#pragma once

#include "dll/text_format.h"
#include "nt/text.h"

namespace fsp::dll {

void describe_request(TextBuffer& line, FSP_FSCTL_TRANSACT_REQ* request);
void describe_response(TextBuffer& line, FSP_FSCTL_TRANSACT_RSP* response);

constexpr SIZE_T time_text_size = 32;
/// YYYY-MM-DDThh:mm:ss.mmmZ; false: not a time.
bool format_time(UINT64 time, char (&text)[time_text_size]);

/// SDDL of owner, group, DACL and SACL.
NTSTATUS format_descriptor(PSECURITY_DESCRIPTOR descriptor, nt::WideString* text);
NTSTATUS format_sid(PSID sid, nt::WideString* text);

} // namespace fsp::dll

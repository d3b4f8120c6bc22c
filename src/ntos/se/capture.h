// SPDX-License-Identifier: MIT
/// @file Copies of security descriptors that callers pass in.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::se {

/// A self-relative copy in pool memory of a descriptor of either form.
/// @return STATUS_INVALID_SECURITY_DESCR, STATUS_INSUFFICIENT_RESOURCES
NTSTATUS capture_descriptor(PSECURITY_DESCRIPTOR original, PSECURITY_DESCRIPTOR* captured);

} // namespace fsp::ntos::se

// SPDX-License-Identifier: MIT
/// @file A control code whose sender waits in any case, also on an overlapped handle.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::nt_service {

NTSTATUS fs_control_and_wait(KPROCESSOR_MODE mode, HANDLE handle, ULONG code, const void* input,
                             ULONG input_length, void* output, ULONG output_length, ULONG_PTR* information);

} // namespace fsp::ntos::nt_service

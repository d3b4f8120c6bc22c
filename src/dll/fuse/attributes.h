// SPDX-License-Identifier: MIT
//
// Extended attributes as EAs.
#pragma once

#include "dll/fuse/information.h"

namespace fsp::winfuse {

/// Sets each attribute of a list; removes those without a value. Stops at the first failure.
NTSTATUS set_attributes(fuse& f, const char* path, PFILE_FULL_EA_INFORMATION list, ULONG length);

/// The same for a file that is being made or overwritten: a program that does not want attributes may say so.
NTSTATUS set_new_attributes(fuse& f, const char* path, PFILE_FULL_EA_INFORMATION list, ULONG length);

void remove_all_attributes(const fuse& f, const char* path);

} // namespace fsp::winfuse

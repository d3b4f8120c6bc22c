// SPDX-License-Identifier: MIT
//
// Paging reads and writes: IRP_PAGING_IO | IRP_NOCACHE, waited for.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::cc {

/// @param[out] transferred bytes the file system read or wrote
NTSTATUS page_in(PFILE_OBJECT file, uint64_t offset, void* memory, size_t length, size_t* transferred);
NTSTATUS page_out(PFILE_OBJECT file, uint64_t offset, void* memory, size_t length);

} // namespace fsp::ntos::cc

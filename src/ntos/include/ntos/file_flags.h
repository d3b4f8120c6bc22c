// SPDX-License-Identifier: MIT
/// @file FILE_OBJECT.Flags, which requests on several threads look at and change.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

inline ULONG flags_of(const FILE_OBJECT* file) { return __atomic_load_n(&file->Flags, __ATOMIC_RELAXED); }
inline void add_file_flags(PFILE_OBJECT file, ULONG flags)
{
    __atomic_fetch_or(&file->Flags, flags, __ATOMIC_RELAXED);
}

} // namespace fsp::ntos

// SPDX-License-Identifier: MIT
//
// What FILE_OBJECT::FileObjectExtension points to. Made when something first needs it; the file
// object's destructor in io gives it back.
#pragma once

#include <ntifs.h>

namespace fsp::ntos {

struct FileExtension
{
    // Oplock keys given on the create (GUID_ECP_OPLOCK_KEY, GUID_ECP_DUAL_OPLOCK_KEY).
    bool has_target_key = false;
    bool has_parent_key = false;
    GUID target_key{};
    GUID parent_key{};
};

/// @return the extension or null
inline FileExtension* file_extension(PFILE_OBJECT file)
{
    return static_cast<FileExtension*>(__atomic_load_n(&file->FileObjectExtension, __ATOMIC_ACQUIRE));
}

/// Makes the extension if there is none. @return null without memory
FileExtension* make_file_extension(PFILE_OBJECT file);

/// Called once, when the file object goes away.
void free_file_extension(PFILE_OBJECT file);

} // namespace fsp::ntos

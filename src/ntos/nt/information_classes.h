// SPDX-License-Identifier: MIT
/// @file What the I/O manager knows about information classes: smallest buffers and rights needed.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::nt_service {

struct InformationClass
{
    /// Smallest buffer; 0: not a class for this operation.
    USHORT size;
    ACCESS_MASK access;
};

/// Size 0 for an unknown class.
InformationClass file_query_class(FILE_INFORMATION_CLASS c);
InformationClass file_set_class(FILE_INFORMATION_CLASS c);
InformationClass volume_query_class(FS_INFORMATION_CLASS c);
InformationClass volume_set_class(FS_INFORMATION_CLASS c);

} // namespace fsp::ntos::nt_service

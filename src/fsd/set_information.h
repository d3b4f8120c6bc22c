// SPDX-License-Identifier: MIT
#pragma once

/// IRP_MJ_SET_INFORMATION, one coroutine per kind of change.

#include "dispatch.h"
#include "node_access.h"

namespace fsp::fsd {

IrpTask set_disposition(Volume& volume, PIRP irp); // disposition.cpp
IrpTask set_rename(Volume& volume, PIRP irp);      // rename.cpp

/// The caller's structure, or null if its buffer is too short.
template<class T> T* set_buffer(PIRP irp, ULONG minimum = sizeof(T))
{
    return IoGetCurrentIrpStackLocation(irp)->Parameters.SetFile.Length < minimum
               ? nullptr
               : static_cast<T*>(irp->AssociatedIrp.SystemBuffer);
}

} // namespace fsp::fsd

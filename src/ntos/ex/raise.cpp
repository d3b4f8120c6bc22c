// SPDX-License-Identifier: MIT
#include "ntos/raise.h"

#include <ntifs.h>

extern "C" {

VOID NTAPI ExRaiseStatus(NTSTATUS Status) { throw fsp::ntos::RaisedStatus{Status}; }
VOID NTAPI ExRaiseAccessViolation() { ExRaiseStatus(STATUS_ACCESS_VIOLATION); }
VOID NTAPI ExRaiseDatatypeMisalignment() { ExRaiseStatus(STATUS_DATATYPE_MISALIGNMENT); }

} // extern "C"

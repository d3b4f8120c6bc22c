// SPDX-License-Identifier: MIT
/// @file Verifier: the rules for an IRP between IofCallDriver and IofCompleteRequest.
#pragma once

#include <ntifs.h>

namespace fsp::ntos::io {

/// The IRP is live and has a stack location left, which does not have the caller's own completion routine.
bool NTAPI may_call(PIRP irp);

/// The IRP is live, not completed before, has a final status and no cancel routine, and its current stack
/// location is one that somebody was called with.
bool NTAPI may_complete(PIRP irp);

/// A stack location is being completed; called before it is cleared.
void NTAPI note_completion(PIRP irp, PIO_STACK_LOCATION stack);

/// A completion routine has let the IRP go on. @param pending what it found in PendingReturned
void NTAPI note_completion_routine(PIRP irp, PIO_COMPLETION_ROUTINE routine, bool pending);

/// Watches one call of a dispatch routine: STATUS_PENDING is returned exactly when the IRP was marked
/// pending, any other status when it was completed, and the routine leaves IRQL and critical regions as it
/// found them.
class DispatchCheck
{
  public:
    DispatchCheck(PIRP irp, PIO_STACK_LOCATION stack, PDRIVER_DISPATCH routine);
    NTSTATUS done(NTSTATUS status);

  private:
    friend void NTAPI note_completion(PIRP irp, PIO_STACK_LOCATION stack);
    friend void check_skipped(PIRP irp);

    PIRP irp_;
    PIO_STACK_LOCATION stack_;
    void* routine_;
    UCHAR major_;
    KIRQL irql_;
    bool apcs_disabled_;
    LONG critical_regions_;
    bool completed_ = false;
    bool was_pending_ = false;
    DispatchCheck* next_;
};

} // namespace fsp::ntos::io

// SPDX-License-Identifier: MIT
//
// An IRP that waits inside fsrtl for an event (a lock, an oplock break, a directory change) and that
// the I/O manager may cancel meanwhile.
//
// Ownership is decided by one exchange of the cancel routine. Whoever wants to complete the IRP calls
// claim(): true means the IRP is theirs; false means that cancellation came first, on_cancel() runs or
// will run, and it alone completes the IRP. The ParkedIrp therefore has to live until one of both
// happened; a record whose claim() fails is left to on_cancel().
#pragma once

#include <ntifs.h>

namespace fsp::ntos::fsrtl {

class ParkedIrp
{
  public:
    virtual ~ParkedIrp() = default;

    /// Marks the IRP pending and makes it cancellable. Call with the package's lock held, after the record is
    /// on its list.
    /// @return false if the IRP was cancelled already; it is then the caller's and no longer cancellable.
    ///         It has not been marked pending if `mark_pending` was false.
    bool park(PIRP irp, bool mark_pending = true);

    /// @return true if the IRP now belongs to the caller.
    bool claim();

    PIRP irp() const { return irp_; }

  protected:
    /// Runs without locks at the caller's IRQL; the record and the IRP belong to it.
    virtual void on_cancel() = 0;

  private:
    static void NTAPI cancel_routine(PDEVICE_OBJECT, PIRP irp);

    PIRP irp_ = nullptr;
};

/// Completes an IRP with a status and an information value.
void complete(PIRP irp, NTSTATUS status, ULONG_PTR information = 0);

/// Marks an IRP that may have been pended before, on another thread: its dispatch routine's caller looks at
/// the mark.
void mark_pending_once(PIRP irp);

} // namespace fsp::ntos::fsrtl

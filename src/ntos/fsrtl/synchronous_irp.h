// SPDX-License-Identifier: MIT
//
// An IRP of the executive's own, sent to a file's device and waited for.
#pragma once

#include <ntifs.h>

#include <condition_variable>
#include <mutex>

namespace fsp::ntos::fsrtl {

class SynchronousIrp
{
  public:
    SynchronousIrp(PFILE_OBJECT file, UCHAR major);
    ~SynchronousIrp();
    SynchronousIrp(const SynchronousIrp&) = delete;

    /// False without memory.
    explicit operator bool() const { return irp_ != nullptr; }
    PIRP operator->() const { return irp_; }
    PIO_STACK_LOCATION stack() const { return IoGetNextIrpStackLocation(irp_); }

    /// @return the final status; the IRP can be looked at but not sent again
    NTSTATUS send();

  private:
    static NTSTATUS NTAPI completed(PDEVICE_OBJECT, PIRP, PVOID context);

    PDEVICE_OBJECT device_;
    PIRP irp_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool done_ = false;
};

/// Moves the end of the file. @return the file system's status
NTSTATUS set_end_of_file(PFILE_OBJECT file, int64_t size);

} // namespace fsp::ntos::fsrtl

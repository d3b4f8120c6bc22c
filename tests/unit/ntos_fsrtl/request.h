// SPDX-License-Identifier: MIT
// Hand-made file objects and IRPs, as a driver would see them, without a driver.
#pragma once

#include <ntifs.h>
#include <ntos/file_extension.h>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>

namespace fsp::test {

inline DRIVER_OBJECT driver{};

inline DEVICE_OBJECT* device()
{
    static DEVICE_OBJECT* d = [] {
        auto* made = new DEVICE_OBJECT{};
        made->Type = IO_TYPE_DEVICE;
        made->StackSize = 1;
        made->DriverObject = &driver;
        return made;
    }();
    return d;
}

struct File
{
    File()
    {
        object.Type = IO_TYPE_FILE;
        object.Size = sizeof object;
        object.DeviceObject = device();
    }
    ~File() { ntos::free_file_extension(&object); }
    File(const File&) = delete;
    operator PFILE_OBJECT() { return &object; }
    PFILE_OBJECT operator->() { return &object; }

    void set_key(UCHAR target, UCHAR parent = 0)
    {
        ntos::FileExtension* e = ntos::make_file_extension(&object);
        e->has_target_key = true;
        e->target_key = {};
        e->target_key.Data4[0] = target;
        e->has_parent_key = parent != 0;
        e->parent_key.Data4[0] = parent;
    }

    FILE_OBJECT object{};
};

/// An IRP that has just arrived at the driver.
class Request
{
  public:
    Request(PFILE_OBJECT file, UCHAR major, UCHAR minor = 0)
    {
        irp_ = IoAllocateIrp(1, FALSE);
        irp_->RequestorMode = KernelMode;
        irp_->Tail.Overlay.Thread = PsGetCurrentThread();
        irp_->Tail.Overlay.OriginalFileObject = file;
        IoSetCompletionRoutine(irp_, completed, this, TRUE, TRUE, TRUE);
        PIO_STACK_LOCATION next = IoGetNextIrpStackLocation(irp_);
        next->MajorFunction = major;
        next->MinorFunction = minor;
        next->FileObject = file;
        next->DeviceObject = device();
        IoSetNextIrpStackLocation(irp_);
        stack_ = IoGetCurrentIrpStackLocation(irp_);
    }
    ~Request()
    {
        EXPECT_TRUE(done()) << "a request was left behind";
        irp_->MdlAddress = nullptr;
        IoFreeIrp(irp_);
    }
    Request(const Request&) = delete;

    PIRP irp() { return irp_; }
    PIO_STACK_LOCATION stack() { return stack_; }
    bool done()
    {
        std::lock_guard hold(mutex_);
        return completions_ == 1;
    }
    NTSTATUS status() { return irp_->IoStatus.Status; }
    ULONG_PTR information() { return irp_->IoStatus.Information; }
    bool cancel() { return IoCancelIrp(irp_); }
    void wait()
    {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return completions_ != 0; });
    }
    /// For requests that the package hands back instead of completing.
    void finish(NTSTATUS status)
    {
        irp_->IoStatus.Status = status;
        IoCompleteRequest(irp_, IO_NO_INCREMENT);
    }

  private:
    static NTSTATUS NTAPI completed(PDEVICE_OBJECT, PIRP, PVOID context)
    {
        auto* self = static_cast<Request*>(context);
        std::lock_guard hold(self->mutex_);
        ++self->completions_;
        self->changed_.notify_all();
        return STATUS_MORE_PROCESSING_REQUIRED;
    }

    PIRP irp_;
    PIO_STACK_LOCATION stack_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int completions_ = 0;
};

inline LARGE_INTEGER large(uint64_t value)
{
    LARGE_INTEGER l;
    l.QuadPart = static_cast<LONGLONG>(value);
    return l;
}

} // namespace fsp::test

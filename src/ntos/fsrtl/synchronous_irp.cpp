// SPDX-License-Identifier: MIT
#include "ntos/fsrtl/synchronous_irp.h"
#include "ntos/verifier.h"

namespace fsp::ntos::fsrtl {

SynchronousIrp::SynchronousIrp(PFILE_OBJECT file, UCHAR major)
    : device_(IoGetRelatedDeviceObject(file)), irp_(IoAllocateIrp(device_->StackSize, FALSE))
{
    if (!irp_)
        return;
    irp_->RequestorMode = KernelMode;
    irp_->Flags = IRP_SYNCHRONOUS_API;
    irp_->Tail.Overlay.Thread = PsGetCurrentThread();
    irp_->Tail.Overlay.OriginalFileObject = file;
    stack()->MajorFunction = major;
    stack()->FileObject = file;
    stack()->DeviceObject = device_;
}

SynchronousIrp::~SynchronousIrp()
{
    if (irp_)
        IoFreeIrp(irp_);
}

NTSTATUS NTAPI SynchronousIrp::completed(PDEVICE_OBJECT, PIRP, PVOID context)
{
    auto* self = static_cast<SynchronousIrp*>(context);
    std::lock_guard hold(self->mutex_);
    self->done_ = true;
    // Under the lock, for the waiter is about to end this object.
    self->changed_.notify_all();
    return STATUS_MORE_PROCESSING_REQUIRED;
}

NTSTATUS SynchronousIrp::send()
{
    IoSetCompletionRoutine(irp_, completed, this, TRUE, TRUE, TRUE);
    (void)IoCallDriver(device_, irp_);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_; });
    return irp_->IoStatus.Status;
}

NTSTATUS set_end_of_file(PFILE_OBJECT file, int64_t size)
{
    FILE_END_OF_FILE_INFORMATION info{};
    info.EndOfFile.QuadPart = size;
    SynchronousIrp irp(file, IRP_MJ_SET_INFORMATION);
    if (!irp)
        return STATUS_INSUFFICIENT_RESOURCES;
    irp->AssociatedIrp.SystemBuffer = &info;
    irp.stack()->Parameters.SetFile.Length = sizeof info;
    irp.stack()->Parameters.SetFile.FileInformationClass = FileEndOfFileInformation;
    irp.stack()->Parameters.SetFile.FileObject = file;
    const NTSTATUS status = irp.send();
    irp->AssociatedIrp.SystemBuffer = nullptr;
    return status;
}

} // namespace fsp::ntos::fsrtl

using namespace fsp::ntos::fsrtl;

NTSTATUS NTAPI FsRtlGetFileSize(PFILE_OBJECT FileObject, PLARGE_INTEGER FileSize)
{
    fsp::ntos::verifier::at_most(PASSIVE_LEVEL, __func__);
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(FileObject);
    PFAST_IO_DISPATCH fast = device->DriverObject->FastIoDispatch;
    FILE_STANDARD_INFORMATION info{};
    IO_STATUS_BLOCK iosb{};
    if (!fast || !fast->FastIoQueryStandardInfo ||
        !fast->FastIoQueryStandardInfo(FileObject, TRUE, &info, &iosb, device))
    {
        SynchronousIrp irp(FileObject, IRP_MJ_QUERY_INFORMATION);
        if (!irp)
            return STATUS_INSUFFICIENT_RESOURCES;
        irp->AssociatedIrp.SystemBuffer = &info;
        irp.stack()->Parameters.QueryFile.Length = sizeof info;
        irp.stack()->Parameters.QueryFile.FileInformationClass = FileStandardInformation;
        iosb.Status = irp.send();
        irp->AssociatedIrp.SystemBuffer = nullptr;
    }
    if (!NT_SUCCESS(iosb.Status))
        return iosb.Status;
    if (info.Directory)
        return STATUS_FILE_IS_A_DIRECTORY;
    *FileSize = info.EndOfFile;
    return STATUS_SUCCESS;
}

// SPDX-License-Identifier: MIT
#include "ntos/io/file_object.h"

#include "ntos/faults.h"
#include "ntos/file_extension.h"
#include "ntos/file_flags.h"
#include "ntos/io/device.h"
#include "ntos/io/irp.h"
#include "ntos/ob/block_cache.h"
#include "ntos/ps/process.h"
#include "ntos/verifier.h"

namespace fsp::ntos::io {

namespace {

constexpr size_t file_block = sizeof(ob::Header) + sizeof(FILE_OBJECT);
using FileBlocks = BlockCache<file_block>;

/// Sends CLEANUP or CLOSE, which cannot fail for want of anything, and waits for its end.
void send_closing(PFILE_OBJECT file, UCHAR major)
{
    PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file);
    Request request;
    while (!make_request(device, file, major, KernelMode, &request))
        sched_yield();
    Waiter waiter;
    PIRP irp = request.irp;
    irp->UserIosb = &waiter.iosb;
    irp->UserEvent = &waiter.done;
    irp->Flags |= IRP_SYNCHRONOUS_API | IRP_CLOSE_OPERATION;
    if (IofCallDriver(device, irp) == STATUS_PENDING)
        KeWaitForSingleObject(&waiter.done, Executive, KernelMode, FALSE, nullptr);
    // From here on a volume device may be gone with its last file.
    IoFreeIrp(irp);
}

void last_handle_closed(PEPROCESS, void* body, ACCESS_MASK)
{
    auto* file = static_cast<PFILE_OBJECT>(body);
    FileLock lock(file);
    send_closing(file, IRP_MJ_CLEANUP);
}

void destroy_file(void* body)
{
    auto* file = static_cast<PFILE_OBJECT>(body);
    if (PDEVICE_OBJECT device = file->DeviceObject) {
        PVPB vpb = file->Vpb;
        send_closing(file, IRP_MJ_CLOSE);
        if (vpb != nullptr && (flags_of(file) & FO_DIRECT_DEVICE_OPEN) == 0)
            dereference_volume(vpb);
        close_device(device);
    }
    if (file->FileName.Buffer != nullptr)
        ExFreePool(file->FileName.Buffer);
    if (file->FileObjectExtension != nullptr)
        free_file_extension(file);
}

void release_block(void* block) { FileBlocks::give(block); }

} // namespace

PFILE_OBJECT allocate_file()
{
    void* block = faults::fails(faults::Kind::allocation) ? nullptr : FileBlocks::take();
    if (block == nullptr)
        return nullptr;
    std::memset(static_cast<char*>(block) + sizeof(ob::Header), 0, sizeof(FILE_OBJECT));
    auto* file = static_cast<PFILE_OBJECT>(ob::adopt(&ob::file_type, block));
    file->Type = IO_TYPE_FILE;
    file->Size = sizeof(FILE_OBJECT);
    KeInitializeEvent(&file->Lock, SynchronizationEvent, FALSE);
    KeInitializeEvent(&file->Event, NotificationEvent, FALSE);
    InitializeListHead(&file->IrpList);
    return file;
}

void FileLock::wait()
{
    __atomic_add_fetch(&file_->Waiters, 1u, __ATOMIC_SEQ_CST);
    while (__atomic_exchange_n(&file_->Busy, 1u, __ATOMIC_SEQ_CST) != 0)
        KeWaitForSingleObject(&file_->Lock, Executive, KernelMode, FALSE, nullptr);
    __atomic_sub_fetch(&file_->Waiters, 1u, __ATOMIC_SEQ_CST);
}

} // namespace fsp::ntos::io

namespace fsp::ntos::ob {

Type file_type = {u"File",
                  {FILE_GENERIC_READ, FILE_GENERIC_WRITE, FILE_GENERIC_EXECUTE, FILE_ALL_ACCESS},
                  FILE_ALL_ACCESS,
                  static_cast<int>(offsetof(FILE_OBJECT, Event)),
                  io::last_handle_closed,
                  io::destroy_file,
                  io::release_block};

} // namespace fsp::ntos::ob

using namespace fsp::ntos;

extern "C" {

PFILE_OBJECT NTAPI IoCreateStreamFileObjectLite(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PDEVICE_OBJECT device = FileObject != nullptr ? FileObject->DeviceObject : DeviceObject;
    PFILE_OBJECT stream = io::allocate_file();
    if (stream == nullptr)
        return nullptr;
    if (!NT_SUCCESS(io::open_device(device))) {
        ob::dereference(stream);
        return nullptr;
    }
    stream->DeviceObject = device;
    stream->Flags = FO_STREAM_FILE;
    if (FileObject != nullptr && FileObject->Vpb != nullptr) {
        KIRQL irql;
        IoAcquireVpbSpinLock(&irql);
        stream->Vpb = FileObject->Vpb;
        ++stream->Vpb->ReferenceCount;
        IoReleaseVpbSpinLock(irql);
    }
    return stream;
}

PFILE_OBJECT NTAPI IoCreateStreamFileObject(PFILE_OBJECT FileObject, PDEVICE_OBJECT DeviceObject)
{
    fsp::ntos::verifier::at_most(APC_LEVEL, __func__);
    PFILE_OBJECT stream = IoCreateStreamFileObjectLite(FileObject, DeviceObject);
    if (stream == nullptr)
        return nullptr;
    // The documented form makes a handle and closes it, so the driver sees a cleanup at once.
    add_file_flags(stream, FO_HANDLE_CREATED);
    io::last_handle_closed(nullptr, stream, 0);
    return stream;
}

} // extern "C"

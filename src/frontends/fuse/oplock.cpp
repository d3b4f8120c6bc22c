// SPDX-License-Identifier: MIT
#include "frontends/fuse/oplock.h"

#include <random>

namespace fsp::fuse {
namespace {

constexpr ULONG pool_tag = 0x4B4F7346; // "FsOK"

const GUID& key_of_process()
{
    static const GUID key = [] {
        GUID made;
        std::random_device random;
        auto* words = reinterpret_cast<uint32_t*>(&made);
        for (size_t i = 0; i < sizeof made / sizeof *words; ++i)
            words[i] = random();
        return made;
    }();
    return key;
}

struct KeyContext
{
    IO_DRIVER_CREATE_CONTEXT context;
    PECP_LIST list = nullptr;

    KeyContext()
    {
        IoInitializeDriverCreateContext(&context);
        PVOID parameter = nullptr;
        if (!NT_SUCCESS(FsRtlAllocateExtraCreateParameterList(0, &list)))
            return;
        if (NT_SUCCESS(FsRtlAllocateExtraCreateParameter(&GUID_ECP_OPLOCK_KEY, sizeof(OPLOCK_KEY_ECP_CONTEXT),
                                                         0, nullptr, pool_tag, &parameter)))
        {
            auto* key = static_cast<OPLOCK_KEY_ECP_CONTEXT*>(parameter);
            key->OplockKey = key_of_process();
            key->Reserved = 0;
            FsRtlInsertExtraCreateParameter(list, parameter);
            context.ExtraCreateParameter = list;
        }
    }

    ~KeyContext()
    {
        if (list)
            FsRtlFreeExtraCreateParameterList(list);
    }
};

} // namespace

PIO_DRIVER_CREATE_CONTEXT oplock_key_context()
{
    static thread_local KeyContext context;
    return &context.context;
}

NTSTATUS NTAPI Oplock::completed(PDEVICE_OBJECT, PIRP, PVOID context)
{
    auto* self = static_cast<Oplock*>(context);
    State before = State::held;
    if (self->state_.compare_exchange_strong(before, State::breaking, std::memory_order_acq_rel))
        self->broken_();
    // Whoever waits for the end may free this as soon as it is over.
    if (self->state_.exchange(State::over, std::memory_order_acq_rel) != State::requested)
        self->state_.notify_all();
    return STATUS_MORE_PROCESSING_REQUIRED; // the IRP is freed by its owner
}

bool Oplock::request(HANDLE handle, ULONG level)
{
    PVOID object = nullptr;
    if (!NT_SUCCESS(ObReferenceObjectByHandle(handle, 0, *IoFileObjectType, KernelMode, &object, nullptr)))
        return false;
    file_ = static_cast<PFILE_OBJECT>(object);
    const PDEVICE_OBJECT device = IoGetRelatedDeviceObject(file_);
    irp_ = IoAllocateIrp(device->StackSize, FALSE);
    if (!irp_)
        return false;

    input_ = {REQUEST_OPLOCK_CURRENT_VERSION, sizeof input_, level, REQUEST_OPLOCK_INPUT_FLAG_REQUEST};
    irp_->AssociatedIrp.SystemBuffer = &input_;
    irp_->RequestorMode = KernelMode;
    irp_->Tail.Overlay.Thread = PsGetCurrentThread();
    irp_->Tail.Overlay.OriginalFileObject = file_;
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp_);
    stack->MajorFunction = IRP_MJ_FILE_SYSTEM_CONTROL;
    stack->MinorFunction = IRP_MN_USER_FS_REQUEST;
    stack->FileObject = file_;
    stack->Parameters.FileSystemControl.FsControlCode = FSCTL_REQUEST_OPLOCK;
    stack->Parameters.FileSystemControl.InputBufferLength = sizeof input_;
    stack->Parameters.FileSystemControl.OutputBufferLength = sizeof output_;
    IoSetCompletionRoutine(irp_, &Oplock::completed, this, TRUE, TRUE, TRUE);

    state_ = State::requested;
    if (IoCallDriver(device, irp_) != STATUS_PENDING)
        return false;
    State expected = State::requested;
    return state_.compare_exchange_strong(expected, State::held, std::memory_order_acq_rel);
}

void Oplock::close()
{
    State before = state_.load(std::memory_order_acquire);
    while (before == State::held || before == State::requested)
        if (state_.compare_exchange_weak(before, State::closing, std::memory_order_acq_rel)) {
            IoCancelIrp(irp_);
            break;
        }
    while ((before = state_.load(std::memory_order_acquire)) == State::closing || before == State::breaking)
        state_.wait(before, std::memory_order_acquire);
}

Oplock::~Oplock()
{
    close();
    if (irp_)
        IoFreeIrp(irp_);
    if (file_)
        ObDereferenceObject(file_);
}

} // namespace fsp::fuse

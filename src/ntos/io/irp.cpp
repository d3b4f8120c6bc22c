// SPDX-License-Identifier: MIT
#include "ntos/io/irp.h"

#include "ntos/cc/cache_map.h"
#include "ntos/faults.h"
#include "ntos/file_flags.h"
#include "ntos/io/ecp.h"
#include "ntos/mm/guarded_copy.h"
#include "ntos/ob/block_cache.h"
#include "ntos/ps/process.h"
#include "ntos/verifier.h"

#include <array>
#include <mutex>

namespace fsp::ntos::io {

namespace {

constexpr size_t small_irp = sizeof(IrpPrefix) + sizeof(IRP) + cached_irp_stack * sizeof(IO_STACK_LOCATION);
using SmallIrps = BlockCache<small_irp>;

/// Verifier: freed IRPs rest here for a while, filled with a pattern, so that a late write is noticed.
class Quarantine
{
  public:
    void add(IrpPrefix* p)
    {
        std::memset(static_cast<void*>(p + 1), pattern, p->block_size - sizeof *p);
        std::lock_guard guard(lock_);
        std::swap(p, slots_[next_]);
        next_ = (next_ + 1) % slots_.size();
        if (p == nullptr)
            return;
        const auto* bytes = reinterpret_cast<const unsigned char*>(p + 1);
        for (size_t i = 0; i < p->block_size - sizeof *p; ++i)
            if (bytes[i] != pattern) {
                verifier::report("IRP %p written to at offset %zu after it was freed",
                                 static_cast<void*>(p + 1), i);
                break;
            }
        std::free(p);
    }

  private:
    static constexpr unsigned char pattern = 0xDD;
    SpinLock lock_;
    std::array<IrpPrefix*, 64> slots_{};
    size_t next_ = 0;
};

Quarantine& quarantine()
{
    static auto* q = new Quarantine;
    return *q;
}

void unpin(IrpPrefix* p)
{
    if (p->pins.fetch_sub(1, std::memory_order_acq_rel) != 1)
        return;
    if (verifier::enabled) [[unlikely]]
        quarantine().add(p);
    else if (p->block_size == small_irp)
        SmallIrps::give(p);
    else
        std::free(p);
}

// Without the convention of the kernel interface, for the I/O manager's own requests.

void initialize_irp(PIRP irp, USHORT size, CCHAR stack_size)
{
    std::memset(static_cast<void*>(irp), 0, size);
    irp->Type = IO_TYPE_IRP;
    irp->Size = size;
    irp->StackCount = stack_size;
    irp->CurrentLocation = static_cast<CCHAR>(stack_size + 1);
    InitializeListHead(&irp->ThreadListEntry);
    irp->Tail.Overlay.CurrentStackLocation = reinterpret_cast<PIO_STACK_LOCATION>(irp + 1) + stack_size;
}

PIRP allocate_irp(CCHAR stack_size)
{
    if (faults::fails(faults::Kind::allocation)) [[unlikely]]
        return nullptr;
    const size_t size = stack_size <= static_cast<CCHAR>(cached_irp_stack)
                            ? small_irp
                            : sizeof(IrpPrefix) + IoSizeOfIrp(stack_size);
    void* block = size == small_irp ? SmallIrps::take() : std::malloc(size);
    if (block == nullptr)
        return nullptr;
    auto* prefix = new (block) IrpPrefix{};
    prefix->pins.store(1, std::memory_order_relaxed);
    prefix->block_size = static_cast<uint32_t>(size);
    prefix->state = irp_live;
    PIRP irp = reinterpret_cast<PIRP>(prefix + 1);
    initialize_irp(irp, IoSizeOfIrp(stack_size), stack_size);
    irp->AllocationFlags |= allocated_here;
    prefix->process = ps::current().process;
    return irp;
}

void free_irp(PIRP irp)
{
    if (!has_prefix(irp))
        return; // memory of the driver's own; nothing to give back
    IrpPrefix* prefix = prefix_of(irp);
    if (verifier::enabled) [[unlikely]] {
        if (prefix->state == irp_freed) {
            verifier::report("IRP %p freed twice", static_cast<void*>(irp));
            return;
        }
        if (!IsListEmpty(&irp->ThreadListEntry) && prefix->thread != nullptr)
            verifier::report("IRP %p freed while in flight", static_cast<void*>(irp));
    }
    prefix->state = irp_freed;
    if (prefix->ecps != nullptr)
        free_ecps(std::exchange(prefix->ecps, nullptr));
    unpin(prefix);
}

} // namespace

void enqueue(PIRP irp)
{
    ps::ThreadState& t = ps::current();
    prefix_of(irp)->thread = &t;
    std::lock_guard guard(t.irp_lock);
    InsertTailList(&t.irps, &irp->ThreadListEntry);
}

namespace {

void dequeue(PIRP irp)
{
    ps::ThreadState* t = prefix_of(irp)->thread;
    if (t == nullptr)
        return;
    prefix_of(irp)->thread = nullptr;
    bool last = false;
    {
        std::lock_guard guard(t->irp_lock);
        RemoveEntryList(&irp->ThreadListEntry);
        last = t->exited && t->irps.Flink == &t->irps;
    }
    if (last)
        delete t;
}

void copy_back(PIRP irp)
{
    if ((irp->Flags & IRP_INPUT_OPERATION) != 0 && irp->UserBuffer != nullptr &&
        !NT_ERROR(irp->IoStatus.Status))
    {
        ULONG_PTR size = irp->IoStatus.Information;
        if (size > prefix_of(irp)->output_length) {
            if (verifier::enabled)
                verifier::report("IRP %p completed with Information %zu, its buffer has %u bytes",
                                 static_cast<void*>(irp), static_cast<size_t>(size),
                                 prefix_of(irp)->output_length);
            size = prefix_of(irp)->output_length;
        }
        if (!mm::try_copy(irp->UserBuffer, irp->AssociatedIrp.SystemBuffer, size))
            irp->IoStatus.Status = STATUS_ACCESS_VIOLATION;
    }
    if ((irp->Flags & IRP_DEALLOCATE_BUFFER) != 0 && irp->AssociatedIrp.SystemBuffer != nullptr) {
        if (irp->AssociatedIrp.SystemBuffer == prefix_of(irp)->system_buffer)
            std::free(irp->AssociatedIrp.SystemBuffer);
        else
            ExFreePool(irp->AssociatedIrp.SystemBuffer);
    }
}

void free_mdls(PIRP irp)
{
    while (PMDL mdl = irp->MdlAddress) {
        irp->MdlAddress = mdl->Next;
        IoFreeMdl(mdl);
    }
}

} // namespace

void* take_buffer(ULONG size)
{
    return faults::fails(faults::Kind::allocation) ? nullptr : std::malloc(size != 0 ? size : 1);
}

bool make_request(PDEVICE_OBJECT device, PFILE_OBJECT file, UCHAR major, KPROCESSOR_MODE mode,
                  Request* request)
{
    PIRP irp = allocate_irp(device->StackSize);
    if (irp == nullptr)
        return false;
    irp->RequestorMode = mode;
    irp->Tail.Overlay.Thread = ps::current().thread;
    irp->Tail.Overlay.OriginalFileObject = file;
    PIO_STACK_LOCATION stack = IoGetNextIrpStackLocation(irp);
    stack->MajorFunction = major;
    stack->FileObject = file;
    request->irp = irp;
    request->stack = stack;
    return true;
}

NTSTATUS give_system_buffer(Request& request, ULONG size, const void* input, ULONG input_size, void* output)
{
    void* buffer = take_buffer(size);
    if (buffer == nullptr)
        return STATUS_INSUFFICIENT_RESOURCES;
    if (input_size != 0 && !mm::try_copy(buffer, input, input_size)) {
        std::free(buffer);
        return STATUS_ACCESS_VIOLATION;
    }
    // What a driver leaves untouched must not show old memory to the caller. The verifier fills it as it
    // fills pool, so that it is seen what a driver leaves untouched: Windows does not clear the buffer
    // either.
    if (size > input_size)
        std::memset(static_cast<char*>(buffer) + input_size, verifier::enabled ? 0xC5 : 0, size - input_size);
    PIRP irp = request.irp;
    irp->AssociatedIrp.SystemBuffer = buffer;
    prefix_of(irp)->system_buffer = buffer;
    prefix_of(irp)->output_length = size;
    irp->Flags |= IRP_BUFFERED_IO | IRP_DEALLOCATE_BUFFER;
    irp->UserBuffer = output;
    if (output != nullptr)
        irp->Flags |= IRP_INPUT_OPERATION;
    return STATUS_SUCCESS;
}

NTSTATUS send_and_wait(PDEVICE_OBJECT device, PIRP irp, Waiter& waiter)
{
    irp->UserIosb = &waiter.iosb;
    irp->UserEvent = &waiter.done;
    irp->Flags |= IRP_SYNCHRONOUS_API | IRP_DEFER_IO_COMPLETION;
    enqueue(irp);
    const NTSTATUS status = IofCallDriver(device, irp);
    if (status != STATUS_PENDING) {
        irp->UserEvent = nullptr; // nobody waits
        finish(irp);
        return waiter.iosb.Status;
    }
    KeWaitForSingleObject(&waiter.done, Executive, KernelMode, FALSE, nullptr);
    return waiter.iosb.Status;
}

void finish(PIRP irp)
{
    const bool create = (irp->Flags & IRP_CREATE_OPERATION) != 0;
    if ((irp->Flags & IRP_BUFFERED_IO) != 0)
        copy_back(irp);
    const NTSTATUS status = irp->IoStatus.Status;
    if ((irp->Flags & IRP_WRITE_OPERATION) != 0 && NT_SUCCESS(status))
        cc::note_write_beside_cache(irp);
    if (irp->MdlAddress != nullptr)
        free_mdls(irp);
    if (PVOID auxiliary = std::exchange(irp->Tail.Overlay.AuxiliaryBuffer, nullptr)) {
        if (prefix_of(irp)->auxiliary != nullptr && status == STATUS_REPARSE)
            *prefix_of(irp)->auxiliary = auxiliary;
        else
            ExFreePool(auxiliary);
    }
    if (create)
        // The opener's, who may use the list for the next device behind a reparse point.
        prefix_of(irp)->ecps = nullptr;
    dequeue(irp);

    PIO_STATUS_BLOCK iosb = irp->UserIosb;
    PKEVENT event = irp->UserEvent;
    PFILE_OBJECT file = irp->Tail.Overlay.OriginalFileObject;
    const PIO_APC_ROUTINE routine = irp->Overlay.AsynchronousParameters.UserApcRoutine;
    PVOID context = irp->Overlay.AsynchronousParameters.UserApcContext;
    const bool synchronous_api = (irp->Flags & IRP_SYNCHRONOUS_API) != 0;
    const ULONG_PTR information = irp->IoStatus.Information;
    free_irp(irp);

    if (iosb != nullptr) {
        iosb->Information = information;
        std::atomic_ref(iosb->Status).store(status, std::memory_order_release);
    }
    if (synchronous_api) {
        // The waiter, and what lies on its stack, may be gone once the event is set.
        if (event != nullptr)
            KeSetEvent(event, 0, FALSE);
        return;
    }
    if (file != nullptr && !create) {
        // Asynchronous requests of one file end on several threads.
        std::atomic_ref(file->FinalStatus).store(status, std::memory_order_relaxed);
        KeSetEvent(&file->Event, 0, FALSE);
    }
    if (event != nullptr) {
        KeSetEvent(event, 0, FALSE);
        // Only requests on a file got their event by handle.
        if (file != nullptr)
            ob::dereference(event);
    }
    // There is no user mode to queue an APC to: the routine runs here and now.
    if (routine != nullptr)
        routine(context, iosb, 0);
    if (file != nullptr && !create)
        ob::dereference(file);
}

int cancel_irps(ps::ThreadState& thread, PFILE_OBJECT file, PIO_STATUS_BLOCK iosb)
{
    int count = 0;
    PIRP batch[16];
    for (bool more = true; more;) {
        int n = 0;
        more = false;
        {
            std::lock_guard guard(thread.irp_lock);
            for (LIST_ENTRY* e = thread.irps.Flink; e != &thread.irps; e = e->Flink) {
                PIRP irp = CONTAINING_RECORD(e, IRP, ThreadListEntry);
                if (std::atomic_ref(irp->Cancel).load(std::memory_order_relaxed) ||
                    (file != nullptr && irp->Tail.Overlay.OriginalFileObject != file) ||
                    (iosb != nullptr && irp->UserIosb != iosb))
                    continue;
                if (n == 16) {
                    more = true;
                    break;
                }
                prefix_of(irp)->pins.fetch_add(1, std::memory_order_relaxed);
                batch[n++] = irp;
            }
        }
        for (int i = 0; i < n; ++i) {
            IoCancelIrp(batch[i]);
            unpin(prefix_of(batch[i]));
        }
        count += n;
    }
    return count;
}

} // namespace fsp::ntos::io

using namespace fsp::ntos;

extern "C" {

PIRP NTAPI IoAllocateIrp(CCHAR StackSize, BOOLEAN)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    return io::allocate_irp(StackSize);
}

VOID NTAPI IoInitializeIrp(PIRP Irp, USHORT PacketSize, CCHAR StackSize)
{
    io::initialize_irp(Irp, PacketSize, StackSize);
}

VOID NTAPI IoReuseIrp(PIRP Irp, NTSTATUS Iostatus)
{
    const UCHAR flags = Irp->AllocationFlags;
    IoInitializeIrp(Irp, Irp->Size, Irp->StackCount);
    Irp->AllocationFlags = flags;
    Irp->IoStatus.Status = Iostatus;
    if (io::has_prefix(Irp))
        io::prefix_of(Irp)->state = io::irp_live;
}

VOID NTAPI IoFreeIrp(PIRP Irp)
{
    fsp::ntos::verifier::at_most(DISPATCH_LEVEL, __func__);
    io::free_irp(Irp);
}

PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp)
{
    return io::has_prefix(Irp) ? io::prefix_of(Irp)->process : PsGetCurrentProcess();
}

ULONG NTAPI IoGetRequestorProcessId(PIRP Irp)
{
    return static_cast<ULONG>(reinterpret_cast<uintptr_t>(PsGetProcessId(IoGetRequestorProcess(Irp))));
}

PIRP NTAPI IoGetTopLevelIrp() { return ps::current().top_level_irp; }
VOID NTAPI IoSetTopLevelIrp(PIRP Irp) { ps::current().top_level_irp = Irp; }

BOOLEAN NTAPI IoIsOperationSynchronous(PIRP Irp)
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    const bool synchronous = (file != nullptr && (flags_of(file) & FO_SYNCHRONOUS_IO) != 0) ||
                             (Irp->Flags & (IRP_SYNCHRONOUS_API | IRP_SYNCHRONOUS_PAGING_IO)) != 0;
    const bool asynchronous_paging =
        (Irp->Flags & IRP_PAGING_IO) != 0 && (Irp->Flags & IRP_SYNCHRONOUS_PAGING_IO) == 0;
    return synchronous && !asynchronous_paging;
}

} // extern "C"

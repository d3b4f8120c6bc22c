// SPDX-License-Identifier: MIT
#include "node_access.h"
#include "seh.h"
#include "system.h"

namespace fsp::fsd {

bool owned_by_this_thread(FileNode& node) noexcept
{
    // Holds are owned by themselves, so a resource that this thread owns was acquired by a call-back.
    return TopLevel::owns(node) || ExIsResourceAcquiredSharedLite(&node.paging_resource()) != 0;
}

bool try_enter(FileNode& node, PIRP irp, NodeHold& hold, Part part, Access access, Oplocks oplocks) noexcept
{
    // An old kernel cannot say whether the check would wait; there the waiting comes first.
    if (oplocks == Oplocks::check && !system.check_oplock_ex)
        return false;
    if (!hold.acquire(node, part, access, can_wait(irp) ? Wait::yes : Wait::no))
        return false;
    if (oplocks == Oplocks::ignore)
        return true;
    if (check_oplock(&node.oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr, nullptr) ==
        STATUS_SUCCESS)
        return true;
    hold.release();
    return false;
}

Async<NTSTATUS> enter(FileNode& node, PIRP irp, NodeHold& hold, Part part, Access access, Oplocks oplocks)
{
    for (;;) {
        if (oplocks == Oplocks::check) {
            const NTSTATUS status = co_await OplockWait(check_oplock, &node.oplock);
            if (!NT_SUCCESS(status))
                co_return status;
        }
        if (!hold.acquire(node, part, access, Wait::no)) {
            if (can_wait(irp))
                co_await MayBlock{Holds::no_lock};
            else
                co_await OnWorker{Holds::no_lock};
            hold.acquire(node, part, access, Wait::yes);
        }
        if (oplocks == Oplocks::ignore)
            co_return STATUS_SUCCESS;
        const NTSTATUS status =
            check_oplock(&node.oplock, irp, OPLOCK_FLAG_COMPLETE_IF_OPLOCKED, nullptr, nullptr, nullptr);
        if (status != STATUS_OPLOCK_BREAK_IN_PROGRESS) {
            if (!NT_SUCCESS(status))
                hold.release();
            co_return status;
        }
        // An oplock was granted between the wait and the lock.
        hold.release();
    }
}

bool may_claim(FileNode& node, const FileDesc& desc) noexcept
{
    // Either the cleanup finds the node claimed, and waits for the main resource, or the handle is found
    // here.
    __atomic_store_n(&node.claimed, true, __ATOMIC_SEQ_CST);
    return !__atomic_load_n(&desc.cleaned_up, __ATOMIC_SEQ_CST);
}

NTSTATUS lock_user_buffer(PIRP irp, ULONG length, LOCK_OPERATION operation) noexcept
{
    if (irp->MdlAddress || length == 0 || !irp->UserBuffer)
        return STATUS_SUCCESS;
    PMDL mdl = IoAllocateMdl(irp->UserBuffer, length, FALSE, FALSE, irp);
    if (!mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    const NTSTATUS status = seh::probe_and_lock_pages(mdl, irp->RequestorMode, operation);
    if (!NT_SUCCESS(status)) {
        irp->MdlAddress = nullptr;
        IoFreeMdl(mdl);
    }
    // The I/O manager unlocks and frees it when the IRP is completed.
    return status;
}

void* near_user_buffer(PIRP irp) noexcept
{
    if (irp->MdlAddress)
        return MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority);
    return irp->UserBuffer;
}

NTSTATUS map_user_buffer(Volume& volume, PIRP irp, ULONG length, LOCK_OPERATION operation,
                         void** address) noexcept
{
    if (!irp->MdlAddress) {
        // In line there is one address space and one thread. The file system uses the buffer itself and
        // cannot be told of a fault.
        if (volume.may_run_in_line()) {
            *address = irp->UserBuffer;
            if (!irp->UserBuffer && length != 0)
                return STATUS_INVALID_USER_BUFFER;
            return irp->RequestorMode == KernelMode
                       ? STATUS_SUCCESS
                       : seh::touch_user_pages(irp->UserBuffer, length, operation != IoReadAccess);
        }
        if (!irp->UserBuffer && length != 0)
            return STATUS_INVALID_USER_BUFFER;
        const NTSTATUS status = lock_user_buffer(irp, length, operation);
        if (!NT_SUCCESS(status))
            return status;
    }
    *address = irp->MdlAddress ? MmGetSystemAddressForMdlSafe(irp->MdlAddress, NormalPagePriority) : nullptr;
    return *address || length == 0 ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

bool NameCopy::assign(FileNode& node) noexcept
{
    NodeTable& table = node.volume().nodes;
    for (;;) {
        USHORT needed;
        {
            FastMutexGuard guard(table.mutex());
            const UNICODE_STRING& name = node.name();
            needed = name.Length;
            WCHAR* to = needed <= sizeof inline_   ? inline_
                        : needed <= buffer_.size() ? buffer_.as<WCHAR>()
                                                   : nullptr;
            if (to) {
                copy_bytes(to, name.Buffer, needed);
                view_ = {needed, needed, to};
                return true;
            }
        }
        if (!buffer_.allocate(needed))
            return false;
    }
}

} // namespace fsp::fsd

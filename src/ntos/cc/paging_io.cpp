// SPDX-License-Identifier: MIT
#include "ntos/cc/paging_io.h"

#include "ntos/fsrtl/synchronous_irp.h"

#include <algorithm>
#include <memory>

namespace fsp::ntos::cc {
namespace {

struct FreeMdl
{
    void operator()(PMDL mdl) const { IoFreeMdl(mdl); }
};

struct Transfer
{
    UCHAR major;
    uint64_t offset;
    void* memory;
    size_t length;
};

NTSTATUS transfer(PFILE_OBJECT file, const Transfer& t, size_t* transferred)
{
    fsrtl::SynchronousIrp irp(file, t.major);
    const std::unique_ptr<MDL, FreeMdl> mdl(
        IoAllocateMdl(t.memory, static_cast<ULONG>(t.length), FALSE, FALSE, nullptr));
    if (!irp || !mdl)
        return STATUS_INSUFFICIENT_RESOURCES;
    MmBuildMdlForNonPagedPool(mdl.get());
    irp->MdlAddress = mdl.get();
    irp->UserBuffer = t.memory;
    irp->Flags = IRP_PAGING_IO | IRP_NOCACHE | IRP_SYNCHRONOUS_PAGING_IO;
    if (t.major == IRP_MJ_READ) {
        irp->Flags |= IRP_INPUT_OPERATION;
        irp.stack()->Parameters.Read.Length = static_cast<ULONG>(t.length);
        irp.stack()->Parameters.Read.ByteOffset.QuadPart = static_cast<LONGLONG>(t.offset);
    } else {
        irp.stack()->Parameters.Write.Length = static_cast<ULONG>(t.length);
        irp.stack()->Parameters.Write.ByteOffset.QuadPart = static_cast<LONGLONG>(t.offset);
    }
    const NTSTATUS status = irp.send();
    irp->MdlAddress = nullptr;
    *transferred = std::min<size_t>(irp->IoStatus.Information, t.length);
    return status;
}

} // namespace

NTSTATUS page_in(PFILE_OBJECT file, uint64_t offset, void* memory, size_t length, size_t* transferred)
{
    const NTSTATUS status = transfer(file, {IRP_MJ_READ, offset, memory, length}, transferred);
    if (NT_SUCCESS(status))
        return status;
    *transferred = 0;
    return status == STATUS_END_OF_FILE ? STATUS_SUCCESS : status;
}

NTSTATUS page_out(PFILE_OBJECT file, uint64_t offset, void* memory, size_t length)
{
    size_t transferred;
    return transfer(file, {IRP_MJ_WRITE, offset, memory, length}, &transferred);
}

} // namespace fsp::ntos::cc

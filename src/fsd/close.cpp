// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "open_table.h"

namespace fsp::fsd {

namespace {

/// The file system has heard of the close, or is gone.
void closed(Request&, void* context) noexcept
{
    auto* const desc = static_cast<FileDesc*>(context); // the request lives inside
    FileDesc* const main_desc = exchange<FileDesc*>(desc->main_desc, nullptr);
    Volume& volume = desc->volume;
    volume.reference();
    destroy(desc);
    if (main_desc)
        post_close(volume, Owned<FileDesc>(main_desc));
    volume.dereference();
}

/// Should the caller wait for user mode? A rename waits for files to go away, and a flood of closes must
/// not outrun the file system.
bool must_wait(Volume& volume)
{
    return volume.renaming || volume.ioq.pending_count() > volume.ioq.capacity() / 2;
}

} // namespace

void post_close(Volume& volume, Owned<FileDesc> desc) noexcept
{
    FileDesc* const raw = desc.release();
    Request* const request = raw->close_request(FspFsctlTransactCloseKind);
    request->set_done(closed, raw);
    volume.post_detached(*request);
}

/// IRP_MJ_CLOSE: the file object is going away. User mode is told without waiting for it.
IrpTask close(Volume& volume, PIRP irp)
{
    const PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    IrpContext& context = co_await CurrentIrp{};

    Owned<FileDesc> desc(static_cast<FileDesc*>(exchange<PVOID>(file->FsContext2, nullptr)));
    if (!file->FsContext)
        co_return STATUS_SUCCESS; // never opened
    file->FsContext = nullptr;
    file->SectionObjectPointer = nullptr;
    if (!desc) {
        // A volume handle.
        context.release_after_completion(volume);
        co_return STATUS_SUCCESS;
    }

    // The device must outlive the IRP, whatever becomes of the descriptor meanwhile.
    volume.reference();
    context.release_after_completion(volume);
    end_active(*desc);
    if (desc->main_desc)
        end_active(*desc->main_desc);

    if (!volume.may_run_in_line() && must_wait(volume)) {
        Request* const request = desc->close_request(FspFsctlTransactCloseKind);
        co_await volume.ask(*request, Post::best_effort);
        if (FileDesc* main_desc = exchange<FileDesc*>(desc->main_desc, nullptr))
            post_close(volume, Owned<FileDesc>(main_desc));
        co_return STATUS_SUCCESS;
    }
    post_close(volume, move(desc));
    co_return STATUS_SUCCESS;
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "dispatch.h"
#include "node_access.h"
#include "seh.h"

namespace fsp::fsd {

namespace {

/// References to every open file, in the order of their names.
class OpenFiles : NonCopyable
{
  public:
    ~OpenFiles()
    {
        for (ULONG i = 0; i < count_; ++i)
            nodes()[i]->dereference();
    }

    [[nodiscard]] bool collect(NodeTable& table) noexcept
    {
        ULONG needed = 0;
        for (;;) {
            {
                FastMutexGuard guard(table.mutex());
                ULONG found = 0;
                for (FileNode* node = table.first(); node; node = NodeTable::next(node))
                    ++found;
                if (found * sizeof(FileNode*) <= buffer_.size()) {
                    for (FileNode* node = table.first(); node; node = NodeTable::next(node)) {
                        node->reference();
                        nodes()[count_++] = node;
                    }
                    return true;
                }
                needed = found;
            }
            // Some more, as files may be opened meanwhile.
            if (!buffer_.allocate((needed + 16) * static_cast<ULONG>(sizeof(FileNode*))))
                return false;
        }
    }

    ULONG count() const { return count_; }
    FileNode& operator[](ULONG i) { return *nodes()[i]; }

  private:
    FileNode** nodes() const { return buffer_.as<FileNode*>(); }
    Buffer buffer_;
    ULONG count_ = 0;
};

/// On a thread that may wait. @return the first error
NTSTATUS flush_all(Volume& volume)
{
    OpenFiles files;
    if (!files.collect(volume.nodes))
        return STATUS_INSUFFICIENT_RESOURCES;
    NTSTATUS result = STATUS_SUCCESS;
    for (ULONG i = files.count(); i-- > 0;) {
        FileNode& node = files[i];
        if (node.is_directory || !node.has_data_section())
            continue;
        NodeHold hold;
        hold.acquire(node, Part::full, Access::exclusive);
        TopLevel top(node);
        const NTSTATUS status = seh::cc_flush_cache(&node.sections, nullptr, 0);
        if (NT_SUCCESS(result))
            result = status;
    }
    return result;
}

IrpTask flush_volume(Volume& volume, PIRP irp)
{
    if (!can_wait(irp))
        co_await OnWorker{Holds::no_lock};
    const NTSTATUS flushed = flush_all(volume);

    PlainRequest request(FspFsctlTransactFlushBuffersKind);
    const Response answer = co_await volume.ask(*request);
    co_return NT_SUCCESS(answer.status()) ? flushed : answer.status();
}

IrpTask flush_directory(Volume&, PIRP) { co_return STATUS_SUCCESS; }

IrpTask flush_file(Volume& volume, PIRP irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(irp)->FileObject;
    FileNode& node = *FileNode::of(file);

    NodeHold hold;
    if (!try_enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore)) {
        const NTSTATUS status =
            co_await enter(node, irp, hold, Part::full, Access::exclusive, Oplocks::ignore);
        if (!NT_SUCCESS(status))
            co_return status;
    }
    if (node.has_data_section()) {
        if (!can_wait(irp))
            co_await OnWorker{Holds::locks};
        TopLevel top(node);
        const NTSTATUS status = seh::cc_flush_cache(&node.sections, nullptr, 0);
        if (!NT_SUCCESS(status))
            co_return status;
    }

    PlainRequest request(FspFsctlTransactFlushBuffersKind);
    set_context(request.operator->(), *FileDesc::of(file));
    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    node.set_file_info(file, answer->Rsp.FlushBuffers.FileInfo, true);
    co_return STATUS_SUCCESS;
}

} // namespace

/// IRP_MJ_FLUSH_BUFFERS.
IrpTask flush_buffers(Volume& volume, PIRP irp)
{
    FileNode* node = FileNode::of(IoGetCurrentIrpStackLocation(irp)->FileObject);
    if (!node || node->is_root)
        return flush_volume(volume, irp);
    if (node->is_directory)
        return flush_directory(volume, irp);
    return flush_file(volume, irp);
}

} // namespace fsp::fsd

// SPDX-License-Identifier: MIT
#include "file_size.h"
#include "change.h"
#include "dispatch.h"
#include "seh.h"

namespace fsp::fsd {

NTSTATUS ensure_cache_map(PFILE_OBJECT file, FileNode& node) noexcept
{
    if (file->PrivateCacheMap)
        return STATUS_SUCCESS;
    CC_FILE_SIZES sizes;
    sizes.AllocationSize.QuadPart = static_cast<LONGLONG>(node.allocation_size());
    sizes.FileSize.QuadPart = static_cast<LONGLONG>(node.file_size());
    sizes.ValidDataLength.QuadPart = MAXLONGLONG; // not tracked
    return seh::cc_initialize_cache_map(file, &sizes, FALSE, &cache_manager_callbacks, &node);
}

NTSTATUS may_truncate(FileNode& node, UINT64 size) noexcept
{
    if (size >= node.file_size())
        return STATUS_SUCCESS;
    LARGE_INTEGER new_size;
    new_size.QuadPart = static_cast<LONGLONG>(size);
    TopLevel top(node);
    return MmCanFileBeTruncated(&node.sections, &new_size) ? STATUS_SUCCESS : STATUS_USER_MAPPED_FILE;
}

void zero_cached_tail(PFILE_OBJECT file, FileNode& node, UINT64 size) noexcept
{
    const UINT64 old_size = node.file_size();
    const UINT64 page_end = align_up<UINT64>(size, PAGE_SIZE);
    if (size >= old_size || page_end == size || !file->PrivateCacheMap)
        return;
    TopLevel top(node);
    // Failing to is harmless for data that the file system itself reads back as zero.
    (void)seh::cc_zero_data(file, size, lesser(page_end, old_size), true);
}

Async<NTSTATUS> set_end_of_file(Volume& volume, PIRP, PFILE_OBJECT file, UINT64 size)
{
    FileNode& node = *FileNode::of(file);
    PlainRequest request(FspFsctlTransactSetInformationKind);
    set_context(request.operator->(), *FileDesc::of(file));
    request->Req.SetInformation.FileInformationClass = FileEndOfFileInformation;
    request->Req.SetInformation.Info.EndOfFile.FileSize = size;

    const Response answer = co_await volume.ask(*request);
    if (!NT_SUCCESS(answer.status()))
        co_return answer.status();
    node.set_file_info(file, answer->Rsp.SetInformation.FileInfo, true);
    co_return STATUS_SUCCESS;
}

void report_size(FileNode& node, PFILE_OBJECT cause) noexcept
{
    report_node_change(node, FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, Stale::nothing, cause);
}

} // namespace fsp::fsd

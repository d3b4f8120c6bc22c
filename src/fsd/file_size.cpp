// SPDX-License-Identifier: MIT
#include "file_size.h"
#include "change.h"
#include "dispatch.h"
#include "seh.h"

namespace fsp::fsd {

NTSTATUS ensure_cache_map(PFILE_OBJECT file, FileNode& node) noexcept
{
    if (is_caching(file))
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

namespace {

/// The cached rest of the view that holds the new end becomes zero, so that nothing old comes back when the
/// file grows again: no kernel drops a part of a page, and some drop only whole views.
void zero_cached_tail(PFILE_OBJECT file, FileNode& node, UINT64 size) noexcept
{
    const UINT64 end = lesser(node.file_size(), align_up<UINT64>(size, VACB_MAPPING_GRANULARITY));
    TopLevel top(node);
    // Failing to is harmless for data that the file system itself reads back as zero.
    if (size < end && NT_SUCCESS(ensure_cache_map(file, node)))
        (void)seh::cc_zero_data(file, size, end, true);
}

} // namespace

Async<NTSTATUS> store_new_size(MustSucceed, FileNode& node, PFILE_OBJECT file, FSP_FSCTL_FILE_INFO info)
{
    if (info.FileSize < node.file_size() && node.has_cache_map()) {
        co_await MayBlock{Holds::locks}; // zeroing may read
        zero_cached_tail(file, node, info.FileSize);
    }
    node.set_file_info(file, info, true);
    co_return STATUS_SUCCESS;
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
    co_return co_await store_new_size(MustSucceed{}, node, file, answer->Rsp.SetInformation.FileInfo);
}

void report_size(FileNode& node, PFILE_OBJECT cause) noexcept
{
    report_node_change(node, FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, Stale::nothing, cause);
}

} // namespace fsp::fsd

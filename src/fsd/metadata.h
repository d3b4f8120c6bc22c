// SPDX-License-Identifier: MIT
#pragma once

/// What the file system says about a file, from the caches if they have it.

#include "node_access.h"

namespace fsp::fsd {

/// Fills `info` from the node's cache or from a QueryInformation request. The node must not be held.
Async<NTSTATUS> fetch_file_info(Volume& volume, PIRP irp, PFILE_OBJECT file, FSP_FSCTL_FILE_INFO* info);

/// Bytes of metadata: shared with a cache, or a copy of an answer that was not cached.
class Metadata : NonCopyable
{
  public:
    const Byte* data() const { return view_ ? view_.data() : buffer_.data(); }
    ULONG size() const { return view_ ? view_.size() : buffer_.size(); }

  private:
    friend struct MetadataKind;
    MetaCacheView view_;
    Buffer buffer_;
};

/// The kinds of metadata that a file system answers as a block of bytes.
struct MetadataKind
{
    UINT32 request;
    MetaCache Volume::* cache;
    MetaCacheSlot FileNode::* slot;
    NTSTATUS bad_answer; // the answer's block is not inside the answer
    NTSTATUS (*validate)(void* data, ULONG size);

    /// From the cache; false if it has nothing.
    bool cached(FileNode& node, Metadata* result) const noexcept;
    /// Checks, keeps and caches an answer's block.
    NTSTATUS accept(FileNode& node, ULONG change, const Response& answer, Metadata* result) const noexcept;
};

extern const MetadataKind security_metadata, ea_metadata, stream_metadata;

/// From the cache or by request, Full shared meanwhile. The node must not be held.
Async<NTSTATUS> fetch_metadata(const MetadataKind& kind, Volume& volume, PIRP irp, PFILE_OBJECT file,
                               Metadata* result);

} // namespace fsp::fsd

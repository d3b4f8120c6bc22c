// SPDX-License-Identifier: MIT
#pragma once

/// FSP_FSCTL_FILE_INFO in the structures that applications know.

#include "node.h"
#include "volume.h"
#include "wdk.h"

namespace fsp::fsd {

inline ULONG shown_attributes(const FSP_FSCTL_FILE_INFO& info)
{
    return info.FileAttributes ? info.FileAttributes : FILE_ATTRIBUTE_NORMAL;
}

inline ULONG shown_ea_size(const Volume& volume, const FSP_FSCTL_FILE_INFO& info)
{
    return volume.params().ExtendedAttributes && info.EaSize ? info.EaSize + 4 : 0;
}

inline LARGE_INTEGER large_integer(UINT64 value)
{
    LARGE_INTEGER result;
    result.QuadPart = static_cast<LONGLONG>(value);
    return result;
}

inline void fill_basic(FILE_BASIC_INFORMATION* out, const FSP_FSCTL_FILE_INFO& info)
{
    RtlZeroMemory(out, sizeof *out);
    out->CreationTime = large_integer(info.CreationTime);
    out->LastAccessTime = large_integer(info.LastAccessTime);
    out->LastWriteTime = large_integer(info.LastWriteTime);
    out->ChangeTime = large_integer(info.ChangeTime);
    out->FileAttributes = shown_attributes(info);
}

inline void fill_standard(FILE_STANDARD_INFORMATION* out, const FSP_FSCTL_FILE_INFO& info,
                          const FileNode& node, PFILE_OBJECT file)
{
    RtlZeroMemory(out, sizeof *out);
    out->AllocationSize = large_integer(info.AllocationSize);
    out->EndOfFile = large_integer(info.FileSize);
    out->NumberOfLinks = 1;
    out->DeletePending = node.delete_pending || asked_for_deletion(file);
    out->Directory = node.is_directory;
}

inline void fill_network_open(FILE_NETWORK_OPEN_INFORMATION* out, const FSP_FSCTL_FILE_INFO& info)
{
    RtlZeroMemory(out, sizeof *out);
    out->CreationTime = large_integer(info.CreationTime);
    out->LastAccessTime = large_integer(info.LastAccessTime);
    out->LastWriteTime = large_integer(info.LastWriteTime);
    out->ChangeTime = large_integer(info.ChangeTime);
    out->AllocationSize = large_integer(info.AllocationSize);
    out->EndOfFile = large_integer(info.FileSize);
    out->FileAttributes = shown_attributes(info);
}

} // namespace fsp::fsd

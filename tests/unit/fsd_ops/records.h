// SPDX-License-Identifier: MIT
#pragma once
#include "fsd/wdk.h"
#include <cstring>
#include <string>
#include <vector>

/// Builds the byte streams that a file system or an application would send.
namespace build {

using Bytes = std::vector<unsigned char>;

inline void align(Bytes& bytes, size_t alignment)
{
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
}

inline void directory_entry(Bytes& bytes, const std::u16string& name, UINT64 size = 0, UINT32 attributes = 0,
                            UINT32 ea_size = 0, UINT32 reparse_tag = 0)
{
    align(bytes, 8);
    FSP_FSCTL_DIR_INFO info{};
    info.Size = static_cast<UINT16>(sizeof info + name.size() * 2);
    info.FileInfo.FileSize = size;
    info.FileInfo.FileAttributes = attributes;
    info.FileInfo.EaSize = ea_size;
    info.FileInfo.ReparseTag = reparse_tag;
    info.FileInfo.IndexNumber = name.size();
    const auto* raw = reinterpret_cast<const unsigned char*>(&info);
    bytes.insert(bytes.end(), raw, raw + sizeof info);
    const auto* text = reinterpret_cast<const unsigned char*>(name.data());
    bytes.insert(bytes.end(), text, text + name.size() * 2);
}

inline void directory_end(Bytes& bytes)
{
    align(bytes, 8);
    bytes.insert(bytes.end(), {0, 0});
}

inline void stream(Bytes& bytes, const std::u16string& name, UINT64 size)
{
    align(bytes, 8);
    FSP_FSCTL_STREAM_INFO info{};
    info.Size = static_cast<UINT16>(sizeof info + name.size() * 2);
    info.StreamSize = size;
    info.StreamAllocationSize = size;
    const auto* raw = reinterpret_cast<const unsigned char*>(&info);
    bytes.insert(bytes.end(), raw, raw + sizeof info);
    const auto* text = reinterpret_cast<const unsigned char*>(name.data());
    bytes.insert(bytes.end(), text, text + name.size() * 2);
}

inline void notify(Bytes& bytes, UINT32 filter, UINT32 action, const std::u16string& name)
{
    align(bytes, 8);
    FSP_FSCTL_NOTIFY_INFO info{};
    info.Size = static_cast<UINT16>(sizeof info + name.size() * 2);
    info.Filter = filter;
    info.Action = action;
    const auto* raw = reinterpret_cast<const unsigned char*>(&info);
    bytes.insert(bytes.end(), raw, raw + sizeof info);
    const auto* text = reinterpret_cast<const unsigned char*>(name.data());
    bytes.insert(bytes.end(), text, text + name.size() * 2);
}

/// Appends a record and links the one before to it. `link_last` imitates whoever links every record to the
/// end.
inline void ea(Bytes& bytes, const std::string& name, const std::string& value, bool link_last = false)
{
    if (!bytes.empty()) {
        size_t last = 0;
        for (;;) {
            ULONG next;
            std::memcpy(&next, &bytes[last], sizeof next);
            if (!next)
                break;
            last += next;
        }
        align(bytes, 4);
        const ULONG step = static_cast<ULONG>(bytes.size() - last);
        std::memcpy(&bytes[last], &step, sizeof step);
    }
    const size_t at = bytes.size();
    const ULONG size = static_cast<ULONG>(8 + name.size() + 1 + value.size());
    bytes.resize(at + size);
    const ULONG next = link_last ? (size + 3) & ~3u : 0;
    std::memcpy(&bytes[at], &next, sizeof next);
    bytes[at + 5] = static_cast<unsigned char>(name.size());
    const auto value_size = static_cast<USHORT>(value.size());
    std::memcpy(&bytes[at + 6], &value_size, sizeof value_size);
    std::memcpy(&bytes[at + 8], name.data(), name.size());
    std::memcpy(&bytes[at + 8 + name.size() + 1], value.data(), value.size());
}

inline void get_ea(Bytes& bytes, const std::string& name, bool last)
{
    align(bytes, 4);
    const size_t at = bytes.size();
    const ULONG size = static_cast<ULONG>(5 + name.size() + 1);
    bytes.resize(at + size);
    const ULONG next = last ? 0 : (size + 3) & ~3u;
    std::memcpy(&bytes[at], &next, sizeof next);
    bytes[at + 4] = static_cast<unsigned char>(name.size());
    std::memcpy(&bytes[at + 5], name.data(), name.size());
}

} // namespace build

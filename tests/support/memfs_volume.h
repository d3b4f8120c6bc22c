// SPDX-License-Identifier: MIT
/// @file A MEMFS volume in this process, and the end of a program that had some.
#pragma once

#include <ntifs.h>

#include "memfs/memfs.h"

#include <memory>
#include <string>
#include <string_view>

namespace fsp::test {

constexpr ULONG share_all = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

/// Made, mounted and served as long as it lives. Files may stay open longer.
class MemfsVolume
{
  public:
    /// Terminates the program if there is no volume to be had; tries again while failures are injected.
    explicit MemfsVolume(const memfs::Options& options, ULONG threads = 2);
    MemfsVolume(const MemfsVolume&) = delete;
    ~MemfsVolume();

    /// \Device\Volume{...}
    const std::u16string& device() const { return device_; }
    FSP_FILE_SYSTEM* file_system() const { return memfs_->handle(); }

  private:
    std::unique_ptr<memfs::Memfs> memfs_;
    std::u16string device_;
};

inline UNICODE_STRING text(std::u16string_view view)
{
    const auto bytes = static_cast<USHORT>(view.size() * sizeof(WCHAR));
    return {bytes, bytes, const_cast<PWSTR>(view.data())};
}

/// Unloads the driver. @return how much the verifier found, leaks included; it has been printed
unsigned end_and_count_findings();

} // namespace fsp::test

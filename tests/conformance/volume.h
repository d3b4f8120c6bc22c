// SPDX-License-Identifier: MIT
#pragma once

#include "nt_file.h"

#include <gtest/gtest.h>

#include <memory>

namespace memfs {
class Memfs;
}

namespace conformance {

/// A test on a fresh MEMFS volume, in this process.
///
/// CONFORMANCE_VOLUME: "-i" case-insensitive, "-t N" file information timeout in ms.
class Volume : public testing::Test
{
  protected:
    Volume();
    ~Volume() override;

    /// \Device\Volume{...}\path
    [[nodiscard]] std::u16string path(std::u16string_view name) const
    {
        return device_ + u"\\" + std::u16string(name);
    }

    File open(std::u16string_view name, ACCESS_MASK access, ULONG options = 0)
    {
        return File(path(name), access, FILE_OPEN, options);
    }
    File create(std::u16string_view name, ACCESS_MASK access = FILE_ALL_ACCESS, ULONG options = 0)
    {
        return File(path(name), access, FILE_CREATE, options);
    }
    /// Makes a file with these contents.
    void make(std::u16string_view name, std::string_view contents = {});
    [[nodiscard]] bool exists(std::u16string_view name)
    {
        return open(name, FILE_READ_ATTRIBUTES).status() == STATUS_SUCCESS;
    }

    [[nodiscard]] bool ignores_case() const { return ignores_case_; }

  private:
    bool ignores_case_ = false;
    std::unique_ptr<memfs::Memfs> memfs_;
    std::u16string device_;
};

} // namespace conformance

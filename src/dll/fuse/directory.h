// SPDX-License-Identifier: MIT
#pragma once

#include "dll/fuse/handle.h"

namespace fsp::winfuse {

/// What readdir and getdir fill: the buffer that they get.
class DirectoryFiller
{
  public:
    DirectoryFiller() = default;
    DirectoryFiller(const DirectoryFiller&) = delete;

    /// @param attributes may be null: not known. @return false: no more, please
    virtual bool take(const char* name, const struct fuse_stat* attributes) = 0;
    /// Whether complete attributes are of use.
    virtual bool wants_attributes() const = 0;

  protected:
    ~DirectoryFiller() = default;
};

/// The fuse_fill_dir_t that programs call; the buffer is a DirectoryFiller.
int fill_directory(void* buffer, const char* name, const struct fuse_stat* attributes, fuse_off_t);

/// STATUS_DIRECTORY_NOT_EMPTY if there is something in a directory.
NTSTATUS check_empty(fuse& f, const Handle& handle);

} // namespace fsp::winfuse

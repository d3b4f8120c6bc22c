// SPDX-License-Identifier: MIT
//
// What a file is: struct fuse_stat as Windows sees it.
#pragma once

#include "dll/fuse/file_system.h"

namespace fsp::winfuse {

// Types of files, which no run-time library of Windows has all of.
constexpr UINT32 type_mask = 0170000, type_fifo = 0010000, type_character = 0020000, type_directory = 0040000,
                 type_block = 0060000, type_regular = 0100000, type_link = 0120000, type_socket = 0140000;

constexpr UINT64 no_file = ~UINT64{0}; ///< fh of what the program has not opened

inline bool has_attribute_operations(const fuse_operations& on)
{
    return on.listxattr != nullptr && on.getxattr != nullptr && on.setxattr != nullptr &&
           on.removexattr != nullptr;
}

UINT64 to_file_time(const fuse_timespec& time);
fuse_timespec to_unix_time(UINT64 time);

/// Owner, group, mode and what Windows makes of the rest.
struct Information
{
    UINT32 uid, gid, mode;
    UINT32 device; ///< st_rdev
    FSP_FSCTL_FILE_INFO file;
};

/// Asks the program. @param fi of an open file; may be null
NTSTATUS get_information(fuse& f, const char* path, fuse_file_info* fi, Information* out);
/// The same, except that a link is never taken for a directory: that question may lead back to the link.
NTSTATUS get_own_information(fuse& f, const char* path, fuse_file_info* fi, Information* out);
/// From what the program has given with a directory entry; not for links.
void to_information(const fuse& f, const char* path, const fuse_stat_ex& from, Information* out);

/// Attributes of Windows as BSD's flags, and back.
UINT32 to_flags(UINT32 attributes);
UINT32 from_flags(UINT32 flags);

UINT64 round_to_allocation_unit(const fuse& f, UINT64 size);

/// A path that the library has allocated.
class OwnPath
{
  public:
    OwnPath() = default;
    OwnPath(const OwnPath&) = delete;
    ~OwnPath() { FspPosixDeletePath(path_); }

    NTSTATUS from_windows(PWSTR name) { return FspPosixMapWindowsToPosixPathEx(name, &path_, TRUE); }
    const char* get() const { return path_; }

  private:
    char* path_ = nullptr;
};

/// The same in UTF-16.
class OwnWidePath
{
  public:
    OwnWidePath() = default;
    OwnWidePath(const OwnWidePath&) = delete;
    ~OwnWidePath() { FspPosixDeletePath(path_); }

    NTSTATUS from_posix(const char* name, bool translate = true)
    {
        return FspPosixMapPosixToWindowsPathEx(name, &path_, translate);
    }
    PWSTR get() const { return path_; }

  private:
    PWSTR path_ = nullptr;
};

} // namespace fsp::winfuse

// SPDX-License-Identifier: MIT
//
// The directory that a volume is mounted on.
#pragma once

#include <string>
#include <vector>

#include <ntifs.h>

namespace fsp::fuse {

/// One line of /proc/self/mountinfo.
struct MountedAt
{
    std::string path;
    std::string type;
    std::string source;
};
std::vector<MountedAt> parse_mountinfo(const std::string& text);

/**
 * Makes sure that a volume can be mounted there; a mount that a killed process left behind is removed first.
 *
 * @param[out] real_path the path without links
 * @param[out] error_sentence if the result is not STATUS_SUCCESS
 * @param any need not be an empty directory that nothing is mounted on
 */
NTSTATUS prepare_mount_point(const std::string& mount_point, std::string* real_path,
                             std::string* error_sentence, bool any = false);

/// Whether this system can mount at all.
NTSTATUS check_fuse(std::string* error_sentence);

/// All users may use a mount of this process.
bool may_allow_others();

/// Takes the mount away, also if it is in use (then it ends with its last user).
bool detach(const std::string& mount_point);

} // namespace fsp::fuse

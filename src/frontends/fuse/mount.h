// SPDX-License-Identifier: MIT
//
// The Linux mount: shows a volume of the driver as a directory, through the kernel's FUSE.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <ntifs.h>

#include "nt/posix_call.h"

namespace fsp::fuse {

struct MountOptions
{
    /// NT name of the volume device, e.g. "\Device\Volume{...}".
    std::u16string volume_name;
    /// An existing empty directory.
    std::string mount_point;
    /// For a volume that keeps POSIX objects; used only until mount() returns. Null: an ordinary one.
    const nt::PosixMount* posix = nullptr;
    /// Called once, from a thread of the mount, if somebody else unmounts it (umount, fusermount3 -u).
    std::function<void()> unmounted;
};

class Session;

/// A volume that is mounted; the end of the object unmounts it and waits for requests in progress.
class Mount
{
  public:
    explicit Mount(std::unique_ptr<Session> session);
    Mount(const Mount&) = delete;
    ~Mount();

    /// Lets the kernel forget what it knows of "\a\b". @return 0, ENOENT if it knows nothing
    int invalidate(std::u16string_view path);

  private:
    std::unique_ptr<Session> session_;
};

/**
 * Mounts a volume. The mount shows in /proc/self/mountinfo as type fuse.winfsp with the volume's name as
 * source. All users may enter it if root mounts, or if /etc/fuse.conf has user_allow_other.
 *
 * @param[out] mount the mount
 * @param[out] error_sentence what is wrong, in one sentence, if the result is not STATUS_SUCCESS
 * @return STATUS_SUCCESS; STATUS_OBJECT_NAME_NOT_FOUND, STATUS_NOT_A_DIRECTORY, STATUS_DIRECTORY_NOT_EMPTY,
 *         STATUS_OBJECT_NAME_COLLISION (mounted already), STATUS_ACCESS_DENIED, STATUS_DEVICE_NOT_READY (no
 * FUSE), STATUS_UNSUCCESSFUL. Whether the volume answers is not asked: a file system is mounted before it
 * starts to do so
 */
NTSTATUS mount(const MountOptions& options, std::unique_ptr<Mount>* mount, std::string* error_sentence);

/// Whether it could succeed; only mount_point and posix are looked at.
NTSTATUS check_mount(const MountOptions& options, std::string* error_sentence);

/// Wakes who polls a file (PosixCall::poll_handle). @return 0 or an error number
int notify_poll(void* poll_handle);
void destroy_poll(void* poll_handle);

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
//
// One mount: the connection to the kernel and what belongs to it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "frontends/fuse/file_lease.h"
#include "frontends/fuse/identity.h"
#include "frontends/fuse/init_hook.h"
#include "frontends/fuse/inode.h"
#include "frontends/fuse/interruption.h"
#include "frontends/fuse/lease.h"
#include "frontends/fuse/mount.h"
#include "frontends/fuse/open_file.h"
#include "frontends/fuse/workers.h"

namespace fsp::fuse {

/// What the volume can do; asked once.
struct VolumeTraits
{
    bool ignore_case = false;
    bool extended_attributes = false;
    bool reparse_points = false;
    bool persistent_acls = false;
    bool read_only = false;
    bool posix_unlink_rename = false;
    unsigned name_limit = 255; ///< UTF-16 units
};

class Session
{
  public:
    explicit Session(const MountOptions& options);
    Session(const Session&) = delete;
    ~Session();

    /// Connects to the kernel and starts to answer. @return 0 or -1 with a sentence
    int start(std::string* error_sentence);

    /// Waits until the volume answers. A file system is mounted before it starts to answer requests, so this
    /// is for the first request of the kernel to find out. @return false if it does not
    bool ready() { return ready_.load(std::memory_order_acquire) || prepare(); }

    const VolumeTraits& traits() const { return traits_; }
    /// How the names of files begin that have lost theirs while open; nobody sees them.
    const std::string& hidden_prefix() const { return hidden_prefix_; }
    HANDLE root() const { return root_.get(); }
    InodeTable& inodes() { return inodes_; }
    Identities& identities() { return identities_; }
    Interruptions& interruptions() { return interruptions_; }
    OpenDirectories& directories() { return directories_; }
    Leases& leases() { return leases_; }
    FileLeases& file_leases() { return file_leases_; }
    fuse_session* connection() const { return connection_; }
    KernelOffer& kernel_offer() { return kernel_offer_; }

    /// The volume keeps POSIX objects: requests carry a PosixCall. Null: it does not.
    const nt::PosixMount* posix() const { return posix_.get(); }
    int invalidate(std::u16string_view path);

    /// Owner of files on volumes without security.
    uid_t mounted_by() const { return uid_; }
    gid_t mounted_by_group() const { return gid_; }

  private:
    bool prepare();
    void add_mount_options(char** options) const;
    void unmount();

    const MountOptions options_;
    const std::string hidden_prefix_;
    std::unique_ptr<nt::PosixMount> posix_;
    VolumeTraits traits_; ///< constant once ready
    const uid_t uid_;
    const gid_t gid_;
    mode_t root_type_ = 0; ///< S_IFMT of the mount point, which is that of the root
    NtHandle root_;
    std::mutex prepare_lock_;
    std::atomic<bool> ready_ = false;
    InodeTable inodes_;
    Identities identities_;
    OpenDirectories directories_;
    Interruptions interruptions_;
    Leases leases_;
    FileLeases file_leases_;
    KernelOffer kernel_offer_;
    fuse_session* connection_ = nullptr;
    std::unique_ptr<Workers> workers_;
    bool mounted_ = false;
};

} // namespace fsp::fuse

// SPDX-License-Identifier: MIT
//
// One mount: the connection to the kernel and what belongs to it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "frontends/fuse/identity.h"
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

NTSTATUS query_traits(HANDLE root, VolumeTraits* traits);

class Session
{
  public:
    Session(NtHandle root, const VolumeTraits& traits, const MountOptions& options);
    Session(const Session&) = delete;
    ~Session();

    /// Connects to the kernel and starts to answer. @return 0 or -1 with a sentence
    int start(std::string* error_sentence);

    const VolumeTraits& traits() const { return traits_; }
    HANDLE root() const { return root_.get(); }
    InodeTable& inodes() { return inodes_; }
    Identities& identities() { return identities_; }
    Interruptions& interruptions() { return interruptions_; }
    OpenDirectories& directories() { return directories_; }
    Leases& leases() { return leases_; }
    fuse_session* connection() const { return connection_; }

    /// Owner of files on volumes without security.
    uid_t mounted_by() const { return uid_; }
    gid_t mounted_by_group() const { return gid_; }

  private:
    void unmount();

    const MountOptions options_;
    const VolumeTraits traits_;
    const uid_t uid_;
    const gid_t gid_;
    NtHandle root_;
    InodeTable inodes_;
    Identities identities_;
    OpenDirectories directories_;
    Interruptions interruptions_;
    Leases leases_;
    fuse_session* connection_ = nullptr;
    std::unique_ptr<Workers> workers_;
    bool mounted_ = false;
};

} // namespace fsp::fuse

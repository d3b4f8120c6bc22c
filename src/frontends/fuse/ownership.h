// SPDX-License-Identifier: MIT
//
// Owner, group and mode of a file as its security descriptor.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <ntifs.h>

#include "frontends/fuse/inode.h"

namespace fsp::fuse {

using Bytes = std::vector<uint8_t>;

Bytes user_sid(uid_t uid);
Bytes group_sid(gid_t gid);
Bytes everyone_sid();
Bytes authenticated_users_sid();

/// A self-relative descriptor with owner, group and protected DACL.
struct Descriptor
{
    Bytes bytes;
    /// The descriptor reads back as the very mode; otherwise the EA $LXMOD must hold what it cannot.
    bool exact = false;

    PSECURITY_DESCRIPTOR get() const { return const_cast<uint8_t*>(bytes.data()); }
};

/// @param directory sets the meaning of the sticky bit and of the write bits
std::shared_ptr<const Descriptor> to_descriptor(const Ownership& ownership, bool directory);

/// @param size of the descriptor
/// @return false if it says nothing that can be mapped
bool from_descriptor(PSECURITY_DESCRIPTOR descriptor, size_t size, Ownership* ownership);

} // namespace fsp::fuse

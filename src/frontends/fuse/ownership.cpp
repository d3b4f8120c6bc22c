// SPDX-License-Identifier: MIT
#include "frontends/fuse/ownership.h"

#include <cstring>
#include <unordered_map>

#include "nt/posix_map.h"

namespace fsp::fuse {
namespace {

constexpr mode_t directory_bit = 0040000;
constexpr size_t remembered_max = 256;

/// A group is never the SID of a user, although their numbers often are the same: in a descriptor the two
/// would melt into one, and members of a group would own the files of the user with its number. (Samba's SIDs
/// for Unix groups.)
nt::SidBuffer sid_of_group(gid_t gid) { return {22, {2, gid}}; }

Bytes bytes_of(const nt::SidBuffer& sid)
{
    const auto* bytes = reinterpret_cast<const uint8_t*>(&sid);
    return {bytes, bytes + sid.size()};
}

std::shared_ptr<const Descriptor> make_descriptor(const Ownership& ownership, bool directory)
{
    auto out = std::make_shared<Descriptor>();
    out->bytes.resize(nt::posix::max_descriptor_size);
    const mode_t mode = ownership.mode | (directory ? directory_bit : 0);
    out->bytes.resize(nt::posix::permissions_to_descriptor(
        nt::posix::sid_of_id(ownership.uid), sid_of_group(ownership.gid), mode, out->bytes.data()));
    out->exact = nt::posix::descriptor_to_permissions(out->get()).mode == (ownership.mode & 07777);
    return out;
}

} // namespace

Bytes user_sid(uid_t uid) { return bytes_of(nt::posix::sid_of_id(uid)); }
Bytes group_sid(gid_t gid) { return bytes_of(sid_of_group(gid)); }
Bytes everyone_sid() { return bytes_of(nt::sids::everyone); }
Bytes authenticated_users_sid() { return bytes_of(nt::sids::authenticated_users); }

std::shared_ptr<const Descriptor> to_descriptor(const Ownership& ownership, bool directory)
{
    // Programs create many files with the same owner and mode.
    struct Key
    {
        uint64_t ids;
        uint32_t mode;
        bool operator==(const Key&) const = default;
    };
    struct Hash
    {
        size_t operator()(const Key& key) const { return (key.ids ^ key.mode) * 0x9E3779B97F4A7C15ull; }
    };
    static thread_local std::unordered_map<Key, std::shared_ptr<const Descriptor>, Hash> remembered;

    const Key key{uint64_t(ownership.uid) << 32 | ownership.gid,
                  uint32_t(ownership.mode & 07777) | (directory ? directory_bit : 0)};
    if (const auto known = remembered.find(key); known != remembered.end())
        return known->second;
    if (remembered.size() >= remembered_max)
        remembered.clear();
    return remembered[key] = make_descriptor(ownership, directory);
}

namespace {

/// Many files have the same descriptor.
nt::posix::Permissions permissions_of(PSECURITY_DESCRIPTOR descriptor, size_t size)
{
    struct Known
    {
        uint8_t bytes[256];
        size_t size = 0;
        nt::posix::Permissions permissions;
    };
    constexpr size_t remembered = 4;
    static thread_local const std::unique_ptr<Known[]> known(new Known[remembered]);
    static thread_local size_t next = 0;

    if (size == 0 || size > sizeof Known::bytes)
        return nt::posix::descriptor_to_permissions(descriptor);
    for (size_t i = 0; i < remembered; ++i)
        if (known[i].size == size && std::memcmp(known[i].bytes, descriptor, size) == 0)
            return known[i].permissions;
    const auto permissions = nt::posix::descriptor_to_permissions(descriptor);
    Known& replaced = known[next++ % remembered];
    std::memcpy(replaced.bytes, descriptor, size);
    replaced.size = size;
    replaced.permissions = permissions;
    return permissions;
}

} // namespace

bool from_descriptor(PSECURITY_DESCRIPTOR descriptor, size_t size, Ownership* ownership)
{
    const auto permissions = permissions_of(descriptor, size);
    if (permissions.has_owner)
        ownership->uid = permissions.uid;
    if (permissions.has_group)
        ownership->gid = permissions.gid;
    ownership->mode = permissions.mode;
    PSID owner = nullptr, group = nullptr;
    BOOLEAN defaulted;
    RtlGetOwnerSecurityDescriptor(descriptor, &owner, &defaulted);
    RtlGetGroupSecurityDescriptor(descriptor, &group, &defaulted);
    ownership->one_sid = owner && group && RtlEqualSid(owner, group);
    return permissions.has_owner || permissions.has_group;
}

} // namespace fsp::fuse

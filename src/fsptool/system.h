// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What fsptool asks the operating system itself.
namespace fsptool::system {

struct Volume
{
    std::string where;  // drive letter or mount point; "-" if none
    std::string device; // \Device\Volume{...}
};
std::vector<Volume> volumes();

struct Ids
{
    std::uint32_t user, owner, group;
};
Ids own_ids();

/// Account of a user or group id; empty if there is none.
std::string account_name(std::uint32_t id, bool group);
std::optional<std::uint32_t> find_account(const std::string& name);

struct Permissions
{
    std::uint32_t uid, gid, mode;
};
/// Owner, group and mode of a file; nothing (and errno set) if it cannot be read.
std::optional<Permissions> permissions(const std::string& path);

} // namespace fsptool::system

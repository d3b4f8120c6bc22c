// SPDX-License-Identifier: MIT
#include "system.h"

#include <fstream>
#include <grp.h>
#include <pwd.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace fsptool::system {

namespace {

/// Undoes the kernel's octal escapes of blanks and backslashes.
std::string unescape(const std::string& text)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escape =
            text[i] == '\\' && i + 3 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '3';
        result += escape ? static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8)) : text[i];
        i += escape ? 3 : 0;
    }
    return result;
}

} // namespace

/// The mounts of our type; their source is the name of the volume's device.
std::vector<Volume> volumes()
{
    std::vector<Volume> result;
    std::ifstream mounts("/proc/self/mountinfo");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string word, where, type, device;
        for (int i = 0; i < 5 && words >> word; ++i)
            where = word;
        while (words >> word && word != "-")
            continue;
        if (words >> type >> device && type == "fuse.winfsp")
            result.push_back({unescape(where), unescape(device)});
    }
    return result;
}

Ids own_ids() { return {geteuid(), geteuid(), getegid()}; }

std::string account_name(std::uint32_t id, bool group)
{
    if (group) {
        const struct group* entry = getgrgid(id);
        return entry != nullptr ? entry->gr_name : "";
    }
    const struct passwd* entry = getpwuid(id);
    return entry != nullptr ? entry->pw_name : "";
}

std::optional<std::uint32_t> find_account(const std::string& name)
{
    if (const struct passwd* user = getpwnam(name.c_str()))
        return user->pw_uid;
    if (const struct group* group = getgrnam(name.c_str()))
        return group->gr_gid;
    return {};
}

std::optional<Permissions> permissions(const std::string& path)
{
    struct stat info;
    if (lstat(path.c_str(), &info) != 0)
        return {};
    return Permissions{info.st_uid, info.st_gid, info.st_mode};
}

} // namespace fsptool::system

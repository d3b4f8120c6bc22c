// SPDX-License-Identifier: MIT
#include "frontends/fuse/identity.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <unistd.h>

#include "frontends/fuse/ownership.h"
#include "ntos/token.h"

namespace fsp::fuse {
namespace {

constexpr int64_t believed_for = 1'000'000'000; // ns
constexpr size_t processes_max = 4096;
constexpr size_t tokens_max = 256;

int64_t monotonic_now()
{
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return int64_t(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

constexpr uint64_t privilege(unsigned number) { return uint64_t(1) << number; }

} // namespace

TokenRef::TokenRef(const TokenRef& other) : token_(other.token_)
{
    if (token_)
        ObReferenceObject(token_);
}

TokenRef::~TokenRef()
{
    if (token_)
        ObDereferenceObject(token_);
}

std::vector<gid_t> parse_groups(const char* status)
{
    std::vector<gid_t> groups;
    const char* at = std::strstr(status, "\nGroups:");
    if (!at)
        return groups;
    at += 8;
    for (;;) {
        while (*at == ' ' || *at == '\t')
            ++at;
        if (*at < '0' || *at > '9')
            break;
        char* end;
        groups.push_back(gid_t(std::strtoul(at, &end, 10)));
        at = end;
    }
    std::sort(groups.begin(), groups.end());
    groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
    return groups;
}

bool read_groups(pid_t pid, std::vector<gid_t>* groups)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%d/status", int(pid));
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    // Up to 65536 groups, so the file may be long.
    std::vector<char> text(4096);
    size_t used = 0;
    ssize_t n;
    while ((n = read(fd, text.data() + used, text.size() - used - 1)) > 0) {
        used += size_t(n);
        if (used + 1 == text.size())
            text.resize(text.size() * 4);
    }
    close(fd);
    text[used] = 0;
    *groups = parse_groups(text.data());
    return n == 0;
}

TokenRef Identities::for_groups(Key key)
{
    if (const auto known = tokens_.find(key); known != tokens_.end()) {
        recent_.splice(recent_.begin(), recent_, known->second.second);
        return known->second.first;
    }

    const auto [uid, gid] = std::pair(key.uid, key.gid);
    ntos::TokenSpec spec;
    spec.user = user_sid(uid);
    spec.primary_group = group_sid(gid);
    spec.groups.push_back({spec.primary_group});
    for (gid_t group : key.groups)
        if (group != gid)
            spec.groups.push_back({group_sid(group)});
    if (key.as_well)
        spec.groups.push_back({user_sid(*key.as_well)});
    spec.groups.push_back({everyone_sid()});
    spec.groups.push_back({authenticated_users_sid()});
    // Linux walks paths itself, component by component.
    spec.privileges = privilege(SE_CHANGE_NOTIFY_PRIVILEGE) | privilege(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE);
    if (uid == 0)
        spec.privileges |= privilege(SE_BACKUP_PRIVILEGE) | privilege(SE_RESTORE_PRIVILEGE) |
                           privilege(SE_TAKE_OWNERSHIP_PRIVILEGE) | privilege(SE_SECURITY_PRIVILEGE);
    TokenRef token(ntos::create_token(spec));
    if (!token)
        return token;

    if (tokens_.size() >= tokens_max) {
        tokens_.erase(recent_.back());
        recent_.pop_back();
    }
    recent_.push_front(key);
    tokens_.emplace(std::move(key), std::pair(token, recent_.begin()));
    return token;
}

TokenRef Identities::root_as_well_as(uid_t user)
{
    std::lock_guard guard(lock_);
    return for_groups({0, 0, {}, user});
}

TokenRef Identities::token(const Caller& caller, bool fresh)
{
    std::lock_guard guard(lock_);
    if (caller.uid == 0)
        return for_groups({caller.uid, caller.gid, {}}); // privileges decide, not groups

    const int64_t now = monotonic_now();
    const auto known = processes_.find(caller);
    if (known != processes_.end() && !fresh && now - known->second.read_at < believed_for)
        return known->second.token;

    Key key{caller.uid, caller.gid, {}};
    if (caller.pid != 0)
        read_groups(caller.pid, &key.groups);
    TokenRef token = for_groups(std::move(key));
    if (processes_.size() >= processes_max)
        std::erase_if(processes_, [&](auto& entry) { return now - entry.second.read_at >= believed_for; });
    if (processes_.size() >= processes_max)
        processes_.clear();
    processes_[caller] = {token, now};
    return token;
}

} // namespace fsp::fuse

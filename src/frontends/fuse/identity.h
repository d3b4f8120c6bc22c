// SPDX-License-Identifier: MIT
//
// Who asks: a Linux caller as an NT token.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include <sys/types.h>

#include <ntifs.h>

namespace fsp::fuse {

struct Caller
{
    uid_t uid = 0;
    gid_t gid = 0;
    pid_t pid = 0; ///< of the thread; 0: the kernel itself

    bool operator==(const Caller&) const = default;
};

/// A counted token.
class TokenRef
{
  public:
    TokenRef() = default;
    /// Takes over one reference.
    explicit TokenRef(PACCESS_TOKEN token) : token_(token) {}
    TokenRef(const TokenRef& other);
    TokenRef(TokenRef&& other) noexcept : token_(other.token_) { other.token_ = nullptr; }
    TokenRef& operator=(TokenRef other) noexcept
    {
        std::swap(token_, other.token_);
        return *this;
    }
    ~TokenRef();

    PACCESS_TOKEN get() const { return token_; }
    explicit operator bool() const { return token_ != nullptr; }

  private:
    PACCESS_TOKEN token_ = nullptr;
};

/// Supplementary groups of a thread, from /proc; false if it is gone.
bool read_groups(pid_t pid, std::vector<gid_t>* groups);

/// Parses the text of /proc/PID/status.
std::vector<gid_t> parse_groups(const char* status);

/// Makes and remembers tokens. A process's supplementary groups are read once and believed for a second: the
/// kernel checks each access against the groups of this moment, too (default_permissions).
class Identities
{
  public:
    /// @param fresh read the groups again, because what was remembered was denied access
    TokenRef token(const Caller& caller, bool fresh);

    /// Of root, with all that the user may do: NT asks some rights of the file alone, whatever privileges
    /// say.
    TokenRef root_as_well_as(uid_t user);

  private:
    struct Key
    {
        uid_t uid;
        gid_t gid;
        std::vector<gid_t> groups;
        std::optional<uid_t> as_well = {};

        auto operator<=>(const Key&) const = default;
    };

    struct Process
    {
        TokenRef token;
        int64_t read_at = 0;
    };

    struct CallerHash
    {
        size_t operator()(const Caller& caller) const
        {
            return size_t(caller.pid) * 0x9E3779B97F4A7C15ull ^ caller.uid ^ size_t(caller.gid) << 20;
        }
    };

    TokenRef for_groups(Key key);

    std::mutex lock_;
    std::unordered_map<Caller, Process, CallerHash> processes_;
    std::map<Key, std::pair<TokenRef, std::list<Key>::iterator>> tokens_;
    std::list<Key> recent_;
};

} // namespace fsp::fuse

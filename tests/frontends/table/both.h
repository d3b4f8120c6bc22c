// SPDX-License-Identifier: MIT
//
// Does the same in a directory of the drive and in one of a file system that is known to be right, and
// compares what came of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

namespace table {

struct User
{
    const char* name;
    uid_t uid;
    gid_t gid;
    std::vector<gid_t> groups;
};

/// root; alice, whose things they mostly are; bob, who shares a group with her; carol, who has nothing.
inline const User root{"root", 0, 0, {}};
inline const User alice{"alice", 20001, 20001, {20100, 20101}};
inline const User bob{"bob", 20002, 20002, {20100}};
inline const User carol{"carol", 20003, 20003, {}};

void become(const User& user);

/// "ok" or the name of errno.
std::string outcome(long result);

/// Type, mode, owners, links and size as far as they are the same everywhere; the name of errno without a
/// file.
std::string describe(const struct stat& info);
std::string describe(const char* path);
std::string describe(int descriptor);

class Both
{
  public:
    /// @param here, model the two directories
    Both(const std::string& here, const std::string& model);
    Both(const Both&) = delete;
    ~Both();

    using Action = std::function<std::string()>;

    /// What each case of a table begins with: made by root in an empty directory `room`, which it is in.
    /// Without a fixture the room is there.
    void prepare(Action fixture) { fixture_ = std::move(fixture), fresh_ = false; }

    /// Runs the action on both sides in the room, as that user, and compares what it returns.
    ///
    /// @param changes whether the room must be made anew before the next case; by default if it succeeded
    enum class Changes
    {
        if_ok,
        yes,
        no
    };
    void compare(const std::string& what, const User& user, const Action& action,
                 Changes changes = Changes::if_ok);

    /// On the drive now, not on the model; only for what is known to differ.
    bool here() const { return side_ == 0; }

    size_t cases() const { return cases_; }
    size_t failures() const { return failures_; }

  private:
    void make_rooms();

    std::string roots_[2];
    Action fixture_;
    bool fresh_ = false;
    int side_ = 0;
    size_t cases_ = 0, failures_ = 0;
};

/// The tables; each leaves the directories empty.
void paths(Both& both);        ///< calls x paths x users x permissions of the directory
void renames(Both& both);      ///< old names x new names x users
void opens(Both& both);        ///< flags x targets x users
void creations(Both& both);    ///< modes x umask x set-group-ID of the directory
void owners(Both& both);       ///< chown, chmod, and what clears set-user-ID and set-group-ID
void accesses(Both& both);     ///< modes x users
void moved_times(Both& both);  ///< which times of which files a call moves
void set_times(Both& both);    ///< utimensat
void input_output(Both& both); ///< calls on descriptors
void directories(Both& both);  ///< telldir, seekdir, rewinddir, changes while reading
void read_only(Both& both);    ///< in a room that is mounted read-only

} // namespace table

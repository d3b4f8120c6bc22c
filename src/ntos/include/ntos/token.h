// SPDX-License-Identifier: MIT
/// @file Access tokens for code that hosts the executive: who a thread is when it calls Nt functions.
#pragma once

#include <ntifs.h>

#include <cstdint>
#include <vector>

namespace fsp::ntos {

/// A SID as its bytes.
using SidBytes = std::vector<uint8_t>;

struct TokenSpec
{
    struct Group
    {
        SidBytes sid;
        /// SE_GROUP_...; 0 is taken as enabled, mandatory and by default.
        ULONG attributes = 0;
    };

    SidBytes user;
    std::vector<Group> groups;
    /// Owner of new objects; empty: the user.
    SidBytes owner;
    /// Empty: the user.
    SidBytes primary_group;
    /// An ACL; empty: full access for the user and for SYSTEM.
    std::vector<uint8_t> default_dacl;
    /// Bit n is set: the privilege with LUID {n, 0} is held and enabled (SE_BACKUP_PRIVILEGE is 17).
    uint64_t privileges = 0;
};

/// A primary token with one reference (ObDereferenceObject). Tokens do not change. @return nullptr if a SID
/// is not valid or without memory
PACCESS_TOKEN create_token(const TokenSpec& spec);

/// The token of SYSTEM, with every privilege. Lives forever.
PACCESS_TOKEN system_token();

/// The current thread acts as the token's user until the end of the scope. Nests. Takes a reference.
class Impersonation
{
  public:
    explicit Impersonation(PACCESS_TOKEN token);
    Impersonation(const Impersonation&) = delete;
    ~Impersonation();

  private:
    PACCESS_TOKEN before_;
    SECURITY_IMPERSONATION_LEVEL level_before_;
};

} // namespace fsp::ntos

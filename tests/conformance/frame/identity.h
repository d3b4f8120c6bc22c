// SPDX-License-Identifier: MIT
/// @file Who the tests are.
#pragma once

#include "nt.h"

#include <initializer_list>

namespace conformance {

/// The thread's token has this privilege (SE_BACKUP_PRIVILEGE ...), enabled.
bool holds_privilege(ULONG privilege);
/// Skips the test if the thread's token does not have it.
void need_privilege(ULONG privilege);

/// The thread acts without these privileges until the end of the scope.
class Without
{
  public:
    explicit Without(std::initializer_list<ULONG> privileges);
    Without(const Without&) = delete;
    ~Without();
};

} // namespace conformance

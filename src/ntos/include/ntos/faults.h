// SPDX-License-Identifier: MIT
/// @file Failures of the executive on purpose: what a driver meets on a machine that is out of everything.
/// On with OPENFSP_FAULTS=SEED or SEED:ONE_IN, or arm().
#pragma once

#include "ntos/verifier.h"

#include <cstdint>

namespace fsp::ntos::faults {

enum class Kind : uint8_t
{
    allocation, ///< pool, IRPs, objects, system buffers, cache views, what FsRtl packages keep
    mdl,        ///< locking and mapping of pages
    lock_try,   ///< a lock that was asked for without waiting is taken
    work_item,  ///< a work item starts late, after others
    timeout     ///< a wait in the kernel that has a limit meets it at once
};
inline constexpr unsigned kinds = 5;

/// Something may fail. One load and a branch that predicts well.
extern verifier::Flag armed;

/// Every operation fails with a probability of 1 : one_in, by a sequence that the seed decides.
void arm(uint64_t seed, unsigned one_in = 64);
/// The n-th operation of a kind from now on (1 is the next) fails, and nothing else.
void arm_nth(Kind kind, uint64_t n);
void disarm();
/// As OPENFSP_FAULTS says now; it is also read when the program starts.
void arm_from_environment();

/// Failures since arm().
uint64_t injected();

/// Called for an operation that can fail, if armed. @return true: it has to fail
[[gnu::cold]] bool NTAPI inject(Kind kind);

inline bool fails(Kind kind) { return armed && inject(kind); }

/// The current thread's operations succeed as long as it lives: what a test itself needs.
class Shield
{
  public:
    Shield();
    Shield(const Shield&) = delete;
    ~Shield();
};

} // namespace fsp::ntos::faults

// SPDX-License-Identifier: MIT
/// @file Checks that a driver keeps the rules of the kernel interface. On with OPENFSP_VERIFIER=1 or
/// enable().
#pragma once

#include <ntifs.h>

#include <atomic>
#include <string>
#include <vector>

namespace fsp::ntos::verifier {

/// Reads as bool; one load and a branch that predicts well.
struct Flag
{
    std::atomic<bool> on{false};
    operator bool() const { return on.load(std::memory_order_relaxed); }
};

extern Flag enabled;

/// Switches the checks on from here on. What was allocated or acquired before is not checked.
void enable();
void disable();

/// Counts a finding and prints it with the caller's stack to stderr.
[[gnu::format(printf, 1, 2)]] void report(const char* format, ...);

/// Number of findings so far in this process.
unsigned findings();

/// Called for every finding with its first line; replaces printing. For tests; nullptr restores printing.
using Hook = void (*)(const char* sentence);
void set_hook(Hook hook);

/// Collects findings instead of printing and counting them, as long as it lives: for tests that provoke them.
class Expect
{
  public:
    Expect();
    Expect(const Expect&) = delete;
    ~Expect();

    std::vector<std::string> found() const;
    /// True if a finding contains the text.
    bool found(const char* text) const;
};

/// Allocations of a tag that are alive and were made with the checks on; tag 0 counts all.
size_t pool_allocations(ULONG tag);
/// A finding, with stacks, for each allocation of the tag that is still alive. @return their number
size_t check_pool_leaks(ULONG tag);

/// For a watchdog: every wait for a resource, and who has it by an owner pointer, with stacks, to stderr.
/// @return the number of waits
size_t print_resource_waits();

/// How often the current thread is in critical or guarded regions.
int critical_region_depth();

/// Reports a caller above the level.
[[gnu::cold]] void NTAPI check_irql(KIRQL level, const char* routine) noexcept;
/// A routine's documented maximum of the caller's IRQL; its first line.
inline void at_most(KIRQL level, const char* routine)
{
    if (enabled) [[unlikely]]
        check_irql(level, routine);
}

/// The driver goes away or a request ended: IRQL passive, no critical region, no lock held by this thread.
void check_thread_is_clean(const char* where);

} // namespace fsp::ntos::verifier

// SPDX-License-Identifier: MIT
#include "ntos/faults.h"

#include <cstdio>
#include <cstdlib>

namespace fsp::ntos::faults {

verifier::Flag armed;

namespace {

constexpr unsigned usual_one_in = 64;

struct Plan
{
    std::atomic<uint64_t> seed;
    std::atomic<unsigned> one_in; ///< 0: only the n-th
    std::atomic<Kind> kind;
    std::atomic<int64_t> left; ///< operations of the kind until the one that fails
    std::atomic<uint64_t> asked;
    std::atomic<uint64_t> injected;
};

Plan plan;
constinit thread_local int shields __attribute__((tls_model("initial-exec"))) = 0;

/// SplitMix64.
uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
}

[[gnu::constructor]] void arm_at_start() { arm_from_environment(); }

} // namespace

void arm_from_environment()
{
    const char* value = std::getenv("OPENFSP_FAULTS");
    if (value == nullptr || *value == 0)
        return;
    char* end = nullptr;
    const uint64_t seed = std::strtoull(value, &end, 0);
    const unsigned one_in = *end == ':' ? unsigned(std::strtoul(end + 1, &end, 0)) : usual_one_in;
    if (*end != 0 || one_in == 0) {
        std::fprintf(stderr, "OPENFSP_FAULTS=%s: expected SEED or SEED:ONE_IN\n", value);
        std::exit(2);
    }
    arm(seed, one_in);
}

void arm(uint64_t seed, unsigned one_in)
{
    plan.seed = seed;
    plan.one_in = one_in;
    plan.asked = plan.injected = 0;
    armed.on = true;
}

void arm_nth(Kind kind, uint64_t n)
{
    plan.one_in = 0;
    plan.kind = kind;
    plan.left = int64_t(n);
    plan.injected = 0;
    armed.on = true;
}

void disarm() { armed.on = false; }

uint64_t injected() { return plan.injected; }

bool NTAPI inject(Kind kind)
{
    if (shields != 0)
        return false;
    const unsigned one_in = plan.one_in.load(std::memory_order_relaxed);
    const bool fail =
        one_in != 0 ? scramble(plan.seed + plan.asked.fetch_add(1, std::memory_order_relaxed)) % one_in == 0
                    : plan.kind.load(std::memory_order_relaxed) == kind &&
                          plan.left.fetch_sub(1, std::memory_order_relaxed) == 1;
    if (fail)
        plan.injected.fetch_add(1, std::memory_order_relaxed);
    return fail;
}

Shield::Shield() { shields++; }
Shield::~Shield() { shields--; }

} // namespace fsp::ntos::faults

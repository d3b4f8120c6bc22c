// SPDX-License-Identifier: MIT
//
// Applications on file systems that lie. Whatever those answer, a call ends, with an error at worst; nobody
// is shown old memory; the driver keeps its rules (the verifier's) and leaves nothing behind.
#include "application.h"
#include "file_system.h"
#include "watchdog.h"

#include <cstdlib>

namespace hostile {
namespace {

struct Case
{
    const char* name;
    unsigned lies;
};

constexpr Case cases[] = {
    {"Nothing", honest},
    {"Sizes", sizes},
    {"Offsets", offsets},
    {"Kinds", kinds},
    {"Hints", hints},
    {"Repeated", repeated | late},
    {"Late", late},
    {"Names", names},
    {"Counts", counts},
    {"Buffers", buffers},
    {"Statuses", statuses},
    {"Requests", requests},
    {"Everything", everything},
};

class LyingAbout : public testing::TestWithParam<Case>
{};

/// HOSTILE_SEED, HOSTILE_STEPS (calls of each application): for longer runs.
uint64_t number(const char* variable, uint64_t otherwise)
{
    const char* text = getenv(variable);
    return text ? strtoull(text, nullptr, 0) : otherwise;
}

TEST_P(LyingAbout, ShowsAsErrorsAtWorst)
{
    const uint64_t seed = number("HOSTILE_SEED", 1) * 1000 + GetParam().lies;
    const uint64_t steps = number("HOSTILE_STEPS", 300);
    SCOPED_TRACE("HOSTILE_SEED=" + std::to_string(seed / 1000));
    Watchdog watchdog(120);

    FileSystem file_system(GetParam().lies, seed);
    ASSERT_FALSE(file_system.volume().empty());
    std::atomic<uint64_t> done{0};
    std::vector<std::string> complaints(3);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < complaints.size(); i++)
        threads.emplace_back([&, i] {
            Application application(file_system.volume(), Chance(seed * 31 + i));
            for (uint64_t n = 0; n < steps; n++, done++)
                application.step();
            complaints[i] = application.complaint();
        });
    // It dies while they are at work.
    while (done < steps * complaints.size() * 3 / 4)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    file_system.die();
    for (auto& thread : threads)
        thread.join();

    EXPECT_GT(file_system.served(), 0u);
    EXPECT_EQ(file_system.leak(), "");
    for (const std::string& complaint : complaints)
        EXPECT_EQ(complaint, "");
}

INSTANTIATE_TEST_SUITE_P(All, LyingAbout, testing::ValuesIn(cases),
                         [](const auto& info) { return std::string(info.param.name); });

} // namespace
} // namespace hostile

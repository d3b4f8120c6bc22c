// SPDX-License-Identifier: MIT
// Copies of memory that is not there raise; they do not end the process.
#include "ntos/mm/guarded_copy.h"

#include <ntifs.h>
#include <ntos/raise.h>

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include <sys/mman.h>

using namespace fsp::ntos;

namespace {

/// Two pages, of which the second cannot be touched.
struct GuardedCopy : testing::Test
{
    char* pages =
        static_cast<char*>(mmap(nullptr, 0x2000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    char* hole = pages + 0x1000;
    char here[0x100] = {};
    GuardedCopy() { mprotect(hole, 0x1000, PROT_NONE); }
    ~GuardedCopy() override { munmap(pages, 0x2000); }
};

TEST_F(GuardedCopy, CopiesWhatIsThere)
{
    pages[5] = 'x';
    EXPECT_TRUE(mm::try_copy(here, pages, sizeof here));
    EXPECT_EQ(here[5], 'x');
    EXPECT_TRUE(mm::try_zero(pages, 6));
    EXPECT_EQ(pages[5], 0);
}

TEST_F(GuardedCopy, FailsOnEitherSide)
{
    for (int again = 0; again < 3; ++again) {
        EXPECT_FALSE(mm::try_copy(here, hole, sizeof here));
        EXPECT_FALSE(mm::try_copy(hole, here, sizeof here));
        EXPECT_FALSE(mm::try_copy(hole - 1, here, sizeof here));
        EXPECT_FALSE(mm::try_zero(hole, 1));
    }
    EXPECT_TRUE(mm::try_copy(hole - 1, here, 1));
}

TEST_F(GuardedCopy, EveryThreadHasItsOwn)
{
    std::thread others[4];
    for (auto& other : others)
        other = std::thread([this] {
            for (int i = 0; i < 1000; ++i) {
                char mine[16] = {};
                EXPECT_FALSE(mm::try_copy(mine, hole, sizeof mine));
                EXPECT_TRUE(mm::try_copy(mine, pages, sizeof mine));
            }
        });
    for (auto& other : others)
        other.join();
}

TEST_F(GuardedCopy, RoutinesRaise)
{
    NTSTATUS raised = STATUS_SUCCESS;
    try {
        CopyFromUser(here, hole, 1);
    } catch (const RaisedStatus& r) {
        raised = r.status;
    }
    EXPECT_EQ(raised, STATUS_ACCESS_VIOLATION);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(GuardedCopy, OtherFaultsStillEndTheProcess)
{
    EXPECT_FALSE(mm::try_copy(here, hole, 1)); // the handler is installed
    EXPECT_EXIT(*static_cast<volatile char*>(hole) = 1, testing::KilledBySignal(SIGSEGV), "");
}
#endif

} // namespace

// SPDX-License-Identifier: MIT
// Byte-range locks: [MS-FSA] 2.1.5.7, 2.1.5.8, 2.1.4.10.
#include "frame/request.h"
#include "frame/view.h"

namespace conformance {
namespace {

constexpr ACCESS_MASK read_write = FILE_READ_DATA | FILE_WRITE_DATA;
constexpr std::string_view digits = "0123456789";

struct Range
{
    INT64 offset;
    INT64 length;
};

LARGE_INTEGER large(INT64 value)
{
    LARGE_INTEGER result;
    result.QuadPart = value;
    return result;
}

NTSTATUS lock(const File& file, Range range, bool exclusive, ULONG key = 0)
{
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset = large(range.offset), length = large(range.length);
    return NtLockFile(file.handle(), nullptr, nullptr, nullptr, &block, &offset, &length, key, TRUE,
                      exclusive);
}

NTSTATUS unlock(const File& file, Range range, ULONG key = 0)
{
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset = large(range.offset), length = large(range.length);
    return NtUnlockFile(file.handle(), &block, &offset, &length, key);
}

/// A lock that waits until it is granted.
NTSTATUS wait_for_lock(Request& request, const File& file, Range range, bool exclusive)
{
    LARGE_INTEGER offset = large(range.offset), length = large(range.length);
    return request.start(file.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
        return NtLockFile(file.handle(), event, nullptr, nullptr, block, &offset, &length, 0, FALSE,
                          exclusive);
    });
}

NTSTATUS read_with_key(const File& file, ULONG key)
{
    char byte = 0;
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset{};
    return NtReadFile(file.handle(), nullptr, nullptr, nullptr, &block, &byte, 1, &offset, &key);
}

NTSTATUS write_with_key(const File& file, ULONG key)
{
    char byte = 'x';
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset{};
    return NtWriteFile(file.handle(), nullptr, nullptr, nullptr, &block, &byte, 1, &offset, &key);
}

TEST(Lock, ExclusiveAndSharedOnesOfTwoHandles)
{
    make(u"f", digits);
    const File first = open(u"f", read_write), second = open(u"f", read_write);
    const struct
    {
        bool held, asked, granted;
    } rows[] = {{false, false, true}, {false, true, false}, {true, false, false}, {true, true, false}};
    for (const auto& row : rows) {
        REQUIRE_EQ(lock(first, {2, 4}, row.held), STATUS_SUCCESS);
        CHECK_EQ(lock(second, {4, 4}, row.asked), row.granted ? STATUS_SUCCESS : STATUS_LOCK_NOT_GRANTED)
            << row.held << row.asked;
        if (row.granted) {
            CHECK_EQ(unlock(second, {4, 4}), STATUS_SUCCESS);
        }
        CHECK_EQ(unlock(first, {2, 4}), STATUS_SUCCESS);
    }
}

TEST(Lock, OneHandleIsHeldToItsOwnLocksToo)
{
    make(u"f", digits);
    const File file = open(u"f", read_write);
    REQUIRE_EQ(lock(file, {2, 4}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(file, {2, 4}, true), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(lock(file, {5, 1}, true), STATUS_LOCK_NOT_GRANTED);
    // A shared lock below one's own exclusive one is granted ([MS-FSA] 2.1.4.10), once exactly.
    CHECK_EQ(lock(file, {2, 4}, false), STATUS_SUCCESS);
}

TEST(Lock, SharedOnesOfOneHandleAreCounted)
{
    make(u"f", digits);
    const File file = open(u"f", read_write), other = open(u"f", read_write);
    REQUIRE_EQ(lock(file, {0, 5}, false), STATUS_SUCCESS);
    REQUIRE_EQ(lock(file, {0, 5}, false), STATUS_SUCCESS);
    CHECK_EQ(unlock(file, {0, 5}), STATUS_SUCCESS);
    CHECK_EQ(lock(other, {0, 1}, true), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(unlock(file, {0, 5}), STATUS_SUCCESS);
    CHECK_EQ(unlock(file, {0, 5}), STATUS_RANGE_NOT_LOCKED);
    CHECK_EQ(lock(other, {0, 1}, true), STATUS_SUCCESS);
}

TEST(Lock, NeighboursDoNotOverlap)
{
    make(u"f", digits);
    const File first = open(u"f", read_write), second = open(u"f", read_write);
    REQUIRE_EQ(lock(first, {2, 3}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {0, 2}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {5, 5}, true), STATUS_SUCCESS);
    for (const Range range : {Range{1, 2}, {4, 1}, {0, 10}, {4, 100}, {2, 1}})
        CHECK_EQ(lock(second, range, false), STATUS_LOCK_NOT_GRANTED) << range.offset << "+" << range.length;
}

TEST(Lock, OnlyExactRangesAreUnlocked)
{
    make(u"f", digits);
    const File file = open(u"f", read_write), other = open(u"f", read_write);
    REQUIRE_EQ(lock(file, {2, 4}, true, 7), STATUS_SUCCESS);
    for (const Range range : {Range{2, 3}, {2, 5}, {3, 3}, {3, 4}, {0, 10}})
        CHECK_EQ(unlock(file, range, 7), STATUS_RANGE_NOT_LOCKED) << range.offset << "+" << range.length;
    CHECK_EQ(unlock(file, {2, 4}, 8), STATUS_RANGE_NOT_LOCKED);
    CHECK_EQ(unlock(other, {2, 4}, 7), STATUS_RANGE_NOT_LOCKED);
    CHECK_EQ(unlock(file, {2, 4}, 7), STATUS_SUCCESS);
    CHECK_EQ(unlock(file, {2, 4}, 7), STATUS_RANGE_NOT_LOCKED);
}

TEST(Lock, KeysTellOwnersOfOneHandleApart)
{
    make(u"f", digits);
    const File file = open(u"f", read_write);
    REQUIRE_EQ(lock(file, {0, 4}, true, 1), STATUS_SUCCESS);
    CHECK_EQ(lock(file, {0, 4}, true, 2), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(read_with_key(file, 1), STATUS_SUCCESS);
    CHECK_EQ(write_with_key(file, 1), STATUS_SUCCESS);
    CHECK_EQ(read_with_key(file, 2), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(write_with_key(file, 2), STATUS_FILE_LOCK_CONFLICT);
}

TEST(Lock, ReadsAndWritesAreHeldToLocks)
{
    make(u"f", digits);
    for (const ULONG options : {ULONG{0}, ULONG{FILE_WRITE_THROUGH}}) {
        File owner = open(u"f", read_write, options), other = open(u"f", read_write, options);
        REQUIRE_EQ(lock(owner, {2, 3}, true), STATUS_SUCCESS);
        CHECK_EQ(owner.read(2, 3), "234");
        CHECK_EQ(owner.write(2, "234"), STATUS_SUCCESS);
        other.read(4, 1);
        CHECK_EQ(other.status(), STATUS_FILE_LOCK_CONFLICT);
        other.read(0, 10);
        CHECK_EQ(other.status(), STATUS_FILE_LOCK_CONFLICT);
        CHECK_EQ(other.write(0, "012"), STATUS_FILE_LOCK_CONFLICT);
        CHECK_EQ(other.read(0, 2), "01");
        CHECK_EQ(other.read(5, 5), "56789");
        CHECK_EQ(other.write(5, "5"), STATUS_SUCCESS);
        REQUIRE_EQ(unlock(owner, {2, 3}), STATUS_SUCCESS);

        // Into a shared lock nobody writes, not even its owner.
        REQUIRE_EQ(lock(owner, {2, 3}, false), STATUS_SUCCESS);
        CHECK_EQ(owner.read(2, 3), "234");
        CHECK_EQ(other.read(2, 3), "234");
        CHECK_EQ(owner.write(2, "x"), STATUS_FILE_LOCK_CONFLICT);
        CHECK_EQ(other.write(2, "x"), STATUS_FILE_LOCK_CONFLICT);
        REQUIRE_EQ(unlock(owner, {2, 3}), STATUS_SUCCESS);
        CHECK_EQ(other.write(2, "2"), STATUS_SUCCESS);
    }
}

TEST(Lock, UnbufferedTransfersAreHeldToLocks)
{
    make(u"f", std::string(8192, 'a'));
    File owner = open(u"f", read_write), direct = open(u"f", read_write, FILE_NO_INTERMEDIATE_BUFFERING);
    REQUIRE_EQ(lock(owner, {4096, 1}, true), STATUS_SUCCESS);
    direct.read(4096, 4096);
    CHECK_EQ(direct.status(), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(direct.write(4096, std::string(4096, 'b')), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(direct.read(0, 4096).size(), 4096u);
}

TEST(Lock, LocksMayLieBehindTheEnd)
{
    make(u"f", digits);
    File first = open(u"f", read_write), second = open(u"f", read_write);
    REQUIRE_EQ(lock(first, {1000, 10}, true), STATUS_SUCCESS);
    CHECK_EQ(second.write(1005, "x"), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(second.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 10);
    CHECK_EQ(first.write(1005, "x"), STATUS_SUCCESS);
}

TEST(Lock, WholeRangeAndItsEnd)
{
    make(u"f", digits);
    const File first = open(u"f", read_write), second = open(u"f", read_write);
    const Range whole{0, -1}; // 2^64-1 bytes
    REQUIRE_EQ(lock(first, whole, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {0, 1}, false), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(lock(second, {INT64_MAX, 1}, false), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(unlock(first, whole), STATUS_SUCCESS);
    // The last byte of all, and what would reach beyond it.
    CHECK_EQ(lock(second, {-1, 1}, true), STATUS_SUCCESS);
    CHECK_EQ(unlock(second, {-1, 1}), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {-1, 2}, true), STATUS_INVALID_LOCK_RANGE);
    CHECK_EQ(lock(second, {10, -1}, true), STATUS_INVALID_LOCK_RANGE);
}

TEST(Lock, EmptyOnesConflictInsideOthersOnly)
{
    make(u"f", digits);
    const File first = open(u"f", read_write), second = open(u"f", read_write);
    REQUIRE_EQ(lock(first, {2, 4}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {2, 0}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {6, 0}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(second, {3, 0}, true), STATUS_LOCK_NOT_GRANTED);
    CHECK_EQ(unlock(second, {2, 0}), STATUS_SUCCESS);
    CHECK_EQ(unlock(second, {6, 0}), STATUS_SUCCESS);
    CHECK_EQ(unlock(second, {6, 0}), STATUS_RANGE_NOT_LOCKED);
}

TEST(Lock, AWaitingOneIsGrantedInTurn)
{
    make(u"f", digits);
    const File owner = open(u"f", read_write);
    const File waiting(Open{.path = path(u"f"), .access = read_write, .asynchronous = true});
    REQUIRE_EQ(lock(owner, {0, 4}, true), STATUS_SUCCESS);
    Request first, second, elsewhere;
    REQUIRE_EQ(wait_for_lock(first, waiting, {2, 4}, true), STATUS_PENDING);
    REQUIRE_EQ(wait_for_lock(second, waiting, {3, 1}, false), STATUS_PENDING);
    wait_for_lock(elsewhere, waiting, {8, 1}, true);
    CHECK_EQ(elsewhere.wait(), STATUS_SUCCESS);
    CHECK_FALSE(first.done());
    REQUIRE_EQ(unlock(owner, {0, 4}), STATUS_SUCCESS);
    CHECK_EQ(first.wait(), STATUS_SUCCESS);
    CHECK_EQ(lock(owner, {2, 1}, false), STATUS_LOCK_NOT_GRANTED);
}

TEST(Lock, AWaitingOneIsGrantedWhenTheOwnerCloses)
{
    make(u"f", digits);
    File owner = open(u"f", read_write);
    const File waiting(Open{.path = path(u"f"), .access = read_write, .asynchronous = true});
    REQUIRE_EQ(lock(owner, {0, 4}, true), STATUS_SUCCESS);
    Request request;
    REQUIRE_EQ(wait_for_lock(request, waiting, {0, 4}, true), STATUS_PENDING);
    owner.close();
    CHECK_EQ(request.wait(), STATUS_SUCCESS);
}

TEST(Lock, AWaitingOneCanBeCancelled)
{
    make(u"f", digits);
    const File owner = open(u"f", read_write);
    const File waiting(Open{.path = path(u"f"), .access = read_write, .asynchronous = true});
    REQUIRE_EQ(lock(owner, {0, 4}, true), STATUS_SUCCESS);
    Request request;
    REQUIRE_EQ(wait_for_lock(request, waiting, {0, 4}, true), STATUS_PENDING);
    CHECK_EQ(request.cancel(), STATUS_SUCCESS);
    CHECK_EQ(request.wait(), STATUS_CANCELLED);
    REQUIRE_EQ(unlock(owner, {0, 4}), STATUS_SUCCESS);
    CHECK_EQ(lock(owner, {0, 4}, true), STATUS_SUCCESS); // nothing was left behind
}

TEST(Lock, AWaitingOneEndsWithItsHandle)
{
    make(u"f", digits);
    const File owner = open(u"f", read_write);
    File waiting(Open{.path = path(u"f"), .access = read_write, .asynchronous = true});
    REQUIRE_EQ(lock(owner, {0, 4}, true), STATUS_SUCCESS);
    Request request;
    REQUIRE_EQ(wait_for_lock(request, waiting, {0, 4}, true), STATUS_PENDING);
    waiting.close();
    CHECK_NE(request.wait(), STATUS_TIMEOUT);
}

TEST(Lock, ClosingUnlocksAll)
{
    make(u"f", digits);
    File owner = open(u"f", read_write);
    const File other = open(u"f", read_write);
    for (INT64 i = 0; i != 10; ++i)
        REQUIRE_EQ(lock(owner, {i, 1}, i % 2 == 0, static_cast<ULONG>(i)), STATUS_SUCCESS);
    owner.close();
    CHECK_EQ(lock(other, {0, 10}, true), STATUS_SUCCESS);
}

TEST(Lock, StreamsHaveLocksOfTheirOwn)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", digits);
    make(u"f:s", digits);
    const File main = open(u"f", read_write), stream = open(u"f:s", read_write);
    REQUIRE_EQ(lock(main, {0, 10}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(stream, {0, 10}, true), STATUS_SUCCESS);
}

TEST(Lock, NeedsAccessToData)
{
    make(u"f", digits);
    CHECK_EQ(lock(open(u"f", FILE_READ_ATTRIBUTES), {0, 1}, true), STATUS_ACCESS_DENIED);
    CHECK_EQ(lock(open(u"f", FILE_READ_DATA), {0, 1}, true), STATUS_SUCCESS);
    CHECK_EQ(lock(open(u"f", FILE_WRITE_DATA), {0, 1}, false), STATUS_SUCCESS);
}

TEST(Lock, DirectoriesCannotBeLocked)
{
    make_directory(u"d");
    CHECK_EQ(lock(open(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE), {0, 1}, true),
             STATUS_INVALID_PARAMETER);
}

TEST(Lock, ManyRangesStayApart)
{
    make(u"f", digits);
    const File first = open(u"f", read_write), second = open(u"f", read_write);
    for (INT64 i = 0; i != 2000; ++i)
        REQUIRE_EQ(lock(first, {i * 10, 5}, true), STATUS_SUCCESS);
    for (INT64 i = 0; i != 2000; ++i) {
        REQUIRE_EQ(lock(second, {i * 10 + 4, 1}, true), STATUS_LOCK_NOT_GRANTED) << i;
        REQUIRE_EQ(lock(second, {i * 10 + 5, 5}, true), STATUS_SUCCESS) << i;
    }
    for (INT64 i = 0; i != 2000; ++i)
        REQUIRE_EQ(unlock(first, {i * 10, 5}), STATUS_SUCCESS);
}

// [MS-FSA] 2.1.5.9.1: sections see through locks; cached and mapped data is not held to them.
TEST(Lock, MappedViewsAreNotHeldToLocks)
{
    make(u"f", digits);
    const File owner = open(u"f", read_write), mapper = open(u"f", read_write);
    REQUIRE_EQ(lock(owner, {0, 10}, true), STATUS_SUCCESS);
    CHECK_EQ(View(mapper, PAGE_READWRITE).text(0, 10), digits);
}

} // namespace
} // namespace conformance

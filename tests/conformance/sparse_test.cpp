// SPDX-License-Identifier: MIT
#include "frame/test.h"

namespace conformance {
namespace {

struct Range
{
    LONGLONG from, to;
};

NTSTATUS zero(File& file, LONGLONG from, LONGLONG to)
{
    const Range range{from, to};
    return file.control(FSCTL_SET_ZERO_DATA, &range, sizeof range, nullptr, 0);
}

TEST(Sparse, ZeroedRangeReadsAsZerosOnEveryHandle)
{
    make(u"f", std::string(300'000, 'a'));
    File file = open(u"f", FILE_ALL_ACCESS);
    File other = open(u"f", FILE_READ_DATA);
    CHECK_EQ(other.read(100'000, 3), "aaa"); // cached
    const NTSTATUS status = zero(file, 1'000, 299'000);
    if (status == STATUS_INVALID_DEVICE_REQUEST)
        SKIP("the file system has no holes");
    CHECK_EQ(status, STATUS_SUCCESS);
    CHECK_EQ(other.read(998, 4), std::string("aa\0\0", 4));
    CHECK_EQ(other.read(100'000, 3), std::string(3, '\0'));
    CHECK_EQ(file.read(298'998, 4), std::string("\0\0aa", 4));
    CHECK_EQ(zero(file, 299'999, 400'000), STATUS_SUCCESS); // does not extend
    CHECK_EQ(file.read(299'998, 10), std::string("a\0", 2));
    CHECK_EQ(zero(file, 5, 4), STATUS_INVALID_PARAMETER);
    CHECK_EQ(zero(file, -1, 4), STATUS_INVALID_PARAMETER);
}

TEST(Sparse, AllocatedRangesAreWhatWasWritten)
{
    File file = create(u"f");
    REQUIRE_EQ(file.set_end_of_file(10'000'000), STATUS_SUCCESS);
    REQUIRE_EQ(file.write(5'000'000, "data"), STATUS_SUCCESS);
    const Range whole{0, 20'000'000}; // an offset and a length
    Range found[4]{};
    const NTSTATUS status =
        file.control(FSCTL_QUERY_ALLOCATED_RANGES, &whole, sizeof whole, found, sizeof found);
    if (status == STATUS_INVALID_DEVICE_REQUEST)
        SKIP("the file system has no holes");
    CHECK_EQ(status, STATUS_SUCCESS);
    CHECK(found[0].from <= 5'000'000 && found[0].from > 4'000'000);
    CHECK(found[0].from + found[0].to >= 5'000'004 && found[0].from + found[0].to < 6'000'000);
    CHECK_EQ(found[1].to, 0);
    REQUIRE_EQ(file.write(8'000'000, "data"), STATUS_SUCCESS);
    CHECK_EQ(file.control(FSCTL_QUERY_ALLOCATED_RANGES, &whole, sizeof whole, found, sizeof(Range)),
             STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(file.control(FSCTL_QUERY_ALLOCATED_RANGES, &whole, sizeof whole, found, sizeof(Range) - 1),
             STATUS_BUFFER_TOO_SMALL);
}

} // namespace
} // namespace conformance

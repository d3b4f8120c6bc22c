// SPDX-License-Identifier: MIT
#include "frame/test.h"

#include <cstring>
#include <thread>

namespace conformance {
namespace {

TEST(Data, ReadAtAndBeyondTheEnd)
{
    make(u"f", "hello");
    File file = open(u"f", FILE_READ_DATA);
    CHECK_EQ(file.read(0, 100), "hello");
    CHECK_EQ(file.read(3, 100), "lo");
    CHECK_EQ(file.read(5, 1), "");
    CHECK_EQ(file.status(), STATUS_END_OF_FILE);
    CHECK_EQ(file.read(5, 0), "");
    CHECK_EQ(file.status(), STATUS_SUCCESS);
}

TEST(Data, WriteBeyondTheEndLeavesZeros)
{
    File file = create(u"f");
    REQUIRE_EQ(file.write(10, "x"), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 100), std::string(10, '\0') + "x");
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 11);
}

TEST(Data, AppendOnlyHandleWritesAtTheEnd)
{
    make(u"f", "abc");
    File file = open(u"f", FILE_APPEND_DATA);
    REQUIRE_EQ(file.write(0, "def"), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 10), "abcdef");
}

TEST(Data, EndOfFileCutsAndExtends)
{
    make(u"f", "0123456789");
    File file = open(u"f", FILE_ALL_ACCESS);
    REQUIRE_EQ(file.set_end_of_file(4), STATUS_SUCCESS);
    REQUIRE_EQ(file.set_end_of_file(8), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 100), std::string("0123") + std::string(4, '\0'));
    FILE_ALLOCATION_INFORMATION allocation{};
    allocation.AllocationSize.QuadPart = 2;
    CHECK_EQ(file.set(FileAllocationInformation, &allocation, sizeof allocation), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 100).size(), 8U); // rounded up to the allocation unit
    allocation.AllocationSize.QuadPart = 0;
    CHECK_EQ(file.set(FileAllocationInformation, &allocation, sizeof allocation), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 100).size(), 0U);
}

TEST(Data, LargeTransfersComeBackAsWritten)
{
    std::string data(5'000'192, '\0'); // whole sectors, as handles without buffering want
    for (std::size_t i = 0; i != data.size(); ++i)
        data[i] = static_cast<char>(i * 31 + i / 4096);
    for (const ULONG options : {0UL, static_cast<unsigned long>(FILE_NO_INTERMEDIATE_BUFFERING),
                                static_cast<unsigned long>(FILE_WRITE_THROUGH)})
    {
        File file(path(u"f"), FILE_ALL_ACCESS, FILE_OVERWRITE_IF, options);
        REQUIRE_EQ(file.write(0, data), STATUS_SUCCESS);
        CHECK_EQ(file.read(0, static_cast<ULONG>(data.size())), data);
        CHECK_EQ(file.read(70'144, 130'560), data.substr(70'144, 130'560));
        CHECK_EQ(file.flush(), STATUS_SUCCESS);
    }
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, static_cast<ULONG>(data.size())), data);
}

TEST(Data, CachedAndNonCachedHandlesAgree)
{
    make(u"f", std::string(10'000, 'a'));
    File cached = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA);
    File direct = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA, FILE_NO_INTERMEDIATE_BUFFERING);
    REQUIRE_EQ(cached.write(5120, "cached"), STATUS_SUCCESS);
    CHECK_EQ(direct.read(5120, 512).substr(0, 6), "cached");
    REQUIRE_EQ(direct.write(5120, std::string(512, 'd')), STATUS_SUCCESS);
    CHECK_EQ(cached.read(5120, 6), "dddddd");
    if (!is_network()) { // whose device has no sectors
        CHECK_EQ(direct.read(5120, 100), "");
        CHECK_EQ(direct.status(), STATUS_INVALID_PARAMETER); // not a whole sector
    }
    REQUIRE_EQ(direct.set_end_of_file(100), STATUS_SUCCESS);
    CHECK_EQ(cached.read(99, 10), "a");
}

TEST(Data, VeryLargeOffsets)
{
    File file = create(u"f");
    CHECK_EQ(file.write(std::uint64_t{1} << 40, "x"), STATUS_DISK_FULL);
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 0);
}

TEST(Data, NamedStreamsHaveContentsOfTheirOwn)
{
    make(u"f", "main");
    make(u"f:s", "stream");
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 100), "main");
    CHECK_EQ(open(u"f:s", FILE_READ_DATA).read(0, 100), "stream");
    CHECK_EQ(open(u"f:s:$DATA", FILE_READ_DATA).read(0, 100), "stream");
    CHECK_EQ(open(u"f::$DATA", FILE_READ_DATA).read(0, 100), "main");
    CHECK_EQ(open(u"f:none", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    alignas(8) std::uint8_t buffer[1024];
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    REQUIRE_EQ(file.query(FileStreamInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    const auto* first = reinterpret_cast<FILE_STREAM_INFORMATION*>(buffer);
    CHECK_EQ(text_of(first->StreamName, first->StreamNameLength), u"::$DATA");
    REQUIRE_NE(first->NextEntryOffset, 0U);
    const auto* second = reinterpret_cast<FILE_STREAM_INFORMATION*>(buffer + first->NextEntryOffset);
    CHECK_EQ(text_of(second->StreamName, second->StreamNameLength), u":s:$DATA");
    CHECK_EQ(second->StreamSize.QuadPart, 6);
    CHECK_EQ(open(u"f", DELETE).dispose(true), STATUS_SUCCESS);
    file.close();
    CHECK_EQ(open(u"f:s", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST(Data, LocksKeepOthersOut)
{
    make(u"f", "0123456789");
    File first = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA),
         second = open(u"f", FILE_READ_DATA | FILE_WRITE_DATA);
    IO_STATUS_BLOCK block{};
    LARGE_INTEGER offset{}, length{};
    offset.QuadPart = 2;
    length.QuadPart = 3;
    REQUIRE_EQ(NtLockFile(first.handle(), nullptr, nullptr, nullptr, &block, &offset, &length, 0, TRUE, TRUE),
               STATUS_SUCCESS);
    CHECK_EQ(NtLockFile(second.handle(), nullptr, nullptr, nullptr, &block, &offset, &length, 0, TRUE, TRUE),
             STATUS_LOCK_NOT_GRANTED);
    second.read(3, 1);
    CHECK_EQ(second.status(), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(second.write(3, "x"), STATUS_FILE_LOCK_CONFLICT);
    CHECK_EQ(second.read(5, 2), "56");
    CHECK_EQ(first.read(3, 1), "3");
    REQUIRE_EQ(NtUnlockFile(first.handle(), &block, &offset, &length, 0), STATUS_SUCCESS);
    CHECK_EQ(second.read(3, 1), "3");
}

TEST(Data, ManyThreadsOnManyFiles)
{
    std::vector<std::thread> threads;
    for (int t = 0; t != 8; ++t)
        threads.emplace_back([this, t] {
            const std::u16string name = u"t" + std::u16string(1, static_cast<char16_t>(u'a' + t));
            for (int i = 0; i != 200; ++i) {
                File file = create(name, FILE_ALL_ACCESS);
                CHECK_EQ(file.status(), STATUS_SUCCESS);
                CHECK_EQ(file.write(static_cast<UINT64>(i), "abc"), STATUS_SUCCESS);
                CHECK_EQ(file.read(static_cast<UINT64>(i), 3), "abc");
                CHECK_EQ(file.rename(path(name + u"2"), true), STATUS_SUCCESS);
                CHECK_EQ(file.dispose(true), STATUS_SUCCESS);
            }
        });
    for (auto& thread : threads)
        thread.join();
    CHECK(names().empty());
}

} // namespace
} // namespace conformance

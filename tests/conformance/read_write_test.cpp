// SPDX-License-Identifier: MIT
// Reading, writing, sizes and flushing: [MS-FSA] 2.1.5.2, 2.1.5.3, 2.1.5.4, 2.1.5.14.
#include "frame/request.h"
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

constexpr ACCESS_MASK read_write = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES;

struct Mode
{
    const char* name;
    ULONG options;
};
constexpr Mode modes[] = {
    {"cached", 0},
    {"write-through", FILE_WRITE_THROUGH},
    {"unbuffered", FILE_NO_INTERMEDIATE_BUFFERING},
    {"unbuffered and write-through", FILE_NO_INTERMEDIATE_BUFFERING | FILE_WRITE_THROUGH}};

std::string pattern(std::size_t size, unsigned seed)
{
    std::string data(size, '\0');
    for (std::size_t i = 0; i != size; ++i)
        data[i] = static_cast<char>(i * 31 + i / 4096 + seed);
    return data;
}

FILE_STANDARD_INFORMATION sizes(File& file)
{
    return file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation);
}

INT64 position(File& file)
{
    return file.get<FILE_POSITION_INFORMATION>(FilePositionInformation).CurrentByteOffset.QuadPart;
}

NTSTATUS set_position(File& file, INT64 to)
{
    FILE_POSITION_INFORMATION info{};
    info.CurrentByteOffset.QuadPart = to;
    return file.set(FilePositionInformation, &info, sizeof info);
}

NTSTATUS set_allocation(File& file, INT64 size)
{
    FILE_ALLOCATION_INFORMATION info{};
    info.AllocationSize.QuadPart = size;
    return file.set(FileAllocationInformation, &info, sizeof info);
}

/// The body of the reference's read/write tests.
void check_transfers(File& file, const char* mode, ULONG sector)
{
    const std::string first = pattern(sector, 1), third = pattern(sector, 3);
    REQUIRE_EQ(file.write(0, first), STATUS_SUCCESS) << mode;
    CHECK_EQ(file.information(), sector) << mode;
    REQUIRE_EQ(file.write(2 * sector, third), STATUS_SUCCESS) << mode;
    CHECK_EQ(position(file), 3 * sector) << mode;
    CHECK_EQ(file.read(0, sector), first) << mode;
    CHECK_EQ(file.read(sector, sector), std::string(sector, '\0')) << mode;
    CHECK_EQ(file.read(2 * sector, 2 * sector), third) << mode; // across the end: what is there
    CHECK_EQ(position(file), 3 * sector) << mode;
    CHECK_EQ(file.read(3 * sector, sector), "") << mode;
    CHECK_EQ(file.status(), STATUS_END_OF_FILE) << mode;
    CHECK_EQ(file.read(100 * sector, sector), "") << mode;
    CHECK_EQ(file.status(), STATUS_END_OF_FILE) << mode;

    const std::string pages = pattern(2 * 4096, 5);
    REQUIRE_EQ(file.write(0, pages), STATUS_SUCCESS) << mode;
    CHECK_EQ(file.read(0, 2 * 4096), pages) << mode;
    const std::string more = pattern(2 * 4096 + sector, 6);
    REQUIRE_EQ(file.write(0, more), STATUS_SUCCESS) << mode;
    CHECK_EQ(file.read(0, 4 * 4096), more) << mode;
    CHECK_EQ(sizes(file).EndOfFile.QuadPart, 2 * 4096 + sector) << mode;
    CHECK_GE(sizes(file).AllocationSize.QuadPart, 2 * 4096 + sector) << mode;
}

TEST(ReadWrite, AllWaysOfCachingGiveTheSameData)
{
    constexpr ULONG sector = 4096; // a multiple of every sector size in use
    for (const Mode& mode : modes) {
        File file(path(u"f"), read_write | DELETE, FILE_CREATE, mode.options | FILE_DELETE_ON_CLOSE);
        REQUIRE_EQ(file.status(), STATUS_SUCCESS) << mode.name;
        check_transfers(file, mode.name, sector);
        file.close();
        CHECK_FALSE(exists(u"f")) << mode.name;
    }
}

TEST(ReadWrite, WhatIsWrittenOneWayIsReadEveryOther)
{
    for (const Mode& writing : modes)
        for (const Mode& reading : modes) {
            File writer(path(u"f"), read_write, FILE_OVERWRITE_IF, writing.options);
            File reader = open(u"f", read_write, reading.options);
            for (unsigned round = 0; round != 3; ++round) {
                const std::string data = pattern(3 * 4096, round);
                REQUIRE_EQ(writer.write(round * 4096, data), STATUS_SUCCESS) << writing.name;
                CHECK_EQ(reader.read(round * 4096, 3 * 4096), data) << writing.name << " to " << reading.name;
            }
        }
}

TEST(ReadWrite, EndOfFileAsynchronously)
{
    make(u"f", "12345");
    const File file(Open{.path = path(u"f"), .access = FILE_READ_DATA, .asynchronous = true});
    char buffer[16];
    const auto read = [&](Request& request, INT64 offset, ULONG length) {
        LARGE_INTEGER at{};
        at.QuadPart = offset;
        request.start(file.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtReadFile(file.handle(), event, nullptr, nullptr, block, buffer, length, &at, nullptr);
        });
        return request.wait();
    };
    Request inside, across, at_end, empty;
    CHECK_EQ(read(inside, 1, 3), STATUS_SUCCESS);
    CHECK_EQ(inside.information(), 3u);
    CHECK_EQ(read(across, 3, 16), STATUS_SUCCESS);
    CHECK_EQ(across.information(), 2u);
    CHECK_EQ(read(at_end, 5, 1), STATUS_END_OF_FILE);
    CHECK_EQ(read(empty, 5, 0), STATUS_SUCCESS);
}

TEST(ReadWrite, AnAsynchronousHandleNeedsAnOffset)
{
    make(u"f", "12345");
    const File file(Open{.path = path(u"f"), .access = read_write, .asynchronous = true});
    char byte = 'x';
    IO_STATUS_BLOCK block{};
    CHECK_EQ(NtReadFile(file.handle(), nullptr, nullptr, nullptr, &block, &byte, 1, nullptr, nullptr),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(NtWriteFile(file.handle(), nullptr, nullptr, nullptr, &block, &byte, 1, nullptr, nullptr),
             STATUS_INVALID_PARAMETER);
}

TEST(ReadWrite, ThePositionMovesWithTheData)
{
    make(u"f", "0123456789");
    File file = open(u"f", read_write);
    char buffer[4];
    IO_STATUS_BLOCK block{};
    const auto read = [&] {
        return NtReadFile(file.handle(), nullptr, nullptr, nullptr, &block, buffer, 4, nullptr, nullptr);
    };
    CHECK_EQ(read(), STATUS_SUCCESS);
    CHECK_EQ(std::string_view(buffer, 4), "0123");
    CHECK_EQ(position(file), 4);
    REQUIRE_EQ(set_position(file, 8), STATUS_SUCCESS);
    CHECK_EQ(read(), STATUS_SUCCESS);
    CHECK_EQ(block.Information, 2u);
    CHECK_EQ(position(file), 10);
    CHECK_EQ(read(), STATUS_END_OF_FILE);
    CHECK_EQ(position(file), 10);
    CHECK_EQ(NtWriteFile(file.handle(), nullptr, nullptr, nullptr, &block, buffer, 1, nullptr, nullptr),
             STATUS_SUCCESS);
    CHECK_EQ(position(file), 11);
    CHECK_EQ(set_position(file, -1), STATUS_INVALID_PARAMETER);
    CHECK_EQ(set_position(file, INT64{1} << 40), STATUS_SUCCESS);
    CHECK_EQ(read(), STATUS_END_OF_FILE);
}

TEST(ReadWrite, OffsetsThatMeanSomethingElse)
{
    make(u"f", "0123456789");
    File file = open(u"f", read_write);
    REQUIRE_EQ(set_position(file, 3), STATUS_SUCCESS);
    constexpr auto at_position = static_cast<UINT64>(-2); // FILE_USE_FILE_POINTER_POSITION
    constexpr auto at_end = static_cast<UINT64>(-1);      // FILE_WRITE_TO_END_OF_FILE
    CHECK_EQ(file.read(at_position, 2), "34");
    CHECK_EQ(file.write(at_position, "x"), STATUS_SUCCESS);
    CHECK_EQ(file.write(at_end, "y"), STATUS_SUCCESS);
    CHECK_EQ(position(file), 11);
    CHECK_EQ(file.read(0, 100), "01234x6789y");
    file.read(at_end, 1);
    CHECK_EQ(file.status(), STATUS_INVALID_PARAMETER);
    file.read(static_cast<UINT64>(-3), 1);
    CHECK_EQ(file.status(), STATUS_INVALID_PARAMETER);
    CHECK_EQ(file.write(static_cast<UINT64>(-3), "x"), STATUS_INVALID_PARAMETER);
}

TEST(ReadWrite, AppendAccessOnlyWritesAtTheEnd)
{
    for (const ULONG options : {ULONG{0}, ULONG{FILE_WRITE_THROUGH}}) {
        File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF);
        File file = open(u"f", FILE_APPEND_DATA, options);
        const std::string one = pattern(512, 1), two = pattern(512, 2);
        CHECK_EQ(file.write(0, one), STATUS_SUCCESS);
        CHECK_EQ(file.write(0, two), STATUS_SUCCESS);
        CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 2000), one + two);
        file.read(0, 1);
        CHECK_EQ(file.status(), STATUS_ACCESS_DENIED);
    }
}

TEST(ReadWrite, AppendOfManyHandlesLosesNothing)
{
    make(u"f");
    std::vector<std::future<void>> writers;
    for (int w = 0; w != 4; ++w)
        writers.push_back(meanwhile([&, w] {
            File file = open(u"f", FILE_APPEND_DATA);
            for (int i = 0; i != 100; ++i)
                CHECK_EQ(file.write(0, std::string(7, static_cast<char>('a' + w))), STATUS_SUCCESS);
        }));
    for (auto& writer : writers)
        writer.get();
    const std::string data = open(u"f", FILE_READ_DATA).read(0, 10'000);
    REQUIRE_EQ(data.size(), 4u * 100 * 7);
    for (std::size_t i = 0; i != data.size(); i += 7)
        REQUIRE_EQ(data.substr(i, 7), std::string(7, data[i])) << i;
}

TEST(ReadWrite, AppendAndNoBufferingDoNotGoTogether)
{
    make(u"f");
    CHECK_EQ(open(u"f", FILE_APPEND_DATA, FILE_NO_INTERMEDIATE_BUFFERING).status(), STATUS_INVALID_PARAMETER);
    CHECK_EQ(open(u"f", FILE_APPEND_DATA | FILE_WRITE_DATA, FILE_NO_INTERMEDIATE_BUFFERING).status(),
             STATUS_SUCCESS);
}

TEST(ReadWrite, NoBufferingIsInWholeSectors)
{
    if (is_network())
        SKIP("a remote device has no sectors");
    make(u"f", std::string(8192, 'a'));
    File file = open(u"f", read_write, FILE_NO_INTERMEDIATE_BUFFERING);
    for (const auto& [offset, length] :
         {std::pair<UINT64, ULONG>{1, 4096}, {4095, 4096}, {0, 1}, {0, 4097}, {100, 100}})
    {
        file.read(offset, length);
        CHECK_EQ(file.status(), STATUS_INVALID_PARAMETER) << offset << "+" << length;
        CHECK_EQ(file.write(offset, std::string(length, 'b')), STATUS_INVALID_PARAMETER)
            << offset << "+" << length;
    }
    CHECK_EQ(file.read(0, 8192), std::string(8192, 'a'));
}

TEST(ReadWrite, NothingIsTransferredWithoutLength)
{
    make(u"f", "12345");
    for (const Mode& mode : modes) {
        File file = open(u"f", read_write, mode.options);
        CHECK_EQ(file.read(0, 0), "") << mode.name;
        CHECK_EQ(file.status(), STATUS_SUCCESS) << mode.name;
        CHECK_EQ(file.write(1 << 20, ""), STATUS_SUCCESS) << mode.name;
        CHECK_EQ(sizes(file).EndOfFile.QuadPart, 5) << mode.name;
    }
}

TEST(ReadWrite, AccessIsAskedForFirst)
{
    make(u"f", "12345");
    File reader = open(u"f", FILE_READ_DATA), writer = open(u"f", FILE_WRITE_DATA);
    File attributes = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(reader.write(0, "x"), STATUS_ACCESS_DENIED);
    writer.read(0, 1);
    CHECK_EQ(writer.status(), STATUS_ACCESS_DENIED);
    attributes.read(0, 1);
    CHECK_EQ(attributes.status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(attributes.write(0, "x"), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.set_end_of_file(0), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.flush(), STATUS_ACCESS_DENIED);
    CHECK_EQ(writer.flush(), STATUS_SUCCESS);
}

TEST(ReadWrite, DirectoriesHaveNoData)
{
    make_directory(u"d");
    File file = open(u"d", FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_DIRECTORY_FILE);
    file.read(0, 1);
    CHECK(file.status() == STATUS_INVALID_DEVICE_REQUEST || file.status() == STATUS_INVALID_PARAMETER);
    CHECK(file.write(0, "x") == STATUS_INVALID_DEVICE_REQUEST || file.status() == STATUS_INVALID_PARAMETER);
}

// ---- Sizes

TEST(Size, EndOfFileCutsAndGrowsWithZeros)
{
    for (const Mode& mode : modes) {
        File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF).write(0, std::string(20'000, 'a'));
        File file = open(u"f", read_write, mode.options);
        if (!(mode.options & FILE_NO_INTERMEDIATE_BUFFERING)) {
            CHECK_EQ(file.read(0, 20'000).size(), 20'000u) << mode.name; // now it is cached
        }
        for (const INT64 size : {INT64{12'345}, INT64{4'096}, INT64{100}, INT64{0}}) {
            REQUIRE_EQ(file.set_end_of_file(size), STATUS_SUCCESS) << mode.name;
            CHECK_EQ(sizes(file).EndOfFile.QuadPart, size) << mode.name;
            REQUIRE_EQ(file.set_end_of_file(20'480), STATUS_SUCCESS) << mode.name;
            const auto kept = static_cast<std::size_t>(size);
            CHECK_EQ(file.read(0, 20'480), std::string(kept, 'a') + std::string(20'480 - kept, '\0'))
                << mode.name;
        }
    }
}

// Rule: what a file shows beyond its old end is zero, however the old tail got into the cache.
TEST(Size, TheTailNeverComesBack)
{
    for (const INT64 cut :
         {INT64{1}, INT64{4'095}, INT64{4'096}, INT64{4'097}, INT64{70'000}, INT64{262'144}})
    {
        const std::string data = pattern(300'000, 7);
        File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE_IF).write(0, data);
        File file = open(u"f", read_write);
        CHECK_EQ(file.read(0, 300'000), data);
        REQUIRE_EQ(file.write(100, "dirty"), STATUS_SUCCESS);
        std::string wanted = data;
        wanted.replace(100, 5, "dirty");
        REQUIRE_EQ(file.set_end_of_file(cut), STATUS_SUCCESS);
        const auto kept = static_cast<std::size_t>(cut);
        wanted.resize(kept);
        // Grown by a write far behind.
        REQUIRE_EQ(file.write(299'999, "e"), STATUS_SUCCESS);
        wanted += std::string(299'999 - kept, '\0') + "e";
        CHECK_EQ(file.read(0, 300'000), wanted) << cut;
        file.close();
        CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(0, 303'104), wanted) << cut;
    }
}

TEST(Size, AllocationIsNeverBelowTheData)
{
    make(u"f", std::string(10'000, 'a'));
    File file = open(u"f", read_write);
    REQUIRE_EQ(set_allocation(file, 1 << 20), STATUS_SUCCESS);
    CHECK_EQ(sizes(file).EndOfFile.QuadPart, 10'000);
    CHECK_GE(sizes(file).AllocationSize.QuadPart, 1 << 20);
    REQUIRE_EQ(set_allocation(file, 10'000), STATUS_SUCCESS);
    CHECK_EQ(sizes(file).EndOfFile.QuadPart, 10'000);
    // Less than the data: the data is cut, at a whole unit.
    REQUIRE_EQ(set_allocation(file, 1), STATUS_SUCCESS);
    CHECK_EQ(sizes(file).EndOfFile.QuadPart, sizes(file).AllocationSize.QuadPart);
    CHECK_LT(sizes(file).EndOfFile.QuadPart, 10'000);
    REQUIRE_EQ(set_allocation(file, 0), STATUS_SUCCESS);
    CHECK_EQ(sizes(file).EndOfFile.QuadPart, 0);
    CHECK_EQ(file.read(0, 1), "");
    CHECK_EQ(set_allocation(file, -1), STATUS_INVALID_PARAMETER);
    CHECK_EQ(file.set_end_of_file(-1), STATUS_INVALID_PARAMETER);
}

TEST(Size, AWriteBehindTheEndLeavesZeros)
{
    for (const Mode& mode : modes) {
        File file(path(u"f"), read_write, FILE_OVERWRITE_IF, mode.options);
        REQUIRE_EQ(file.write(1 << 20, std::string(4096, 'x')), STATUS_SUCCESS) << mode.name;
        CHECK_EQ(sizes(file).EndOfFile.QuadPart, (1 << 20) + 4096) << mode.name;
        CHECK_EQ(file.read(0, 1 << 20), std::string(1 << 20, '\0')) << mode.name;
        CHECK_EQ(file.read(1 << 20, 8192), std::string(4096, 'x')) << mode.name;
    }
}

TEST(Size, OtherHandlesSeeItAtOnce)
{
    make(u"f");
    File writer = open(u"f", read_write), reader = open(u"f", read_write);
    for (int i = 1; i != 50; ++i) {
        REQUIRE_EQ(writer.write(static_cast<UINT64>(i) * 1000, "x"), STATUS_SUCCESS);
        CHECK_EQ(sizes(reader).EndOfFile.QuadPart, i * 1000 + 1);
        CHECK_EQ(reader.read(static_cast<UINT64>(i) * 1000, 10), "x");
    }
    REQUIRE_EQ(writer.set_end_of_file(10), STATUS_SUCCESS);
    CHECK_EQ(sizes(reader).EndOfFile.QuadPart, 10);
    CHECK_EQ(reader.read(5, 100).size(), 5u);
    CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES)
                 .get<FILE_NETWORK_OPEN_INFORMATION>(FileNetworkOpenInformation)
                 .EndOfFile.QuadPart,
             10);
}

TEST(Size, DirectoryEntriesShowItAfterTheClose)
{
    make(u"f", std::string(12'345, 'a'));
    std::vector<std::uint64_t> buffer(128);
    UNICODE_STRING name = text(u"f");
    IO_STATUS_BLOCK block{};
    File directory = open(u"", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    REQUIRE_EQ(NtQueryDirectoryFile(directory.handle(), nullptr, nullptr, nullptr, &block, buffer.data(),
                                    1024, FileDirectoryInformation, FALSE, &name, TRUE),
               STATUS_SUCCESS);
    const auto* entry = reinterpret_cast<FILE_DIRECTORY_INFORMATION*>(buffer.data());
    CHECK_EQ(entry->EndOfFile.QuadPart, 12'345);
    CHECK_GE(entry->AllocationSize.QuadPart, 12'345);
}

TEST_DIFFERENCE(Size, ValidDataLengthCannotBeSet,
                "valid data length is not tracked: data never written reads as zero")
{
    make(u"f", "12345");
    File file = open(u"f", read_write);
    FILE_VALID_DATA_LENGTH_INFORMATION info{};
    info.ValidDataLength.QuadPart = 5;
    CHECK(!NT_SUCCESS(file.set(FileValidDataLengthInformation, &info, sizeof info)));
}

TEST(Size, LargeOffsets)
{
    File file = create(u"f");
    // Within the volume's limits or not: never a wrap-around.
    for (const UINT64 offset :
         {UINT64{1} << 32, (UINT64{1} << 32) - 2048, UINT64{INT64_MAX} - 4096, UINT64{INT64_MAX}})
    {
        const NTSTATUS status = file.write(offset, std::string(4096, 'x'));
        if (NT_SUCCESS(status)) {
            CHECK_EQ(file.read(offset, 4096), std::string(4096, 'x')) << offset;
            CHECK_EQ(file.read(0, 16), std::string(16, '\0')) << offset;
            CHECK_EQ(file.set_end_of_file(0), STATUS_SUCCESS);
        } else {
            CHECK(status == STATUS_DISK_FULL || status == STATUS_INVALID_PARAMETER ||
                  status == STATUS_FILE_TOO_LARGE)
                << status;
            CHECK_EQ(sizes(file).EndOfFile.QuadPart, 0) << offset;
        }
    }
}

// ---- Flush

TEST(Flush, DataIsThereAfterwards)
{
    for (const Mode& mode : modes) {
        const std::string data = pattern(100 * 4096, 1);
        File file(path(u"f"), read_write, FILE_OVERWRITE_IF, mode.options);
        REQUIRE_EQ(file.write(0, data), STATUS_SUCCESS) << mode.name;
        CHECK_EQ(file.flush(), STATUS_SUCCESS) << mode.name;
        CHECK_EQ(file.read(0, 100 * 4096), data) << mode.name;
        file.close();
        CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(0, 101 * 4096), data)
            << mode.name;
    }
}

TEST(Flush, DirectoriesAndTheRoot)
{
    make_directory(u"d");
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_DIRECTORY_FILE).flush(), STATUS_SUCCESS);
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_OPEN, FILE_DIRECTORY_FILE).flush(),
             STATUS_SUCCESS);
}

TEST(Flush, TheRootFlushesEveryFile)
{
    if (!is_ours())
        SKIP("NTFS flushes through a volume handle");
    File file = create(u"f");
    const std::string data = pattern(100'000, 2);
    REQUIRE_EQ(file.write(0, data), STATUS_SUCCESS);
    CHECK_EQ(File(root(), FILE_LIST_DIRECTORY | FILE_ADD_FILE, FILE_OPEN, FILE_DIRECTORY_FILE).flush(),
             STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(0, 102'400), data);
}

// ---- Buffers that are not what was promised

TEST(ReadWrite, BadBuffersAreRefused)
{
    make(u"f", std::string(8192, 'a'));
    char* const nothing = reinterpret_cast<char*>(std::uintptr_t{0x10000});
    for (const Mode& mode : modes) {
        File file = open(u"f", read_write, mode.options);
        file.read(0, 4096);
        IO_STATUS_BLOCK block{};
        LARGE_INTEGER at{};
        const NTSTATUS read =
            NtReadFile(file.handle(), nullptr, nullptr, nullptr, &block, nothing, 4096, &at, nullptr);
        CHECK(read == STATUS_ACCESS_VIOLATION || read == STATUS_INVALID_USER_BUFFER)
            << mode.name << " " << read;
        const NTSTATUS written =
            NtWriteFile(file.handle(), nullptr, nullptr, nullptr, &block, nothing, 4096, &at, nullptr);
        CHECK(written == STATUS_ACCESS_VIOLATION || written == STATUS_INVALID_USER_BUFFER)
            << mode.name << " " << written;
        const NTSTATUS queried = NtQueryInformationFile(
            file.handle(), &block, nothing, sizeof(FILE_STANDARD_INFORMATION), FileStandardInformation);
        CHECK_EQ(queried, STATUS_ACCESS_VIOLATION) << mode.name;
        CHECK_EQ(file.read(0, 8192), std::string(8192, 'a')) << mode.name;
    }
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
// Mapped files, and how they go with reading, writing, cutting and deleting: [MS-FSA] 2.1.5.14.4, 2.1.5.14.1.
#include "frame/request.h"
#include "frame/view.h"

#include <cstring>

namespace conformance {
namespace {

constexpr ACCESS_MASK read_write = FILE_READ_DATA | FILE_WRITE_DATA | FILE_READ_ATTRIBUTES;

std::string pattern(std::size_t size, unsigned seed)
{
    std::string data(size, '\0');
    for (std::size_t i = 0; i != size; ++i)
        data[i] = static_cast<char>(i * 31 + i / 4096 + seed);
    return data;
}

TEST(Section, ShowsTheFile)
{
    const std::string data = pattern(300'100, 1);
    make(u"f", data);
    const View view(open(u"f", FILE_READ_DATA), PAGE_READONLY);
    REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
    CHECK_EQ(view.text(0, data.size()), data);
    // Behind the end of the file the last page is zero.
    CHECK_EQ(view.size() % 4096, 0u);
    CHECK_EQ(view.text(data.size(), view.size() - data.size()), std::string(view.size() - data.size(), '\0'));
}

TEST(Section, WhatIsWrittenThroughAViewIsInTheFile)
{
    // The reference's rdwr_mmap: two units and a bit; the handle closed early or kept; buffered or not.
    for (const ULONG options : {ULONG{0}, ULONG{FILE_WRITE_THROUGH}, ULONG{FILE_NO_INTERMEDIATE_BUFFERING}})
        for (const bool keep : {false, true}) {
            const std::size_t size = 2 * 65'536 + 100;
            const std::string data = pattern(size, 3);
            File file(path(u"f"), read_write, FILE_OVERWRITE_IF, options);
            {
                View view(file, PAGE_READWRITE, 0, 0, static_cast<INT64>(size));
                REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
                if (!keep)
                    file.close();
                std::memcpy(view.data(), data.data(), size);
            }
            {
                const View again(open(u"f", FILE_READ_DATA), PAGE_READONLY);
                REQUIRE_EQ(again.mapped, STATUS_SUCCESS);
                CHECK_EQ(again.text(0, size), data) << options << keep;
            }
            if (keep) {
                const std::string sector = pattern(4096, 9);
                CHECK_EQ(file.write(65'536, sector), STATUS_SUCCESS);
                std::string wanted = data;
                wanted.replace(65'536, sector.size(), sector);
                const View again(open(u"f", FILE_READ_DATA), PAGE_READONLY);
                CHECK_EQ(again.text(0, size), wanted) << options;
                CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 200'000), wanted) << options;
                file.close();
            }
            CHECK_EQ(open(u"f", read_write)
                         .get<FILE_STANDARD_INFORMATION>(FileStandardInformation)
                         .EndOfFile.QuadPart,
                     static_cast<INT64>(size));
        }
}

TEST(Section, ViewsAndHandlesSeeEachOther)
{
    make(u"f", std::string(100'000, 'a'));
    File cached = open(u"f", read_write), direct = open(u"f", read_write, FILE_NO_INTERMEDIATE_BUFFERING);
    View view(cached, PAGE_READWRITE);
    REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
    std::memcpy(view.data() + 5000, "view", 4);
    CHECK_EQ(cached.read(5000, 4), "view");
    CHECK_EQ(direct.read(4096, 4096).substr(904, 4), "view");
    REQUIRE_EQ(cached.write(50'000, "cached"), STATUS_SUCCESS);
    CHECK_EQ(view.text(50'000, 6), "cached");
    CHECK_EQ(direct.read(49'152, 4096).substr(848, 6), "cached");
}

TEST(Section, TwoViewsAreTheSameMemory)
{
    make(u"f", std::string(100'000, 'a'));
    const File file = open(u"f", read_write);
    View one(file, PAGE_READWRITE), two(open(u"f", read_write), PAGE_READWRITE, 0, 65'536);
    REQUIRE_EQ(two.mapped, STATUS_SUCCESS);
    one.data()[70'000] = 'x';
    CHECK_EQ(two.text(70'000 - 65'536, 1), "x");
    two.data()[70'001 - 65'536] = 'y';
    CHECK_EQ(one.text(70'000, 2), "xy");
}

TEST(Section, CopyOnWriteStaysInTheView)
{
    make(u"f", std::string(10'000, 'a'));
    File file = open(u"f", FILE_READ_DATA);
    View view(file, PAGE_WRITECOPY);
    REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
    view.data()[0] = 'x';
    CHECK_EQ(view.text(0, 1), "x");
    CHECK_EQ(file.read(0, 1), "a");
    view.unmap();
    CHECK_EQ(file.read(0, 1), "a");
}

TEST(Section, FlushWritesAView)
{
    make(u"f", std::string(100'000, 'a'));
    View view(open(u"f", read_write), PAGE_READWRITE);
    view.data()[99'999] = 'x';
    CHECK_EQ(view.flush(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(98'304, 4096).substr(1695), "x");
}

TEST(Section, FlushOfTheFileWritesItsViews)
{
    make(u"f", std::string(100'000, 'a'));
    File file = open(u"f", read_write);
    View view(file, PAGE_READWRITE);
    view.data()[10] = 'x';
    CHECK_EQ(file.flush(), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(0, 4096).substr(10, 1), "x");
}

// Pages reach behind the end; what is written there is nobody's.
TEST(Section, WritingBehindTheEndDoesNotGrowTheFile)
{
    make(u"f", "12345");
    File file = open(u"f", read_write);
    {
        View view(file, PAGE_READWRITE);
        REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
        std::memcpy(view.data(), "123456789", 9);
        CHECK_EQ(view.flush(), STATUS_SUCCESS);
    }
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 5);
    CHECK_EQ(file.read(0, 100), "12345");
    REQUIRE_EQ(file.set_end_of_file(9), STATUS_SUCCESS);
    file.close();
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 100), std::string("12345\0\0\0\0", 9));
}

TEST(Section, GrowsTheFileToItsSize)
{
    make(u"f", "12345");
    File file = open(u"f", read_write);
    const View view(file, PAGE_READWRITE, 0, 0, 10'000);
    REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
    CHECK_EQ(file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 10'000);
    CHECK_EQ(view.text(0, 5), "12345");
    CHECK_EQ(View(open(u"f", FILE_READ_DATA), PAGE_READONLY, 0, 0, 20'000).created, STATUS_SECTION_TOO_BIG);
}

TEST(Section, NeedsDataAndAccess)
{
    make(u"empty");
    make(u"f", "12345");
    make_directory(u"d");
    CHECK_EQ(View(open(u"empty", read_write), PAGE_READWRITE).created, STATUS_MAPPED_FILE_SIZE_ZERO);
    CHECK_EQ(View(open(u"f", FILE_READ_DATA), PAGE_READWRITE).created, STATUS_ACCESS_DENIED);
    CHECK_EQ(View(open(u"f", FILE_WRITE_DATA), PAGE_READWRITE).created, STATUS_ACCESS_DENIED);
    CHECK_EQ(View(open(u"f", FILE_READ_DATA), PAGE_EXECUTE_READ).created, STATUS_ACCESS_DENIED);
    CHECK_EQ(View(open(u"f", FILE_READ_DATA), 0).created, STATUS_INVALID_PAGE_PROTECTION);
    CHECK_EQ(View(open(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE), PAGE_READONLY).created,
             STATUS_INVALID_FILE_FOR_SECTION);
}

TEST(Section, AMappedFileIsNotCut)
{
    make(u"f", std::string(100'000, 'a'));
    File file = open(u"f", read_write);
    View view(open(u"f", FILE_READ_DATA), PAGE_READONLY);
    CHECK_EQ(file.set_end_of_file(10), STATUS_USER_MAPPED_FILE);
    FILE_ALLOCATION_INFORMATION allocation{};
    CHECK_EQ(file.set(FileAllocationInformation, &allocation, sizeof allocation), STATUS_USER_MAPPED_FILE);
    CHECK_EQ(File(path(u"f"), FILE_WRITE_DATA, FILE_OVERWRITE).status(), STATUS_USER_MAPPED_FILE);
    CHECK_EQ(file.set_end_of_file(200'000), STATUS_SUCCESS);
    CHECK_EQ(view.text(0, 100'000), std::string(100'000, 'a'));
    view.unmap();
    CHECK_EQ(file.set_end_of_file(10), STATUS_USER_MAPPED_FILE); // the section is enough
    view.close_section();
    CHECK_EQ(file.set_end_of_file(10), STATUS_SUCCESS);
}

TEST(Section, AMappedFileIsNotDeleted)
{
    make(u"f", std::string(10'000, 'a'));
    File file = open(u"f", DELETE);
    {
        const View view(open(u"f", FILE_READ_DATA), PAGE_READONLY);
        CHECK_EQ(file.dispose(true), STATUS_CANNOT_DELETE);
    }
    CHECK_EQ(file.dispose(true), STATUS_SUCCESS);
}

TEST(Section, AMappedFileIsNotReplaced)
{
    make(u"f", std::string(10'000, 'a'));
    make(u"g");
    File file = open(u"g", DELETE);
    View view(open(u"f", FILE_READ_DATA), PAGE_READONLY);
    CHECK_EQ(file.rename(path(u"f"), true), STATUS_ACCESS_DENIED);
    view.unmap();
    view.close_section();
    CHECK_EQ(file.rename(path(u"f"), true), STATUS_SUCCESS);
}

TEST(Section, AMappedFileCanBeRenamed)
{
    make(u"f", std::string(10'000, 'a'));
    const View view(open(u"f", FILE_READ_DATA), PAGE_READONLY);
    CHECK_EQ(open(u"f", DELETE).rename(path(u"g"), false), STATUS_SUCCESS);
    CHECK_EQ(view.text(0, 3), "aaa");
    CHECK_EQ(open(u"g", FILE_READ_DATA).read(0, 3), "aaa");
}

TEST(Section, WritableViewsCountAsSharedWriting)
{
    make(u"f", std::string(10'000, 'a'));
    File file = open(u"f", read_write);
    View view(file, PAGE_READWRITE);
    file.close();
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(),
             STATUS_SHARING_VIOLATION);
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ | FILE_SHARE_WRITE).status(),
             STATUS_SUCCESS);
    CHECK_EQ(File(path(u"f"), FILE_READ_ATTRIBUTES, FILE_OPEN, 0, 0).status(), STATUS_SUCCESS);
    view.unmap();
    view.close_section();
    CHECK_EQ(File(path(u"f"), FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ).status(), STATUS_SUCCESS);
}

TEST(Section, ProtectionOfAViewIsLimitedByTheSection)
{
    make(u"f", std::string(10'000, 'a'));
    const View readable(open(u"f", read_write), PAGE_READONLY);
    REQUIRE_EQ(readable.created, STATUS_SUCCESS);
    const HANDLE section = readable.section;
    PVOID base = nullptr;
    SIZE_T size = 0;
    CHECK_EQ(NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, nullptr, &size, ViewUnmap, 0,
                                PAGE_READWRITE),
             STATUS_SECTION_PROTECTION);
    LARGE_INTEGER far_away{};
    far_away.QuadPart = 1 << 20;
    CHECK_EQ(NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, &far_away, &size, ViewUnmap, 0,
                                PAGE_READONLY),
             STATUS_INVALID_VIEW_SIZE);
    size = 1 << 20;
    CHECK_EQ(NtMapViewOfSection(section, NtCurrentProcess(), &base, 0, 0, nullptr, &size, ViewUnmap, 0,
                                PAGE_READONLY),
             STATUS_INVALID_VIEW_SIZE);
    CHECK_EQ(NtUnmapViewOfSection(NtCurrentProcess(), reinterpret_cast<PVOID>(std::uintptr_t{0x10000})),
             STATUS_NOT_MAPPED_VIEW);
}

TEST(Section, ViewsOutliveTheirHandles)
{
    make(u"f", std::string(10'000, 'a'));
    View view(open(u"f", read_write), PAGE_READWRITE);
    view.close_section();
    view.data()[0] = 'x';
    view.unmap();
    CHECK_EQ(open(u"f", FILE_READ_DATA).read(0, 2), "xa");
}

TEST(Section, ManyThreadsThroughViewsAndHandles)
{
    constexpr int pages = 64;
    make(u"f", std::string(pages * 4096, '\0'));
    std::vector<std::future<void>> threads;
    for (int t = 0; t != 4; ++t)
        threads.push_back(meanwhile([this, t] {
            File file = open(u"f", read_write);
            for (int i = t; i < pages; i += 4) {
                const std::string page(4096, static_cast<char>('a' + i % 26));
                if (i % 8 < 4) {
                    CHECK_EQ(file.write(static_cast<UINT64>(i) * 4096, page), STATUS_SUCCESS);
                } else {
                    View view(file, PAGE_READWRITE);
                    REQUIRE_EQ(view.mapped, STATUS_SUCCESS);
                    std::memcpy(view.data() + i * 4096, page.data(), page.size());
                }
            }
        }));
    for (auto& thread : threads)
        thread.get();
    const std::string data = open(u"f", FILE_READ_DATA).read(0, pages * 4096);
    for (int i = 0; i != pages; ++i)
        CHECK_EQ(data.substr(static_cast<std::size_t>(i) * 4096, 4096),
                 std::string(4096, static_cast<char>('a' + i % 26)))
            << i;
}

// ---- Images

/// The smallest program that the system takes for one: headers, a section of code, one of data.
std::string program()
{
    std::string file(0x600, '\0');
    const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
        std::memcpy(file.data() + at, &value, size);
    };
    constexpr std::size_t pe = 0x80, coff = pe + 4, optional = coff + 20, sections = optional + 240;
    put(0, 0x5A4D, 2);
    put(0x3C, pe, 4);
    put(pe, 0x4550, 4);
    put(coff, 0x8664, 2);
    put(coff + 2, 2, 2);
    put(coff + 16, 240, 2);
    put(coff + 18, 0x22, 2); // executable, large addresses
    put(optional, 0x20B, 2);
    put(optional + 4, 0x200, 4);   // size of code
    put(optional + 16, 0x1000, 4); // entry
    put(optional + 20, 0x1000, 4);
    put(optional + 24, 0x140000000, 8); // base
    put(optional + 32, 0x1000, 4);      // alignment in memory
    put(optional + 36, 0x200, 4);       // and in the file
    put(optional + 40, 6, 2);
    put(optional + 48, 6, 2);
    put(optional + 56, 0x3000, 4); // size of image
    put(optional + 60, 0x200, 4);  // of headers
    put(optional + 68, 3, 2);      // console
    put(optional + 72, 0x100000, 8);
    put(optional + 80, 0x1000, 8);
    put(optional + 88, 0x100000, 8);
    put(optional + 96, 0x1000, 8);
    put(optional + 108, 16, 4);
    std::memcpy(file.data() + sections, ".text", 5);
    put(sections + 8, 0x10, 4);
    put(sections + 12, 0x1000, 4);
    put(sections + 16, 0x200, 4);
    put(sections + 20, 0x200, 4);
    put(sections + 36, 0x60000020, 4);
    std::memcpy(file.data() + sections + 40, ".data", 5);
    put(sections + 48, 0x10, 4);
    put(sections + 52, 0x2000, 4);
    put(sections + 56, 0x200, 4);
    put(sections + 60, 0x400, 4);
    put(sections + 76, 0xC0000040, 4);
    std::memcpy(file.data() + 0x200, "\xC3 code", 6);
    std::memcpy(file.data() + 0x400, "data", 4);
    return file;
}

constexpr ACCESS_MASK to_run = FILE_READ_DATA | FILE_EXECUTE;

/// The image as a running program has it.
View load(const File& file) { return View(file, PAGE_EXECUTE_READ, 0, 0, 0, SEC_IMAGE); }

TEST(Image, IsLaidOutAsItsHeadersSay)
{
    make(u"f.exe", program());
    View view = load(open(u"f.exe", to_run));
    REQUIRE_EQ(view.created, STATUS_SUCCESS);
    REQUIRE(NT_SUCCESS(view.mapped)); // STATUS_IMAGE_NOT_AT_BASE
    CHECK_EQ(view.size(), 0x3000u);
    CHECK_EQ(view.text(0, 2), "MZ");
    CHECK_EQ(view.text(0x1000, 6), "\xC3 code");
    CHECK_EQ(view.text(0x2000, 4), "data");
    view.data()[0x2000] = 'X';
    CHECK_EQ(open(u"f.exe", FILE_READ_DATA).read(0x400, 4), "data");
}

TEST(Image, OtherFilesAreNone)
{
    make(u"text", "This is no program.");
    CHECK_EQ(load(open(u"text", to_run)).created, STATUS_INVALID_IMAGE_NOT_MZ);
    std::string broken = program();
    broken.resize(0x300); // its sections lie behind the end
    make(u"broken", broken);
    CHECK_EQ(load(open(u"broken", to_run)).created, STATUS_INVALID_IMAGE_FORMAT);
    broken = program();
    broken[0x80] = 'X';
    make(u"unsigned", broken);
    CHECK(!NT_SUCCESS(load(open(u"unsigned", to_run)).created));
    CHECK_EQ(load(open(u"text", FILE_READ_DATA)).created, STATUS_ACCESS_DENIED);
}

TEST(Image, ARunningProgramIsNotWritten)
{
    make(u"f.exe", program());
    {
        const View view = load(open(u"f.exe", to_run));
        REQUIRE(NT_SUCCESS(view.mapped));
        CHECK_EQ(open(u"f.exe", FILE_WRITE_DATA).status(), STATUS_SHARING_VIOLATION);
        CHECK_EQ(open(u"f.exe", FILE_READ_DATA).status(), STATUS_SUCCESS);
        CHECK_EQ(open(u"f.exe", FILE_WRITE_ATTRIBUTES).status(), STATUS_SUCCESS);
    }
    CHECK_EQ(open(u"f.exe", FILE_WRITE_DATA).status(), STATUS_SUCCESS);
}

TEST(Image, ARunningProgramIsNotDeleted)
{
    make(u"f.exe", program());
    {
        const View view = load(open(u"f.exe", to_run));
        REQUIRE(NT_SUCCESS(view.mapped));
        CHECK_EQ(open(u"f.exe", DELETE).dispose(true), STATUS_CANNOT_DELETE);
        const NTSTATUS posix = open(u"f.exe", DELETE)
                                   .dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS |
                                               FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK);
        CHECK(posix == STATUS_CANNOT_DELETE || posix == STATUS_INVALID_PARAMETER) << posix;
        CHECK_EQ(open(u"f.exe", DELETE, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
        CHECK(exists(u"f.exe"));
    }
    CHECK_EQ(open(u"f.exe", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"f.exe"));
}

TEST(Image, ARunningProgramIsRenamedButNotReplaced)
{
    make(u"f.exe", program());
    make(u"g", "other");
    {
        const View view = load(open(u"f.exe", to_run));
        REQUIRE(NT_SUCCESS(view.mapped));
        CHECK_EQ(open(u"f.exe", DELETE).rename(path(u"h.exe"), false), STATUS_SUCCESS);
        CHECK_EQ(open(u"g", DELETE).rename(path(u"h.exe"), true), STATUS_ACCESS_DENIED);
    }
    CHECK_EQ(open(u"g", DELETE).rename(path(u"h.exe"), true), STATUS_SUCCESS);
}

TEST(Image, TheDirectoryOfARunningProgramIsRenamed)
{
    make_directory(u"d");
    make(u"d\\f.exe", program());
    const View view = load(open(u"d\\f.exe", to_run));
    REQUIRE(NT_SUCCESS(view.mapped));
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_SUCCESS);
    CHECK(exists(u"e\\f.exe"));
}

TEST(Image, ARunningProgramIsNotCut)
{
    make(u"f.exe", program());
    File file = open(u"f.exe", read_write);
    const View view = load(open(u"f.exe", to_run));
    REQUIRE(NT_SUCCESS(view.mapped));
    CHECK_EQ(file.set_end_of_file(10), STATUS_USER_MAPPED_FILE);
    CHECK_EQ(File(path(u"f.exe"), FILE_READ_DATA, FILE_OVERWRITE).status(), STATUS_USER_MAPPED_FILE);
}

} // namespace
} // namespace conformance

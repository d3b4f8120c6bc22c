// SPDX-License-Identifier: MIT
//
// Files that programs run from: image sections keep them from being written, deleted and replaced.
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

/// A program of one section that returns at once.
std::string program()
{
    std::string file(0x400, '\0');
    const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
        std::memcpy(file.data() + at, &value, size);
    };
    constexpr std::size_t nt = 0x40, header = nt + 4, optional = header + 20, section = optional + 240;
    put(0, 0x5A4D, 2);                  // MZ
    put(0x3C, nt, 4);                   // where the next header is
    put(nt, 0x4550, 4);                 // PE
    put(header, 0x8664, 2);             // x64
    put(header + 2, 1, 2);              // sections
    put(header + 16, 240, 2);           // size of the optional header
    put(header + 18, 0x22, 2);          // executable, large addresses
    put(optional, 0x20B, 2);            // 64-bit
    put(optional + 4, 0x200, 4);        // size of code
    put(optional + 16, 0x1000, 4);      // entry point
    put(optional + 20, 0x1000, 4);      // base of code
    put(optional + 24, 0x140000000, 8); // image base
    put(optional + 32, 0x1000, 4);      // section alignment
    put(optional + 36, 0x200, 4);       // file alignment
    put(optional + 40, 6, 2);           // operating system version
    put(optional + 48, 6, 2);           // subsystem version
    put(optional + 56, 0x2000, 4);      // size of image
    put(optional + 60, 0x200, 4);       // size of headers
    put(optional + 68, 3, 2);           // console
    put(optional + 72, 0x100000, 8);    // stack reserve
    put(optional + 80, 0x1000, 8);      // stack commit
    put(optional + 88, 0x100000, 8);    // heap reserve
    put(optional + 96, 0x1000, 8);      // heap commit
    put(optional + 108, 16, 4);         // data directories
    std::memcpy(file.data() + section, ".text", 5);
    put(section + 8, 0x200, 4);       // virtual size
    put(section + 12, 0x1000, 4);     // address
    put(section + 16, 0x200, 4);      // raw size
    put(section + 20, 0x200, 4);      // raw data
    put(section + 36, 0x60000020, 4); // code, execute, read
    file[0x200] = '\xC3';             // ret
    return file;
}

/// The section of a program that runs; the file's handle is closed, as a loader does.
class Running
{
  public:
    explicit Running(const std::u16string& path)
    {
        File file(path, FILE_EXECUTE | FILE_READ_DATA, FILE_OPEN, 0, FILE_SHARE_READ | FILE_SHARE_DELETE);
        REQUIRE_EQ(file.status(), STATUS_SUCCESS);
        REQUIRE_EQ(NtCreateSection(&section_, SECTION_MAP_READ | SECTION_MAP_EXECUTE | SECTION_QUERY, nullptr,
                                   nullptr, PAGE_EXECUTE, SEC_IMAGE, file.handle()),
                   STATUS_SUCCESS);
    }
    Running(const Running&) = delete;
    ~Running() { end(); }
    void end()
    {
        if (section_ != nullptr)
            NtClose(section_);
        section_ = nullptr;
    }

  private:
    HANDLE section_ = nullptr;
};

TEST(Image, CannotBeDeletedWhileItRuns)
{
    make(u"p.exe", program());
    Running running(path(u"p.exe"));
    CHECK_EQ(open(u"p.exe", DELETE).dispose(true), STATUS_CANNOT_DELETE);
    CHECK_EQ(open(u"p.exe", DELETE, FILE_DELETE_ON_CLOSE).status(), STATUS_CANNOT_DELETE);
    if (supports(FILE_SUPPORTS_POSIX_UNLINK_RENAME)) {
        CHECK_FALSE(NT_SUCCESS(open(u"p.exe", DELETE)
                                   .dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS |
                                               FILE_DISPOSITION_FORCE_IMAGE_SECTION_CHECK)));
    }
    running.end();
    CHECK_EQ(open(u"p.exe", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"p.exe"));
}

TEST(Image, CannotBeWrittenWhileItRuns)
{
    make(u"p.exe", program());
    Running running(path(u"p.exe"));
    CHECK_EQ(open(u"p.exe", FILE_WRITE_DATA).status(), STATUS_SHARING_VIOLATION);
    CHECK_FALSE(NT_SUCCESS(File(path(u"p.exe"), FILE_READ_DATA, FILE_OVERWRITE).status()));
    CHECK_EQ(open(u"p.exe", FILE_READ_DATA).read(0, 2), "MZ");
    running.end();
    CHECK_EQ(open(u"p.exe", FILE_WRITE_DATA).status(), STATUS_SUCCESS);
}

TEST(Image, CanBeRenamedWhileItRuns)
{
    make_directory(u"d");
    make(u"d\\p.exe", program());
    const Running running(path(u"d\\p.exe"));
    CHECK_EQ(open(u"d\\p.exe", DELETE).rename(path(u"d\\q.exe"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", DELETE).rename(path(u"e"), false), STATUS_SUCCESS);
    CHECK(exists(u"e\\q.exe"));
}

TEST(Image, CannotBeReplacedWhileItRuns)
{
    make(u"p.exe", program());
    make(u"new.exe", "x");
    Running running(path(u"p.exe"));
    CHECK_EQ(open(u"new.exe", DELETE).rename(path(u"p.exe"), true), STATUS_ACCESS_DENIED);
    running.end();
    CHECK_EQ(open(u"new.exe", DELETE).rename(path(u"p.exe"), true), STATUS_SUCCESS);
}

TEST(Image, MustBeAProgram)
{
    make(u"f", std::string(4096, 'x'));
    File file = open(u"f", FILE_EXECUTE | FILE_READ_DATA);
    HANDLE section = nullptr;
    CHECK_EQ(
        NtCreateSection(&section, SECTION_MAP_READ, nullptr, nullptr, PAGE_EXECUTE, SEC_IMAGE, file.handle()),
        STATUS_INVALID_IMAGE_NOT_MZ);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
// How old the driver's knowledge about files may be: nothing with a timeout of 0, so many milliseconds, or
// any age. What is changed through the driver is known at once in every case.
#include "frame/host.h"
#include "frame/host_ntos.h"
#include "frame/test.h"
#include "spy.h"

#include <chrono>
#include <cstring>
#include <thread>

namespace conformance {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

bool caches() { return host::file_info_timeout() != 0; }
bool expires() { return caches() && host::file_info_timeout() != 0xFFFFFFFF; }

/// Asks twice after a first time. @return how often the file system was asked; -1: it took so long that all
/// may have expired
template<class Ask> int times_asked(std::atomic<unsigned>& counter, Ask ask)
{
    const auto begin = Clock::now();
    ask();
    const unsigned before = counter;
    ask();
    ask();
    const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin).count();
    return expires() && took > host::file_info_timeout() / 2 ? -1 : static_cast<int>(counter - before);
}

NTSTATUS query_security(const File& file)
{
    alignas(8) std::uint8_t buffer[2048];
    ULONG needed = 0;
    return NtQuerySecurityObject(file.handle(), DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &needed);
}

NTSTATUS query_volume(const File& file)
{
    FILE_FS_SIZE_INFORMATION info{};
    IO_STATUS_BLOCK block{};
    return NtQueryVolumeInformationFile(file.handle(), &block, &info, sizeof info, FileFsSizeInformation);
}

NTSTATUS query_streams(File& file)
{
    alignas(8) std::uint8_t buffer[1024];
    return file.query(FileStreamInformation, buffer, sizeof buffer);
}

NTSTATUS query_ea(const File& file)
{
    alignas(8) std::uint8_t buffer[1024];
    IO_STATUS_BLOCK block{};
    return NtQueryEaFile(file.handle(), &block, buffer, sizeof buffer, FALSE, nullptr, 0, nullptr, TRUE);
}

LONGLONG change_time(File& file)
{
    return file.get<FILE_BASIC_INFORMATION>(FileBasicInformation).ChangeTime.QuadPart;
}

/// Somebody else changes all files, as long as it lives.
struct OutsideChange
{
    explicit OutsideChange(UINT64 time) { spy::change_time = time; }
    ~OutsideChange() { spy::change_time = 0; }
};

TEST(MetadataCache, TheFileSystemIsAskedOnlyForWhatIsNotKnown)
{
    make(u"f", "12345");
    make_directory(u"d");
    make(u"d\\f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | READ_CONTROL);
    const File directory = open(u"d", FILE_LIST_DIRECTORY); // what is cached goes with the last handle
    const struct
    {
        const char* what;
        int asked;
    } rows[] = {
        {"file", times_asked(spy::counts.file_info, [&] { CHECK_NE(change_time(file), 0); })},
        {"security",
         times_asked(spy::counts.security, [&] { CHECK_EQ(query_security(file), STATUS_SUCCESS); })},
        {"volume", times_asked(spy::counts.volume, [&] { CHECK_EQ(query_volume(file), STATUS_SUCCESS); })},
        {"streams", times_asked(spy::counts.streams, [&] { CHECK_EQ(query_streams(file), STATUS_SUCCESS); })},
        {"directory", times_asked(spy::counts.directory,
                                  [&] { CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list().size(), 3u); })},
    };
    for (const auto& row : rows)
        if (row.asked >= 0 && caches()) {
            CHECK_EQ(row.asked, 0) << row.what;
        } else if (row.asked >= 0) {
            CHECK_GE(row.asked, 2) << row.what;
        }
}

TEST(MetadataCache, OwnChangesAreKnownAtOnce)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    File file = open(u"d\\f", FILE_ALL_ACCESS), other = open(u"d\\f", FILE_READ_ATTRIBUTES | READ_CONTROL);
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    const auto entries = [&] { return open(u"d", FILE_LIST_DIRECTORY).list().size(); };
    CHECK_EQ(entries(), 3u);
    CHECK_EQ(query_streams(other), STATUS_SUCCESS);
    CHECK_EQ(query_security(other), STATUS_SUCCESS);

    FILE_BASIC_INFORMATION basic{};
    basic.CreationTime.QuadPart = 123'456'700'000;
    REQUIRE_EQ(file.set(FileBasicInformation, &basic, sizeof basic), STATUS_SUCCESS);
    CHECK_EQ(other.get<FILE_BASIC_INFORMATION>(FileBasicInformation).CreationTime.QuadPart, 123'456'700'000);
    REQUIRE_EQ(file.set_end_of_file(77), STATUS_SUCCESS);
    CHECK_EQ(other.get<FILE_STANDARD_INFORMATION>(FileStandardInformation).EndOfFile.QuadPart, 77);
    make(u"d\\g");
    CHECK_EQ(entries(), 4u);
    CHECK_EQ(open(u"d\\g", DELETE).rename(path(u"d\\h"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"h").size(), 1u);
    CHECK_EQ(open(u"d\\h", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(entries(), 3u);
    make(u"d\\f:stream");
    alignas(8) std::uint8_t buffer[1024];
    REQUIRE_EQ(other.query(FileStreamInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_NE(reinterpret_cast<FILE_STREAM_INFORMATION*>(buffer)->NextEntryOffset, 0u);
    std::vector<std::uint8_t> everybody = host::descriptor(u"D:P(A;;FA;;;WD)");
    REQUIRE_EQ(NtSetSecurityObject(file.handle(), DACL_SECURITY_INFORMATION, everybody.data()),
               STATUS_SUCCESS);
    ULONG needed = 0;
    REQUIRE_EQ(
        NtQuerySecurityObject(other.handle(), DACL_SECURITY_INFORMATION, buffer, sizeof buffer, &needed),
        STATUS_SUCCESS);
    CHECK_EQ(host::sddl(buffer, DACL_SECURITY_INFORMATION), u"D:P(A;;FA;;;WD)");
}

TEST(MetadataCache, ChangesByOthersAreKnownWhenTheTimeIsUp)
{
    make(u"f", "12345");
    const auto begin = Clock::now();
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    const LONGLONG known = change_time(file);
    const OutsideChange change(987'654'300'000);
    const LONGLONG now = change_time(file);
    const bool in_time = Clock::now() - begin < milliseconds(host::file_info_timeout());
    if (!caches()) {
        CHECK_EQ(now, 987'654'300'000);
    } else if (in_time) {
        CHECK_EQ(now, known);
    }
    if (!caches())
        return;
    std::this_thread::sleep_for(milliseconds(expires() ? host::file_info_timeout() + 100 : 50));
    CHECK_EQ(change_time(file), expires() ? 987'654'300'000 : known);
}

TEST(MetadataCache, EverythingElseExpiresExceptExtendedAttributes)
{
    if (!expires())
        SKIP("nothing expires");
    make(u"f", "12345");
    make_directory(u"d");
    for (char16_t c = u'a'; c != u'k'; ++c)
        make(std::u16string(u"d\\") + c);
    File file = open(u"f", FILE_READ_ATTRIBUTES | READ_CONTROL | FILE_READ_EA | FILE_WRITE_EA);
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    alignas(8) std::uint8_t one[32] = {};
    auto* ea = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(one);
    ea->EaNameLength = ea->EaValueLength = 1;
    std::memcpy(ea->EaName, "A\0v", 3);
    IO_STATUS_BLOCK block{};
    REQUIRE_EQ(NtSetEaFile(file.handle(), &block, one, sizeof one), STATUS_SUCCESS);

    // A listing is under way when what it comes from expires.
    std::vector<std::u16string> found;
    const auto next = [&] {
        alignas(8) std::uint8_t buffer[512];
        const NTSTATUS status =
            NtQueryDirectoryFile(directory.handle(), nullptr, nullptr, nullptr, &block, buffer, sizeof buffer,
                                 FileNamesInformation, TRUE, nullptr, FALSE);
        if (status == STATUS_SUCCESS) {
            const auto* entry = reinterpret_cast<FILE_NAMES_INFORMATION*>(buffer);
            found.push_back(text_of(entry->FileName, entry->FileNameLength));
        }
        return status;
    };
    for (int i = 0; i != 5; ++i)
        CHECK_EQ(next(), STATUS_SUCCESS);
    const auto ask_all = [&] {
        CHECK_EQ(query_security(file), STATUS_SUCCESS);
        CHECK_EQ(query_volume(file), STATUS_SUCCESS);
        CHECK_EQ(query_streams(file), STATUS_SUCCESS);
        CHECK_EQ(query_ea(file), STATUS_SUCCESS);
    };
    ask_all();
    std::this_thread::sleep_for(
        milliseconds(host::file_info_timeout() + 1'100)); // looked after once a second
    spy::Counts& counts = spy::counts;
    const unsigned security = counts.security, volume = counts.volume, streams = counts.streams,
                   eas = counts.ea, listings = counts.directory;
    while (next() == STATUS_SUCCESS) {
    }
    CHECK_EQ(found.size(), 12u);
    CHECK_GT(counts.directory.load(), listings);
    ask_all();
    CHECK_EQ(counts.security.load(), security + 1);
    CHECK_EQ(counts.volume.load(), volume + 1);
    CHECK_EQ(counts.streams.load(), streams + 1);
    CHECK_EQ(counts.ea.load(), eas);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
// Changes that the file system reports itself: FspFileSystemNotifyBegin, FspFileSystemNotify,
// FspFileSystemNotifyEnd.
#include "frame/host_ntos.h"
#include "frame/oplock.h"
#include "frame/test.h"
#include "frame/watch.h"
#include "spy.h"

#include "memfs/memfs.h"

#include <cstring>

namespace conformance {
namespace {

constexpr ULONG names_filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
using Changes = std::vector<Change>;

struct Record
{
    ULONG filter;
    ULONG action;
    std::u16string name;
};

NTSTATUS notify(const std::vector<Record>& records)
{
    std::vector<std::uint64_t> buffer(1024);
    ULONG used = 0;
    for (const Record& record : records) {
        alignas(8) std::uint8_t one[1024] = {};
        auto* info = reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(one);
        info->Size = static_cast<UINT16>(sizeof *info + record.name.size() * sizeof(WCHAR));
        info->Filter = record.filter;
        info->Action = record.action;
        std::memcpy(info->FileNameBuf, record.name.data(), record.name.size() * sizeof(WCHAR));
        CHECK(FspFileSystemAddNotifyInfo(info, buffer.data(), static_cast<ULONG>(buffer.size() * 8), &used));
    }
    return FspFileSystemNotify(host::file_system(), reinterpret_cast<FSP_FSCTL_NOTIFY_INFO*>(buffer.data()),
                               used);
}

/// A session, ended by hand or at the end.
class Session
{
  public:
    Session() { CHECK_EQ(FspFileSystemNotifyBegin(host::file_system(), 10'000), STATUS_SUCCESS); }
    ~Session() { end(); }
    void end()
    {
        if (std::exchange(open_, false)) {
            CHECK_EQ(FspFileSystemNotifyEnd(host::file_system()), STATUS_SUCCESS);
        }
    }

  private:
    bool open_ = true;
};

/// A name as the file system calls it: without the prefix of a network volume.
std::u16string inner(std::u16string name, bool network)
{
    for (int i = 0; network && i != 2; ++i)
        name = name.substr(name.find(u'\\', 1));
    return name;
}

TEST(FileSystemNotify, WatchersAreTold)
{
    make_directory(u"d");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    Watch watch(path(u"d"), names_filter, true);
    {
        const Session session;
        CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, d + u"\\sub\\file0"}}),
                 STATUS_SUCCESS);
    }
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"sub\\file0"}})); // though there is no such file
}

TEST(FileSystemNotify, ManyRecordsInOneCall)
{
    make_directory(u"d");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    Watch watch(path(u"d"), names_filter | FILE_NOTIFY_CHANGE_SIZE, true);
    const Session session;
    CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, d + u"\\a"},
                     {0, 0, d},
                     {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, u"b"},
                     {FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, u"b"},
                     {FILE_NOTIFY_CHANGE_DIR_NAME, FILE_ACTION_ADDED, d + u"\\e\\"},
                     {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, u"f"},
                     {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_RENAMED_OLD_NAME, d + u"\\a"},
                     {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_RENAMED_NEW_NAME, d + u"\\z"},
                     {FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_REMOVED, d + u"\\z"}}),
             STATUS_SUCCESS);
    CHECK_EQ(watch.collect(8), (Changes{{FILE_ACTION_ADDED, u"a"},
                                        {FILE_ACTION_ADDED, u"b"},
                                        {FILE_ACTION_MODIFIED, u"b"},
                                        {FILE_ACTION_ADDED, u"e"},
                                        {FILE_ACTION_ADDED, u"e\\f"},
                                        {FILE_ACTION_RENAMED_OLD_NAME, u"a"},
                                        {FILE_ACTION_RENAMED_NEW_NAME, u"z"},
                                        {FILE_ACTION_REMOVED, u"z"}}));
}

TEST(FileSystemNotify, WhatIsKnownOfAFileIsForgotten)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    File file = open(u"d\\f", FILE_READ_ATTRIBUTES);
    const File directory = open(u"d", FILE_LIST_DIRECTORY); // keeps the listing
    const auto time = [&] {
        return file.get<FILE_BASIC_INFORMATION>(FileBasicInformation).ChangeTime.QuadPart;
    };
    CHECK_NE(time(), 0);
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list().size(), 3u);
    const unsigned listings = spy::counts.directory;
    Watch watch(path(u"d"), FILE_NOTIFY_CHANGE_LAST_WRITE);
    spy::change_time = 456'789'000'000;
    {
        const Session session;
        CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED, d + u"\\f"}}), STATUS_SUCCESS);
    }
    watch.collect(1); // it has been processed
    CHECK_EQ(time(), 456'789'000'000);
    spy::change_time = 0;
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list().size(), 3u);
    CHECK_GT(spy::counts.directory.load(), listings);
}

TEST(FileSystemNotify, WrittenDataIsNotLost)
{
    make_directory(u"d");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    File file = create(u"d\\f");
    const std::string data(100'000, 'x');
    REQUIRE_EQ(file.write(0, data), STATUS_SUCCESS);
    Watch watch(path(u"d"), FILE_NOTIFY_CHANGE_LAST_WRITE);
    CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_ACTION_MODIFIED, d + u"\\f"}}), STATUS_SUCCESS);
    watch.collect(1);
    CHECK_EQ(file.read(0, 100'000), data);
    CHECK_EQ(open(u"d\\f", FILE_READ_DATA, FILE_NO_INTERMEDIATE_BUFFERING).read(0, 102'400), data);
}

TEST(FileSystemNotify, OplocksBreak)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    const File file(Open{.path = path(u"d\\f"), .access = FILE_READ_DATA, .asynchronous = true}),
        directory(Open{.path = path(u"d"), .access = FILE_LIST_DIRECTORY, .asynchronous = true});
    Oplock of_file, of_directory;
    REQUIRE_EQ(of_file.ask(file, FSCTL_REQUEST_OPLOCK, level_r), STATUS_PENDING);
    REQUIRE_EQ(of_directory.ask(directory, FSCTL_REQUEST_OPLOCK, level_r), STATUS_PENDING);
    CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, d + u"\\f"}}), STATUS_SUCCESS);
    CHECK_EQ(of_file.wait(), STATUS_SUCCESS);
    CHECK_EQ(of_file.new_level(), 0u);
    CHECK_EQ(of_directory.wait(), STATUS_SUCCESS);
}

TEST(FileSystemNotify, SessionsHoldRenamesUpButNotOpens)
{
    make(u"f");
    File file = open(u"f", DELETE);
    Session outer, nested;
    for (int i = 0; i != 20; ++i)
        CHECK_EQ(open(u"f", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    auto renaming = meanwhile([&] { return file.rename(path(u"g"), false); });
    CHECK_FALSE(is_over(renaming));
    nested.end();
    CHECK_FALSE(is_over(renaming));
    outer.end();
    CHECK_EQ(renaming.get(), STATUS_SUCCESS);
    CHECK(exists(u"g"));
}

// The reference came to a standstill here: the session held names, a rename waited for it, and the report
// waited behind the rename.
TEST(FileSystemNotify, ReportsOvertakeTheRenameThatWaitsForThem)
{
    make_directory(u"d");
    make(u"f");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    for (int round = 0; round != 20; ++round) {
        Watch watch(path(u"d"), names_filter, true);
        File file = open(u"f", DELETE);
        Session session;
        auto renaming = meanwhile([&] {
            const NTSTATUS there = file.rename(path(u"g"), false);
            return NT_SUCCESS(there) ? file.rename(path(u"f"), false) : there;
        });
        CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, d + u"\\x"}}), STATUS_SUCCESS);
        CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"x"}}));
        session.end();
        CHECK_EQ(renaming.get(), STATUS_SUCCESS);
    }
}

TEST(FileSystemNotify, RenamesAndReportsGoTogether)
{
    make_directory(u"d");
    const std::u16string d = inner(name_on_volume(u"d"), is_network());
    std::vector<std::future<void>> renamers;
    for (int t = 0; t != 3; ++t)
        renamers.push_back(meanwhile([this, t] {
            const std::u16string name = std::u16string(u"d\\") + static_cast<char16_t>(u'a' + t);
            make(name + u"0");
            File file = open(name + u"0", DELETE);
            for (int i = 0; i != 40; ++i)
                CHECK_EQ(file.rename(path(name + (i % 2 ? u"0" : u"1")), false), STATUS_SUCCESS);
        }));
    for (int i = 0; i != 40; ++i) {
        const Session session;
        CHECK_EQ(notify({{FILE_NOTIFY_CHANGE_FILE_NAME, FILE_ACTION_ADDED, d + u"\\x"},
                         {FILE_NOTIFY_CHANGE_SIZE, FILE_ACTION_MODIFIED, d + u"\\a0"}}),
                 STATUS_SUCCESS);
    }
    for (auto& renamer : renamers)
        renamer.get();
}

TEST(FileSystemNotify, MoreEndsThanBeginsAreHarmless)
{
    for (int i = 0; i != 3; ++i)
        CHECK_EQ(FspFileSystemNotifyEnd(host::file_system()), STATUS_SUCCESS);
    make(u"f");
    CHECK_EQ(open(u"f", DELETE).rename(path(u"g"), false), STATUS_SUCCESS);
}

TEST(FileSystemNotify, ASessionThatIsNeverEndedGoesWithItsVolume)
{
    std::unique_ptr<memfs::Memfs> other;
    REQUIRE_EQ(memfs::Memfs::create(memfs::Options(), other), STATUS_SUCCESS);
    REQUIRE_EQ(FspFileSystemStartDispatcher(other->handle(), 2), STATUS_SUCCESS);
    const std::u16string device = other->handle()->VolumeName;
    File file(device + u"\\f", DELETE, FILE_CREATE);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(FspFileSystemNotifyBegin(other->handle(), 1'000), STATUS_SUCCESS);
    CHECK_EQ(FspFileSystemNotifyBegin(other->handle(), 1'000), STATUS_SUCCESS);
    auto renaming = meanwhile([&] { return file.rename(device + u"\\g", false); });
    CHECK_FALSE(is_over(renaming));
    FspFileSystemStopDispatcher(other->handle());
    other.reset();
    CHECK(!NT_SUCCESS(renaming.get()));
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
// Change notification: [MS-FSA] 2.1.5.11.1 and what each operation reports.
#include "frame/test.h"
#include "frame/watch.h"

#include <map>

namespace conformance {
namespace {

using Changes = std::vector<Change>;

constexpr ULONG names_filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME;
constexpr ULONG every_filter = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_DIR_NAME |
                               FILE_NOTIFY_CHANGE_ATTRIBUTES | FILE_NOTIFY_CHANGE_SIZE |
                               FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_LAST_ACCESS |
                               FILE_NOTIFY_CHANGE_CREATION | FILE_NOTIFY_CHANGE_SECURITY;

TEST(Notification, FilesComeAndGo)
{
    make_directory(u"d");
    Watch watch(path(u"d"), names_filter);
    make(u"d\\f");
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"f"}}));
    CHECK_EQ(open(u"d\\f", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_REMOVED, u"f"}}));
    make_directory(u"d\\sub");
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"sub"}}));
    CHECK_EQ(File(path(u"d\\f"), DELETE, FILE_OPEN_IF, FILE_DELETE_ON_CLOSE).status(), STATUS_SUCCESS);
    CHECK_EQ(watch.collect(2), (Changes{{FILE_ACTION_ADDED, u"f"}, {FILE_ACTION_REMOVED, u"f"}}));
}

struct FilterRow
{
    const char* what;
    ULONG filters; // all that report it
    std::function<NTSTATUS()> change;
    ULONG maybe = 0; // may report it as well
};

/// One change after the other, seen by one watch for each filter.
TEST(Notification, EachFilterReportsItsChangesOnly)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    const auto set_basic = [&](auto assign) {
        FILE_BASIC_INFORMATION basic{};
        assign(basic);
        return open(u"d\\f", FILE_WRITE_ATTRIBUTES).set(FileBasicInformation, &basic, sizeof basic);
    };
    const FilterRow rows[] = {
        {"attributes", FILE_NOTIFY_CHANGE_ATTRIBUTES,
         [&] { return set_basic([](auto& b) { b.FileAttributes = FILE_ATTRIBUTE_HIDDEN; }); }},
        {"creation time", FILE_NOTIFY_CHANGE_CREATION,
         [&] { return set_basic([](auto& b) { b.CreationTime.QuadPart = 10'000'000; }); }},
        {"last access time", FILE_NOTIFY_CHANGE_LAST_ACCESS,
         [&] { return set_basic([](auto& b) { b.LastAccessTime.QuadPart = 10'000'000; }); }},
        {"last write time", FILE_NOTIFY_CHANGE_LAST_WRITE,
         [&] { return set_basic([](auto& b) { b.LastWriteTime.QuadPart = 10'000'000; }); }},
        {"security", FILE_NOTIFY_CHANGE_SECURITY,
         [&] {
             const File file = open(u"d\\f", READ_CONTROL | WRITE_DAC);
             alignas(8) std::uint8_t descriptor[2048];
             ULONG needed = 0;
             const NTSTATUS status = NtQuerySecurityObject(file.handle(), DACL_SECURITY_INFORMATION,
                                                           descriptor, sizeof descriptor, &needed);
             return NT_SUCCESS(status)
                        ? NtSetSecurityObject(file.handle(), DACL_SECURITY_INFORMATION, descriptor)
                        : status;
         },
         FILE_NOTIFY_CHANGE_ATTRIBUTES}, // the archive bit
        {"new file", FILE_NOTIFY_CHANGE_FILE_NAME,
         [&] { return create(u"d\\g", FILE_READ_ATTRIBUTES).status(); }},
        {"new directory", FILE_NOTIFY_CHANGE_DIR_NAME,
         [&] { return create(u"d\\h", FILE_READ_ATTRIBUTES, FILE_DIRECTORY_FILE).status(); }},
        {"rename of a file", FILE_NOTIFY_CHANGE_FILE_NAME,
         [&] { return open(u"d\\g", DELETE).rename(path(u"d\\gg"), false); }},
        {"rename of a directory", FILE_NOTIFY_CHANGE_DIR_NAME,
         [&] { return open(u"d\\h", DELETE).rename(path(u"d\\hh"), false); }},
        {"delete of a file", FILE_NOTIFY_CHANGE_FILE_NAME,
         [&] { return open(u"d\\gg", DELETE).dispose(true); }},
        {"delete of a directory", FILE_NOTIFY_CHANGE_DIR_NAME,
         [&] { return open(u"d\\hh", DELETE).dispose(true); }},
        {"read", 0,
         [&] {
             return open(u"d\\f", FILE_READ_DATA).read(0, 5) == "12345" ? STATUS_SUCCESS
                                                                        : STATUS_UNSUCCESSFUL;
         }},
    };
    std::map<ULONG, std::unique_ptr<Watch>> watches;
    for (ULONG filter = 1; filter <= FILE_NOTIFY_CHANGE_SECURITY; filter <<= 1)
        if (filter & every_filter)
            watches.emplace(filter, std::make_unique<Watch>(path(u"d"), filter));
    for (const FilterRow& row : rows) {
        CHECK_EQ(row.change(), STATUS_SUCCESS) << row.what;
        for (auto& [filter, watch] : watches) {
            if (filter & row.filters) {
                CHECK_EQ(watch->wait(), STATUS_SUCCESS) << row.what << " by filter " << filter;
            }
            if (filter & (row.filters | row.maybe)) {
                while (!watch->quiet())
                    watch->listen();
            } else {
                CHECK(watch->quiet()) << row.what << " by filter " << filter;
            }
        }
    }
}

TEST(Notification, SizesAreReported)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    Watch watch(path(u"d"), FILE_NOTIFY_CHANGE_SIZE);
    const Changes modified{{FILE_ACTION_MODIFIED, u"f"}};
    CHECK_EQ(open(u"d\\f", FILE_WRITE_DATA).set_end_of_file(100), STATUS_SUCCESS);
    CHECK_EQ(watch.collect(1), modified);
    CHECK_EQ(File(path(u"d\\f"), FILE_WRITE_DATA, FILE_OVERWRITE).status(), STATUS_SUCCESS);
    CHECK_EQ(watch.collect(1), modified);
    CHECK_EQ(open(u"d\\f", FILE_WRITE_DATA, FILE_NO_INTERMEDIATE_BUFFERING).write(0, std::string(4096, 'a')),
             STATUS_SUCCESS);
    CHECK_EQ(watch.collect(1), modified);
}

TEST(Notification, WrittenFilesAreReportedWhenTheyAreClosed)
{
    make_directory(u"d");
    make(u"d\\f", "12345");
    Watch watch(path(u"d"), FILE_NOTIFY_CHANGE_LAST_WRITE);
    File file = open(u"d\\f", FILE_WRITE_DATA);
    CHECK_EQ(file.write(0, "x"), STATUS_SUCCESS);
    file.close();
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_MODIFIED, u"f"}}));
}

TEST(Notification, RenamesComeInPairs)
{
    make_directory(u"d");
    make_directory(u"d\\sub");
    make_directory(u"e");
    make(u"d\\f");
    Watch watch(path(u"d"), names_filter), tree(path(u"d"), names_filter, true),
        other(path(u"e"), names_filter);
    File file = open(u"d\\f", DELETE);
    CHECK_EQ(file.rename(path(u"d\\g"), false), STATUS_SUCCESS);
    const Changes pair{{FILE_ACTION_RENAMED_OLD_NAME, u"f"}, {FILE_ACTION_RENAMED_NEW_NAME, u"g"}};
    CHECK_EQ(watch.collect(2), pair);
    CHECK_EQ(tree.collect(2), pair);

    // To another directory below: both ends for the tree; the old name, or a removal, for the directory
    // itself.
    CHECK_EQ(file.rename(path(u"d\\sub\\g"), false), STATUS_SUCCESS);
    CHECK_EQ(tree.collect(2),
             (Changes{{FILE_ACTION_RENAMED_OLD_NAME, u"g"}, {FILE_ACTION_RENAMED_NEW_NAME, u"sub\\g"}}));
    const Changes left = watch.collect(1);
    REQUIRE_EQ(left.size(), 1u);
    CHECK_EQ(left[0].name, u"g");
    CHECK(left[0].action == FILE_ACTION_RENAMED_OLD_NAME || left[0].action == FILE_ACTION_REMOVED);

    // Out of what is watched, and into it.
    CHECK_EQ(file.rename(path(u"e\\h"), false), STATUS_SUCCESS);
    const Changes gone = tree.collect(1), come = other.collect(1);
    REQUIRE_EQ(gone.size(), 1u);
    CHECK_EQ(gone[0].name, u"sub\\g");
    REQUIRE_EQ(come.size(), 1u);
    CHECK_EQ(come[0].name, u"h");
    CHECK(come[0].action == FILE_ACTION_RENAMED_NEW_NAME || come[0].action == FILE_ACTION_ADDED);
    CHECK(watch.quiet());
}

TEST(Notification, ATreeSeesWhatIsBelow)
{
    make_directory(u"d");
    make_directory(u"d\\sub");
    make_directory(u"d\\sub\\sub");
    make_directory(u"d2"); // no part of d, whatever the beginning of its name
    Watch flat(path(u"d"), names_filter), tree(path(u"d"), names_filter, true);
    make(u"d\\sub\\sub\\f");
    make(u"d2\\f");
    make(u"d\\g");
    CHECK_EQ(tree.collect(2), (Changes{{FILE_ACTION_ADDED, u"sub\\sub\\f"}, {FILE_ACTION_ADDED, u"g"}}));
    CHECK_EQ(flat.collect(1), (Changes{{FILE_ACTION_ADDED, u"g"}}));
}

TEST(Notification, TheRootSeesEverything)
{
    Watch watch(root(), FILE_NOTIFY_CHANGE_FILE_NAME, true);
    make(u"f");
    const Changes changes = watch.collect(1);
    REQUIRE_EQ(changes.size(), 1u);
    CHECK_EQ(changes[0].action, FILE_ACTION_ADDED);
    CHECK(changes[0].name.ends_with(u"\\f"));
}

TEST(Notification, ChangesBetweenRequestsAreKept)
{
    make_directory(u"d");
    Watch watch(path(u"d"), names_filter);
    make(u"d\\a");
    REQUIRE_EQ(watch.wait(), STATUS_SUCCESS);
    // Nobody waits now.
    make(u"d\\b");
    make(u"d\\c");
    watch.listen();
    CHECK_EQ(watch.collect(2), (Changes{{FILE_ACTION_ADDED, u"b"}, {FILE_ACTION_ADDED, u"c"}}));
    CHECK(watch.quiet());
}

TEST(Notification, TooManyChangesMeanListAnew)
{
    make_directory(u"d");
    for (const ULONG size : {ULONG{0}, ULONG{16}, ULONG{64}}) {
        Watch watch(path(u"d"), names_filter, false, size);
        make(u"d\\first");
        (void)watch.wait();
        for (int i = 0; i != 10; ++i)
            make(u"d\\a_long_name_" + std::u16string(1, static_cast<char16_t>(u'a' + i)));
        watch.listen();
        CHECK_EQ(watch.wait(), STATUS_NOTIFY_ENUM_DIR) << size;
        CHECK_EQ(watch.information(), 0u) << size;
        // And then it goes on as before.
        watch.listen();
        CHECK(watch.quiet()) << size;
        CHECK_EQ(open(u"d\\first", DELETE).dispose(true), STATUS_SUCCESS);
        CHECK_EQ(watch.wait(), size < 32 ? STATUS_NOTIFY_ENUM_DIR : STATUS_SUCCESS) << size;
        for (int i = 0; i != 10; ++i)
            open(u"d\\a_long_name_" + std::u16string(1, static_cast<char16_t>(u'a' + i)), DELETE)
                .dispose(true);
    }
}

TEST(Notification, RequestsOfOneHandleEndInTheirOrder)
{
    make_directory(u"d");
    const File directory(Open{.path = path(u"d"), .access = FILE_LIST_DIRECTORY, .asynchronous = true});
    alignas(8) std::uint8_t buffers[3][256];
    Request requests[3];
    for (int i = 0; i != 3; ++i)
        REQUIRE_EQ(requests[i].start(directory.handle(),
                                     [&](HANDLE event, IO_STATUS_BLOCK* block) {
                                         return NtNotifyChangeDirectoryFile(
                                             directory.handle(), event, nullptr, nullptr, block, buffers[i],
                                             sizeof buffers[i], names_filter, FALSE);
                                     }),
                   STATUS_PENDING);
    for (int i = 0; i != 3; ++i) {
        make(u"d\\" + std::u16string(1, static_cast<char16_t>(u'a' + i)));
        CHECK_EQ(requests[i].wait(), STATUS_SUCCESS) << i;
        if (i != 2) {
            CHECK_FALSE(requests[i + 1].done()) << i;
        }
    }
}

TEST(Notification, EveryHandleHasItsOwnChanges)
{
    make_directory(u"d");
    Watch one(path(u"d"), names_filter), two(path(u"d"), names_filter);
    make(u"d\\f");
    CHECK_EQ(one.collect(1), two.collect(1));
    one.close();
    make(u"d\\g");
    CHECK_EQ(two.collect(1), (Changes{{FILE_ACTION_ADDED, u"g"}}));
}

TEST(Notification, CancellingEndsIt)
{
    make_directory(u"d");
    Watch watch(path(u"d"), names_filter);
    CHECK_EQ(watch.cancel(), STATUS_SUCCESS);
    CHECK_EQ(watch.wait(), STATUS_CANCELLED);
    watch.listen();
    make(u"d\\f");
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"f"}}));
}

TEST(Notification, ClosingEndsIt)
{
    make_directory(u"d");
    Watch watch(path(u"d"), names_filter);
    watch.close();
    CHECK_EQ(watch.wait(), STATUS_NOTIFY_CLEANUP);
}

TEST(Notification, DeletingTheDirectoryEndsIt)
{
    make_directory(u"d");
    {
        Watch watch(path(u"d"), names_filter);
        CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS);
        // The directory is to go when the watcher does: who listens now is told at once.
        const File other = open(u"d", FILE_LIST_DIRECTORY);
        CHECK_EQ(other.status(), STATUS_DELETE_PENDING);
        watch.listen();
        CHECK_EQ(watch.wait(), STATUS_DELETE_PENDING);
    }
    CHECK_FALSE(exists(u"d"));
}

TEST(Notification, RemovingTheDirectoryAtOnceEndsIt)
{
    make_directory(u"d");
    Watch watch(path(u"d"), names_filter);
    const NTSTATUS status =
        open(u"d", DELETE).dispose_ex(FILE_DISPOSITION_DELETE | FILE_DISPOSITION_POSIX_SEMANTICS);
    if (!NT_SUCCESS(status))
        SKIP("the volume does not delete as POSIX does");
    CHECK_EQ(watch.wait(), STATUS_DELETE_PENDING);
}

TEST(Notification, WatchersOfARenamedDirectoryStay)
{
    make_directory(u"d");
    make_directory(u"d\\sub");
    Watch watch(path(u"d\\sub"), names_filter);
    if (!NT_SUCCESS(open(u"d\\sub", DELETE).rename(path(u"d\\bus"), false)))
        SKIP("an open directory is not renamed");
    make(u"d\\bus\\f");
    CHECK_EQ(watch.collect(1), (Changes{{FILE_ACTION_ADDED, u"f"}}));
}

TEST(Notification, NeedsADirectoryAFilterAndAccess)
{
    make_directory(u"d");
    make(u"f");
    const auto listen = [](const File& file, ULONG filter) {
        alignas(8) static std::uint8_t buffer[64];
        Request request;
        return request.start(file.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
            return NtNotifyChangeDirectoryFile(file.handle(), event, nullptr, nullptr, block, buffer,
                                               sizeof buffer, filter, FALSE);
        });
    };
    const auto asynchronous = [&](std::u16string_view name, ACCESS_MASK access) {
        return File(Open{.path = path(name), .access = access, .asynchronous = true});
    };
    CHECK_EQ(listen(asynchronous(u"f", FILE_READ_DATA), names_filter), STATUS_INVALID_PARAMETER);
    CHECK_EQ(listen(asynchronous(u"d", FILE_READ_ATTRIBUTES), names_filter), STATUS_ACCESS_DENIED);
    CHECK_EQ(listen(asynchronous(u"d", FILE_LIST_DIRECTORY), 0), STATUS_INVALID_PARAMETER);
    CHECK_EQ(listen(asynchronous(u"d", FILE_LIST_DIRECTORY), 0x8000'0000), STATUS_INVALID_PARAMETER);
}

TEST(Notification, StreamsHaveFiltersOfTheirOwn)
{
    need(FILE_NAMED_STREAMS);
    make_directory(u"d");
    make(u"d\\f", "main");
    Watch names(path(u"d"), FILE_NOTIFY_CHANGE_STREAM_NAME), files(path(u"d"), names_filter),
        sizes(path(u"d"), FILE_NOTIFY_CHANGE_STREAM_SIZE);
    make(u"d\\f:s");
    CHECK_EQ(names.collect(1), (Changes{{FILE_ACTION_ADDED_STREAM, u"f:s"}}));
    CHECK_EQ(open(u"d\\f:s", FILE_WRITE_DATA).set_end_of_file(10), STATUS_SUCCESS);
    CHECK_EQ(sizes.collect(1), (Changes{{FILE_ACTION_MODIFIED_STREAM, u"f:s"}}));
    CHECK_EQ(open(u"d\\f:s", DELETE).dispose(true), STATUS_SUCCESS);
    CHECK_EQ(names.collect(1), (Changes{{FILE_ACTION_REMOVED_STREAM, u"f:s"}}));
    CHECK(files.quiet());
}

TEST(Notification, ConcurrentRenamesKeepTheirPairs)
{
    make_directory(u"d");
    constexpr int threads = 4, rounds = 50;
    for (int t = 0; t != threads; ++t)
        make(std::u16string(u"d\\") + static_cast<char16_t>(u'a' + t) + u"0");
    Watch watch(path(u"d"), names_filter, true, 65'536);
    std::vector<std::future<void>> renamers;
    for (int t = 0; t != threads; ++t)
        renamers.push_back(meanwhile([this, t] {
            const std::u16string name = std::u16string(u"d\\") + static_cast<char16_t>(u'a' + t);
            File file = open(name + u"0", DELETE);
            for (int i = 0; i != rounds; ++i)
                CHECK_EQ(file.rename(path(name + (i % 2 ? u"0" : u"1")), false), STATUS_SUCCESS);
        }));
    const Changes changes = watch.collect(2 * threads * rounds);
    for (auto& renamer : renamers)
        renamer.get();
    REQUIRE_EQ(changes.size(), 2u * threads * rounds);
    for (std::size_t i = 0; i != changes.size(); i += 2) {
        REQUIRE_EQ(changes[i].action, FILE_ACTION_RENAMED_OLD_NAME) << i;
        REQUIRE_EQ(changes[i + 1].action, FILE_ACTION_RENAMED_NEW_NAME) << i;
        REQUIRE_EQ(changes[i].name.substr(0, 1), changes[i + 1].name.substr(0, 1)) << i;
        REQUIRE_NE(changes[i].name, changes[i + 1].name) << i;
    }
}

} // namespace
} // namespace conformance

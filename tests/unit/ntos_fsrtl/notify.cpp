// SPDX-License-Identifier: MIT
#include "request.h"

#include <string>
#include <thread>
#include <vector>

using namespace fsp::test;

namespace {

struct Text
{
    explicit Text(std::u16string s) : storage(std::move(s))
    {
        string.Length = string.MaximumLength = static_cast<USHORT>(storage.size() * 2);
        string.Buffer = reinterpret_cast<PCHAR>(storage.data());
    }
    std::u16string storage;
    STRING string;
};

struct Notify : Request
{
    Notify(PFILE_OBJECT file, ULONG size = 512)
        : Request(file, IRP_MJ_DIRECTORY_CONTROL, IRP_MN_NOTIFY_CHANGE_DIRECTORY)
    {
        buffer.resize(size);
        irp()->UserBuffer = buffer.data();
        stack()->Parameters.NotifyDirectory.Length = size;
    }
    struct Entry
    {
        ULONG action;
        std::u16string name;
        bool operator==(const Entry&) const = default;
    };
    std::vector<Entry> entries()
    {
        std::vector<Entry> found;
        if (information() == 0)
            return found;
        for (size_t at = 0;;) {
            auto* e = reinterpret_cast<FILE_NOTIFY_INFORMATION*>(&buffer[at]);
            found.push_back(
                {e->Action, std::u16string(reinterpret_cast<char16_t*>(e->FileName), e->FileNameLength / 2)});
            EXPECT_EQ(0u, at % 4);
            if (!e->NextEntryOffset) {
                EXPECT_EQ(information(),
                          at + FIELD_OFFSET(FILE_NOTIFY_INFORMATION, FileName) + e->FileNameLength);
                return found;
            }
            at += e->NextEntryOffset;
        }
    }
    alignas(8) std::vector<UCHAR> buffer;
};

struct Watches
{
    Watches()
    {
        InitializeListHead(&list);
        FsRtlNotifyInitializeSync(&sync);
    }
    ~Watches()
    {
        FsRtlNotifyCleanupAll(sync, &list);
        FsRtlNotifyUninitializeSync(&sync);
    }
    void watch(Notify& n, PVOID context, Text& directory, bool tree = false,
               ULONG filter = FILE_NOTIFY_CHANGE_FILE_NAME, PCHECK_FOR_TRAVERSE_ACCESS traverse = nullptr)
    {
        FsRtlNotifyFullChangeDirectory(sync, &list, context, &directory.string, tree, FALSE, filter, n.irp(),
                                       traverse, nullptr);
    }
    void report(const std::u16string& path, ULONG action = FILE_ACTION_ADDED,
                ULONG filter = FILE_NOTIFY_CHANGE_FILE_NAME, const char16_t* stream = nullptr)
    {
        Text name(path), stream_name(stream ? stream : u"");
        const auto offset = static_cast<USHORT>((path.rfind(u'\\') + 1) * 2);
        FsRtlNotifyFullReportChange(sync, &list, &name.string, offset, stream ? &stream_name.string : nullptr,
                                    nullptr, filter, action, nullptr);
    }
    PNOTIFY_SYNC sync;
    LIST_ENTRY list;
    int one = 1, two = 2;
};

using Entries = std::vector<Notify::Entry>;

TEST(Notify, ChangeCompletesTheWaitingRequest)
{
    Watches w;
    File f;
    Text dir(u"\\dir");
    Notify n(f);
    w.watch(n, &w.one, dir);
    EXPECT_FALSE(n.done());
    w.report(u"\\dir\\file");
    ASSERT_TRUE(n.done());
    EXPECT_EQ(STATUS_SUCCESS, n.status());
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"file"}}), n.entries());
}

TEST(Notify, OnlyTheDirectoryItselfWithoutTree)
{
    Watches w;
    File f;
    Text dir(u"\\dir");
    Notify n(f);
    w.watch(n, &w.one, dir);
    w.report(u"\\dir\\sub\\file");
    w.report(u"\\directory");
    w.report(u"\\dir");
    w.report(u"\\dirx\\file");
    w.report(u"\\DIR\\file");
    EXPECT_FALSE(n.done());
    FsRtlNotifyCleanup(w.sync, &w.list, &w.one);
    EXPECT_EQ(STATUS_NOTIFY_CLEANUP, n.status());
}

TEST(Notify, TreeReportsRelativePaths)
{
    Watches w;
    File f;
    Text dir(u"\\dir"), root(u"\\");
    Notify a(f), b(f);
    w.watch(a, &w.one, dir, true);
    w.watch(b, &w.two, root, true);
    w.report(u"\\dir\\sub\\file");
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"sub\\file"}}), a.entries());
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"dir\\sub\\file"}}), b.entries());
}

TEST(Notify, RootWatchSeesEntriesOfTheRoot)
{
    Watches w;
    File f;
    Text root(u"\\");
    Notify n(f);
    w.watch(n, &w.one, root);
    w.report(u"\\x");
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"x"}}), n.entries());
}

TEST(Notify, FilterHasToMatch)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir, false, FILE_NOTIFY_CHANGE_SIZE);
    w.report(u"\\d\\x");
    EXPECT_FALSE(n.done());
    w.report(u"\\d\\x", FILE_ACTION_MODIFIED, FILE_NOTIFY_CHANGE_SIZE | FILE_NOTIFY_CHANGE_EA);
    EXPECT_TRUE(n.done());
}

TEST(Notify, ChangesBetweenRequestsAreBufferedAndAligned)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify first(f), second(f);
    w.watch(first, &w.one, dir);
    w.report(u"\\d\\a");
    w.report(u"\\d\\b");
    w.report(u"\\d\\long", FILE_ACTION_REMOVED);
    w.watch(second, &w.one, dir);
    ASSERT_TRUE(second.done());
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"b"}, {FILE_ACTION_REMOVED, u"long"}}), second.entries());
}

TEST(Notify, OverflowAsksForEnumeration)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify first(f, 24), second(f, 24), third(f, 24);
    w.watch(first, &w.one, dir);
    w.report(u"\\d\\a");
    EXPECT_EQ(STATUS_SUCCESS, first.status());
    w.report(u"\\d\\b");
    w.report(u"\\d\\c");
    w.watch(second, &w.one, dir);
    EXPECT_EQ(STATUS_NOTIFY_ENUM_DIR, second.status());
    EXPECT_EQ(0u, second.information());
    w.watch(third, &w.one, dir);
    EXPECT_FALSE(third.done()) << "starts afresh";
    FsRtlNotifyCleanup(w.sync, &w.list, &w.one);
}

TEST(Notify, NoBufferMeansEnumeration)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f, 0);
    w.watch(n, &w.one, dir);
    w.report(u"\\d\\a");
    EXPECT_EQ(STATUS_NOTIFY_ENUM_DIR, n.status());
}

TEST(Notify, BothNamesOfARenameArriveTogether)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir);
    w.report(u"\\d\\old", FILE_ACTION_RENAMED_OLD_NAME);
    EXPECT_FALSE(n.done());
    w.report(u"\\d\\new", FILE_ACTION_RENAMED_NEW_NAME);
    EXPECT_EQ((Entries{{FILE_ACTION_RENAMED_OLD_NAME, u"old"}, {FILE_ACTION_RENAMED_NEW_NAME, u"new"}}),
              n.entries());
}

TEST(Notify, RenameOutOfTheDirectoryIsToldAtOnce)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir);
    w.report(u"\\d\\old", FILE_ACTION_RENAMED_OLD_NAME);
    w.report(u"\\e\\new", FILE_ACTION_RENAMED_NEW_NAME);
    EXPECT_EQ((Entries{{FILE_ACTION_RENAMED_OLD_NAME, u"old"}}), n.entries());
}

TEST(Notify, StreamNamesFollowAColon)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir, false, FILE_NOTIFY_CHANGE_STREAM_NAME);
    w.report(u"\\d\\f", FILE_ACTION_ADDED_STREAM, FILE_NOTIFY_CHANGE_STREAM_NAME, u"s");
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED_STREAM, u"f:s"}}), n.entries());
}

TEST(Notify, DeletedDirectoryFailsItsWatchers)
{
    Watches w;
    File f, g;
    int fcb;
    f->FsContext = &fcb;
    Text dir(u"\\d");
    Notify n(f), other(g);
    w.watch(n, &w.one, dir);
    w.watch(other, &w.two, dir);
    FsRtlNotifyFullChangeDirectory(w.sync, &w.list, &fcb, nullptr, FALSE, FALSE, 0, nullptr, nullptr,
                                   nullptr);
    EXPECT_EQ(STATUS_DELETE_PENDING, n.status());
    EXPECT_FALSE(other.done());
    FsRtlNotifyCleanupAll(w.sync, &w.list);
    EXPECT_EQ(STATUS_NOTIFY_CLEANUP, other.status());
}

TEST(Notify, HandleInCleanupIsRefused)
{
    Watches w;
    File f;
    f->Flags |= FO_CLEANUP_COMPLETE;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir);
    EXPECT_EQ(STATUS_NOTIFY_CLEANUP, n.status());
    EXPECT_TRUE(IsListEmpty(&w.list));
}

TEST(Notify, CancelledRequestLeavesTheWatch)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f), next(f);
    w.watch(n, &w.one, dir);
    EXPECT_TRUE(n.cancel());
    EXPECT_EQ(STATUS_CANCELLED, n.status());
    w.report(u"\\d\\a");
    w.watch(next, &w.one, dir);
    EXPECT_EQ((Entries{{FILE_ACTION_ADDED, u"a"}}), next.entries());
}

BOOLEAN NTAPI no_traverse(PVOID, PVOID, PSECURITY_SUBJECT_CONTEXT) { return FALSE; }

TEST(Notify, TraverseCallbackHidesSubdirectories)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir, true, FILE_NOTIFY_CHANGE_FILE_NAME, no_traverse);
    w.report(u"\\d\\sub\\x");
    EXPECT_FALSE(n.done());
    w.report(u"\\d\\x");
    EXPECT_TRUE(n.done());
}

TEST(Notify, WatchFollowsTheDirectorysNameString)
{
    Watches w;
    File f;
    Text dir(u"\\d");
    Notify n(f);
    w.watch(n, &w.one, dir);
    dir.storage = u"\\e";
    dir.string.Buffer = reinterpret_cast<PCHAR>(dir.storage.data());
    w.report(u"\\e\\x");
    EXPECT_TRUE(n.done());
}

TEST(Notify, ReportAndCancelRaceCompletesOnce)
{
    for (int round = 0; round < 300; ++round) {
        Watches w;
        File f;
        Text dir(u"\\d");
        Notify n(f);
        w.watch(n, &w.one, dir);
        std::thread canceller([&] { n.cancel(); });
        w.report(u"\\d\\x");
        canceller.join();
        n.wait();
    }
}

} // namespace

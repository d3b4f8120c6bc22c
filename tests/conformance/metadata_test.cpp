// SPDX-License-Identifier: MIT
#include "frame/test.h"

#include <algorithm>

namespace conformance {
namespace {

TEST(Directory, ListsAllInPiecesOfAnySize)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    std::vector<std::u16string> names{u".", u".."};
    for (char16_t c = u'a'; c <= u'z'; ++c)
        for (int length : {1, 20, 200}) {
            names.emplace_back(static_cast<std::size_t>(length), c);
            make(u"d\\" + names.back());
        }
    std::sort(names.begin(), names.end());
    for (const ULONG size : {600U, 1000U, 4096U, 65536U}) {
        auto found = open(u"d", FILE_LIST_DIRECTORY).list(u"*", size);
        std::sort(found.begin(), found.end());
        CHECK_EQ(found, names) << size;
    }
}

TEST(Directory, PatternsSelect)
{
    for (const char16_t* name : {u"a.txt", u"b.txt", u"c.doc", u"noext"})
        make(name);
    using Names = std::vector<std::u16string>;
    CHECK_EQ(open(u"", FILE_LIST_DIRECTORY).list(u"*.txt"), (Names{u"a.txt", u"b.txt"}));
    CHECK_EQ(open(u"", FILE_LIST_DIRECTORY).list(u"?.doc"), (Names{u"c.doc"}));
    CHECK_EQ(open(u"", FILE_LIST_DIRECTORY).list(u"noext"), (Names{u"noext"}));
    File root = open(u"", FILE_LIST_DIRECTORY);
    CHECK_EQ(root.list(u"none*"), Names{});
    CHECK_EQ(root.status(), STATUS_NO_SUCH_FILE);
    CHECK_EQ(root.list(u"*").size(), 6U); // a restart takes the new pattern
    CHECK_EQ(root.status(), STATUS_NO_MORE_FILES);
}

TEST(Directory, TenThousandEntries)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    for (int i = 0; i != 10'000; ++i) {
        const std::string digits = std::to_string(i);
        make(u"d\\" + std::u16string(digits.begin(), digits.end()));
    }
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list().size(), 10'002U);
}

TEST(Notification, ChangeIsReported)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    UNICODE_STRING name;
    const std::u16string full = path(u"d");
    name = text(full);
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.ObjectName = &name;
    HANDLE directory = nullptr;
    IO_STATUS_BLOCK opened{}, block{};
    REQUIRE_EQ(NtCreateFile(&directory, FILE_LIST_DIRECTORY | SYNCHRONIZE, &object, &opened, nullptr, 0,
                            share_all, FILE_OPEN, FILE_DIRECTORY_FILE, nullptr, 0),
               STATUS_SUCCESS);
    alignas(8) std::uint8_t buffer[512];
    REQUIRE_EQ(NtNotifyChangeDirectoryFile(directory, nullptr, nullptr, nullptr, &block, buffer,
                                           sizeof buffer, FILE_NOTIFY_CHANGE_FILE_NAME, FALSE),
               STATUS_PENDING);
    make(u"d\\new");
    REQUIRE_EQ(NtWaitForSingleObject(directory, FALSE, nullptr), STATUS_SUCCESS);
    const auto* info = reinterpret_cast<FILE_NOTIFY_INFORMATION*>(buffer);
    CHECK_EQ(info->Action, static_cast<ULONG>(FILE_ACTION_ADDED));
    std::u16string reported = text_of(info->FileName, info->FileNameLength);
    CHECK_EQ(reported, u"new");
    REQUIRE_EQ(NtNotifyChangeDirectoryFile(directory, nullptr, nullptr, nullptr, &block, buffer,
                                           sizeof buffer, FILE_NOTIFY_CHANGE_FILE_NAME, FALSE),
               STATUS_PENDING);
    IO_STATUS_BLOCK cancelled{};
    CHECK_EQ(NtCancelIoFile(directory, &cancelled), STATUS_SUCCESS);
    CHECK_EQ(block.Status, STATUS_CANCELLED);
    CHECK_EQ(NtClose(directory), STATUS_SUCCESS);
}

} // namespace
} // namespace conformance

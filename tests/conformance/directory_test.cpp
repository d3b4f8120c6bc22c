// SPDX-License-Identifier: MIT
// Listing directories: [MS-FSA] 2.1.5.6.3, 2.1.4.4.
#include "frame/request.h"
#include "frame/test.h"

#include <algorithm>
#include <cstring>
#include <set>

namespace conformance {
namespace {

constexpr ULONG restart = SL_RESTART_SCAN, single = SL_RETURN_SINGLE_ENTRY,
                index_specified = SL_INDEX_SPECIFIED;

struct Class
{
    const char* name;
    FILE_INFORMATION_CLASS number;
    ULONG fixed; // offset of the name
    ULONG smallest;
    ULONG name_length; // offset of FileNameLength
    bool has_metadata; // in the layout of FILE_DIRECTORY_INFORMATION
};

#define CLASS(number, structure, metadata)                                                                   \
    Class                                                                                                    \
    {                                                                                                        \
        #number, number, FIELD_OFFSET(structure, FileName), sizeof(structure),                               \
            FIELD_OFFSET(structure, FileNameLength), metadata                                                \
    }
const Class classes[] = {CLASS(FileDirectoryInformation, FILE_DIRECTORY_INFORMATION, true),
                         CLASS(FileFullDirectoryInformation, FILE_FULL_DIR_INFORMATION, true),
                         CLASS(FileBothDirectoryInformation, FILE_BOTH_DIR_INFORMATION, true),
                         CLASS(FileIdFullDirectoryInformation, FILE_ID_FULL_DIR_INFORMATION, true),
                         CLASS(FileIdBothDirectoryInformation, FILE_ID_BOTH_DIR_INFORMATION, true),
                         CLASS(FileNamesInformation, FILE_NAMES_INFORMATION, false)};
#undef CLASS

struct Entry
{
    std::u16string name;
    ULONG full_name_length = 0; // bytes; more than the name has if that was cut
    FILE_DIRECTORY_INFORMATION metadata{};
};

/// One call's answer.
struct Answer
{
    NTSTATUS status = STATUS_UNSUCCESSFUL;
    ULONG_PTR information = 0;
    std::vector<Entry> entries;
};

ULONG number_at(const std::uint8_t* at)
{
    ULONG value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

Answer query(const File& directory, const Class& c, ULONG length, std::u16string_view pattern = {},
             ULONG flags = 0)
{
    std::vector<std::uint64_t> buffer(length / 8 + 2, 0xEEEE'EEEE'EEEE'EEEE);
    auto* bytes = reinterpret_cast<std::uint8_t*>(buffer.data());
    UNICODE_STRING name = text(pattern);
    IO_STATUS_BLOCK block{};
    Answer answer;
    answer.status = NtQueryDirectoryFileEx(directory.handle(), nullptr, nullptr, nullptr, &block, bytes,
                                           length, c.number, flags, pattern.empty() ? nullptr : &name);
    const bool has_entries = NT_SUCCESS(answer.status) || answer.status == STATUS_BUFFER_OVERFLOW;
    answer.information = has_entries ? block.Information : 0;
    // Nothing behind what was promised.
    for (ULONG i = length; i != length + 8; ++i)
        CHECK_EQ(int{bytes[i]}, 0xEE) << c.name;
    if (!has_entries)
        return answer;
    for (ULONG at = 0;;) {
        Entry entry;
        entry.full_name_length = number_at(bytes + at + c.name_length);
        const ULONG there =
            std::min<ULONG>(entry.full_name_length, static_cast<ULONG>(answer.information) - at - c.fixed);
        entry.name = text_of(reinterpret_cast<const WCHAR*>(bytes + at + c.fixed), there);
        if (c.has_metadata)
            std::memcpy(&entry.metadata, bytes + at, FIELD_OFFSET(FILE_DIRECTORY_INFORMATION, FileName));
        answer.entries.push_back(entry);
        const ULONG next = number_at(bytes + at);
        if (next == 0)
            break;
        CHECK_EQ(next % 8, 0u) << c.name;
        CHECK_GE(next, c.fixed + entry.full_name_length) << c.name;
        at += next;
        REQUIRE(at < answer.information);
    }
    return answer;
}

const Class& names_class = classes[5];

std::vector<std::u16string> sorted(std::vector<std::u16string> names)
{
    std::sort(names.begin(), names.end());
    return names;
}

std::vector<std::u16string> names_of(const Answer& answer)
{
    std::vector<std::u16string> names;
    for (const Entry& entry : answer.entries)
        names.push_back(entry.name);
    return names;
}

std::u16string numbered(std::u16string_view prefix, unsigned number)
{
    std::u16string digits;
    for (unsigned n = number, i = 0; i != 6; n /= 10, ++i)
        digits.insert(digits.begin(), static_cast<char16_t>(u'0' + n % 10));
    return std::u16string(prefix) + digits;
}

/// A directory `d` of so many empty files.
void fill(File&& directory, unsigned count)
{
    for (unsigned i = 0; i != count; ++i) {
        const std::u16string name = numbered(u"file", i);
        const File made(name, FILE_WRITE_ATTRIBUTES, FILE_CREATE, 0, share_all, 0, directory.handle());
        REQUIRE_EQ(made.status(), STATUS_SUCCESS) << name;
    }
}

TEST(Directory, EveryClassHasTheSameEntries)
{
    make_directory(u"d");
    make(u"d\\file", "12345", FILE_ATTRIBUTE_HIDDEN);
    make_directory(u"d\\sub");
    for (const Class& c : classes) {
        const Answer answer = query(open(u"d", FILE_LIST_DIRECTORY), c, 4096);
        REQUIRE_EQ(answer.status, STATUS_SUCCESS) << c.name;
        const std::vector<std::u16string> wanted{u".", u"..", u"file", u"sub"};
        CHECK_EQ(sorted(names_of(answer)), wanted) << c.name;
        if (!c.has_metadata)
            continue;
        for (const Entry& entry : answer.entries) {
            const bool is_file = entry.name == u"file";
            CHECK_EQ(entry.metadata.EndOfFile.QuadPart, is_file ? 5 : 0) << c.name << entry.name;
            CHECK_EQ(entry.metadata.FileAttributes & FILE_ATTRIBUTE_DIRECTORY,
                     is_file ? 0u : FILE_ATTRIBUTE_DIRECTORY)
                << c.name << entry.name;
            CHECK_EQ(entry.metadata.FileAttributes & FILE_ATTRIBUTE_HIDDEN,
                     is_file ? FILE_ATTRIBUTE_HIDDEN : 0u)
                << c.name << entry.name;
            CHECK_GT(entry.metadata.CreationTime.QuadPart, 0) << c.name << entry.name;
            CHECK_GT(entry.metadata.LastWriteTime.QuadPart, 0) << c.name << entry.name;
        }
    }
}

TEST(Directory, EntriesAgreeWithTheirFiles)
{
    make_directory(u"d");
    make(u"d\\file", std::string(10'000, 'a'), FILE_ATTRIBUTE_READONLY);
    File file = open(u"d\\file", FILE_READ_ATTRIBUTES);
    const auto basic = file.get<FILE_BASIC_INFORMATION>(FileBasicInformation);
    const auto standard = file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation);
    const auto internal = file.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation);
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    alignas(8) std::uint8_t buffer[512];
    IO_STATUS_BLOCK block{};
    UNICODE_STRING name = text(u"file");
    REQUIRE_EQ(NtQueryDirectoryFile(directory.handle(), nullptr, nullptr, nullptr, &block, buffer,
                                    sizeof buffer, FileIdBothDirectoryInformation, TRUE, &name, TRUE),
               STATUS_SUCCESS);
    const auto* entry = reinterpret_cast<FILE_ID_BOTH_DIR_INFORMATION*>(buffer);
    CHECK_EQ(entry->CreationTime.QuadPart, basic.CreationTime.QuadPart);
    CHECK_EQ(entry->LastWriteTime.QuadPart, basic.LastWriteTime.QuadPart);
    CHECK_EQ(entry->ChangeTime.QuadPart, basic.ChangeTime.QuadPart);
    CHECK_EQ(entry->FileAttributes, basic.FileAttributes);
    CHECK_EQ(entry->EndOfFile.QuadPart, standard.EndOfFile.QuadPart);
    CHECK_EQ(entry->AllocationSize.QuadPart, standard.AllocationSize.QuadPart);
    CHECK_EQ(entry->FileId.QuadPart, internal.IndexNumber.QuadPart);
    CHECK_EQ(entry->EaSize, 0u);
    CHECK_EQ(int{entry->ShortNameLength}, 0);
}

TEST(Directory, OtherClassesAreRefused)
{
    make_directory(u"d");
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    alignas(8) std::uint8_t buffer[512];
    IO_STATUS_BLOCK block{};
    for (const FILE_INFORMATION_CLASS c :
         {FileBasicInformation, FileNameInformation, static_cast<FILE_INFORMATION_CLASS>(127)})
        CHECK_EQ(NtQueryDirectoryFile(directory.handle(), nullptr, nullptr, nullptr, &block, buffer,
                                      sizeof buffer, c, FALSE, nullptr, TRUE),
                 STATUS_INVALID_INFO_CLASS)
            << static_cast<int>(c);
}

TEST_DIFFERENCE(Directory, ExtendedClassesAreNotThere,
                "128-bit file ids are not part of the file system protocol")
{
    make_directory(u"d");
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    alignas(8) std::uint8_t buffer[512];
    IO_STATUS_BLOCK block{};
    CHECK_EQ(NtQueryDirectoryFile(directory.handle(), nullptr, nullptr, nullptr, &block, buffer,
                                  sizeof buffer, FileIdExtdDirectoryInformation, FALSE, nullptr, TRUE),
             STATUS_INVALID_INFO_CLASS);
}

struct PatternRow
{
    const char16_t* pattern;
    std::vector<std::u16string> found;
};

TEST(Directory, Patterns)
{
    make_directory(u"d");
    for (const char16_t* name :
         {u"a", u"ab", u"abc", u"a.b", u"a.b.c", u"abc.txt", u"abcd.txt", u"b.txt", u".hidden"})
        make(u"d\\" + std::u16string(name));
    const PatternRow rows[] = {
        {u"*",
         {u".", u"..", u".hidden", u"a", u"a.b", u"a.b.c", u"ab", u"abc", u"abc.txt", u"abcd.txt", u"b.txt"}},
        {u"a", {u"a"}},
        {u"a*", {u"a", u"a.b", u"a.b.c", u"ab", u"abc", u"abc.txt", u"abcd.txt"}},
        {u"*c", {u"a.b.c", u"abc"}},
        {u"*b*", {u"a.b", u"a.b.c", u"ab", u"abc", u"abc.txt", u"abcd.txt", u"b.txt"}},
        {u"a*c", {u"a.b.c", u"abc"}},
        {u"**",
         {u".", u"..", u".hidden", u"a", u"a.b", u"a.b.c", u"ab", u"abc", u"abc.txt", u"abcd.txt", u"b.txt"}},
        {u"?", {u".", u"a"}},
        {u"??", {u"..", u"ab"}},
        {u"???", {u"a.b", u"abc"}},
        {u"a??", {u"a.b", u"abc"}},
        {u"?.txt", {u"b.txt"}},
        {u"*.txt", {u"abc.txt", u"abcd.txt", u"b.txt"}},
        {u"*.*", {u".", u"..", u".hidden", u"a.b", u"a.b.c", u"abc.txt", u"abcd.txt", u"b.txt"}},
        // DOS_STAR: anything up to the last dot.
        {u"<", {u"a", u"ab", u"abc"}},
        {u"<.b", {u"a.b"}},
        {u"<.c", {u"a.b.c"}},
        {u"<.txt", {u"abc.txt", u"abcd.txt", u"b.txt"}},
        // DOS_QM: any character, or none before a dot and at the end.
        {u">>>", {u"a", u"ab", u"abc", u".", u".."}},
        {u">>>>.txt", {u"abc.txt", u"abcd.txt", u"b.txt"}},
        // DOS_DOT: a dot, or nothing at the end.
        {u"a\"", {u"a"}},
        {u"a\"b", {u"a.b"}},
        {u"abc\"txt", {u"abc.txt"}},
        {u"abc\"*", {u"abc", u"abc.txt"}},
    };
    for (const PatternRow& row : rows) {
        std::vector<std::u16string> wanted = sorted(row.found),
                                    found = sorted(open(u"d", FILE_LIST_DIRECTORY).list(row.pattern));
        // Whether the dots are matched by patterns that name dots is up to the file system.
        if (row.pattern[0] == u'>' || row.pattern[0] == u'<') {
            std::erase_if(wanted, [](const std::u16string& n) { return n == u"." || n == u".."; });
            std::erase_if(found, [](const std::u16string& n) { return n == u"." || n == u".."; });
        }
        CHECK_EQ(found, wanted) << row.pattern;
    }
}

TEST(Directory, PatternsFollowTheCaseRuleOfTheVolume)
{
    make_directory(u"d");
    make(u"d\\Name.TXT");
    const std::size_t found = ignores_case() ? 1 : 0;
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"name.txt").size(), found);
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"NA*").size(), found);
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"Name.TXT").size(), 1u);
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"Na*T").size(), 1u);
}

TEST(Directory, PatternsAreNames)
{
    make_directory(u"d");
    for (const char16_t* pattern : {u"a\\b", u"a/b", u"a|b", u"a:b"}) {
        const Answer answer = query(open(u"d", FILE_LIST_DIRECTORY), names_class, 512, pattern);
        CHECK(answer.status == STATUS_OBJECT_NAME_INVALID || answer.status == STATUS_INVALID_PARAMETER)
            << pattern;
    }
}

TEST(Directory, NothingFoundAndNothingMore)
{
    make_directory(u"d");
    make(u"d\\f");
    for (const char16_t* pattern : {u"none", u"none*", u"?????????"}) {
        const File directory = open(u"d", FILE_LIST_DIRECTORY);
        CHECK_EQ(query(directory, names_class, 512, pattern).status, STATUS_NO_SUCH_FILE) << pattern;
        CHECK_EQ(query(directory, names_class, 512).status, STATUS_NO_SUCH_FILE) << pattern;
    }
    for (const char16_t* pattern : {u"f", u"f*", u"*"}) {
        const File directory = open(u"d", FILE_LIST_DIRECTORY);
        CHECK_EQ(query(directory, names_class, 512, pattern).status, STATUS_SUCCESS) << pattern;
        CHECK_EQ(query(directory, names_class, 512).status, STATUS_NO_MORE_FILES) << pattern;
        CHECK_EQ(query(directory, names_class, 512).status, STATUS_NO_MORE_FILES) << pattern;
    }
}

TEST(Directory, DotsComeFirstExceptInTheRoot)
{
    make_directory(u"d");
    make(u"d\\!first");
    const auto names = open(u"d", FILE_LIST_DIRECTORY).list();
    REQUIRE_EQ(names.size(), 3u);
    CHECK_EQ(names[0], u".");
    CHECK_EQ(names[1], u"..");
    for (const std::u16string& name :
         File(root(), FILE_LIST_DIRECTORY, FILE_OPEN, FILE_DIRECTORY_FILE).list())
    {
        CHECK(name != u"." && name != u"..");
    }
}

TEST(Directory, ThePatternOfTheFirstCallStays)
{
    make_directory(u"d");
    for (const char16_t* name : {u"a1", u"a2", u"b1", u"b2"})
        make(u"d\\" + std::u16string(name));
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    CHECK_EQ(names_of(query(directory, names_class, 512, u"a*", single)), std::vector<std::u16string>{u"a1"});
    CHECK_EQ(names_of(query(directory, names_class, 512, u"b*")), std::vector<std::u16string>{u"a2"});
    CHECK_EQ(query(directory, names_class, 512, u"b*").status, STATUS_NO_MORE_FILES);
    CHECK_EQ(names_of(query(directory, names_class, 512, {}, restart)),
             (std::vector<std::u16string>{u"a1", u"a2"}));
    CHECK_EQ(names_of(query(directory, names_class, 512, u"b*", restart)),
             (std::vector<std::u16string>{u"b1", u"b2"}));
}

TEST(Directory, SingleEntriesAndRestart)
{
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), 5);
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    for (unsigned round = 0; round != 3; ++round)
        for (unsigned i = 0; i != 5; ++i) {
            const Answer answer =
                query(directory, names_class, 4096, i == 0 ? u"file*" : u"", single | (i == 0 ? restart : 0));
            REQUIRE_EQ(answer.status, STATUS_SUCCESS);
            CHECK_EQ(names_of(answer), std::vector<std::u16string>{numbered(u"file", i)});
        }
}

TEST(Directory, EveryHandleHasItsOwnPlace)
{
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), 5);
    const File one = open(u"d", FILE_LIST_DIRECTORY), two = open(u"d", FILE_LIST_DIRECTORY);
    for (unsigned i = 0; i != 5; ++i) {
        CHECK_EQ(names_of(query(one, names_class, 512, u"file*", single)),
                 std::vector<std::u16string>{numbered(u"file", i)});
        if (i % 2 == 0) {
            CHECK_EQ(names_of(query(two, names_class, 512, u"*", single | restart)),
                     std::vector<std::u16string>{u"."});
        }
    }
}

TEST(Directory, SmallBuffers)
{
    make_directory(u"d");
    const std::u16string long_name(40, u'n');
    make(u"d\\" + long_name);
    for (const Class& c : classes) {
        const ULONG whole = c.fixed + 80;
        for (ULONG length = 0; length != whole + 9; ++length)
            for (const ULONG flags : {restart, restart | single}) {
                const File directory = open(u"d", FILE_LIST_DIRECTORY);
                const Answer answer = query(directory, c, length, long_name, flags);
                if (length < c.smallest) {
                    CHECK_EQ(answer.status, STATUS_INFO_LENGTH_MISMATCH) << c.name << " " << length;
                    continue;
                }
                CHECK_EQ(answer.status, length < whole ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS)
                    << c.name << " " << length;
                REQUIRE_EQ(answer.entries.size(), 1u) << c.name << " " << length;
                CHECK_EQ(answer.entries[0].full_name_length, 80u) << c.name << " " << length;
                CHECK_EQ(answer.entries[0].name, long_name.substr(0, (std::min(length, whole) - c.fixed) / 2))
                    << c.name << " " << length;
            }
    }
}

TEST(Directory, AnEntryThatDidNotFitComesAgain)
{
    make_directory(u"d");
    make(u"d\\a_long_name_that_does_not_fit");
    make(u"d\\b");
    for (const ULONG flags : {ULONG{0}, ULONG{single}}) {
        const File directory = open(u"d", FILE_LIST_DIRECTORY);
        const Class& c = classes[4];
        for (int again = 0; again != 3; ++again) {
            const Answer answer = query(directory, c, c.smallest, u"*_*", flags);
            CHECK_EQ(answer.status, STATUS_BUFFER_OVERFLOW) << again;
            CHECK_EQ(answer.information, c.smallest) << again;
            REQUIRE_EQ(answer.entries.size(), 1u);
            CHECK_EQ(answer.entries[0].full_name_length, 58u) << again;
        }
        CHECK_EQ(names_of(query(directory, c, 512, {}, flags)),
                 std::vector<std::u16string>{u"a_long_name_that_does_not_fit"});
    }
}

TEST(Directory, NoBufferSizeLosesOrRepeatsEntries)
{
    make_directory(u"d");
    std::vector<std::u16string> wanted{u".", u".."};
    for (unsigned i = 1; i != 60; ++i) {
        wanted.push_back(std::u16string(i, u'n') + u"x");
        make(u"d\\" + wanted.back());
    }
    wanted = sorted(wanted);
    for (const Class& c : classes)
        for (ULONG length = c.fixed + 124; length < 4096; length += length < 700 ? 7 : 311) {
            const File directory = open(u"d", FILE_LIST_DIRECTORY);
            std::vector<std::u16string> found;
            for (;;) {
                const Answer answer = query(directory, c, length);
                if (answer.status != STATUS_SUCCESS) {
                    REQUIRE_EQ(answer.status, STATUS_NO_MORE_FILES) << c.name << " " << length;
                    break;
                }
                for (const Entry& entry : answer.entries)
                    found.push_back(entry.name);
            }
            REQUIRE_EQ(sorted(found), wanted) << c.name << " " << length;
        }
}

TEST(Directory, ChangesBetweenTwoCalls)
{
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), 100);
    const File directory = open(u"d", FILE_LIST_DIRECTORY);
    std::multiset<std::u16string> found;
    unsigned calls = 0;
    for (;;) {
        const Answer answer = query(directory, names_class, 256, u"file*");
        if (answer.status != STATUS_SUCCESS) {
            CHECK_EQ(answer.status, STATUS_NO_MORE_FILES);
            break;
        }
        for (const Entry& entry : answer.entries)
            found.insert(entry.name);
        // What was shown goes, something new comes before and behind; also the entry that marks the place.
        CHECK_EQ(open(u"d\\" + answer.entries.back().name, DELETE).dispose(true), STATUS_SUCCESS);
        make(numbered(u"d\\fila", calls));
        make(numbered(u"d\\filz", calls));
        ++calls;
    }
    for (unsigned i = 0; i != 100; ++i)
        CHECK_EQ(found.count(numbered(u"file", i)), 1u) << i; // there from beginning to end: once
    for (const std::u16string& name : found) {
        CHECK_EQ(found.count(name), 1u) << name;
    }
}

TEST(Directory, AHundredThousandEntries)
{
    constexpr unsigned count = 100'000;
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), count);
    auto names = open(u"d", FILE_LIST_DIRECTORY).list(u"*", 65'536);
    REQUIRE_EQ(names.size(), count + 2);
    std::sort(names.begin(), names.end());
    CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
    for (unsigned i = 0; i < count; i += 997)
        CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(numbered(u"file", i)).size(), 1u) << i;
    CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(u"file0500*", 65'536).size(), 100u);
    {
        // Removed at once: one file after the other takes the frame's clean-up too long.
        const File directory = open(u"d", FILE_LIST_DIRECTORY | DELETE);
        for (unsigned i = 0; i != count; ++i)
            File(numbered(u"file", i), DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE, share_all, 0,
                 directory.handle());
    }
    CHECK(names_of(query(open(u"d", FILE_LIST_DIRECTORY), names_class, 512, u"file*")).empty());
}

TEST(Directory, ManyListersAtOnce)
{
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), 16);
    std::vector<std::future<void>> listers;
    for (int l = 0; l != 4; ++l)
        listers.push_back(meanwhile([this, l] {
            for (int i = 0; i != 200; ++i) {
                auto names = open(u"d", FILE_LIST_DIRECTORY).list(u"*", l % 2 ? 4096 : 512);
                std::sort(names.begin(), names.end());
                CHECK_EQ(names.size(), 18u);
                CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
            }
        }));
    // An unrelated change makes what is cached of the listing stale all the time.
    for (int i = 0; i != 200; ++i) {
        FILE_BASIC_INFORMATION basic{};
        basic.LastWriteTime.QuadPart = 1 + i;
        CHECK_EQ(
            open(u"d\\file000003", FILE_WRITE_ATTRIBUTES).set(FileBasicInformation, &basic, sizeof basic),
            STATUS_SUCCESS);
    }
    for (auto& lister : listers)
        lister.get();
}

TEST(Directory, NamesOfEveryLength)
{
    make_directory(u"d");
    for (unsigned length = 1; length != 256; ++length) {
        const std::u16string name(length, static_cast<char16_t>(u'\u4e00' + length));
        make(u"d\\" + name);
        CHECK_EQ(open(u"d", FILE_LIST_DIRECTORY).list(name), std::vector<std::u16string>{name}) << length;
    }
    CHECK_EQ(names(u"d").size(), 255u);
}

TEST(Directory, NeedsADirectoryAndAccess)
{
    make(u"f");
    make_directory(u"d");
    CHECK_EQ(query(open(u"f", FILE_READ_DATA), names_class, 512).status, STATUS_INVALID_PARAMETER);
    CHECK_EQ(query(open(u"d", FILE_READ_ATTRIBUTES), names_class, 512).status, STATUS_ACCESS_DENIED);
    CHECK_EQ(query(open(u"d", FILE_LIST_DIRECTORY), names_class, 512, {}, 0x8000).status,
             STATUS_INVALID_PARAMETER);
}

TEST(Directory, AnswersComeAsynchronously)
{
    make_directory(u"d");
    fill(open(u"d", FILE_ADD_FILE | FILE_LIST_DIRECTORY), 3);
    const File directory(Open{.path = path(u"d"), .access = FILE_LIST_DIRECTORY, .asynchronous = true});
    alignas(8) std::uint8_t buffer[512];
    Request request;
    request.start(directory.handle(), [&](HANDLE event, IO_STATUS_BLOCK* block) {
        return NtQueryDirectoryFile(directory.handle(), event, nullptr, nullptr, block, buffer, sizeof buffer,
                                    FileNamesInformation, FALSE, nullptr, FALSE);
    });
    CHECK_EQ(request.wait(), STATUS_SUCCESS);
    CHECK_GT(request.information(), 0u);
}

TEST(Directory, ADeletedDirectoryHasNoEntries)
{
    make_directory(u"d");
    const File reader = open(u"d", FILE_LIST_DIRECTORY);
    CHECK_EQ(open(u"d", DELETE).dispose(true), STATUS_SUCCESS);
    const NTSTATUS status = query(reader, names_class, 512).status;
    CHECK(status == STATUS_SUCCESS || status == STATUS_DELETE_PENDING || status == STATUS_NO_SUCH_FILE)
        << status;
}

} // namespace
} // namespace conformance

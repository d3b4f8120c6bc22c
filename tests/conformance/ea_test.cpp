// SPDX-License-Identifier: MIT
//
// Extended attributes. [MS-FSA] 2.1.5.12.10; NtQueryEaFile, NtSetEaFile
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Ea
{
    std::string name, value;
    std::uint8_t flags = 0;
    bool operator==(const Ea&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Ea& ea) { return out << ea.name << '=' << ea.value; }

/// A FILE_FULL_EA_INFORMATION list.
Bytes list_of(const std::vector<Ea>& eas)
{
    constexpr std::size_t fixed = FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName);
    Bytes bytes;
    for (std::size_t i = 0; i != eas.size(); ++i) {
        const std::size_t at = bytes.size(), size = fixed + eas[i].name.size() + 1 + eas[i].value.size();
        const bool last = i + 1 == eas.size();
        bytes.resize(at + (last ? size : (size + 3) & ~std::size_t{3}));
        auto& info = *reinterpret_cast<FILE_FULL_EA_INFORMATION*>(bytes.data() + at);
        info.NextEntryOffset = last ? 0 : static_cast<ULONG>(bytes.size() - at);
        info.Flags = eas[i].flags;
        info.EaNameLength = static_cast<UCHAR>(eas[i].name.size());
        info.EaValueLength = static_cast<USHORT>(eas[i].value.size());
        std::memcpy(info.EaName, eas[i].name.data(), eas[i].name.size());
        std::memcpy(info.EaName + eas[i].name.size() + 1, eas[i].value.data(), eas[i].value.size());
    }
    return bytes;
}

/// A FILE_GET_EA_INFORMATION list.
Bytes names_of(const std::vector<std::string>& names)
{
    constexpr std::size_t fixed = FIELD_OFFSET(FILE_GET_EA_INFORMATION, EaName);
    Bytes bytes;
    for (std::size_t i = 0; i != names.size(); ++i) {
        const std::size_t at = bytes.size(), size = fixed + names[i].size() + 1;
        const bool last = i + 1 == names.size();
        bytes.resize(at + (last ? size : (size + 3) & ~std::size_t{3}));
        auto& info = *reinterpret_cast<FILE_GET_EA_INFORMATION*>(bytes.data() + at);
        info.NextEntryOffset = last ? 0 : static_cast<ULONG>(bytes.size() - at);
        info.EaNameLength = static_cast<UCHAR>(names[i].size());
        std::memcpy(info.EaName, names[i].data(), names[i].size());
    }
    return bytes;
}

NTSTATUS set(File& file, const std::vector<Ea>& eas)
{
    Bytes bytes = list_of(eas);
    IO_STATUS_BLOCK block{};
    return NtSetEaFile(file.handle(), &block, bytes.data(), static_cast<ULONG>(bytes.size()));
}

struct Answer
{
    NTSTATUS status;
    std::vector<Ea> eas;
    ULONG_PTR information;
};

struct Query
{
    ULONG size = 4096;
    bool single = false;
    bool restart = false;
    ULONG index = 0;
    bool by_index = false;
    std::vector<std::string> names{};
};

Answer query(File& file, const Query& q)
{
    std::vector<std::uint64_t> buffer(q.size / 8 + 1);
    Bytes names = names_of(q.names);
    IO_STATUS_BLOCK block{};
    ULONG index = q.index;
    Answer answer{};
    answer.status = NtQueryEaFile(file.handle(), &block, buffer.data(), q.size, q.single,
                                  names.empty() ? nullptr : names.data(), static_cast<ULONG>(names.size()),
                                  q.by_index ? &index : nullptr, q.restart);
    answer.information = NT_ERROR(answer.status) ? 0 : block.Information;
    if (answer.information == 0)
        return answer;
    const auto* at = reinterpret_cast<const std::uint8_t*>(buffer.data());
    for (;;) {
        const auto& info = *reinterpret_cast<const FILE_FULL_EA_INFORMATION*>(at);
        answer.eas.push_back({std::string(info.EaName, info.EaNameLength),
                              std::string(info.EaName + info.EaNameLength + 1, info.EaValueLength),
                              info.Flags});
        if (info.NextEntryOffset == 0)
            return answer;
        at += info.NextEntryOffset;
    }
}

constexpr ACCESS_MASK ea_access = FILE_READ_EA | FILE_WRITE_EA | FILE_READ_ATTRIBUTES | DELETE;

const std::vector<Ea> three{{"AAA", "first"}, {"BBBB", "second value"}, {"C", "3"}};

TEST(ExtendedAttributes, AreSetReadAndRemoved)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    make_directory(u"d");
    for (const char16_t* name : {u"f", u"d"}) {
        File file = open(name, ea_access);
        CHECK_EQ(query(file, {.restart = true}).status, STATUS_NO_EAS_ON_FILE);
        REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
        CHECK_EQ(query(file, {.restart = true}).eas, three);
        REQUIRE_EQ(set(file, {{"BBBB", "changed"}, {"D", "new"}, {"AAA", ""}}), STATUS_SUCCESS);
        CHECK_EQ(query(file, {.restart = true}).eas,
                 (std::vector<Ea>{{"BBBB", "changed"}, {"C", "3"}, {"D", "new"}}));
        REQUIRE_EQ(set(file, {{"BBBB", ""}, {"C", ""}, {"D", ""}, {"NONE", ""}}), STATUS_SUCCESS);
        CHECK_EQ(query(file, {.restart = true}).status, STATUS_NO_EAS_ON_FILE);
        CHECK_EQ(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 0);
    }
}

TEST(ExtendedAttributes, AreTheSameThroughEveryHandle)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File writer = open(u"f", ea_access), reader = open(u"f", FILE_READ_EA);
    REQUIRE_EQ(set(writer, three), STATUS_SUCCESS);
    CHECK_EQ(query(reader, {}).eas, three);
    writer.close();
    reader.close();
    reader = open(u"f", FILE_READ_EA);
    CHECK_EQ(query(reader, {}).eas, three);
}

TEST(ExtendedAttributes, NamesIgnoreCase)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    REQUIRE_EQ(set(file, {{"NAME", "old"}}), STATUS_SUCCESS);
    REQUIRE_EQ(set(file, {{"name", "new"}}), STATUS_SUCCESS);
    const Answer all = query(file, {.restart = true});
    REQUIRE_EQ(all.eas.size(), 1);
    CHECK_EQ(all.eas[0].value, "new");
    CHECK_EQ(query(file, {.names = {"nAmE"}}).eas.at(0).value, "new");
}

TEST(ExtendedAttributes, InvalidNamesAreRefused)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    for (const char* name : {"*", "a*b", "a?", "a<", "a|b", "a\\b", "a:b", "a,b", "a+b", "a=b", "a;b", "a[b"})
        CHECK_EQ(set(file, {{"GOOD", "x"}, {name, "x"}}), STATUS_INVALID_EA_NAME) << name;
    CHECK_EQ(query(file, {.restart = true}).status, STATUS_NO_EAS_ON_FILE) << "all or nothing";
    CHECK_EQ(query(file, {.names = {"a*b"}}).status, STATUS_INVALID_EA_NAME);
}

TEST(ExtendedAttributes, MalformedListsAreRefused)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    IO_STATUS_BLOCK block{};
    Bytes bytes = list_of(three);
    CHECK_EQ(NtSetEaFile(file.handle(), &block, bytes.data(), static_cast<ULONG>(bytes.size()) - 1),
             STATUS_EA_LIST_INCONSISTENT);
    CHECK_EQ(NtSetEaFile(file.handle(), &block, bytes.data(), 4), STATUS_EA_LIST_INCONSISTENT);
    reinterpret_cast<FILE_FULL_EA_INFORMATION*>(bytes.data())->NextEntryOffset += 1;
    CHECK_EQ(NtSetEaFile(file.handle(), &block, bytes.data(), static_cast<ULONG>(bytes.size())),
             STATUS_EA_LIST_INCONSISTENT);
    CHECK_EQ(query(file, {.restart = true}).status, STATUS_NO_EAS_ON_FILE);
}

TEST(ExtendedAttributes, ScanGoesOnWhereItStopped)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    for (int round = 0; round != 2; ++round) {
        for (std::size_t i = 0; i != 3; ++i) {
            const Answer one = query(file, {.single = true, .restart = i == 0});
            CHECK_EQ(one.status, STATUS_SUCCESS) << i;
            CHECK_EQ(one.eas, std::vector<Ea>{three[i]});
        }
        CHECK_EQ(query(file, {.single = true}).status, STATUS_NO_MORE_EAS);
        CHECK_EQ(query(file, {}).status, STATUS_NO_MORE_EAS);
    }
    CHECK_EQ(query(file, {.restart = true}).eas, three);
}

TEST(ExtendedAttributes, ScanReturnsWhatFits)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    // 8 + 3 + 1 + 5 = 17 bytes for the first, from 20 on 8 + 4 + 1 + 12 = 25 for the second.
    CHECK_EQ(query(file, {.size = 16, .restart = true}).status, STATUS_BUFFER_TOO_SMALL);
    const Answer first = query(file, {.size = 17}); // nothing was consumed before
    CHECK_EQ(first.status, STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(first.eas, std::vector<Ea>{three[0]});
    CHECK_EQ(first.information, 17);
    CHECK_EQ(query(file, {.size = 24}).status, STATUS_BUFFER_TOO_SMALL);
    const Answer rest = query(file, {.size = 4096});
    CHECK_EQ(rest.status, STATUS_SUCCESS);
    CHECK_EQ(rest.eas, (std::vector<Ea>{three[1], three[2]}));
}

TEST(ExtendedAttributes, ByIndexFromOne)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    CHECK_EQ(query(file, {.single = true, .index = 0, .by_index = true}).status, STATUS_NONEXISTENT_EA_ENTRY);
    for (ULONG i = 1; i <= 3; ++i)
        CHECK_EQ(query(file, {.single = true, .index = i, .by_index = true}).eas,
                 std::vector<Ea>{three[i - 1]})
            << i;
    CHECK_EQ(query(file, {.index = 2, .by_index = true}).eas, (std::vector<Ea>{three[1], three[2]}));
    CHECK_EQ(query(file, {.single = true, .index = 4, .by_index = true}).status, STATUS_NO_MORE_EAS);
    CHECK_EQ(query(file, {.single = true, .index = 5, .by_index = true}).status, STATUS_NONEXISTENT_EA_ENTRY);
}

TEST(ExtendedAttributes, ByListOfNames)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    const Answer some = query(file, {.names = {"C", "NONE", "AAA", "C"}});
    CHECK_EQ(some.status, STATUS_SUCCESS);
    CHECK_EQ(some.eas, (std::vector<Ea>{{"C", "3"}, {"NONE", ""}, {"AAA", "first"}})); // each name once
    const Answer single = query(file, {.single = true, .names = {"AAA", "C"}});
    CHECK_EQ(single.eas, std::vector<Ea>{three[0]});
    const Answer small = query(file, {.size = 20, .names = {"AAA", "BBBB"}});
    CHECK_EQ(small.status, STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(small.information, 0);
}

TEST(ExtendedAttributes, ChangedSetEndsTheScanOfOthers)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access), other = open(u"f", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    CHECK_EQ(query(file, {.single = true, .restart = true}).status, STATUS_SUCCESS);
    REQUIRE_EQ(set(other, {{"D", "4"}}), STATUS_SUCCESS);
    CHECK_EQ(query(file, {.single = true}).status, STATUS_EA_CORRUPT_ERROR);
    CHECK_EQ(query(file, {.single = true, .restart = true}).status, STATUS_SUCCESS);
}

TEST(ExtendedAttributes, SizeCountsTheListHeader)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    CHECK_EQ(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 0);
    REQUIRE_EQ(set(file, {{"AAA", "first"}}), STATUS_SUCCESS);
    // [MS-FSCC] 2.4.13: as OS/2 packs them: four bytes, and for each 4 + name + 1 + value
    CHECK_EQ(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 4 + 4 + 3 + 1 + 5);
    REQUIRE_EQ(set(file, {{"B", "2"}}), STATUS_SUCCESS);
    CHECK_EQ(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 4 + 4 + 3 + 1 + 5 + 4 + 1 + 1 + 1);
}

TEST(ExtendedAttributes, AtCreate)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    const Bytes good = list_of(three), bad = list_of({{"*", "x"}});
    CHECK_EQ(
        File(Open{.path = path(u"f"), .access = ea_access, .disposition = FILE_CREATE, .ea = &bad}).status(),
        STATUS_INVALID_EA_NAME);
    CHECK_FALSE(exists(u"f"));
    File file(Open{.path = path(u"f"), .access = ea_access, .disposition = FILE_CREATE, .ea = &good});
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(query(file, {}).eas, three);
    File directory(Open{.path = path(u"d"),
                        .access = ea_access,
                        .disposition = FILE_CREATE,
                        .options = FILE_DIRECTORY_FILE,
                        .ea = &good});
    REQUIRE_EQ(directory.status(), STATUS_SUCCESS);
    CHECK_EQ(query(directory, {}).eas, three);
}

TEST(ExtendedAttributes, OverwriteReplacesTheSet)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    const Bytes first = list_of(three), second = list_of({{"NEW", "x"}, {"GONE", ""}});
    make(u"f");
    for (const ULONG disposition : {FILE_OVERWRITE, FILE_SUPERSEDE}) {
        File(Open{.path = path(u"f"), .access = ea_access, .disposition = disposition, .ea = &first});
        File file(Open{.path = path(u"f"), .access = ea_access, .disposition = disposition, .ea = &second});
        CHECK_EQ(query(file, {}).eas, (std::vector<Ea>{{"NEW", "x"}})) << disposition;
        file.close();
        file = File(path(u"f"), ea_access, disposition);
        CHECK_EQ(query(file, {}).status, STATUS_NO_EAS_ON_FILE) << disposition;
    }
}

TEST(ExtendedAttributes, NeededOnesKeepProgramsOutThatDoNotKnowThem)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    const Bytes needed = list_of({{"NEED", "x", FILE_NEED_EA}});
    CHECK_EQ(File(Open{.path = path(u"f"),
                       .access = ea_access,
                       .disposition = FILE_CREATE,
                       .options = FILE_NO_EA_KNOWLEDGE,
                       .ea = &needed})
                 .status(),
             STATUS_ACCESS_DENIED);
    File file(Open{.path = path(u"f"), .access = ea_access, .disposition = FILE_CREATE, .ea = &needed});
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(query(file, {}).eas.at(0).flags, FILE_NEED_EA);
    file.close();
    CHECK_EQ(open(u"f", FILE_READ_DATA, FILE_NO_EA_KNOWLEDGE).status(), STATUS_ACCESS_DENIED);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_SUCCESS);
}

TEST(ExtendedAttributes, StreamsShareThoseOfTheFile)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES | FILE_NAMED_STREAMS);
    make(u"f");
    make(u"f:s");
    File file = open(u"f", ea_access), stream = open(u"f:s", ea_access);
    REQUIRE_EQ(set(file, three), STATUS_SUCCESS);
    CHECK_EQ(query(stream, {.restart = true}).eas, three);
}

TEST(ExtendedAttributes, LongNamesAndValues)
{
    need(FILE_SUPPORTS_EXTENDED_ATTRIBUTES);
    make(u"f");
    File file = open(u"f", ea_access);
    const std::vector<Ea> large{{std::string(254, 'N'), std::string(3000, 'v')}};
    REQUIRE_EQ(set(file, large), STATUS_SUCCESS);
    CHECK_EQ(query(file, {.restart = true}).eas, large);
}

} // namespace
} // namespace conformance

// SPDX-License-Identifier: MIT
//
// Reparse points and symbolic links. [MS-FSA] 2.1.5.9.25 and .37 (FSCTL_GET/SET_REPARSE_POINT);
// [MS-FSCC] 2.1.2
#include "frame/identity.h"
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr ULONG own_tag = 0x1234; // of a third party: data begins with a GUID
constexpr ULONG as_point = FILE_OPEN_REPARSE_POINT;

Bytes symlink_data(std::u16string_view target, bool relative)
{
    Bytes buffer(REPARSE_DATA_BUFFER_HEADER_SIZE + 12 + 4 * target.size());
    auto& data = *reinterpret_cast<REPARSE_DATA_BUFFER*>(buffer.data());
    data.ReparseTag = IO_REPARSE_TAG_SYMLINK;
    data.ReparseDataLength = static_cast<USHORT>(buffer.size() - REPARSE_DATA_BUFFER_HEADER_SIZE);
    auto& link = data.SymbolicLinkReparseBuffer;
    link.SubstituteNameLength = link.PrintNameLength = link.PrintNameOffset =
        static_cast<USHORT>(2 * target.size());
    link.Flags = relative ? SYMLINK_FLAG_RELATIVE : 0;
    std::memcpy(link.PathBuffer, target.data(), 2 * target.size());
    std::memcpy(link.PathBuffer + target.size(), target.data(), 2 * target.size());
    return buffer;
}

Bytes guid_data(ULONG tag, std::uint8_t id, std::string_view text)
{
    Bytes buffer(REPARSE_GUID_DATA_BUFFER_HEADER_SIZE + text.size());
    auto& data = *reinterpret_cast<REPARSE_GUID_DATA_BUFFER*>(buffer.data());
    data.ReparseTag = tag;
    data.ReparseDataLength = static_cast<USHORT>(text.size());
    data.ReparseGuid.Data1 = id;
    std::memcpy(data.GenericReparseBuffer.DataBuffer, text.data(), text.size());
    return buffer;
}

NTSTATUS set(File& file, const Bytes& data)
{
    return file.control(FSCTL_SET_REPARSE_POINT, data.data(), static_cast<ULONG>(data.size()), nullptr, 0);
}

NTSTATUS remove(File& file, const Bytes& data)
{
    Bytes head(data.begin(), data.begin() + ((*reinterpret_cast<const ULONG*>(data.data()) & 0x80000000) != 0
                                                 ? REPARSE_DATA_BUFFER_HEADER_SIZE
                                                 : REPARSE_GUID_DATA_BUFFER_HEADER_SIZE));
    reinterpret_cast<REPARSE_DATA_BUFFER*>(head.data())->ReparseDataLength = 0;
    return file.control(FSCTL_DELETE_REPARSE_POINT, head.data(), static_cast<ULONG>(head.size()), nullptr, 0);
}

Bytes get(File& file)
{
    Bytes buffer(16384);
    if (!NT_SUCCESS(file.control(FSCTL_GET_REPARSE_POINT, nullptr, 0, buffer.data(), 16384)))
        return {};
    buffer.resize(file.information());
    return buffer;
}

class Links : public Volume
{
  protected:
    void link(std::u16string_view name, std::u16string_view target, bool relative = true,
              bool directory = false)
    {
        File file = create(name, FILE_WRITE_ATTRIBUTES, as_point | (directory ? FILE_DIRECTORY_FILE : 0));
        REQUIRE_EQ(file.status(), STATUS_SUCCESS) << std::u16string(name);
        REQUIRE_EQ(set(file, symlink_data(target, relative)), STATUS_SUCCESS) << std::u16string(name);
    }
    void need_links()
    {
        need(FILE_SUPPORTS_REPARSE_POINTS);
        need_privilege(SE_CREATE_SYMBOLIC_LINK_PRIVILEGE);
    }
    /// Where opening a name leads, as a name in the test's directory.
    std::u16string opened(std::u16string_view name)
    {
        File file = open(name, FILE_READ_ATTRIBUTES);
        if (file.status() != STATUS_SUCCESS)
            return u"?";
        alignas(8) std::uint8_t buffer[2048];
        file.query(FileNameInformation, buffer, sizeof buffer);
        return name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)).substr(name_on_volume({}).size());
    }
};

#define LINK_TEST(rule) TEST_ON(Links, SymbolicLink, rule, nullptr)

TEST(ReparsePoint, IsSetReadAndDeleted)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    const Bytes data = guid_data(own_tag, 1, "foobar");
    for (const ULONG kind : {0, FILE_DIRECTORY_FILE}) {
        File file = create(u"p", FILE_ALL_ACCESS, static_cast<ULONG>(kind));
        CHECK(get(file).empty());
        CHECK_EQ(file.status(), STATUS_NOT_A_REPARSE_POINT);
        REQUIRE_EQ(set(file, data), STATUS_SUCCESS);
        CHECK_EQ(get(file), data);
        const auto tag = file.get<FILE_ATTRIBUTE_TAG_INFORMATION>(FileAttributeTagInformation);
        CHECK_EQ(tag.ReparseTag, own_tag);
        CHECK((tag.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0);
        file.close();
        CHECK_EQ(open(u"p", FILE_READ_ATTRIBUTES).status(), STATUS_IO_REPARSE_TAG_NOT_HANDLED);
        file = open(u"p", FILE_ALL_ACCESS, as_point);
        REQUIRE_EQ(file.status(), STATUS_SUCCESS);
        CHECK_EQ(remove(file, data), STATUS_SUCCESS);
        CHECK_EQ(remove(file, data), STATUS_NOT_A_REPARSE_POINT);
        CHECK(get(file).empty());
        CHECK_EQ(file.status(), STATUS_NOT_A_REPARSE_POINT);
        CHECK_EQ(file.get<FILE_ATTRIBUTE_TAG_INFORMATION>(FileAttributeTagInformation).ReparseTag, 0);
        file.close();
        CHECK_EQ(open(u"p", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
        CHECK_EQ(open(u"p", DELETE).dispose(true), STATUS_SUCCESS);
    }
}

TEST(ReparsePoint, OfLinuxKindsIsKept)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    // An NFS character device: type, major and minor number. [MS-FSCC] 2.1.2.6
    Bytes data(REPARSE_DATA_BUFFER_HEADER_SIZE + 16);
    auto& head = *reinterpret_cast<REPARSE_DATA_BUFFER*>(data.data());
    head.ReparseTag = 0x80000014;
    head.ReparseDataLength = 16;
    const std::uint32_t device[] = {0x00524843, 0, 0x42, 0x62};
    std::memcpy(head.GenericReparseBuffer.DataBuffer, device, sizeof device);
    File file = create(u"p");
    REQUIRE_EQ(set(file, data), STATUS_SUCCESS);
    CHECK_EQ(get(file), data);
    file.close();
    CHECK_EQ(open(u"p", FILE_READ_DATA).status(), STATUS_IO_REPARSE_TAG_NOT_HANDLED);
    file = open(u"p", FILE_WRITE_ATTRIBUTES, as_point);
    CHECK_EQ(remove(file, data), STATUS_SUCCESS);
}

TEST(ReparsePoint, IsReplacedOnlyByItsOwner)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    File file = create(u"p");
    REQUIRE_EQ(set(file, guid_data(own_tag, 1, "one")), STATUS_SUCCESS);
    CHECK_EQ(set(file, guid_data(own_tag, 1, "longer than before")), STATUS_SUCCESS);
    CHECK_EQ(get(file), guid_data(own_tag, 1, "longer than before"));
    CHECK_EQ(set(file, guid_data(own_tag + 1, 1, "x")), STATUS_IO_REPARSE_TAG_MISMATCH);
    CHECK_EQ(set(file, guid_data(own_tag, 2, "x")), STATUS_REPARSE_ATTRIBUTE_CONFLICT);
    CHECK_EQ(remove(file, guid_data(own_tag + 1, 1, "")), STATUS_IO_REPARSE_TAG_MISMATCH);
    CHECK_EQ(remove(file, guid_data(own_tag, 2, "")), STATUS_REPARSE_ATTRIBUTE_CONFLICT);
    CHECK_EQ(get(file), guid_data(own_tag, 1, "longer than before"));
}

TEST(ReparsePoint, BuffersAreChecked)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    File file = create(u"p");
    Bytes data = guid_data(own_tag, 1, "data"), out(64);
    CHECK_EQ(file.control(FSCTL_SET_REPARSE_POINT, nullptr, 0, nullptr, 0), STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(
        file.control(FSCTL_SET_REPARSE_POINT, data.data(), static_cast<ULONG>(data.size()), out.data(), 64),
        STATUS_INVALID_PARAMETER);
    CHECK_EQ(file.control(FSCTL_SET_REPARSE_POINT, data.data(), 4, nullptr, 0),
             STATUS_IO_REPARSE_DATA_INVALID);
    CHECK_EQ(
        file.control(FSCTL_SET_REPARSE_POINT, data.data(), static_cast<ULONG>(data.size()) - 1, nullptr, 0),
        STATUS_IO_REPARSE_DATA_INVALID);
    Bytes large(17000);
    std::memcpy(large.data(), data.data(), data.size());
    CHECK_EQ(set(file, large), STATUS_IO_REPARSE_DATA_INVALID);
    for (const ULONG tag : {0, 1}) {
        Bytes reserved = guid_data(static_cast<ULONG>(tag), 1, "x");
        CHECK_EQ(set(file, reserved), STATUS_IO_REPARSE_TAG_INVALID) << tag;
    }
    REQUIRE_EQ(set(file, data), STATUS_SUCCESS);
    CHECK_EQ(file.control(FSCTL_GET_REPARSE_POINT, data.data(), 8, out.data(), 64), STATUS_INVALID_PARAMETER);
    CHECK_EQ(
        file.control(FSCTL_GET_REPARSE_POINT, nullptr, 0, out.data(), static_cast<ULONG>(data.size()) - 1),
        is_ours() ? STATUS_BUFFER_TOO_SMALL : STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(
        file.control(FSCTL_DELETE_REPARSE_POINT, data.data(), static_cast<ULONG>(data.size()), nullptr, 0),
        STATUS_IO_REPARSE_DATA_INVALID);
    CHECK_EQ(get(file), data);
}

TEST(ReparsePoint, NeedsARightToWrite)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    make(u"p");
    const Bytes data = guid_data(own_tag, 1, "x");
    File reader = open(u"p", FILE_READ_DATA | FILE_READ_ATTRIBUTES);
    CHECK_EQ(set(reader, data), STATUS_ACCESS_DENIED);
    File writer = open(u"p", FILE_WRITE_ATTRIBUTES);
    CHECK_EQ(set(writer, data), STATUS_SUCCESS);
    CHECK_EQ(remove(reader, data), STATUS_ACCESS_DENIED);
}

TEST(ReparsePoint, DirectoryMustBeEmpty)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    make_directory(u"d");
    make(u"d\\f");
    File directory = open(u"d", FILE_WRITE_ATTRIBUTES);
    CHECK_EQ(set(directory, guid_data(own_tag, 1, "x")), STATUS_DIRECTORY_NOT_EMPTY);
}

TEST(ReparsePoint, StandsInTheWayOfPathsThroughIt)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    File directory = create(u"d", FILE_WRITE_ATTRIBUTES, FILE_DIRECTORY_FILE);
    REQUIRE_EQ(set(directory, guid_data(own_tag, 1, "x")), STATUS_SUCCESS);
    directory.close();
    CHECK_EQ(create(u"d\\f").status(), STATUS_IO_REPARSE_TAG_NOT_HANDLED);
    CHECK_EQ(create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE | as_point).status(),
             STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(File(path(u"d"), FILE_READ_ATTRIBUTES, FILE_CREATE, FILE_NON_DIRECTORY_FILE).status(),
             STATUS_FILE_IS_A_DIRECTORY);
}

TEST(ReparsePoint, DataOfTheFileStays)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    make(u"p", "data");
    File file = open(u"p", FILE_ALL_ACCESS);
    REQUIRE_EQ(set(file, guid_data(own_tag, 1, "x")), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 9), "data");
    CHECK_EQ(file.write(4, "more"), STATUS_SUCCESS);
    CHECK_EQ(get(file), guid_data(own_tag, 1, "x"));
    CHECK_EQ(create(u"p", FILE_READ_DATA, as_point).status(), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(open(u"p", FILE_READ_DATA, as_point).read(0, 9), "datamore");
    file.close();
    CHECK_EQ(open(u"p", DELETE, as_point).dispose(true), STATUS_SUCCESS);
}

TEST(ReparsePoint, SetThroughAStreamBelongsToTheFile)
{
    need(FILE_SUPPORTS_REPARSE_POINTS | FILE_NAMED_STREAMS);
    make(u"p");
    File stream = create(u"p:s");
    REQUIRE_EQ(set(stream, guid_data(own_tag, 1, "x")), STATUS_SUCCESS);
    stream.close();
    File file = open(u"p", FILE_READ_ATTRIBUTES, as_point);
    CHECK_EQ(get(file), guid_data(own_tag, 1, "x"));
}

TEST(ReparsePoint, MountPointLeadsToItsTarget)
{
    need(FILE_SUPPORTS_REPARSE_POINTS);
    if (is_network())
        SKIP("mount points lead to local volumes");
    make_directory(u"target");
    make(u"target\\f", "x");
    File junction = create(u"j", FILE_WRITE_ATTRIBUTES, FILE_DIRECTORY_FILE);
    const std::u16string target = path(u"target");
    Bytes buffer(REPARSE_DATA_BUFFER_HEADER_SIZE + 8 + 2 * target.size() + 4);
    auto& data = *reinterpret_cast<REPARSE_DATA_BUFFER*>(buffer.data());
    data.ReparseTag = IO_REPARSE_TAG_MOUNT_POINT;
    data.ReparseDataLength = static_cast<USHORT>(buffer.size() - REPARSE_DATA_BUFFER_HEADER_SIZE);
    data.MountPointReparseBuffer.SubstituteNameLength = static_cast<USHORT>(2 * target.size());
    data.MountPointReparseBuffer.PrintNameOffset = static_cast<USHORT>(2 * target.size() + 2);
    std::memcpy(data.MountPointReparseBuffer.PathBuffer, target.data(), 2 * target.size());
    REQUIRE_EQ(set(junction, buffer), STATUS_SUCCESS);
    junction.close();
    CHECK_EQ(open(u"j\\f", FILE_READ_DATA).read(0, 9), "x");
    CHECK_EQ(create(u"j\\g").status(), STATUS_SUCCESS);
    CHECK(exists(u"target\\g"));
    CHECK_EQ(names(u"j"), (std::vector<std::u16string>{u"f", u"g"}));
    CHECK_EQ(open(u"j\\none", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

LINK_TEST(IsFollowedOrOpened)
{
    need_links();
    make(u"target", "data");
    link(u"l", u"target");
    CHECK_EQ(open(u"l", FILE_READ_DATA).read(0, 9), "data");
    CHECK_EQ(opened(u"l"), u"\\target");
    File self = open(u"l", FILE_READ_ATTRIBUTES, as_point);
    CHECK_EQ(self.get<FILE_ATTRIBUTE_TAG_INFORMATION>(FileAttributeTagInformation).ReparseTag,
             IO_REPARSE_TAG_SYMLINK);
    CHECK_EQ(get(self), symlink_data(u"target", true));
    CHECK_EQ(open(u"l", DELETE, as_point).dispose(true), STATUS_SUCCESS);
    self.close();
    CHECK(exists(u"target"));
    CHECK_FALSE(exists(u"l"));
}

LINK_TEST(AbsoluteLeadsToAWholePath)
{
    need_links();
    make_directory(u"d");
    make(u"d\\target", "data");
    link(u"file", path(u"d\\target"), false);
    link(u"directory", path(u"d"), false, true);
    CHECK_EQ(open(u"file", FILE_READ_DATA).read(0, 9), "data");
    CHECK_EQ(open(u"directory\\target", FILE_READ_DATA).read(0, 9), "data");
    CHECK_EQ(opened(u"directory\\target"), u"\\d\\target");
}

LINK_TEST(RelativeStartsAtTheDirectoryOfTheLink)
{
    need_links();
    make_directory(u"a");
    make_directory(u"a\\b");
    make_directory(u"c");
    make(u"c\\target", "data");
    make(u"a\\near", "near");
    link(u"a\\b\\up", u"..\\..\\c\\target");
    link(u"a\\b\\one", u"..\\near");
    link(u"a\\b\\dots", u".\\..\\.\\near");
    link(u"a\\b\\dir", u"..\\..\\c", true, true);
    CHECK_EQ(opened(u"a\\b\\up"), u"\\c\\target");
    CHECK_EQ(opened(u"a\\b\\one"), u"\\a\\near");
    CHECK_EQ(opened(u"a\\b\\dots"), u"\\a\\near");
    CHECK_EQ(opened(u"a\\b\\dir"), u"\\c");
    CHECK_EQ(opened(u"a\\b\\dir\\target"), u"\\c\\target");
}

LINK_TEST(RelativeWithABackslashStartsAtTheRoot)
{
    need_links();
    make_directory(u"c");
    make(u"c\\target", "data");
    make_directory(u"a");
    std::u16string from_root = path(u"c\\target").substr(root().size() - 1);
    link(u"a\\l", from_root);
    CHECK_EQ(opened(u"a\\l"), u"\\c\\target");
}

LINK_TEST(ChainsAreFollowed)
{
    need_links();
    make_directory(u"real");
    make(u"real\\f", "data");
    link(u"d1", u"real", true, true);
    link(u"d2", u"d1", true, true);
    link(u"d3", u".\\d2", true, true);
    link(u"l1", u"d3\\f");
    link(u"l2", u"l1");
    CHECK_EQ(opened(u"l2"), u"\\real\\f");
    CHECK_EQ(opened(u"d3\\f"), u"\\real\\f");
    CHECK_EQ(opened(u"d3"), u"\\real");
    link(u"real\\back", u"..\\d2", true, true);
    CHECK_EQ(opened(u"d3\\back\\back\\f"), u"\\real\\f");
}

LINK_TEST(LoopsEnd)
{
    need_links();
    link(u"self", u"self");
    link(u"one", u"two");
    link(u"two", u"one");
    link(u"dir", u"dir\\x", true, true);
    for (const char16_t* name : {u"self", u"one", u"two", u"dir", u"self\\x", u"dir\\y"}) {
        const NTSTATUS status = open(name, FILE_READ_ATTRIBUTES).status();
        CHECK(status == STATUS_REPARSE_POINT_NOT_RESOLVED || status == STATUS_OBJECT_PATH_NOT_FOUND)
            << std::u16string(name) << status;
    }
    CHECK_EQ(open(u"self", FILE_READ_ATTRIBUTES).status(), STATUS_REPARSE_POINT_NOT_RESOLVED);
    CHECK_EQ(open(u"self", FILE_READ_ATTRIBUTES, as_point).status(), STATUS_SUCCESS);
}

LINK_TEST(DanglingIsNotFoundAndCreatesItsTarget)
{
    need_links();
    make_directory(u"d");
    link(u"l", u"d\\target");
    CHECK_EQ(open(u"l", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
    CHECK_EQ(File(path(u"l"), FILE_WRITE_DATA, FILE_CREATE).status(), STATUS_SUCCESS);
    CHECK(exists(u"d\\target"));
    CHECK_EQ(File(path(u"l"), FILE_WRITE_DATA, FILE_CREATE).status(), STATUS_OBJECT_NAME_COLLISION);
}

TEST_ON(Links, SymbolicLink, IntoAMissingDirectoryIsNotFound,
        "STATUS_OBJECT_NAME_NOT_FOUND, not ..._PATH_NOT_FOUND: the library's resolver returns what it met, "
        "as its "
        "documentation says")
{
    need_links();
    link(u"nowhere", u"none\\target");
    CHECK_EQ(open(u"nowhere", FILE_READ_DATA).status(), STATUS_OBJECT_NAME_NOT_FOUND);
}

LINK_TEST(DispositionsActOnTheTarget)
{
    need_links();
    make(u"target", "data");
    link(u"l", u"target");
    CHECK_EQ(File(path(u"l"), FILE_READ_DATA, FILE_CREATE).status(), STATUS_OBJECT_NAME_COLLISION);
    CHECK_EQ(File(path(u"l"), FILE_READ_DATA, FILE_CREATE, as_point).status(), STATUS_OBJECT_NAME_COLLISION);
    File file(path(u"l"), FILE_READ_DATA, FILE_OVERWRITE_IF);
    CHECK_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(file.read(0, 9), "");
    file.close();
    CHECK_EQ(open(u"target", FILE_READ_DATA).read(0, 9), "");
    File self = open(u"l", FILE_READ_ATTRIBUTES, as_point);
    CHECK_FALSE(get(self).empty());
}

LINK_TEST(RenameAndDeleteActOnTheLink)
{
    need_links();
    make(u"target", "data");
    link(u"l", u"target");
    REQUIRE_EQ(open(u"l", DELETE, as_point).rename(path(u"m"), false), STATUS_SUCCESS);
    CHECK_EQ(open(u"m", FILE_READ_DATA).read(0, 9), "data");
    REQUIRE_EQ(open(u"m", DELETE, as_point).dispose(true), STATUS_SUCCESS);
    CHECK(exists(u"target"));
    link(u"n", u"target");
    make(u"f", "new");
    REQUIRE_EQ(open(u"f", DELETE).rename(path(u"n"), true), STATUS_SUCCESS); // replaces the link
    CHECK_EQ(open(u"target", FILE_READ_DATA).read(0, 9), "data");
}

LINK_TEST(RenameIntoALinkedDirectory)
{
    need_links();
    make_directory(u"d");
    link(u"l", u"d", true, true);
    make(u"f", "x");
    REQUIRE_EQ(open(u"f", DELETE).rename(path(u"l\\g"), false), STATUS_SUCCESS);
    CHECK(exists(u"d\\g"));
}

LINK_TEST(StreamsAreThoseOfTheTarget)
{
    need_links();
    need(FILE_NAMED_STREAMS);
    make(u"target", "main");
    make(u"target:s", "stream");
    link(u"l", u"target");
    CHECK_EQ(open(u"l:s", FILE_READ_DATA).read(0, 9), "stream");
    CHECK_EQ(create(u"l:t").status(), STATUS_SUCCESS);
    CHECK(exists(u"target:t"));
    CHECK_EQ(create(u"l:u", FILE_WRITE_DATA, as_point).status(), STATUS_SUCCESS);
    CHECK_FALSE(exists(u"target:u"));
}

LINK_TEST(TrailingBackslashWantsADirectory)
{
    need_links();
    make_directory(u"d");
    make(u"f");
    link(u"ld", u"d", true, true);
    link(u"lf", u"f");
    CHECK_EQ(open(u"ld\\", FILE_READ_ATTRIBUTES).status(), STATUS_SUCCESS);
    CHECK_FALSE(NT_SUCCESS(open(u"lf\\", FILE_READ_ATTRIBUTES).status()));
}

LINK_TEST(CaseOfTheVolumeCountsOnTheWay)
{
    need_links();
    make_directory(u"Dir");
    make(u"Dir\\File", "x");
    link(u"l", u"DIR", true, true);
    CHECK_EQ(exists(u"l\\File"), ignores_case());
    link(u"m", u"Dir", true, true);
    CHECK(exists(u"m\\File"));
    CHECK_EQ(exists(u"M\\FILE"), ignores_case());
}

} // namespace
} // namespace conformance

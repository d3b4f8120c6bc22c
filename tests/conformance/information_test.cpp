// SPDX-License-Identifier: MIT
//
// Information classes of files. [MS-FSA] 2.1.5.12 (query), 2.1.5.15 (set); [MS-FSCC] 2.4
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

constexpr INT64 year_2012 = 129'698'000'000'000'000;

FILE_BASIC_INFORMATION basic_of(File& file) { return file.get<FILE_BASIC_INFORMATION>(FileBasicInformation); }
FILE_STANDARD_INFORMATION standard_of(File& file)
{
    return file.get<FILE_STANDARD_INFORMATION>(FileStandardInformation);
}

INT64 time_now()
{
    LARGE_INTEGER now{};
    NtQuerySystemTime(&now);
    return now.QuadPart;
}

TEST(Information, FixedSizeClassesNeedTheirSizeAndNoMore)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_READ_EA);
    const struct
    {
        FILE_INFORMATION_CLASS what;
        std::size_t size;
    } rows[] = {{FileBasicInformation, sizeof(FILE_BASIC_INFORMATION)},
                {FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION)},
                {FileInternalInformation, sizeof(FILE_INTERNAL_INFORMATION)},
                {FileEaInformation, sizeof(FILE_EA_INFORMATION)},
                {FileAccessInformation, sizeof(FILE_ACCESS_INFORMATION)},
                {FilePositionInformation, sizeof(FILE_POSITION_INFORMATION)},
                {FileModeInformation, sizeof(FILE_MODE_INFORMATION)},
                {FileAlignmentInformation, sizeof(FILE_ALIGNMENT_INFORMATION)},
                {FileNetworkOpenInformation, sizeof(FILE_NETWORK_OPEN_INFORMATION)},
                {FileAttributeTagInformation, sizeof(FILE_ATTRIBUTE_TAG_INFORMATION)}};
    for (const auto& row : rows) {
        alignas(8) std::uint8_t buffer[512];
        const auto size = static_cast<ULONG>(row.size);
        for (const ULONG less : {ULONG{0}, ULONG{1}, size - 1})
            CHECK_EQ(file.query(row.what, buffer, less), STATUS_INFO_LENGTH_MISMATCH) << row.what << less;
        std::memset(buffer, 0xEE, sizeof buffer);
        CHECK_EQ(file.query(row.what, buffer, size), STATUS_SUCCESS) << row.what;
        CHECK_EQ(file.information(), size) << row.what;
        CHECK_EQ(buffer[size], 0xEE) << row.what;
        CHECK_EQ(file.query(row.what, buffer, sizeof buffer), STATUS_SUCCESS) << row.what;
        CHECK_EQ(file.information(), size) << row.what;
    }
}

TEST(Information, UnknownClassesAreRefused)
{
    make(u"f");
    File file = open(u"f", FILE_ALL_ACCESS);
    alignas(8) std::uint8_t buffer[512]{};
    for (const int what :
         {0, 127, static_cast<int>(FileRenameInformation), static_cast<int>(FileDispositionInformation)})
        CHECK_EQ(file.query(static_cast<FILE_INFORMATION_CLASS>(what), buffer, sizeof buffer),
                 STATUS_INVALID_INFO_CLASS)
            << what;
    for (const int what :
         {0, 127, static_cast<int>(FileStandardInformation), static_cast<int>(FileNameInformation)})
        CHECK_EQ(file.set(static_cast<FILE_INFORMATION_CLASS>(what), buffer, sizeof buffer),
                 STATUS_INVALID_INFO_CLASS)
            << what;
}

TEST(Information, NewFile)
{
    const INT64 before = time_now() - 20'000'000; // clocks of file systems are coarse
    File file = create(u"f");
    const auto basic = basic_of(file);
    for (const INT64 time : {basic.CreationTime.QuadPart, basic.LastAccessTime.QuadPart,
                             basic.LastWriteTime.QuadPart, basic.ChangeTime.QuadPart})
    {
        CHECK_GE(time, before);
        CHECK_LE(time, time_now() + 20'000'000);
    }
    CHECK_EQ(basic.FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    const auto standard = standard_of(file);
    CHECK_EQ(standard.EndOfFile.QuadPart, 0);
    CHECK_EQ(standard.AllocationSize.QuadPart, 0);
    CHECK_EQ(standard.NumberOfLinks, 1);
    CHECK_EQ(standard.DeletePending, 0);
    CHECK_EQ(standard.Directory, 0);
    CHECK_EQ(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 0);
    const auto tag = file.get<FILE_ATTRIBUTE_TAG_INFORMATION>(FileAttributeTagInformation);
    CHECK_EQ(tag.FileAttributes, FILE_ATTRIBUTE_ARCHIVE);
    CHECK_EQ(tag.ReparseTag, 0);
}

TEST(Information, NewDirectory)
{
    File directory = create(u"d", FILE_ALL_ACCESS, FILE_DIRECTORY_FILE);
    CHECK_EQ(basic_of(directory).FileAttributes, FILE_ATTRIBUTE_DIRECTORY);
    const auto standard = standard_of(directory);
    CHECK_EQ(standard.Directory, 1);
    CHECK_EQ(standard.EndOfFile.QuadPart, 0);
}

TEST(Information, ClassesAgreeWithEachOther)
{
    File file = create(u"f");
    REQUIRE_EQ(file.write(0, std::string(1000, 'x')), STATUS_SUCCESS);
    alignas(8) std::uint8_t buffer[2048];
    REQUIRE_EQ(file.query(FileAllInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    const auto& all = *reinterpret_cast<FILE_ALL_INFORMATION*>(buffer);
    const auto standard = standard_of(file);
    CHECK_EQ(standard.EndOfFile.QuadPart, 1000);
    CHECK_GE(standard.AllocationSize.QuadPart, 1000);
    const auto basic = basic_of(file);
    CHECK_EQ(std::memcmp(&all.BasicInformation, &basic, 36), 0);
    CHECK_EQ(all.StandardInformation.EndOfFile.QuadPart, 1000);
    CHECK_EQ(all.StandardInformation.AllocationSize.QuadPart, standard.AllocationSize.QuadPart);
    CHECK_EQ(all.InternalInformation.IndexNumber.QuadPart,
             file.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart);
    CHECK_EQ(all.AccessInformation.AccessFlags, FILE_ALL_ACCESS);
    CHECK_EQ(all.ModeInformation.Mode, FILE_SYNCHRONOUS_IO_NONALERT);
    CHECK_EQ(all.PositionInformation.CurrentByteOffset.QuadPart, 1000);
    CHECK_EQ(name_of(all.NameInformation), name_on_volume(u"f"));
    const auto network = file.get<FILE_NETWORK_OPEN_INFORMATION>(FileNetworkOpenInformation);
    CHECK_EQ(network.EndOfFile.QuadPart, 1000);
    CHECK_EQ(network.AllocationSize.QuadPart, standard.AllocationSize.QuadPart);
    CHECK_EQ(network.CreationTime.QuadPart, basic.CreationTime.QuadPart);
    CHECK_EQ(network.FileAttributes, basic.FileAttributes);
}

TEST(Information, AllInformationIsCutInTheName)
{
    make(u"some-name");
    File file = open(u"some-name", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[2048];
    const auto fixed = static_cast<ULONG>(FIELD_OFFSET(FILE_ALL_INFORMATION, NameInformation.FileName));
    const auto length = static_cast<ULONG>(2 * name_on_volume(u"some-name").size());
    CHECK_EQ(file.query(FileAllInformation, buffer, sizeof(FILE_ALL_INFORMATION) - 1),
             STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.query(FileAllInformation, buffer, fixed + length - 2), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(reinterpret_cast<FILE_ALL_INFORMATION*>(buffer)->NameInformation.FileNameLength, length);
    CHECK_EQ(file.query(FileAllInformation, buffer, fixed + length), STATUS_SUCCESS);
    CHECK_EQ(file.information(), fixed + length);
}

TEST(Information, NameIsCutWithOverflow)
{
    make(u"some-name");
    File file = open(u"some-name", FILE_READ_ATTRIBUTES);
    const std::u16string whole = name_on_volume(u"some-name");
    const auto bytes = static_cast<ULONG>(2 * whole.size());
    alignas(8) std::uint8_t buffer[1024];
    const auto& info = *reinterpret_cast<FILE_NAME_INFORMATION*>(buffer);
    constexpr ULONG fixed = FIELD_OFFSET(FILE_NAME_INFORMATION, FileName);
    for (const auto what : {FileNameInformation, FileNormalizedNameInformation}) {
        CHECK_EQ(file.query(what, buffer, sizeof(FILE_NAME_INFORMATION) - 1), STATUS_INFO_LENGTH_MISMATCH)
            << what;
        for (ULONG room = 4; room < bytes; room += 2) {
            CHECK_EQ(file.query(what, buffer, fixed + room), STATUS_BUFFER_OVERFLOW) << what << room;
            CHECK_EQ(file.information(), fixed + room) << what << room;
            CHECK_EQ(info.FileNameLength, bytes) << what << room;
            CHECK_EQ(text_of(info.FileName, room), whole.substr(0, room / 2)) << what << room;
        }
        CHECK_EQ(file.query(what, buffer, fixed + bytes), STATUS_SUCCESS) << what;
        CHECK_EQ(file.information(), fixed + bytes) << what;
        CHECK_EQ(name_of(info), whole) << what;
    }
}

TEST(Information, NameOfTheRoot)
{
    File directory(root(), FILE_READ_ATTRIBUTES, FILE_OPEN);
    alignas(8) std::uint8_t buffer[1024];
    REQUIRE_EQ(directory.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    const std::u16string name = name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer));
    CHECK(is_network() ? name.size() > 1 : name == u"\\") << name;
}

TEST_DIFFERENCE(Information, ThereAreNoShortNames, "8.3 names are neither made nor found")
{
    make(u"a-long-name.extension");
    alignas(8) std::uint8_t buffer[256];
    CHECK_EQ(open(u"a-long-name.extension", FILE_READ_ATTRIBUTES)
                 .query(FileAlternateNameInformation, buffer, sizeof buffer),
             STATUS_OBJECT_NAME_NOT_FOUND);
}

TEST_DIFFERENCE(
    Information, ClassesOfOtherFileSystemsAreRefused,
    "compression, 128-bit ids and valid data length are matters of the file system that stores the data")
{
    make(u"f");
    File file = open(u"f", FILE_ALL_ACCESS);
    alignas(8) std::uint8_t buffer[256]{};
    CHECK_EQ(file.query(FileCompressionInformation, buffer, sizeof buffer), STATUS_INVALID_PARAMETER);
    CHECK_EQ(file.query(FileIdInformation, buffer, sizeof buffer), STATUS_INVALID_PARAMETER);
    CHECK_FALSE(NT_SUCCESS(file.set(FileValidDataLengthInformation, buffer, sizeof buffer)));
}

TEST(Information, BasicIsStoredAndZeroMeansKeep)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    FILE_BASIC_INFORMATION info{};
    info.CreationTime.QuadPart = year_2012;
    info.LastAccessTime.QuadPart = year_2012 + 1'000'000'000;
    info.LastWriteTime.QuadPart = year_2012 + 2'000'000'000;
    info.ChangeTime.QuadPart = year_2012 + 3'000'000'000;
    info.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
    REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    auto got = basic_of(file);
    CHECK_EQ(std::memcmp(&got, &info, 36), 0);

    // Each alone; the others stay.
    for (int i = 0; i != 4; ++i) {
        FILE_BASIC_INFORMATION one{};
        (&one.CreationTime)[i].QuadPart = year_2012 + 5'000'000'000;
        (&info.CreationTime)[i].QuadPart = year_2012 + 5'000'000'000;
        REQUIRE_EQ(file.set(FileBasicInformation, &one, sizeof one), STATUS_SUCCESS);
        got = basic_of(file);
        for (int j = 0; j != 3; ++j) // the change time changes with the change
            CHECK_EQ((&got.CreationTime)[j].QuadPart, (&info.CreationTime)[j].QuadPart) << i << j;
        CHECK_EQ(got.FileAttributes, FILE_ATTRIBUTE_HIDDEN) << i;
    }
    File again = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(basic_of(again).CreationTime.QuadPart, year_2012 + 5'000'000'000);
}

TEST(Information, MinusOneKeepsATimeToo)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    const auto before = basic_of(file);
    FILE_BASIC_INFORMATION info{};
    info.CreationTime.QuadPart = info.LastAccessTime.QuadPart = info.LastWriteTime.QuadPart =
        info.ChangeTime.QuadPart = -1;
    REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    const auto after = basic_of(file);
    CHECK_EQ(after.CreationTime.QuadPart, before.CreationTime.QuadPart);
    CHECK_EQ(after.LastWriteTime.QuadPart, before.LastWriteTime.QuadPart);
    CHECK_EQ(after.FileAttributes, before.FileAttributes);
}

TEST(Information, AttributesAreStoredExactly)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    for (const ULONG attributes : {FILE_ATTRIBUTE_READONLY, FILE_ATTRIBUTE_SYSTEM, FILE_ATTRIBUTE_HIDDEN,
                                   FILE_ATTRIBUTE_ARCHIVE, FILE_ATTRIBUTE_NORMAL})
    {
        FILE_BASIC_INFORMATION info{};
        info.FileAttributes = static_cast<ULONG>(attributes);
        REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS) << attributes;
        CHECK_EQ(basic_of(file).FileAttributes, attributes);
        info.FileAttributes = static_cast<ULONG>(attributes) | FILE_ATTRIBUTE_NORMAL;
        REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS) << attributes;
        CHECK_EQ(basic_of(file).FileAttributes, attributes) << "NORMAL goes with nothing else";
    }
}

TEST(Information, DirectoryAttributeCannotBeTakenOrGiven)
{
    make(u"f");
    make_directory(u"d");
    File directory = open(u"d", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    FILE_BASIC_INFORMATION info{};
    info.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
    REQUIRE_EQ(directory.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    CHECK_EQ(basic_of(directory).FileAttributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_DIRECTORY);
    info.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    REQUIRE_EQ(directory.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    CHECK_EQ(basic_of(directory).FileAttributes, FILE_ATTRIBUTE_DIRECTORY);
    info.FileAttributes = FILE_ATTRIBUTE_TEMPORARY;
    CHECK_EQ(directory.set(FileBasicInformation, &info, sizeof info), STATUS_INVALID_PARAMETER);
}

TEST(Information, SetLengthsAreChecked)
{
    make(u"f");
    File file = open(u"f", FILE_ALL_ACCESS);
    alignas(8) std::uint8_t buffer[64]{};
    CHECK_EQ(file.set(FileBasicInformation, buffer, sizeof(FILE_BASIC_INFORMATION) - 1),
             STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.set(FileEndOfFileInformation, buffer, 7), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.set(FileAllocationInformation, buffer, 7), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.set(FilePositionInformation, buffer, 7), STATUS_INFO_LENGTH_MISMATCH);
    CHECK_EQ(file.set(FileRenameInformation, buffer, 4), STATUS_INFO_LENGTH_MISMATCH);
}

TEST(Information, RightsOfTheHandleAreChecked)
{
    make(u"f");
    FILE_BASIC_INFORMATION basic{};
    FILE_NETWORK_OPEN_INFORMATION network{};
    File reader = open(u"f", FILE_READ_DATA);
    CHECK_EQ(reader.query(FileBasicInformation, &basic, sizeof basic), STATUS_ACCESS_DENIED);
    CHECK_EQ(reader.query(FileNetworkOpenInformation, &network, sizeof network), STATUS_ACCESS_DENIED);
    FILE_STANDARD_INFORMATION standard{};
    CHECK_EQ(reader.query(FileStandardInformation, &standard, sizeof standard), STATUS_SUCCESS);
    File attributes = open(u"f", FILE_READ_ATTRIBUTES);
    CHECK_EQ(attributes.set_end_of_file(1), STATUS_ACCESS_DENIED);
    CHECK_EQ(attributes.set(FileBasicInformation, &basic, sizeof basic), STATUS_ACCESS_DENIED);
}

TEST(Information, PositionIsKeptPerHandle)
{
    make(u"f", "0123456789");
    File file = open(u"f", FILE_READ_DATA), other = open(u"f", FILE_READ_DATA);
    FILE_POSITION_INFORMATION position{};
    position.CurrentByteOffset.QuadPart = 4;
    REQUIRE_EQ(file.set(FilePositionInformation, &position, sizeof position), STATUS_SUCCESS);
    IO_STATUS_BLOCK block{};
    char data[3]{};
    REQUIRE_EQ(NtReadFile(file.handle(), nullptr, nullptr, nullptr, &block, data, 2, nullptr, nullptr),
               STATUS_SUCCESS);
    CHECK_EQ(std::string(data), "45");
    CHECK_EQ(file.get<FILE_POSITION_INFORMATION>(FilePositionInformation).CurrentByteOffset.QuadPart, 6);
    CHECK_EQ(other.get<FILE_POSITION_INFORMATION>(FilePositionInformation).CurrentByteOffset.QuadPart, 0);
    position.CurrentByteOffset.QuadPart = -1;
    CHECK_EQ(file.set(FilePositionInformation, &position, sizeof position), STATUS_INVALID_PARAMETER);
}

TEST(Information, ByNameWithoutAHandle)
{
    make(u"f", "12345", FILE_ATTRIBUTE_HIDDEN);
    const std::u16string full = path(u"f"), missing = path(u"none"), deep = path(u"none\\x");
    UNICODE_STRING name = text(full);
    OBJECT_ATTRIBUTES object{};
    object.Length = sizeof object;
    object.ObjectName = &name;
    object.Attributes = OBJ_CASE_INSENSITIVE;
    FILE_BASIC_INFORMATION basic{};
    FILE_NETWORK_OPEN_INFORMATION network{};
    REQUIRE_EQ(NtQueryAttributesFile(&object, &basic), STATUS_SUCCESS);
    CHECK_EQ(basic.FileAttributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_ARCHIVE);
    REQUIRE_EQ(NtQueryFullAttributesFile(&object, &network), STATUS_SUCCESS);
    CHECK_EQ(network.EndOfFile.QuadPart, 5);
    File held = open(u"f", FILE_READ_DATA); // now perhaps without asking the file system
    CHECK_EQ(NtQueryAttributesFile(&object, &basic), STATUS_SUCCESS);
    REQUIRE_EQ(NtQueryFullAttributesFile(&object, &network), STATUS_SUCCESS);
    CHECK_EQ(network.EndOfFile.QuadPart, 5);
    name = text(missing);
    CHECK_EQ(NtQueryAttributesFile(&object, &basic), STATUS_OBJECT_NAME_NOT_FOUND);
    name = text(deep);
    CHECK_EQ(NtQueryFullAttributesFile(&object, &network), STATUS_OBJECT_PATH_NOT_FOUND);
}

TEST(Information, StreamsHaveSizesOfTheirOwnAndTheFilesAttributes)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "12345");
    make(u"f:s", "123");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES),
         stream = open(u"f:s", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    CHECK_EQ(standard_of(file).EndOfFile.QuadPart, 5);
    CHECK_EQ(standard_of(stream).EndOfFile.QuadPart, 3);
    CHECK_EQ(file.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart,
             stream.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart);
    FILE_BASIC_INFORMATION info{};
    info.LastWriteTime.QuadPart = year_2012;
    info.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
    REQUIRE_EQ(stream.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    CHECK_EQ(basic_of(file).LastWriteTime.QuadPart, year_2012);
    CHECK_EQ(basic_of(file).FileAttributes, FILE_ATTRIBUTE_HIDDEN);
    CHECK_EQ(standard_of(file).EndOfFile.QuadPart, 5);
    make_directory(u"d");
    make(u"d:s");
    File directory = open(u"d", FILE_READ_ATTRIBUTES), of_directory = open(u"d:s", FILE_WRITE_ATTRIBUTES);
    REQUIRE_EQ(of_directory.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    CHECK_EQ(basic_of(directory).FileAttributes, FILE_ATTRIBUTE_HIDDEN | FILE_ATTRIBUTE_DIRECTORY);
    alignas(8) std::uint8_t buffer[1024];
    REQUIRE_EQ(stream.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    CHECK_EQ(name_of(*reinterpret_cast<FILE_NAME_INFORMATION*>(buffer)), name_on_volume(u"f:s"));
}

std::vector<std::u16string> stream_names(File& file, ULONG size)
{
    std::vector<std::uint64_t> buffer(size / 8 + 1);
    std::vector<std::u16string> result;
    if (file.query(FileStreamInformation, buffer.data(), size) != STATUS_SUCCESS || file.information() == 0)
        return result;
    const auto* at = reinterpret_cast<const std::uint8_t*>(buffer.data());
    for (;;) {
        const auto& entry = *reinterpret_cast<const FILE_STREAM_INFORMATION*>(at);
        result.push_back(text_of(entry.StreamName, entry.StreamNameLength));
        if (entry.NextEntryOffset == 0)
            return result;
        at += entry.NextEntryOffset;
    }
}

TEST(Information, StreamsAreListed)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    std::vector<std::u16string> wanted{u"::$DATA"};
    for (int i = 10; i != 60; ++i) {
        const std::string digits = std::to_string(i);
        const std::u16string name = u":s" + std::u16string(digits.begin(), digits.end());
        make(u"f" + name, "x");
        wanted.push_back(name + u":$DATA");
    }
    File file = open(u"f", FILE_READ_ATTRIBUTES), stream = open(u"f:s10", FILE_READ_ATTRIBUTES);
    CHECK_EQ(stream_names(file, 65536), wanted);
    CHECK_EQ(stream_names(stream, 65536), wanted);
    make_directory(u"d");
    File directory = open(u"d", FILE_READ_ATTRIBUTES);
    CHECK_EQ(stream_names(directory, 65536), std::vector<std::u16string>{});
    CHECK_EQ(directory.status(), STATUS_SUCCESS);
    make(u"d:s");
    CHECK_EQ(stream_names(directory, 65536), std::vector<std::u16string>{u":s:$DATA"});
}

TEST(Information, StreamListIsCutWithOverflow)
{
    need(FILE_NAMED_STREAMS);
    make(u"f", "main");
    make(u"f:stream", "x");
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256];
    CHECK_EQ(file.query(FileStreamInformation, buffer, 16), STATUS_INFO_LENGTH_MISMATCH);
    REQUIRE_EQ(file.query(FileStreamInformation, buffer, 60), STATUS_BUFFER_OVERFLOW);
    const auto& first = *reinterpret_cast<const FILE_STREAM_INFORMATION*>(buffer);
    CHECK_EQ(text_of(first.StreamName, first.StreamNameLength), u"::$DATA");
    CHECK_EQ(first.StreamSize.QuadPart, 4);
    CHECK_EQ(file.query(FileStreamInformation, buffer, sizeof buffer), STATUS_SUCCESS);
}

TEST_DIFFERENCE(Information, StatTellsLinuxFieldsAndEffectiveAccess,
                "FileStatInformation is not on every Windows version; volumes here have it with WslFeatures")
{
    make(u"f", "12345");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_READ_EA);
    const auto stat = file.get<FILE_STAT_INFORMATION>(FileStatInformation);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(file.information(), 72);
    CHECK_EQ(stat.EndOfFile.QuadPart, 5);
    CHECK_EQ(stat.NumberOfLinks, 1);
    CHECK_EQ(stat.ReparseTag, 0);
    CHECK_EQ(stat.EffectiveAccess & FILE_GENERIC_READ, FILE_GENERIC_READ);
    CHECK_EQ(stat.FileId.QuadPart,
             file.get<FILE_INTERNAL_INFORMATION>(FileInternalInformation).IndexNumber.QuadPart);
    const auto lx = file.get<FILE_STAT_LX_INFORMATION>(FileStatLxInformation);
    REQUIRE_EQ(file.status(), STATUS_SUCCESS);
    CHECK_EQ(file.information(), 96);
    CHECK_EQ(lx.LxFlags, 0);
    CHECK_EQ(lx.EndOfFile.QuadPart, 5);
}

TEST_DIFFERENCE(Information, LinuxFieldsAreExtendedAttributes,
                "as NTFS does with WSL; volumes here have FileStatLxInformation with WslFeatures")
{
    make(u"f");
    File file = open(u"f", FILE_ALL_ACCESS);
    const auto set = [&](std::string_view name, std::uint64_t value, USHORT size) {
        alignas(8) std::uint8_t buffer[64]{};
        auto& ea = *reinterpret_cast<FILE_FULL_EA_INFORMATION*>(buffer);
        ea.EaNameLength = static_cast<UCHAR>(name.size());
        ea.EaValueLength = size;
        std::memcpy(ea.EaName, name.data(), name.size());
        std::memcpy(ea.EaName + name.size() + 1, &value, size);
        IO_STATUS_BLOCK block{};
        return NtSetEaFile(
            file.handle(), &block, buffer,
            static_cast<ULONG>(FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName) + name.size() + 1 + size));
    };
    REQUIRE_EQ(set("$LXUID", 1000, 4), STATUS_SUCCESS);
    REQUIRE_EQ(set("$LXMOD", 0100644, 4), STATUS_SUCCESS);
    auto lx = file.get<FILE_STAT_LX_INFORMATION>(FileStatLxInformation);
    CHECK_EQ(lx.LxFlags, 0x1 | 0x4);
    CHECK_EQ(lx.LxUid, 1000);
    CHECK_EQ(lx.LxGid, 0);
    CHECK_EQ(lx.LxMode, 0100644);
    REQUIRE_EQ(set("$LXGID", 100, 4), STATUS_SUCCESS);
    REQUIRE_EQ(set("$LXDEV", std::uint64_t{8} << 32 | 1, 8), STATUS_SUCCESS);
    lx = file.get<FILE_STAT_LX_INFORMATION>(FileStatLxInformation);
    CHECK_EQ(lx.LxFlags, 0xF);
    CHECK_EQ(lx.LxGid, 100);
    CHECK_EQ(lx.LxDeviceIdMajor, 8);
    CHECK_EQ(lx.LxDeviceIdMinor, 1);
}

} // namespace
} // namespace conformance

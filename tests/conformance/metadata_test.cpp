// SPDX-License-Identifier: MIT
#include "frame/test.h"

#include <algorithm>
#include <cstring>

namespace conformance {
namespace {

TEST(Information, BasicIsStoredAndZeroMeansKeep)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES | FILE_WRITE_ATTRIBUTES);
    FILE_BASIC_INFORMATION info{};
    info.CreationTime.QuadPart = 130'000'000'000'000'000;
    info.LastWriteTime.QuadPart = 131'000'000'000'000'000;
    info.FileAttributes = FILE_ATTRIBUTE_HIDDEN;
    REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    FILE_BASIC_INFORMATION got = file.get<FILE_BASIC_INFORMATION>(FileBasicInformation);
    CHECK_EQ(got.CreationTime.QuadPart, info.CreationTime.QuadPart);
    CHECK_EQ(got.LastWriteTime.QuadPart, info.LastWriteTime.QuadPart);
    CHECK_NE(got.LastAccessTime.QuadPart, 0);
    CHECK_EQ(got.FileAttributes, static_cast<ULONG>(FILE_ATTRIBUTE_HIDDEN));
    info = {};
    info.FileAttributes = FILE_ATTRIBUTE_NORMAL;
    REQUIRE_EQ(file.set(FileBasicInformation, &info, sizeof info), STATUS_SUCCESS);
    got = file.get<FILE_BASIC_INFORMATION>(FileBasicInformation);
    CHECK_EQ(got.CreationTime.QuadPart, 130'000'000'000'000'000);
    CHECK_EQ(got.FileAttributes, static_cast<ULONG>(FILE_ATTRIBUTE_NORMAL));
}

TEST(Information, TooShortBuffersAreRefused)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES);
    std::uint8_t buffer[512];
    for (const auto& [what, size] :
         {std::pair{FileBasicInformation, sizeof(FILE_BASIC_INFORMATION)},
          std::pair{FileStandardInformation, sizeof(FILE_STANDARD_INFORMATION)},
          std::pair{FileNetworkOpenInformation, sizeof(FILE_NETWORK_OPEN_INFORMATION)}})
    {
        CHECK_EQ(file.query(what, buffer, static_cast<ULONG>(size) - 1), STATUS_INFO_LENGTH_MISMATCH);
        CHECK_EQ(file.query(what, buffer, static_cast<ULONG>(size)), STATUS_SUCCESS);
        CHECK_EQ(file.information(), size);
    }
}

TEST(Information, NameIsCutWithOverflow)
{
    make(u"some-name");
    File file = open(u"some-name", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256];
    REQUIRE_EQ(file.query(FileNameInformation, buffer, sizeof buffer), STATUS_SUCCESS);
    const auto* info = reinterpret_cast<FILE_NAME_INFORMATION*>(buffer);
    std::u16string name = text_of(info->FileName, info->FileNameLength);
    CHECK_EQ(name, name_on_volume(u"some-name"));
    CHECK_EQ(file.query(FileNameInformation, buffer, 10), STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(info->FileNameLength, 2 * name_on_volume(u"some-name").size());
}

TEST(Information, VolumeTellsItsNatureAndSize)
{
    File root = open(u"", FILE_READ_ATTRIBUTES);
    IO_STATUS_BLOCK block{};
    FILE_FS_SIZE_INFORMATION size{};
    REQUIRE_EQ(NtQueryVolumeInformationFile(root.handle(), &block, &size, sizeof size, FileFsSizeInformation),
               STATUS_SUCCESS);
    CHECK_EQ(size.BytesPerSector, 512U);
    CHECK_GT(size.TotalAllocationUnits.QuadPart, size.AvailableAllocationUnits.QuadPart);
    alignas(8) std::uint8_t buffer[256];
    REQUIRE_EQ(NtQueryVolumeInformationFile(root.handle(), &block, buffer, sizeof buffer,
                                            FileFsAttributeInformation),
               STATUS_SUCCESS);
    const auto* attributes = reinterpret_cast<FILE_FS_ATTRIBUTE_INFORMATION*>(buffer);
    CHECK_EQ(text_of(attributes->FileSystemName, attributes->FileSystemNameLength), u"WinFsp-MEMFS");
    CHECK_EQ(attributes->MaximumComponentNameLength, 255);
    CHECK_EQ((attributes->FileSystemAttributes & FILE_CASE_SENSITIVE_SEARCH) != 0, !ignores_case());
    REQUIRE_EQ(
        NtQueryVolumeInformationFile(root.handle(), &block, buffer, sizeof buffer, FileFsVolumeInformation),
        STATUS_SUCCESS);
    const auto* volume = reinterpret_cast<FILE_FS_VOLUME_INFORMATION*>(buffer);
    CHECK_EQ(text_of(volume->VolumeLabel, volume->VolumeLabelLength), u"MEMFS");
}

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

std::vector<std::uint8_t> ea(std::string_view name, std::string_view value)
{
    std::vector<std::uint8_t> buffer(sizeof(FILE_FULL_EA_INFORMATION) + name.size() + value.size() + 1);
    auto* info = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(buffer.data());
    info->EaNameLength = static_cast<UCHAR>(name.size());
    info->EaValueLength = static_cast<USHORT>(value.size());
    std::memcpy(info->EaName, name.data(), name.size());
    std::memcpy(info->EaName + name.size() + 1, value.data(), value.size());
    buffer.resize(FIELD_OFFSET(FILE_FULL_EA_INFORMATION, EaName) + name.size() + 1 + value.size());
    return buffer;
}

TEST(ExtendedAttributes, AreSetListedAndRemoved)
{
    make(u"f");
    File file = open(u"f", FILE_READ_EA | FILE_WRITE_EA | FILE_READ_ATTRIBUTES);
    IO_STATUS_BLOCK block{};
    const auto set = [&](std::string_view name, std::string_view value) {
        auto buffer = ea(name, value);
        return NtSetEaFile(file.handle(), &block, buffer.data(), static_cast<ULONG>(buffer.size()));
    };
    alignas(8) std::uint8_t buffer[1024];
    CHECK_EQ(NtQueryEaFile(file.handle(), &block, buffer, sizeof buffer, FALSE, nullptr, 0, nullptr, TRUE),
             STATUS_NO_EAS_ON_FILE);
    REQUIRE_EQ(set("ONE", "first"), STATUS_SUCCESS);
    REQUIRE_EQ(set("TWO", "second"), STATUS_SUCCESS);
    REQUIRE_EQ(NtQueryEaFile(file.handle(), &block, buffer, sizeof buffer, FALSE, nullptr, 0, nullptr, TRUE),
               STATUS_SUCCESS);
    const auto* first = reinterpret_cast<FILE_FULL_EA_INFORMATION*>(buffer);
    CHECK_EQ(std::string(first->EaName), "ONE");
    CHECK_EQ(std::string(first->EaName + 4, first->EaValueLength), "first");
    CHECK_NE(file.get<FILE_EA_INFORMATION>(FileEaInformation).EaSize, 0U);
    REQUIRE_EQ(set("ONE", ""), STATUS_SUCCESS);
    REQUIRE_EQ(NtQueryEaFile(file.handle(), &block, buffer, sizeof buffer, FALSE, nullptr, 0, nullptr, TRUE),
               STATUS_SUCCESS);
    CHECK_EQ(std::string(first->EaName), "TWO");
    CHECK_EQ(first->NextEntryOffset, 0U);
    CHECK_EQ(set("bad*name", "x"), STATUS_INVALID_EA_NAME);
}

TEST(ReparsePoints, SymbolicLinkIsFollowedOrOpened)
{
    create(u"d", FILE_LIST_DIRECTORY, FILE_DIRECTORY_FILE);
    make(u"d\\target", "data");
    make(u"link");
    const std::u16string target = u"d\\target";
    std::vector<std::uint8_t> buffer(REPARSE_DATA_BUFFER_HEADER_SIZE + 12 + 2 * target.size());
    auto* data = reinterpret_cast<REPARSE_DATA_BUFFER*>(buffer.data());
    data->ReparseTag = IO_REPARSE_TAG_SYMLINK;
    data->ReparseDataLength = static_cast<USHORT>(buffer.size() - REPARSE_DATA_BUFFER_HEADER_SIZE);
    data->SymbolicLinkReparseBuffer.SubstituteNameLength = data->SymbolicLinkReparseBuffer.PrintNameLength =
        static_cast<USHORT>(2 * target.size());
    data->SymbolicLinkReparseBuffer.Flags = SYMLINK_FLAG_RELATIVE;
    std::memcpy(data->SymbolicLinkReparseBuffer.PathBuffer, target.data(), 2 * target.size());
    File link = open(u"link", FILE_WRITE_ATTRIBUTES, FILE_OPEN_REPARSE_POINT);
    REQUIRE_EQ(
        link.control(FSCTL_SET_REPARSE_POINT, buffer.data(), static_cast<ULONG>(buffer.size()), nullptr, 0),
        STATUS_SUCCESS);
    link.close();
    CHECK_EQ(open(u"link", FILE_READ_DATA).read(0, 10), "data");
    File self = open(u"link", FILE_READ_ATTRIBUTES, FILE_OPEN_REPARSE_POINT);
    CHECK_NE(self.get<FILE_BASIC_INFORMATION>(FileBasicInformation).FileAttributes &
                 FILE_ATTRIBUTE_REPARSE_POINT,
             0U);
    std::vector<std::uint8_t> back(1024);
    REQUIRE_EQ(self.control(FSCTL_GET_REPARSE_POINT, nullptr, 0, back.data(), 1024), STATUS_SUCCESS);
    back.resize(self.information());
    CHECK_EQ(back, buffer);
    CHECK_EQ(open(u"d\\target", FILE_READ_ATTRIBUTES)
                 .control(FSCTL_GET_REPARSE_POINT, nullptr, 0, back.data(), 1000),
             STATUS_NOT_A_REPARSE_POINT);
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

TEST(Security, DescriptorIsStoredInParts)
{
    make(u"f");
    File file = open(u"f", READ_CONTROL | WRITE_DAC);
    alignas(8) std::uint8_t buffer[1024];
    ULONG needed = 0;
    REQUIRE_EQ(NtQuerySecurityObject(file.handle(), DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION,
                                     buffer, sizeof buffer, &needed),
               STATUS_SUCCESS);
    CHECK_EQ(NtQuerySecurityObject(file.handle(), DACL_SECURITY_INFORMATION | OWNER_SECURITY_INFORMATION,
                                   buffer, 8, &needed),
             STATUS_BUFFER_TOO_SMALL);
    CHECK_GT(needed, 20U);
    SECURITY_DESCRIPTOR empty{};
    REQUIRE_EQ(RtlCreateSecurityDescriptor(&empty, SECURITY_DESCRIPTOR_REVISION), STATUS_SUCCESS);
    ACL acl{};
    REQUIRE_EQ(RtlCreateAcl(&acl, sizeof acl, ACL_REVISION), STATUS_SUCCESS);
    REQUIRE_EQ(RtlSetDaclSecurityDescriptor(&empty, TRUE, &acl, FALSE), STATUS_SUCCESS);
    REQUIRE_EQ(NtSetSecurityObject(file.handle(), DACL_SECURITY_INFORMATION, &empty), STATUS_SUCCESS);
    CHECK_EQ(open(u"f", FILE_READ_DATA).status(), STATUS_ACCESS_DENIED);
}

} // namespace
} // namespace conformance

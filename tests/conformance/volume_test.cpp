// SPDX-License-Identifier: MIT
//
// Volume information and the control codes of volumes. [MS-FSA] 2.1.5.13, 2.1.5.16; [MS-FSCC] 2.5
#include "frame/test.h"

#include <cstring>

namespace conformance {
namespace {

struct Answer
{
    NTSTATUS status;
    ULONG_PTR information;
};

Answer query(File& file, FS_INFORMATION_CLASS what, void* buffer, std::size_t size)
{
    IO_STATUS_BLOCK block{};
    const NTSTATUS status =
        NtQueryVolumeInformationFile(file.handle(), &block, buffer, static_cast<ULONG>(size), what);
    return {status, NT_ERROR(status) ? 0 : block.Information};
}

TEST(VolumeInformation, FixedSizeClassesNeedTheirSizeAndNoMore)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    const struct
    {
        FS_INFORMATION_CLASS what;
        std::size_t size;
    } rows[] = {{FileFsSizeInformation, sizeof(FILE_FS_SIZE_INFORMATION)},
                {FileFsDeviceInformation, sizeof(FILE_FS_DEVICE_INFORMATION)},
                {FileFsFullSizeInformation, sizeof(FILE_FS_FULL_SIZE_INFORMATION)},
                {FileFsSectorSizeInformation, sizeof(FILE_FS_SECTOR_SIZE_INFORMATION)}};
    for (const auto& row : rows) {
        alignas(8) std::uint8_t buffer[256];
        CHECK_EQ(query(file, row.what, buffer, row.size - 1).status, STATUS_INFO_LENGTH_MISMATCH) << row.what;
        const Answer exact = query(file, row.what, buffer, row.size);
        CHECK_EQ(exact.status, STATUS_SUCCESS) << row.what;
        CHECK_EQ(exact.information, row.size) << row.what;
        CHECK_EQ(query(file, row.what, buffer, sizeof buffer).information, row.size) << row.what;
    }
}

TEST(VolumeInformation, UnknownClassesAreRefused)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256]{};
    for (const int what : {0, 15})
        CHECK_EQ(query(file, static_cast<FS_INFORMATION_CLASS>(what), buffer, sizeof buffer).status,
                 STATUS_INVALID_INFO_CLASS)
            << what;
}

TEST(VolumeInformation, SizesAgree)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    FILE_FS_SIZE_INFORMATION size{};
    FILE_FS_FULL_SIZE_INFORMATION full{};
    FILE_FS_SECTOR_SIZE_INFORMATION sector{};
    REQUIRE_EQ(query(file, FileFsSizeInformation, &size, sizeof size).status, STATUS_SUCCESS);
    REQUIRE_EQ(query(file, FileFsFullSizeInformation, &full, sizeof full).status, STATUS_SUCCESS);
    REQUIRE_EQ(query(file, FileFsSectorSizeInformation, &sector, sizeof sector).status, STATUS_SUCCESS);
    CHECK_GE(size.TotalAllocationUnits.QuadPart, size.AvailableAllocationUnits.QuadPart);
    CHECK_EQ(size.TotalAllocationUnits.QuadPart, full.TotalAllocationUnits.QuadPart);
    CHECK_EQ(size.BytesPerSector, full.BytesPerSector);
    CHECK_EQ(size.SectorsPerAllocationUnit, full.SectorsPerAllocationUnit);
    CHECK_EQ(sector.LogicalBytesPerSector, size.BytesPerSector);
}

TEST(VolumeInformation, AttributesAreCutInTheName)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256];
    REQUIRE_EQ(query(file, FileFsAttributeInformation, buffer, sizeof buffer).status, STATUS_SUCCESS);
    const auto& info = *reinterpret_cast<FILE_FS_ATTRIBUTE_INFORMATION*>(buffer);
    const std::u16string name = text_of(info.FileSystemName, info.FileSystemNameLength);
    CHECK_FALSE(name.empty());
    CHECK_EQ(info.MaximumComponentNameLength, 255);
    CHECK_EQ(info.FileSystemAttributes & (FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK),
             FILE_CASE_PRESERVED_NAMES | FILE_UNICODE_ON_DISK);
    constexpr std::size_t fixed = FIELD_OFFSET(FILE_FS_ATTRIBUTE_INFORMATION, FileSystemName);
    CHECK_EQ(
        query(file, FileFsAttributeInformation, buffer, sizeof(FILE_FS_ATTRIBUTE_INFORMATION) - 1).status,
        STATUS_INFO_LENGTH_MISMATCH);
    const Answer cut = query(file, FileFsAttributeInformation, buffer, fixed + 4);
    CHECK_EQ(cut.status, STATUS_BUFFER_OVERFLOW);
    CHECK_EQ(cut.information, fixed + 4);
    const Answer exact = query(file, FileFsAttributeInformation, buffer, fixed + 2 * name.size());
    CHECK_EQ(exact.status, STATUS_SUCCESS);
    CHECK_EQ(exact.information, fixed + 2 * name.size());
}

TEST_DIFFERENCE(VolumeInformation, NamesItsFileSystem, "the name is WinFsp- and what the file system adds")
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256];
    REQUIRE_EQ(query(file, FileFsAttributeInformation, buffer, sizeof buffer).status, STATUS_SUCCESS);
    const auto& info = *reinterpret_cast<FILE_FS_ATTRIBUTE_INFORMATION*>(buffer);
    CHECK(text_of(info.FileSystemName, info.FileSystemNameLength).starts_with(u"WinFsp-"));
}

TEST(VolumeInformation, LabelIsCutWithOverflow)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    alignas(8) std::uint8_t buffer[256];
    constexpr std::size_t fixed = FIELD_OFFSET(FILE_FS_VOLUME_INFORMATION, VolumeLabel);
    const Answer whole = query(file, FileFsVolumeInformation, buffer, sizeof buffer);
    REQUIRE_EQ(whole.status, STATUS_SUCCESS);
    const auto& info = *reinterpret_cast<FILE_FS_VOLUME_INFORMATION*>(buffer);
    CHECK_EQ(whole.information, fixed + info.VolumeLabelLength);
    CHECK_EQ(info.SupportsObjects, is_ours() ? 0 : info.SupportsObjects);
    const ULONG length = info.VolumeLabelLength;
    CHECK_EQ(query(file, FileFsVolumeInformation, buffer, sizeof(FILE_FS_VOLUME_INFORMATION) - 1).status,
             STATUS_INFO_LENGTH_MISMATCH);
    if (length > 6) {
        const Answer cut = query(file, FileFsVolumeInformation, buffer, fixed + 6);
        CHECK_EQ(cut.status, STATUS_BUFFER_OVERFLOW);
        CHECK_EQ(cut.information, fixed + 6);
        CHECK_EQ(info.VolumeLabelLength, length);
    }
}

TEST_DIFFERENCE(VolumeInformation, LabelIsSetThroughTheVolume,
                "any handle with the right to write will do, and a label of more than 32 characters is cut")
{
    if (is_network())
        SKIP("a share has no volume handle");
    std::u16string device = root();
    device.pop_back();
    const auto set = [&](std::u16string_view label, ULONG extra = 0) {
        File volume(device, FILE_WRITE_DATA, FILE_OPEN);
        REQUIRE_EQ(volume.status(), STATUS_SUCCESS);
        alignas(8) std::uint8_t buffer[256]{};
        auto& info = *reinterpret_cast<FILE_FS_LABEL_INFORMATION*>(buffer);
        info.VolumeLabelLength = static_cast<ULONG>(2 * label.size()) + extra;
        std::memcpy(info.VolumeLabel, label.data(), 2 * label.size());
        IO_STATUS_BLOCK block{};
        return NtSetVolumeInformationFile(
            volume.handle(), &block, buffer,
            static_cast<ULONG>(FIELD_OFFSET(FILE_FS_LABEL_INFORMATION, VolumeLabel) + 2 * label.size()),
            FileFsLabelInformation);
    };
    const auto get = [&] {
        File file = open(u"", FILE_READ_ATTRIBUTES);
        alignas(8) std::uint8_t buffer[256];
        REQUIRE_EQ(query(file, FileFsVolumeInformation, buffer, sizeof buffer).status, STATUS_SUCCESS);
        const auto& info = *reinterpret_cast<FILE_FS_VOLUME_INFORMATION*>(buffer);
        return text_of(info.VolumeLabel, info.VolumeLabelLength);
    };
    const std::u16string before = get();
    CHECK_EQ(set(std::u16string(32, u'x')), STATUS_SUCCESS);
    CHECK_EQ(get(), std::u16string(32, u'x'));
    CHECK_EQ(set(std::u16string(33, u'y')), STATUS_SUCCESS);
    CHECK_EQ(get(), std::u16string(32, u'y'));
    CHECK_EQ(set(u"short", 2), STATUS_INVALID_PARAMETER); // longer than its buffer
    CHECK_EQ(set(before), STATUS_SUCCESS);
    CHECK_EQ(get(), before);
}

TEST(VolumeInformation, IsTheSameThroughEveryHandle)
{
    make(u"f");
    File file = open(u"f", FILE_READ_ATTRIBUTES), directory(root(), FILE_READ_ATTRIBUTES, FILE_OPEN);
    alignas(8) std::uint8_t one[256]{}, two[256]{};
    for (const auto what : {FileFsVolumeInformation, FileFsAttributeInformation, FileFsDeviceInformation}) {
        CHECK_EQ(query(file, what, one, sizeof one).status, STATUS_SUCCESS) << what;
        const Answer second = query(directory, what, two, sizeof two);
        CHECK_EQ(std::memcmp(one, two, second.information), 0) << what;
    }
}

TEST(VolumeInformation, DeviceTellsWhetherItIsRemote)
{
    File file = open(u"", FILE_READ_ATTRIBUTES);
    FILE_FS_DEVICE_INFORMATION device{};
    REQUIRE_EQ(query(file, FileFsDeviceInformation, &device, sizeof device).status, STATUS_SUCCESS);
    CHECK_EQ(device.DeviceType, FILE_DEVICE_DISK);
    CHECK_EQ((device.Characteristics & FILE_REMOTE_DEVICE) != 0, is_network());
}

TEST(VolumeControl, IsVolumeMounted)
{
    File directory(root(), FILE_READ_ATTRIBUTES, FILE_OPEN);
    CHECK_EQ(directory.control(FSCTL_IS_VOLUME_MOUNTED, nullptr, 0, nullptr, 0), STATUS_SUCCESS);
}

TEST(VolumeControl, UnknownCodesAreRefused)
{
    File directory = open(u"", FILE_LIST_DIRECTORY);
    std::uint8_t buffer[64]{};
    CHECK_EQ(directory.control(CTL_CODE(FILE_DEVICE_FILE_SYSTEM, 0xEEE, METHOD_BUFFERED, FILE_ANY_ACCESS),
                               buffer, sizeof buffer, buffer, sizeof buffer),
             STATUS_INVALID_DEVICE_REQUEST);
}

TEST_DIFFERENCE(VolumeControl, PersistentStateSaysThatThereAreNoShortNames, "there are none on any volume")
{
    File directory(root(), FILE_READ_ATTRIBUTES, FILE_OPEN);
    FILE_FS_PERSISTENT_VOLUME_INFORMATION info{};
    info.Version = 1;
    info.FlagMask = PERSISTENT_VOLUME_STATE_SHORT_NAME_CREATION_DISABLED;
    CHECK_EQ(directory.control(FSCTL_QUERY_PERSISTENT_VOLUME_STATE, &info, sizeof info, &info, sizeof info),
             STATUS_SUCCESS);
    CHECK_EQ(directory.information(), sizeof info);
    CHECK_EQ(info.VolumeFlags, PERSISTENT_VOLUME_STATE_SHORT_NAME_CREATION_DISABLED);
    info.Version = 2;
    info.FlagMask = PERSISTENT_VOLUME_STATE_SHORT_NAME_CREATION_DISABLED;
    CHECK_EQ(directory.control(FSCTL_QUERY_PERSISTENT_VOLUME_STATE, &info, sizeof info, &info, sizeof info),
             STATUS_INVALID_PARAMETER);
    CHECK_EQ(
        directory.control(FSCTL_QUERY_PERSISTENT_VOLUME_STATE, &info, sizeof info - 1, &info, sizeof info),
        STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(
        directory.control(FSCTL_QUERY_PERSISTENT_VOLUME_STATE, &info, sizeof info, &info, sizeof info - 1),
        STATUS_BUFFER_TOO_SMALL);
}

TEST_DIFFERENCE(VolumeControl, FilesAreOneExtent, "where a file's data lies is the file system's own affair")
{
    make(u"f", std::string(1000, 'x'));
    File file = open(u"f", FILE_READ_DATA);
    STARTING_VCN_INPUT_BUFFER start{};
    RETRIEVAL_POINTERS_BUFFER pointers{};
    CHECK_EQ(file.control(FSCTL_GET_RETRIEVAL_POINTERS, &start, sizeof start, &pointers, sizeof pointers),
             STATUS_SUCCESS);
    CHECK_EQ(pointers.ExtentCount, 1);
    CHECK_EQ(pointers.Extents[0].NextVcn.QuadPart, 2);
    CHECK_EQ(pointers.Extents[0].Lcn.QuadPart, -1);
    start.StartingVcn.QuadPart = 3;
    CHECK_EQ(file.control(FSCTL_GET_RETRIEVAL_POINTERS, &start, sizeof start, &pointers, sizeof pointers),
             STATUS_END_OF_FILE);
    CHECK_EQ(file.control(FSCTL_GET_RETRIEVAL_POINTERS, &start, 4, &pointers, sizeof pointers),
             STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(file.control(FSCTL_GET_RETRIEVAL_POINTERS, &start, sizeof start, &pointers, 8),
             STATUS_BUFFER_TOO_SMALL);
}

TEST(VolumeControl, StatisticsAreCutWithOverflow)
{
    File directory(root(), FILE_READ_ATTRIBUTES, FILE_OPEN);
    std::vector<std::uint64_t> buffer(65536 / 8);
    REQUIRE_EQ(directory.control(FSCTL_FILESYSTEM_GET_STATISTICS, nullptr, 0, buffer.data(), 65536),
               STATUS_SUCCESS);
    const auto& first = *reinterpret_cast<FILESYSTEM_STATISTICS*>(buffer.data());
    CHECK_EQ(first.Version, 1);
    CHECK_EQ(first.SizeOfCompleteStructure % 64, 0);
    CHECK_EQ(directory.information() % first.SizeOfCompleteStructure, 0);
    CHECK_EQ(directory.control(FSCTL_FILESYSTEM_GET_STATISTICS, nullptr, 0, buffer.data(),
                               sizeof(FILESYSTEM_STATISTICS) - 1),
             STATUS_BUFFER_TOO_SMALL);
    CHECK_EQ(directory.control(FSCTL_FILESYSTEM_GET_STATISTICS, nullptr, 0, buffer.data(),
                               sizeof(FILESYSTEM_STATISTICS)),
             STATUS_BUFFER_OVERFLOW);
}

TEST_DIFFERENCE(VolumeControl, ControlCodesReachTheFileSystem,
                "codes of a device type of 0x8000 and above are its own")
{
    make(u"f");
    File file = open(u"f", FILE_READ_DATA);
    constexpr ULONG rot13 = CTL_CODE(0x8000 | 'M', 'R', METHOD_BUFFERED, FILE_ANY_ACCESS);
    const std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char answer[26]{};
    IO_STATUS_BLOCK block{};
    const NTSTATUS status = NtDeviceIoControlFile(file.handle(), nullptr, nullptr, nullptr, &block, rot13,
                                                  const_cast<char*>(plain.data()), 26, answer, 26);
    if (status == STATUS_INVALID_DEVICE_REQUEST)
        SKIP("not MEMFS");
    CHECK_EQ(status, STATUS_SUCCESS);
    CHECK_EQ(std::string(answer, 26), "NOPQRSTUVWXYZABCDEFGHIJKLM");
    CHECK_EQ(block.Information, 26);
}

TEST_DIFFERENCE(VolumeControl, OnlyBufferedCodesOfItsOwnReachTheFileSystem,
                "everything else is STATUS_INVALID_DEVICE_REQUEST, and 4096 bytes each way are the most")
{
    make(u"f");
    File file = open(u"f", FILE_READ_DATA);
    std::vector<char> buffer(5000);
    const auto send = [&](ULONG code, ULONG in, ULONG out) {
        IO_STATUS_BLOCK block{};
        return NtDeviceIoControlFile(file.handle(), nullptr, nullptr, nullptr, &block, code, buffer.data(),
                                     in, buffer.data(), out);
    };
    CHECK_EQ(send(CTL_CODE(0x4D, 'R', METHOD_BUFFERED, FILE_ANY_ACCESS), 26, 26),
             STATUS_INVALID_DEVICE_REQUEST);
    CHECK_EQ(send(CTL_CODE(0x804D, 'R', METHOD_NEITHER, FILE_ANY_ACCESS), 26, 26),
             STATUS_INVALID_DEVICE_REQUEST);
    CHECK_EQ(send(CTL_CODE(0x804D, 'R', METHOD_BUFFERED, FILE_ANY_ACCESS), 4097, 26),
             STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(send(CTL_CODE(0x804D, 'R', METHOD_BUFFERED, FILE_ANY_ACCESS), 26, 4097),
             STATUS_INVALID_BUFFER_SIZE);
    CHECK_EQ(send(CTL_CODE(0x804D, 'R', METHOD_BUFFERED, FILE_ANY_ACCESS), 4096, 4096), STATUS_SUCCESS);
}

} // namespace
} // namespace conformance
